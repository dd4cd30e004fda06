//! A future that is the one attempt of a call waits for its turn where it is.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use core_policy::{
    Admit, AtMostOnce, ByClass, Call, Cx, Name, Next, Outcome, Policy, PolicyKind, Reason, Rejection,
};
use core_time::{Clock, Instant, ManualClock, ms};

/// Gives these answers, the last first.
struct Turnstile {
    clock: Clock,
    answers: Cell<Vec<Admit>>,
    cutoff: Option<Instant>,
    settled: Cell<u32>,
    abandoned: Cell<u32>,
}

impl Turnstile {
    fn new(clock: &Clock, answers: Vec<Admit>) -> Self {
        let (settled, abandoned) = (Cell::new(0), Cell::new(0));
        Self { clock: clock.clone(), answers: Cell::new(answers), cutoff: None, settled, abandoned }
    }
}

impl Policy for Turnstile {
    type State = ();

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn begin(&self) {}

    fn admit(&self, (): &mut (), _: &mut Cx<'_>) -> Admit {
        let mut answers = self.answers.take();
        let answer = answers.pop().expect("it is asked no more often than the test says");
        self.answers.set(answers);
        answer
    }

    fn settle(&self, (): &mut (), _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        self.settled.set(self.settled.get() + 1);
        Next::Finish
    }

    fn abandon(&self, (): &mut ()) {
        self.abandoned.set(self.abandoned.get() + 1);
    }

    fn cutoff(&self, (): &mut (), _: &mut Cx<'_>) -> Option<Instant> {
        self.cutoff
    }
}

impl AtMostOnce for Turnstile {}

struct OnDrop<'a>(&'a Cell<bool>);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

fn poll<F: Future>(call: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    call.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn it_sleeps_and_parks_and_then_runs_where_it_is() {
    let time = ManualClock::new();
    let (clock, start) = (time.clock(), time.now());
    let answers = vec![Admit::Run, Admit::Park, Admit::SleepUntil(start + ms(20)), Admit::Park];
    let policy = Turnstile::new(&clock, answers);
    let polls = Cell::new(0);
    let mut call = pin!(Call::given(
        &policy,
        poll_fn(|_| {
            polls.set(polls.get() + 1);
            if polls.get() < 3 { Poll::Pending } else { Poll::Ready(Ok::<_, core_errors::Error>(7)) }
        }),
        ByClass,
    ));
    assert!(poll(call.as_mut()).is_pending(), "it is parked");
    assert!(poll(call.as_mut()).is_pending(), "it is asleep");
    time.advance(ms(19));
    assert!(poll(call.as_mut()).is_pending(), "it is asleep still");
    assert_eq!(polls.get(), 0, "and does not run before its turn");
    time.advance(ms(1));
    assert!(poll(call.as_mut()).is_pending(), "it is parked again");
    assert_eq!(polls.get(), 0);
    assert!(poll(call.as_mut()).is_pending() && polls.get() == 1, "it runs");
    assert!(poll(call.as_mut()).is_pending() && polls.get() == 2);
    assert!(matches!(poll(call.as_mut()), Poll::Ready(Ok(7))));
    assert_eq!((policy.settled.get(), policy.abandoned.get()), (1, 0));
}

#[test]
fn it_is_dropped_with_a_call_that_is_refused_or_comes_too_late() {
    let time = ManualClock::new();
    let clock = time.clock();
    let refused = Rejection::new(PolicyKind::Bulkhead, Name::UNNAMED, Reason::BulkheadFull);
    let answers =
        [vec![Admit::Refuse(refused)], vec![Admit::Park; 2], vec![Admit::SleepUntil(Instant::NEVER)]];
    for answers in answers {
        let policy = Turnstile { cutoff: Some(time.now() + ms(5)), ..Turnstile::new(&clock, answers) };
        let is_dropped = Cell::new(false);
        let guard = OnDrop(&is_dropped);
        let mut call = pin!(Call::given(
            &policy,
            async move {
                let _guard = guard;
                panic!("it must not run")
            },
            |_: &Result<(), ()>| core_policy::Verdict::Success
        ));
        if poll(call.as_mut()).is_pending() {
            assert!(!is_dropped.get());
            time.advance(ms(5));
            assert!(matches!(poll(call.as_mut()), Poll::Ready(Err(_))));
        }
        assert!(is_dropped.get(), "while the call is still there");
        assert_eq!(policy.abandoned.get(), 1);
    }
}

#[test]
fn dropped_before_its_turn_it_gives_back_what_it_holds() {
    let time = ManualClock::new();
    let policy = Turnstile::new(&time.clock(), vec![Admit::Park]);
    let is_dropped = Cell::new(false);
    let guard = OnDrop(&is_dropped);
    let mut call = Box::pin(Call::given(
        &policy,
        async move {
            let _guard = guard;
            Ok::<_, core_errors::Error>(())
        },
        ByClass,
    ));
    assert!(poll(call.as_mut()).is_pending());
    drop(call);
    assert!(is_dropped.get() && policy.abandoned.get() == 1 && policy.settled.get() == 0);
}

#[test]
fn what_is_dropped_with_a_call_that_runs_can_tell() {
    use core_errors::cut_off_depth;
    struct Guard<'a>(&'a Cell<Option<bool>>, u32);
    impl Drop for Guard<'_> {
        fn drop(&mut self) {
            self.0.set(Some(cut_off_depth() > self.1));
        }
    }
    let time = ManualClock::new();
    // Dropped while it runs; stopped by a limit on time; at its end.
    for (polls, limit, was_cut_off) in [(1, None, true), (2, Some(ms(5)), true), (2, None, false)] {
        let cutoff = limit.map(|limit| time.now() + limit);
        let policy = Turnstile { cutoff, ..Turnstile::new(&time.clock(), vec![Admit::Run]) };
        let told = Cell::new(None);
        let guard = Guard(&told, cut_off_depth());
        let mut left = 2;
        let mut call = Box::pin(Call::given(
            &policy,
            async move {
                let _guard = guard;
                poll_fn(|_| {
                    left -= 1;
                    if left == 0 && cutoff.is_none() { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                Ok::<_, core_errors::Error>(())
            },
            ByClass,
        ));
        for poll_number in 1..=polls {
            assert_eq!(poll(call.as_mut()).is_ready(), poll_number == 2, "{polls} {limit:?}");
            time.advance(ms(5));
        }
        drop(call);
        assert_eq!(told.get(), Some(was_cut_off), "{polls} {limit:?}");
    }
}

#[test]
fn an_attempt_says_what_it_is() {
    use core_policy::Attempt;
    let said = |attempt: Attempt| {
        (attempt.number().get(), attempt.hedge(), attempt.is_hedge(), attempt.is_idempotent())
    };
    assert_eq!(said(Attempt::SINGLE), (1, 0, false, true));
    assert_eq!(Attempt::SINGLE.remaining(), None);
    let second = Attempt::SINGLE.hedged(2, Some(ms(5)));
    assert_eq!((said(second), second.remaining()), ((1, 2, true, true), Some(ms(5))));
    let again = second.hedged(1, None);
    assert_eq!((said(again), again.remaining()), ((1, 1, true, true), None));
}

/// Says of every call that it must not take effect twice.
struct Careful(Clock);

impl Policy for Careful {
    type State = ();

    fn clock(&self) -> &Clock {
        &self.0
    }

    fn begin(&self) {}

    fn admit(&self, (): &mut (), cx: &mut Cx<'_>) -> Admit {
        cx.forbid_doubles();
        Admit::Run
    }

    fn settle(&self, (): &mut (), _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        Next::Finish
    }

    fn abandon(&self, (): &mut ()) {}
}

#[test]
fn an_attempt_of_a_call_that_must_not_take_effect_twice_says_so() {
    let careful = Careful(ManualClock::new().clock());
    let said = |attempt: core_policy::Attempt| {
        Ok::<_, core_errors::Error>((attempt.is_idempotent(), attempt.hedged(1, None).is_idempotent()))
    };
    let said = core_policy::call_blocking(&careful, said, &ByClass, None);
    assert_eq!(said.ok(), Some((false, false)));
}
