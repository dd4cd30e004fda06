//! Limits under every interleaving of two threads. Run with `cargo xtask test --only loom`.
#![cfg(genesis_loom)]
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::future::ready;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use core_errors::{Error, Verdict};
use core_limit::{Adaptive, AdaptiveBuilder, Bulkhead, SlidingWindow};
use core_policy::{Permit, Policy};
use core_time::{ManualClock, ms, secs};
use loom::thread;

/// What two threads do at the same time.
fn both<T: 'static>(theirs: impl FnOnce() -> T + 'static, ours: impl FnOnce() -> T) -> (T, T) {
    let theirs = thread::spawn(theirs);
    let ours = ours();
    (ours, theirs.join().unwrap())
}

fn take<P: Policy>(policy: P) -> Option<Permit<P>> {
    Permit::acquire(policy).ok()
}

/// A limit that measures each call by itself, at a time that is not the first.
fn adaptive(builder: AdaptiveBuilder) -> (ManualClock, Adaptive) {
    let time = ManualClock::new();
    time.advance(secs(60));
    let builder = builder.sample_every(Duration::ZERO).clock(time.clock());
    (time, builder.build().unwrap())
}

/// A limit of so many that goes by what is dropped.
fn of(limit: u32) -> AdaptiveBuilder {
    Adaptive::aimd(secs(5)).min(1).initial(limit)
}

#[test]
fn al_2_of_two_threads_one_gets_the_last_place_in_any_order() {
    loom::model(|| {
        let (_time, limit) = adaptive(of(1));
        let other = limit.clone();
        let (ours, theirs) = both(move || take(other), || take(limit.clone()));
        assert!(ours.is_some() ^ theirs.is_some());
        assert_eq!(limit.snapshot().in_flight, 1);
    });
}

#[test]
fn al_2_a_call_that_ends_while_another_begins_leaves_its_place_in_any_order() {
    loom::model(|| {
        let (_time, limit) = adaptive(of(2));
        let (early, other) = (take(limit.clone()).unwrap(), limit.clone());
        let (begun, _) = both(
            move || {
                drop(early);
                None
            },
            || take(other),
        );
        assert!(begun.is_some(), "there are two places");
        assert_eq!(limit.snapshot().in_flight, 1);
        drop(begun);
        assert_eq!(limit.snapshot().in_flight, 0);
    });
}

#[test]
fn al_2_of_two_calls_that_begin_at_once_one_is_measured_in_any_order() {
    loom::model(|| {
        let time = ManualClock::new();
        let limit = of(2).sample_every(ms(1)).clock(time.clock()).build().unwrap();
        let other = limit.clone();
        both(move || take(other).unwrap().success(), || take(limit.clone()).unwrap().success());
        assert_eq!(limit.snapshot().limit, 3, "one more for the one");
    });
}

#[test]
fn al_2_a_drop_and_a_success_at_once_both_move_the_limit_in_any_order() {
    loom::model(|| {
        let (_time, limit) = adaptive(of(3));
        // The good one has seen two in flight, more than half of the limit.
        let (dropped, good) = (take(limit.clone()).unwrap(), take(limit.clone()).unwrap());
        both(move || dropped.record_verdict(Verdict::Overload(None)), || good.success());
        let snapshot = limit.snapshot();
        // A tenth less, in whole calls, and one more; or one more, and a tenth less.
        assert_eq!((snapshot.limit, snapshot.in_flight, snapshot.dropped), (3, 0, 1));
    });
}

#[test]
fn al_2_a_limit_that_falls_while_a_call_begins_holds_for_the_next_in_any_order() {
    loom::model(|| {
        let (_time, limit) = adaptive(of(2));
        let (dropped, other) = (take(limit.clone()).unwrap(), limit.clone());
        let (begun, _) = both(
            move || {
                dropped.record_verdict(Verdict::Overload(None));
                None
            },
            || take(other),
        );
        assert_eq!(limit.snapshot().limit, 1);
        let next = take(limit.clone());
        assert!(begun.is_some() ^ next.is_some(), "one may be in flight");
        drop((begun, next));
        assert_eq!(limit.snapshot().in_flight, 0);
    });
}

#[test]
fn al_1_a_window_that_closes_while_two_calls_end_loses_neither_in_any_order() {
    let micros = |limit: &Adaptive| limit.snapshot().baseline.unwrap().as_nanos().div_ceil(1_000);
    loom::model(move || {
        let (time, limit) = adaptive(Adaptive::vegas().window(ms(100)));
        let call = |took: Duration| {
            let call = take(&limit).unwrap();
            time.advance(took);
            call.success();
        };
        (0..9).for_each(|_| call(ms(10)));
        let (long, short) = (take(limit.clone()).unwrap(), take(limit.clone()));
        drop(short);
        time.advance(ms(10));
        let short = take(limit.clone()).unwrap();
        time.advance(ms(100));
        // The tenth call closes the window, and the eleventh is the first of the next.
        both(move || long.success(), || short.success());
        assert_eq!(limit.snapshot().in_flight, 0);
        let first = micros(&limit);
        (0..8).for_each(|_| call(ms(1)));
        time.advance(ms(100));
        call(ms(1));
        let second = micros(&limit);
        assert!([(20_000, 10_900), (19_000, 11_900)].contains(&(first, second)), "{first} {second}");
    });
}

#[test]
fn al_6_of_two_threads_one_gets_what_is_a_partitions_own_in_any_order() {
    loom::model(|| {
        let (_time, limit) = adaptive(of(1).partition("own", 0.5));
        let all = take(&limit).unwrap();
        let own = limit.partition("own").unwrap();
        let other = own.clone();
        let (ours, theirs) = both(move || take(other), || take(own.clone()));
        assert!(ours.is_some() ^ theirs.is_some());
        assert_eq!((limit.snapshot().in_flight, own.snapshot().in_flight), (2, 1));
        drop((all, ours, theirs));
        assert_eq!((limit.snapshot().in_flight, own.snapshot().in_flight), (0, 0));
    });
}

#[test]
fn al_6_a_partition_has_no_more_than_the_limit_and_its_own_in_any_order() {
    loom::model(|| {
        let (_time, limit) = adaptive(of(1).partition("own", 1.0));
        let own = limit.partition("own").unwrap();
        let other = own.clone();
        let two = |limit: &Adaptive| [take(limit.clone()), take(limit.clone())];
        let (ours, theirs) = both(move || two(&other), || two(&own));
        let held = ours.iter().chain(&theirs).flatten().count();
        assert!((1..=2).contains(&held), "{held}");
        assert_eq!(usize::try_from(limit.snapshot().in_flight).unwrap(), held);
    });
}

/// Notes that it was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Slots, and a queue of one.
fn bulkhead(slots: u32) -> Bulkhead {
    Bulkhead::max(slots).queue(1).max_wait(secs(9)).clock(ManualClock::new().clock()).build().unwrap()
}

fn load(bulkhead: &Bulkhead) -> (u64, u64) {
    (bulkhead.snapshot().in_use, bulkhead.snapshot().waiting)
}

#[test]
fn bh_1_of_two_threads_one_gets_the_last_slot_in_any_order() {
    loom::model(|| {
        let bulkhead = Bulkhead::max(1).build().unwrap();
        let other = bulkhead.clone();
        let (ours, theirs) = both(move || take(other), || take(bulkhead.clone()));
        assert!(ours.is_some() ^ theirs.is_some());
        drop((ours, theirs));
        assert_eq!(load(&bulkhead), (0, 0));
    });
}

#[test]
fn bh_1_a_slot_that_is_given_back_while_a_call_joins_the_queue_is_its_in_any_order() {
    loom::model(|| {
        let bulkhead = bulkhead(1);
        let held = take(bulkhead.clone()).unwrap();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut call = pin!(bulkhead.run(ready(Ok::<_, Error>(()))));
        let mut poll = || call.as_mut().poll(&mut Context::from_waker(&waker));
        let given_back = thread::spawn(move || drop(held));
        let waits = poll().is_pending();
        given_back.join().unwrap();
        if waits {
            assert!(woken.0.load(Ordering::Relaxed), "whoever waits is told");
            assert!(poll().is_ready());
        }
        assert_eq!(load(&bulkhead), (0, 0));
    });
}

#[test]
fn bh_1_who_leaves_the_queue_while_a_slot_is_handed_over_leaves_it_free_in_any_order() {
    loom::model(|| {
        let bulkhead = bulkhead(1);
        let held = take(bulkhead.clone()).unwrap();
        let mut call = Box::pin(bulkhead.run(ready(Ok::<_, Error>(()))));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let given_back = thread::spawn(move || drop(held));
        drop(call);
        given_back.join().unwrap();
        assert_eq!(load(&bulkhead), (0, 0));
        assert!(take(&bulkhead).is_some());
    });
}

#[test]
fn rl_8_more_slots_and_one_that_is_given_back_leave_nobody_waiting_in_any_order() {
    loom::model(|| {
        let bulkhead = bulkhead(1);
        let (held, other) = (take(bulkhead.clone()).unwrap(), bulkhead.clone());
        let mut call = Box::pin(bulkhead.run(ready(Ok::<_, Error>(()))));
        let mut poll = || call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll().is_pending());
        both(move || drop(held), || other.resize(2).unwrap());
        assert!(poll().is_ready());
        assert_eq!(load(&bulkhead), (0, 0));
    });
}

#[test]
fn rl_9_of_two_threads_one_takes_the_last_of_a_window_in_any_order() {
    loom::model(|| {
        let limit = SlidingWindow::per(1, secs(60)).clock(ManualClock::new().clock()).build().unwrap();
        let other = limit.clone();
        let (ours, theirs) = both(move || other.check().is_ok(), || limit.check().is_ok());
        assert!(ours ^ theirs);
    });
}

#[test]
fn rl_9_two_threads_that_turn_the_window_are_both_counted_in_any_order() {
    loom::model(|| {
        let time = ManualClock::new();
        let limit = SlidingWindow::per(4, secs(60)).clock(time.clock()).build().unwrap();
        limit.take(2).unwrap();
        time.advance(secs(60));
        let other = limit.clone();
        both(move || assert_eq!(other.take_at_most(1), 1), || limit.check().unwrap());
        assert!(limit.check().is_err(), "two of before, and two");
    });
}
