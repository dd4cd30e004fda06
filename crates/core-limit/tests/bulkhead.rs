//! What a bulkhead promises.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::collections::VecDeque;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use core_errors::{Error, Reason};
use core_limit::{Bulkhead, BulkheadBuilder};
use core_policy::CallError;
use core_time::{Clock, ManualClock, ms, secs};
use proptest::prelude::*;

fn build(builder: BulkheadBuilder) -> Bulkhead {
    builder.name("payments").build().unwrap()
}

fn reason<T>(result: Result<T, CallError<Error>>) -> Option<Reason> {
    result.err()?.rejection().map(core_errors::Rejection::reason)
}

type BoxedCall<'a> = Pin<Box<dyn Future<Output = Result<(), CallError<Error>>> + 'a>>;

/// A call that never ends by itself.
fn hanging(bulkhead: &Bulkhead) -> BoxedCall<'_> {
    Box::pin(bulkhead.run(pending()))
}

fn poll(call: &mut BoxedCall<'_>) -> Poll<Result<(), CallError<Error>>> {
    call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn bh_1_of_two_contenders_one_wins_and_the_other_is_refused_at_once() {
    let bulkhead = build(Bulkhead::max(1));
    let held = bulkhead.acquire().unwrap();
    assert_eq!(bulkhead.acquire().unwrap_err().reason(), Reason::BulkheadFull);
    drop(held);
    bulkhead.acquire().unwrap().success();
    let snapshot = bulkhead.snapshot();
    assert_eq!((snapshot.in_use, snapshot.admitted, snapshot.refused), (0, 2, 1));
    // As a call it does not wait either: that is over with its first poll, and on a thread at once.
    let mut inside = hanging(&bulkhead);
    assert!(poll(&mut inside).is_pending());
    let Poll::Ready(refused) = poll(&mut hanging(&bulkhead)) else { panic!("it waits") };
    assert_eq!(reason(refused), Some(Reason::BulkheadFull));
    assert_eq!(reason(bulkhead.call_blocking(|_| Ok::<_, Error>(()))), Some(Reason::BulkheadFull));
}

#[test]
fn bh_1_slots_are_served_in_the_order_of_arrival() {
    let time = ManualClock::new();
    let bulkhead = build(Bulkhead::max(1).queue(3).max_wait(secs(9)).clock(time.clock()));
    let held = bulkhead.acquire().unwrap();
    let mut calls: Vec<_> = (0..3).map(|_| hanging(&bulkhead)).collect();
    assert!(calls.iter_mut().all(|call| poll(call).is_pending()));
    assert_eq!(bulkhead.snapshot().waiting, 3);
    drop(held);
    assert_eq!((bulkhead.snapshot().in_use, bulkhead.snapshot().waiting), (1, 2));
    assert!(bulkhead.acquire().is_err(), "nobody overtakes");
    for _ in 0..3 {
        // The first in line has the slot; the others still wait.
        assert!(calls.iter_mut().all(|call| poll(call).is_pending()));
        assert_eq!(bulkhead.snapshot().in_use, 1);
        drop(calls.remove(0));
    }
    assert_eq!((bulkhead.snapshot().in_use, bulkhead.snapshot().admitted), (0, 4));
}

#[test]
fn bh_1_the_queue_is_bounded() {
    let time = ManualClock::new();
    let bulkhead = build(Bulkhead::max(1).queue(2).max_wait(secs(9)).clock(time.clock()));
    let mut calls: Vec<_> = (0..4).map(|_| hanging(&bulkhead)).collect();
    let refused = calls.iter_mut().filter_map(|call| match poll(call) {
        Poll::Ready(result) => reason(result),
        Poll::Pending => None,
    });
    assert_eq!(refused.collect::<Vec<_>>(), [Reason::BulkheadFull]);
}

#[tokio::test(start_paused = true)]
async fn bh_1_a_wait_ends_exactly_at_its_limit() {
    let clock = Clock::system();
    let start = clock.now();
    let bulkhead = build(Bulkhead::max(1).max_wait(ms(10)));
    let _held = bulkhead.acquire().unwrap();
    let late = bulkhead.run(async { Ok::<_, Error>(()) }).await.unwrap_err();
    let rejection = late.rejection().unwrap();
    assert_eq!((rejection.reason(), rejection.limit()), (Reason::QueueTimeout, Some(ms(10))));
    assert_eq!(clock.now() - start, ms(10));
    assert_eq!((bulkhead.snapshot().waiting, bulkhead.snapshot().timed_out), (0, 1));
}

#[test]
fn bh_1_who_goes_away_leaves_the_queue_or_passes_the_slot_on() {
    let time = ManualClock::new();
    let bulkhead = build(Bulkhead::max(1).queue(3).max_wait(secs(9)).clock(time.clock()));
    let held = bulkhead.acquire().unwrap();
    let (mut first, mut second, mut third) = (hanging(&bulkhead), hanging(&bulkhead), hanging(&bulkhead));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending() && poll(&mut third).is_pending());
    drop(second);
    assert_eq!(bulkhead.snapshot().waiting, 2);
    drop(held);
    // The first was handed the slot and goes away before it noticed: the third gets it.
    drop(first);
    assert_eq!((bulkhead.snapshot().in_use, bulkhead.snapshot().waiting), (1, 0));
    assert!(poll(&mut third).is_pending());
    drop(third);
    assert_eq!(bulkhead.snapshot().in_use, 0);
}

#[test]
fn bh_1_a_panic_gives_the_slot_back() {
    let bulkhead = build(Bulkhead::max(1));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = bulkhead.call_blocking(|_| -> Result<(), Error> { panic!("boom") });
    }));
    assert!(panicked.is_err());
    assert_eq!(bulkhead.snapshot().in_use, 0);
}

#[tokio::test(start_paused = true)]
async fn x_7_many_calls_run_at_once_and_none_is_lost() {
    let bulkhead = build(Bulkhead::max(10).queue(40).max_wait(secs(60)));
    let clock = Clock::system();
    let start = clock.now();
    let mut calls = core_context::JoinSet::new();
    for _ in 0..50 {
        let bulkhead = bulkhead.clone();
        calls.spawn(async move {
            bulkhead
                .call(|_| async {
                    Clock::system().sleep(ms(50)).await;
                    Ok::<_, Error>(())
                })
                .await
        });
    }
    while let Some(result) = calls.join_next().await {
        result.unwrap().unwrap();
    }
    assert_eq!(clock.now() - start, ms(250), "five rounds of ten");
    assert_eq!(bulkhead.snapshot().admitted, 50);
}

#[test]
fn threads_that_wait_are_woken_and_never_lost() {
    let bulkhead = build(Bulkhead::max(2).queue(16).max_wait(secs(60)));
    let (inside, peak, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let result = bulkhead.call_blocking(|_| {
                        let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                        peak.fetch_max(now, Ordering::SeqCst);
                        std::hint::spin_loop();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        Ok::<_, Error>(())
                    });
                    assert!(result.is_ok(), "{result:?}");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(done.into_inner(), 16_000);
    assert!(peak.into_inner() <= 2, "never more than there are slots");
    let snapshot = bulkhead.snapshot();
    assert_eq!((snapshot.in_use, snapshot.waiting, snapshot.admitted), (0, 0, 16_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_is_granted_while_its_waiter_goes_away_is_never_lost() {
    let bulkhead = build(Bulkhead::max(1).queue(64).max_wait(secs(60)));
    for round in 0..300_u64 {
        let held = bulkhead.acquire().unwrap();
        let mut waiting = core_context::JoinSet::new();
        for _ in 0..4 {
            let bulkhead = bulkhead.clone();
            waiting.spawn(async move { bulkhead.run(async { Ok::<_, Error>(()) }).await });
        }
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        }
        drop(held);
        waiting.abort_all();
        while waiting.join_next().await.is_some() {}
        assert_eq!((bulkhead.snapshot().in_use, bulkhead.snapshot().waiting), (0, 0), "round {round}");
    }
}

/// What the documentation says, as a list.
#[derive(Debug)]
struct Model {
    slots: usize,
    places: usize,
    /// Calls by number: those inside, and those that wait, first come first.
    inside: Vec<usize>,
    queue: VecDeque<usize>,
}

impl Model {
    fn arrive(&mut self, call: usize) -> bool {
        if self.inside.len() < self.slots && self.queue.is_empty() {
            self.inside.push(call);
        } else if self.queue.len() < self.places {
            self.queue.push_back(call);
        } else {
            return false;
        }
        true
    }

    fn leave(&mut self, call: usize) {
        self.queue.retain(|waiting| *waiting != call);
        self.inside.retain(|inside| *inside != call);
        while self.inside.len() < self.slots {
            let Some(next) = self.queue.pop_front() else { return };
            self.inside.push(next);
        }
    }
}

proptest! {
    #[test]
    fn any_history_agrees_with_a_plain_list(
        slots in 1_u32..4,
        places in 1_u32..4,
        history in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..80),
    ) {
        let time = ManualClock::new();
        let bulkhead = build(Bulkhead::max(slots).queue(places).max_wait(secs(9)).clock(time.clock()));
        let mut model =
            Model { slots: slots as usize, places: places as usize, inside: Vec::new(), queue: VecDeque::new() };
        let mut calls: Vec<(usize, BoxedCall<'_>)> = Vec::new();
        for (number, (arrives, which)) in history.into_iter().enumerate() {
            if arrives || calls.is_empty() {
                let mut call = hanging(&bulkhead);
                let admitted = poll(&mut call).is_pending();
                prop_assert_eq!(admitted, model.arrive(number));
                if admitted {
                    calls.push((number, call));
                }
            } else {
                let (number, call) = calls.remove(which.index(calls.len()));
                drop(call);
                model.leave(number);
            }
            for (_, call) in &mut calls {
                prop_assert!(poll(call).is_pending());
            }
            let snapshot = bulkhead.snapshot();
            prop_assert_eq!(snapshot.in_use, model.inside.len() as u64);
            prop_assert_eq!(snapshot.waiting, model.queue.len() as u64);
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    for (builder, text) in [
        (Bulkhead::max(0), "slots is zero"),
        (Bulkhead::max(1_000_001), "at most 1000000"),
        (Bulkhead::max(1).queue(5), "needs a max_wait"),
        (Bulkhead::max(1).queue(0).max_wait(ms(1)), "needs a queue"),
        (Bulkhead::max(1).name(""), "cannot be a name"),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(text), "{error:?} should say {text:?}");
    }
    let snapshot = Bulkhead::max(7).max_wait(Duration::from_millis(1)).build().unwrap().snapshot();
    assert_eq!((snapshot.max, snapshot.queue_max), (7, 7), "as many places as slots unless it is said");
    assert_eq!(Arc::new(BulkheadBuilder::from(3)).as_ref().clone().build().unwrap().snapshot().queue_max, 0);
}

#[test]
fn f_98_f_99_f_101_bulkheads_of_the_originals_by_name() {
    let rows = [("database", 25, secs(30)), ("redis", 50, secs(5)), ("agent", 10, Duration::ZERO)];
    for (name, slots, wait) in rows {
        let builder = Bulkhead::preset(name).unwrap();
        assert_eq!(builder.wait(), wait, "{name}");
        let bulkhead = builder.build().unwrap();
        assert_eq!((bulkhead.name().as_str(), bulkhead.snapshot().max), (name, slots));
        let held: Vec<_> = (0..slots).map(|_| bulkhead.acquire().unwrap()).collect();
        assert!(bulkhead.acquire().is_err(), "{name} has no more than its slots");
        drop(held);
        assert!(bulkhead.acquire().is_ok());
    }
    assert!(Bulkhead::preset("reckless").is_none());
}

#[test]
fn bh_1_who_looks_later_than_the_time_is_over_has_waited_too_long() {
    let time = ManualClock::new();
    let bulkhead = build(Bulkhead::max(1).queue(1).max_wait(secs(9)).clock(time.clock()));
    let _held = bulkhead.acquire().unwrap();
    let mut call = hanging(&bulkhead);
    assert!(poll(&mut call).is_pending());
    time.advance(secs(10));
    let Poll::Ready(result) = poll(&mut call) else { panic!("it waits still") };
    assert_eq!(reason(result), Some(Reason::QueueTimeout));
}
