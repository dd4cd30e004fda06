//! A call that is dropped gives everything back, wherever it is dropped (rule CB-25).

use std::cell::Cell;
use std::pin::pin;
use std::task::{Context, Waker};

use core_errors::Error;
use core_policy::{Attempt, ByClass, Call, Next, Policy, Stack};
use core_time::{ManualClock, ms};

use crate::recorder::{Answer, Log, Recorder, pauses};

/// Polls `n` times, a millisecond apart, then drops. Whether it was still pending.
fn drop_after<F: Future>(n: u32, time: &ManualClock, future: F) -> bool {
    let mut future = pin!(future);
    for _ in 0..n {
        if future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return false;
        }
        time.advance(ms(1));
    }
    true
}

/// Waits for its turn, fails, sleeps, waits for its turn again and succeeds, with pauses in both attempts.
fn eventful(log: &Log, label: &'static str, time: &ManualClock) -> Recorder {
    let answers = [Answer::Park, Answer::Park, Answer::Run, Answer::Sleep(ms(3)), Answer::Park, Answer::Run];
    Recorder::within(log, label, time).admits(&answers).settles(&[Next::Again])
}

async fn attempt(attempt: Attempt) -> Result<(), Error> {
    pauses(3).await;
    if attempt.is_retry() { Ok(()) } else { Err(Error::network("hung up")) }
}

/// Drops a call under a fresh policy after each number of polls, until one comes to its end. Returns how many were dropped.
fn at_every_point<P: Policy>(make: impl Fn(&ManualClock) -> P, check: impl Fn(&P, u32)) -> u32 {
    for n in 0..1_000 {
        let time = ManualClock::new();
        let policy = make(&time);
        if !drop_after(n, &time, Call::new(&policy, attempt, ByClass)) {
            return n;
        }
        check(&policy, n);
    }
    panic!("the call never ends");
}

#[test]
fn a_call_that_is_never_polled_never_began() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time);
    assert!(drop_after(0, &time, Call::new(&policy, attempt, ByClass)));
    assert_eq!(policy.log(), [""; 0]);
    assert_eq!(policy.slots(), (0, 0));
}

#[test]
fn cb_25_a_call_dropped_at_any_point_is_abandoned_once_and_keeps_no_slot() {
    let points = at_every_point(
        |time| eventful(&Log::default(), "", time),
        |policy, n| {
            let log = policy.log();
            if n == 0 {
                return assert_eq!(log, [""; 0], "it begins when it is first polled");
            }
            assert_eq!(log.iter().filter(|line| *line == "abandon").count(), 1, "{n}: {log:?}");
            assert_eq!(log.last().unwrap(), "abandon", "{n}: {log:?}");
            assert!(!log.iter().any(|line| line.contains("Panicked")), "{n}: {log:?}");
            let (taken, given) = policy.slots();
            assert_eq!(taken, given, "{n}: {log:?}");
        },
    );
    assert_eq!(points, 1 + 2 + 3 + 3 + 1 + 3, "unpolled, two turns, an attempt, a sleep, a turn, an attempt");
}

#[test]
fn cb_25_so_is_every_policy_of_a_stack() {
    let points = at_every_point(
        |time| {
            let log = Log::default();
            let inner =
                Recorder::within(&log, "inner", time).admits(&[Answer::Park, Answer::Run, Answer::Park]);
            Stack::new(eventful(&log, "outer", time), inner)
        },
        |stack, n| {
            let log = stack.outer().log();
            // The inner one has begun once the outer one has admitted, and is over when that is told what came of it.
            let last = |what: &str| log.iter().rposition(|line| line.starts_with(what));
            let is_inside = last("inner.begin") > last("outer.settle");
            let both = [(stack.outer(), "outer.abandon", n > 0), (stack.inner(), "inner.abandon", is_inside)];
            for (policy, abandon, is_begun) in both {
                let abandoned = usize::from(is_begun);
                assert_eq!(log.iter().filter(|line| *line == abandon).count(), abandoned, "{n}: {log:?}");
                let (taken, given) = policy.slots();
                assert_eq!(taken, given, "{n}: {log:?}");
            }
        },
    );
    assert_eq!(points, 13 + 2, "and two turns inside");
}

#[test]
fn a_dropped_call_drops_its_attempt() {
    struct Dropped<'a>(&'a Cell<u32>);
    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let drops = Cell::new(0);
    let time = ManualClock::new();
    let policy = Recorder::new(&time);
    let op = async |_: Attempt| {
        let _guard = Dropped(&drops);
        std::future::pending::<Result<(), Error>>().await
    };
    assert!(drop_after(2, &time, Call::new(&policy, op, ByClass)));
    assert_eq!(drops.get(), 1);
    // An attempt that ran out of time goes the same way, before the call returns.
    let policy = Recorder::new(&time).limit(ms(5));
    let mut call = pin!(Call::new(&policy, op, ByClass));
    assert!(crate::recorder::run(&time, call.as_mut()).is_err());
    assert_eq!(drops.get(), 2);
}
