//! What a timeout promises, in virtual time.
#![expect(clippy::disallowed_methods, reason = "a test may spawn without a context")]
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::task::Poll;
use std::time::Duration;

use core_errors::{Error, PolicyKind, Reason};
use core_policy::{Admit, ByClass, CallError, Cx, Next, Outcome, Policy, Stack};
use core_time::{Clock, Instant, ManualClock, ms, secs};
use core_timeout::{Deadline, Timeout};

fn attempt(limit: Duration) -> Timeout {
    Timeout::attempt(limit).name("payments").build().unwrap()
}

async fn after(millis: u64) -> Result<&'static str, Error> {
    Clock::system().sleep(ms(millis)).await;
    Ok("done")
}

#[tokio::test(start_paused = true)]
async fn to_1_it_fires_at_its_limit_with_an_error_of_its_own() {
    let clock = Clock::system();
    let start = clock.now();
    let timeout = attempt(ms(300));
    let stuck = timeout.run(pending::<Result<(), Error>>()).await.unwrap_err();
    let rejection = stuck.rejection().unwrap();
    assert_eq!((rejection.policy(), rejection.reason()), (PolicyKind::Timeout, Reason::TimedOut));
    assert_eq!((rejection.limit(), rejection.elapsed()), (Some(ms(300)), Some(ms(300))));
    assert_eq!(rejection.name().as_str(), "payments");
    assert_eq!((clock.now() - start, timeout.fired()), (ms(300), 1));
    assert!(stuck.is_timeout());
}

#[tokio::test(start_paused = true)]
async fn to_1_a_result_that_is_ready_at_the_limit_is_the_result() {
    assert_eq!(attempt(ms(300)).run(after(300)).await.unwrap(), "done");
    assert!(attempt(ms(300)).run(after(301)).await.is_err());
}

#[test]
fn to_1_a_call_that_is_ready_needs_no_runtime_and_no_timer() {
    let timeout = attempt(ms(1));
    let mut call = std::pin::pin!(timeout.run(async { Ok::<_, Error>(7) }));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let Poll::Ready(Ok(7)) = call.as_mut().poll(&mut cx) else { panic!("it is ready") };
}

#[test]
fn to_1_zero_is_refused() {
    assert!(Timeout::attempt(Duration::ZERO).build().unwrap_err().to_string().contains("zero"));
    assert!(Timeout::total(ms(1)).name("a\nb").build().is_err());
}

#[tokio::test(start_paused = true)]
async fn the_limit_runs_from_the_first_wait() {
    let time = ManualClock::new();
    let timeout = Timeout::attempt(ms(300)).clock(time.clock()).build().unwrap();
    let hand = time.clone();
    // It works for a second before it first waits; the limit then begins.
    let call = timeout.call(|_| {
        hand.advance(secs(1));
        pending::<Result<(), Error>>()
    });
    let mut call = Box::pin(call);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(call.as_mut().poll(&mut cx).is_pending());
    time.advance(Duration::from_nanos(299_999_999));
    assert!(call.as_mut().poll(&mut cx).is_pending());
    time.advance(Duration::from_nanos(1));
    assert!(call.as_mut().poll(&mut cx).is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_yields_its_budget_still_times_out() {
    // tokio makes timers wait for a task that has spent its cooperative budget; this call spends it on every poll.
    let greedy = poll_fn(|cx| {
        loop {
            let mut unit = std::pin::pin!(tokio::task::coop::consume_budget());
            if unit.as_mut().poll(cx).is_pending() {
                return Poll::<Result<(), Error>>::Pending;
            }
        }
    });
    let clock = Clock::system();
    let deadline = clock.now() + secs(5);
    let hurry = tokio::spawn(async move {
        while clock.now() < deadline {
            tokio::time::advance(ms(50)).await;
        }
    });
    let timed_out = attempt(ms(300)).run(greedy).await.unwrap_err();
    assert!(timed_out.is_timeout());
    hurry.abort();
}

#[tokio::test(start_paused = true)]
async fn the_attempt_learns_how_long_it_may_take() {
    let both =
        Stack::new(Timeout::total(secs(2)).build().unwrap(), Timeout::attempt(ms(300)).build().unwrap());
    let remaining = core_policy::Call::new(
        &both,
        |at: core_policy::Attempt| async move { Ok::<_, Error>(at.remaining()) },
        ByClass,
    );
    assert_eq!(remaining.await.unwrap(), Some(ms(300)));
    let total = Timeout::total(ms(200)).build().unwrap();
    assert_eq!(total.call(|at| async move { Ok::<_, Error>(at.remaining()) }).await.unwrap(), Some(ms(200)));
}

#[tokio::test(start_paused = true)]
async fn the_outer_limit_wins_when_both_have_passed() {
    let both = Stack::new(
        Timeout::total(ms(100)).name("outer").build().unwrap(),
        Timeout::attempt(ms(100)).name("inner").build().unwrap(),
    );
    let call =
        core_policy::Call::new(&both, |_: core_policy::Attempt| pending::<Result<(), Error>>(), ByClass);
    let Err(CallError::Rejected(rejection)) = call.await else { panic!("it hangs") };
    assert_eq!((rejection.policy(), rejection.name().as_str()), (PolicyKind::Deadline, "outer"));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_drops_its_attempt_and_fires_nothing() {
    struct OnDrop<'a>(&'a Cell<u32>);
    impl Drop for OnDrop<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let dropped = Cell::new(0);
    let timeout = attempt(ms(300));
    {
        let guard = OnDrop(&dropped);
        let mut call = Box::pin(timeout.run(async move {
            let _guard = guard;
            pending::<Result<(), Error>>().await
        }));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(call.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!((dropped.get(), timeout.fired()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_callees_own_timeout_stays_the_callees() {
    let failed =
        attempt(secs(9)).run(async { Err::<(), _>(Error::timeout("their gateway")) }).await.unwrap_err();
    assert!(failed.inner().is_some() && !failed.is_timeout());
}

#[tokio::test(start_paused = true)]
async fn pl_2_a_limit_that_changes_holds_for_the_next_call() {
    let clock = Clock::system();
    let timeout = attempt(ms(300));
    let took = async |timeout: &Timeout| {
        let start = clock.now();
        timeout.run(pending::<Result<(), Error>>()).await.unwrap_err();
        clock.now() - start
    };
    let change = async |after: Duration, limit| {
        clock.sleep(after).await;
        timeout.set_limit(limit).unwrap();
    };
    let (under_way, ()) = tokio::join!(took(&timeout), change(ms(100), ms(500)));
    assert_eq!((under_way, timeout.limit()), (ms(300), ms(500)));
    let (under_way, ()) = tokio::join!(took(&timeout), change(ms(100), ms(200)));
    assert_eq!(under_way, ms(500));
    assert_eq!(took(&timeout).await, ms(200));
    assert!(timeout.set_limit(Duration::ZERO).is_err());
    assert_eq!(timeout.limit(), ms(200));
}

#[test]
fn to_1_what_is_no_limit_is_refused_and_changes_nothing() {
    let day = secs(24 * 3_600);
    let nano = Duration::from_nanos(1);
    for builder in [Timeout::attempt, Timeout::total] {
        let error = builder(day + nano).build().unwrap_err().to_string();
        assert_eq!(
            error,
            "the limit is 86400.000000001s: it must be at most 86400s; leave the timeout out where there is none"
        );
        assert!(builder(Duration::MAX).build().is_err());
        let longest = builder(day).build().unwrap();
        assert!(longest.set_limit(day + nano).is_err());
        assert_eq!(longest.limit(), day);
    }
}

#[test]
fn a_limit_knows_its_name() {
    let named = Timeout::attempt(secs(1)).name("search").build().unwrap();
    assert_eq!(named.name().as_str(), "search");
}

/// Notes what deadline there is once the call is over.
struct Sees<'a>(&'a Cell<Option<Instant>>, Clock);

impl Policy for Sees<'_> {
    type State = ();

    fn clock(&self) -> &Clock {
        &self.1
    }

    fn begin(&self) {}

    fn admit(&self, (): &mut (), _: &mut Cx<'_>) -> Admit {
        Admit::Run
    }

    fn settle(&self, (): &mut (), _: &Outcome<'_>, cx: &mut Cx<'_>) -> Next {
        self.0.set(cx.deadline());
        Next::Finish
    }

    fn abandon(&self, (): &mut ()) {}
}

#[test]
fn a_limit_that_is_over_leaves_the_callers_deadline_as_it_was() {
    let time = ManualClock::new();
    let seen = Cell::new(None);
    let each = |deadline| [Timeout::attempt(secs(1)), Timeout::total(secs(1))].map(|limit| (limit, deadline));
    for (builder, deadline) in [each(None), each(Some(time.now() + secs(5)))].concat() {
        assert_eq!(builder.limit(), secs(1));
        let timeout = builder.clock(time.clock()).build().unwrap();
        let stack = Stack::new(Sees(&seen, time.clock()), &timeout);
        let done = core_policy::call_blocking(stack, |_| Ok::<_, Error>(()), &ByClass, deadline);
        assert!(done.is_ok());
        assert_eq!(seen.take(), deadline);
    }
}

/// By these a stack is advised against bad orders.
#[test]
fn pl_1_each_says_what_it_is() {
    use core_policy::{Policy, Role};
    let is = |roles: Vec<Role>, kind| assert_eq!(format!("{roles:?}"), format!("{:?}", [Role::new(kind)]));
    is(Timeout::attempt(ms(1)).build().unwrap().roles(), PolicyKind::Timeout);
    is(Timeout::total(ms(1)).build().unwrap().roles(), PolicyKind::Deadline);
    is(Deadline::after(ms(1), &Clock::system()).roles(), PolicyKind::Deadline);
}
