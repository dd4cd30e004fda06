//! Deadlines that are handed on, and many futures under one.

use std::cell::{Cell, RefCell};
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use core_errors::{Error, Name, PolicyKind, Reason};
use core_policy::{ByClass, Call, CallError, Stack};
use core_time::{Clock, Instant, ManualClock, ms, secs};
use core_timeout::{Deadline, Part, Timeout};
use proptest::prelude::*;

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn after(millis: u64) -> u64 {
    Clock::system().sleep(ms(millis)).await;
    millis
}

// === cascades ===

#[test]
fn m_27_a_part_never_takes_longer_than_the_whole() {
    let time = ManualClock::new();
    let total = Deadline::after(secs(60), &time.clock());
    let model = total.child(secs(30));
    let database = model.child(secs(10));
    let cache = database.child(secs(5));
    let left = |deadlines: [&Deadline; 4]| deadlines.map(Deadline::remaining);
    assert_eq!(left([&total, &model, &database, &cache]), [secs(60), secs(30), secs(10), secs(5)]);
    time.advance(secs(28));
    assert_eq!(left([&total, &model, &database, &cache]), [secs(32), secs(2), secs(0), secs(0)]);
    // What begins later has what is left.
    assert_eq!(model.child(secs(10)).remaining(), secs(2));
    assert_eq!(total.child(secs(90)).remaining(), secs(32), "a request asks for more than there is");
    assert!(database.is_past() && !model.is_past());
}

proptest! {
    #[test]
    fn m_27_no_chain_of_parts_outlives_the_first(
        total in 0_u64..100_000,
        steps in prop::collection::vec((0_u64..200_000, 0_u64..1_000), 0..20),
    ) {
        let time = ManualClock::new();
        let whole = Deadline::after(ms(total), &time.clock());
        let mut part = whole.clone();
        for (limit, wait) in steps {
            time.advance(ms(wait));
            let child = part.child(ms(limit));
            prop_assert!(child.instant() <= part.instant().max(time.now()));
            prop_assert!(child.remaining() <= ms(limit).min(whole.remaining()));
            part = child;
        }
    }
}

#[test]
fn a_limit_without_end_saturates() {
    let time = ManualClock::new();
    let deadline = Deadline::after(Duration::MAX, &time.clock());
    assert_eq!(deadline.instant(), Instant::NEVER);
    assert_eq!(deadline.child(secs(1)).remaining(), secs(1));
    assert!(Deadline::after(Duration::ZERO, &time.clock()).is_past());
    assert!(Deadline::at(Instant::ORIGIN, &time.clock()).child(secs(9)).is_past());
}

#[tokio::test(start_paused = true)]
async fn f_92_a_call_is_stopped_at_its_deadline_and_told_who_stopped_it() {
    let clock = Clock::system();
    let start = clock.now();
    let deadline = Deadline::after(ms(300), &clock).named(Name::new("model").unwrap());
    let error = deadline.run(pending::<Result<(), Error>>()).await.unwrap_err();
    let rejection = error.rejection().unwrap();
    assert_eq!((rejection.policy(), rejection.reason()), (PolicyKind::Deadline, Reason::DeadlineExceeded));
    assert_eq!((rejection.name().as_str(), rejection.limit()), ("model", Some(ms(300))));
    assert_eq!((clock.now() - start, rejection.elapsed()), (ms(300), Some(ms(300))));

    let called = Cell::new(false);
    let late = deadline.call(|_| {
        called.set(true);
        ready(Ok::<_, Error>(()))
    });
    assert!(late.await.unwrap_err().is_timeout());
    assert!(!called.get(), "what begins too late does not begin");
}

#[tokio::test(start_paused = true)]
async fn to_1_what_is_ready_at_the_deadline_is_the_result() {
    let deadline = Deadline::after(ms(300), &Clock::system());
    let on_time = async {
        after(300).await;
        Ok::<_, Error>(1)
    };
    assert_eq!(deadline.run(on_time).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_shortest_of_deadline_and_timeout_wins_and_is_known_to_the_attempt() {
    for (deadline, limit, expected) in [(secs(1), ms(300), ms(300)), (ms(200), ms(300), ms(200))] {
        let deadline = Deadline::after(deadline, &Clock::system());
        let both = Stack::new(&deadline, Timeout::attempt(limit).build().unwrap());
        let call =
            Call::new(&both, |at: core_policy::Attempt| ready(Ok::<_, Error>(at.remaining())), ByClass);
        assert_eq!(call.await.unwrap(), Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn the_callees_own_error_stays_its_own() {
    let deadline = Deadline::after(ms(300), &Clock::system());
    let error = deadline.run(ready(Err::<(), _>(Error::validation("no")))).await.unwrap_err();
    assert!(matches!(error, CallError::Failed(_)));
}

// === gather ===

#[tokio::test(start_paused = true)]
async fn f_96_what_is_done_in_time_is_there_and_the_rest_is_named() {
    let clock = Clock::system();
    let start = clock.now();
    let deadline = Deadline::after(ms(100), &clock);
    let parts = deadline.gather([50, 200, 10, 100, 101].map(after)).await;
    assert_eq!(clock.now() - start, ms(100));
    assert_eq!(
        parts.parts(),
        [Part::Done(50), Part::Unfinished, Part::Done(10), Part::Done(100), Part::Unfinished],
        "in their order; what is ready at the deadline is there"
    );
    assert_eq!(parts.missing().collect::<Vec<_>>(), [1, 4]);
    assert_eq!(parts.done().collect::<Vec<_>>(), [(0, &50), (2, &10), (3, &100)]);
    assert!(!parts.is_complete());
    assert_eq!(parts.clone().into_parts(), parts.parts());
    assert!(parts.complete().is_err());
}

#[tokio::test(start_paused = true)]
async fn f_96_when_all_are_done_nobody_waits_for_the_deadline() {
    let clock = Clock::system();
    let start = clock.now();
    let parts = Deadline::after(secs(60), &clock).gather([30, 10, 20].map(after)).await;
    assert_eq!(parts.complete().unwrap(), [30, 10, 20]);
    assert_eq!(clock.now() - start, ms(30));
    let none: [std::future::Ready<()>; 0] = [];
    assert!(Deadline::after(secs(60), &clock).gather(none).await.is_complete());
}

#[tokio::test(start_paused = true)]
async fn f_96_a_leg_that_fails_stops_no_other() {
    let legs = [1_u64, 2, 3].map(|leg| async move {
        after(leg * 10).await;
        if leg == 2 { Err(Error::network("gone")) } else { Ok(leg) }
    });
    let parts = Deadline::after(secs(1), &Clock::system()).gather(legs).await;
    assert!(parts.is_complete());
    let good: Vec<_> = parts.done().filter_map(|(_, leg)| leg.as_ref().ok().copied()).collect();
    assert_eq!(good, [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_once_than_allowed() {
    let (running, most) = (Cell::new(0_u32), Cell::new(0_u32));
    let legs = (0..100_u64).map(|leg| {
        let (running, most) = (&running, &most);
        async move {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            after(10).await;
            running.set(running.get() - 1);
            leg
        }
    });
    let legs: Vec<_> = legs.collect();
    let parts = Deadline::after(ms(95), &Clock::system()).gather(legs).at_once(5).await;
    assert_eq!(most.get(), 5);
    // Nine rounds of five were done, the tenth was running.
    assert_eq!(parts.done().map(|(at, _)| at).collect::<Vec<_>>(), (0..45).collect::<Vec<_>>());
    let unfinished = parts.parts().iter().filter(|part| **part == Part::Unfinished).count();
    let not_started = parts.parts().iter().filter(|part| **part == Part::NotStarted).count();
    assert_eq!((unfinished, not_started), (5, 50));
}

#[tokio::test(start_paused = true)]
async fn an_iterator_need_not_know_how_many_there_are() {
    let made = Cell::new(0);
    let legs = || {
        let made = &made;
        let of = move |leg: u64| {
            made.set(made.get() + 1);
            after(leg)
        };
        (0..100).filter(|leg| leg % 10 == 0).map(of)
    };
    let all = Deadline::after(secs(1), &Clock::system()).gather(legs()).at_once(3).await;
    assert_eq!(all.complete().unwrap(), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    // The first three, and one at 0 ms, begin at once; at 15 ms two are done.
    let parts = Deadline::after(ms(15), &Clock::system()).gather(legs()).at_once(3).await;
    assert!(!parts.is_complete());
    assert_eq!((parts.parts().len(), parts.done().count()), (10, 2), "{parts:?}");
    assert_eq!(parts.parts()[5..], [Part::NotStarted; 5]);
    let none = Deadline::after(secs(1), &Clock::system()).gather(legs().filter(|_| false)).await;
    assert!(none.is_complete());
}

#[tokio::test(start_paused = true)]
async fn an_iterator_that_never_ends_is_done_as_far_as_there_is_time() {
    let parts = Deadline::after(ms(25), &Clock::system()).gather((0..).map(|_| after(10))).at_once(2).await;
    assert_eq!(
        (parts.done().count(), parts.missing().count()),
        (4, 3),
        "two run, and one stands for the rest"
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_say_so_or_is_too_long_to_be_listed_does_not_hold_the_result_up() {
    let made = Cell::new(0_u32);
    let legs = std::iter::from_fn(|| {
        made.set(made.get() + 1);
        assert!(made.get() < 2_000_000, "nobody waits for the end of it");
        Some(after(10))
    });
    let parts = Deadline::after(ms(25), &Clock::system()).gather(legs).at_once(2).await;
    assert_eq!((parts.done().count(), parts.missing().count()), (4, 2 + (1 << 20)));
    let legs = (0..1_u64 << 60).map(|_| after(10));
    let parts = Deadline::after(ms(25), &Clock::system()).gather(legs).at_once(2).await;
    assert_eq!((parts.done().count(), parts.missing().count()), (4, 2 + (1 << 20)));
}

#[tokio::test(start_paused = true)]
async fn others_have_a_turn_while_all_of_very_many_are_ready_at_once() {
    // 1024 divided by the last leaves a rest.
    for at_once in [64, 5_000, 700] {
        let made = Cell::new(0_u32);
        let legs = (0..).map(|leg| {
            made.set(made.get() + 1);
            assert!(made.get() < 1_000_000, "nobody else has a turn");
            ready(leg)
        });
        let gather = Deadline::after(secs(1), &Clock::system()).gather(legs.take(5_000));
        let mut call = pin!(gather.at_once(at_once));
        let mut polls = 0;
        let all = std::future::poll_fn(|cx| {
            polls += 1;
            let begun = made.get();
            let polled = call.as_mut().poll(cx);
            assert!(made.get() - begun <= 1_024);
            polled
        });
        assert_eq!(all.await.complete().map(|all| all.len()).ok(), Some(5_000));
        assert_eq!(polls, 5, "it has woken itself");
    }
}

#[tokio::test(start_paused = true)]
async fn those_that_are_ready_at_once_make_room_at_once() {
    let order = RefCell::new(Vec::new());
    let legs: Vec<_> = (0..10)
        .map(|leg| {
            let order = &order;
            async move { order.borrow_mut().push(leg) }
        })
        .collect();
    let mut call = pin!(Deadline::after(secs(1), &Clock::system()).gather(legs).at_once(2));
    assert!(poll(call.as_mut()).is_ready(), "in one poll");
    assert_eq!(*order.borrow(), (0..10).collect::<Vec<_>>());
}

#[test]
fn what_begins_too_late_begins_nothing() {
    let time = ManualClock::new();
    let deadline = Deadline::after(Duration::ZERO, &time.clock());
    let mut call = pin!(deadline.gather([ready(1), ready(2)]));
    let Poll::Ready(parts) = poll(call.as_mut()) else { panic!("it is late") };
    assert_eq!(parts.parts(), [Part::NotStarted, Part::NotStarted]);
}

struct OnDrop<'a>(&'a Cell<u32>);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn what_is_not_done_is_dropped_before_the_rest_is_returned() {
    let time = ManualClock::new();
    let dropped = Cell::new(0);
    let legs = [1, 2, 3].map(|_| {
        let guard = OnDrop(&dropped);
        async move {
            let _guard = guard;
            pending::<()>().await;
        }
    });
    let deadline = Deadline::after(ms(10), &time.clock());
    let mut call = pin!(deadline.gather(legs));
    assert!(poll(call.as_mut()).is_pending());
    time.advance(ms(10));
    let Poll::Ready(parts) = poll(call.as_mut()) else { panic!("its time is up") };
    assert_eq!((dropped.get(), parts.missing().count()), (3, 3));
    assert!(catch_unwind(AssertUnwindSafe(|| poll(call.as_mut()))).is_err(), "it is over");
}

#[tokio::test(start_paused = true)]
async fn dropped_at_every_await_nothing_stays() {
    let mut points = 0;
    for polls in 0.. {
        let (made, dropped) = (Cell::new(0), Cell::new(0));
        let legs: Vec<_> = (0..4_u64)
            .map(|leg| {
                made.set(made.get() + 1);
                let guard = OnDrop(&dropped);
                async move {
                    let _guard = guard;
                    after(leg * 3).await;
                }
            })
            .collect();
        let mut call = Box::pin(Deadline::after(ms(8), &Clock::system()).gather(legs).at_once(3));
        let mut is_done = false;
        for _ in 0..polls {
            if poll(call.as_mut()).is_ready() {
                is_done = true;
                break;
            }
            tokio::time::advance(ms(1)).await;
        }
        drop(call);
        assert_eq!(dropped.get(), made.get(), "after {polls} polls");
        if is_done {
            break;
        }
        points += 1;
    }
    assert!(points > 5, "or it was never dropped half-way: {points}");
}

#[test]
fn who_has_no_room_for_another_does_not_wake_itself() {
    struct Count(std::sync::atomic::AtomicU32);
    impl std::task::Wake for Count {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let time = ManualClock::new();
    let count = std::sync::Arc::new(Count(0.into()));
    let waker = std::sync::Arc::clone(&count).into();
    let legs = (0..2_000).map(|_| pending::<()>());
    let mut call = pin!(Deadline::after(secs(1), &time.clock()).gather(legs).at_once(1_024));
    assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(count.0.load(std::sync::atomic::Ordering::Relaxed), 0);
}
