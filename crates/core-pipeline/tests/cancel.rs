//! A call that is dropped anywhere leaves a pipeline as if it had not been made, but for what the callee has seen.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use core_breaker::{Breaker, State};
use core_errors::Error;
use core_limit::Bulkhead;
use core_pipeline::Pipeline;
use core_policy::{Attempt, Keyed};
use core_retry::{Budget, Retry};
use core_time::{ManualClock, ms, secs};

struct Bench {
    time: ManualClock,
    budget: Budget,
    pipeline: Pipeline,
}

/// Where a call was when it was dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Dropped {
    /// After so many polls.
    After(u32),
    /// Not at all: it came to its end.
    Never,
}

impl Bench {
    fn new() -> Self {
        let (time, budget) = (ManualClock::new(), Budget::default());
        let pipeline = Pipeline::named("payments")
            .deadline(secs(1))
            .retry(Retry::fixed(ms(3)).no_jitter().attempts(3).budget(&budget))
            .breaker(Breaker::consecutive(5).open_for(secs(5)).jitter(false).probes(1).successes(1))
            .bulkhead(Bulkhead::max(1).max_wait(ms(50)))
            .attempt_timeout(ms(50))
            .clock(time.clock())
            .build()
            .unwrap();
        Self { time, budget, pipeline }
    }

    /// Polls a call `n` times, a millisecond apart, and drops it. Before the third poll somebody else gives the slot back.
    fn drop_after(&self, n: u32) -> Dropped {
        let mut held = Some(self.pipeline.bulkhead().unwrap().acquire().unwrap());
        let mut call = pin!(self.pipeline.call(second_time_lucky));
        for poll in 0..n {
            if poll == 2 {
                held.take().unwrap().success();
            }
            if let Poll::Ready(result) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                result.unwrap();
                return Dropped::Never;
            }
            self.time.advance(ms(1));
        }
        Dropped::After(n)
    }
}

/// Waits three times in each attempt.
async fn second_time_lucky(attempt: Attempt) -> Result<(), Error> {
    let mut left = 3;
    std::future::poll_fn(|_| {
        left -= 1;
        if left < 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    if attempt.is_retry() { Ok(()) } else { Err(Error::network("hung up")) }
}

/// Drops a call of a fresh pipeline after each number of polls until it comes to its end.
fn at_every_point(check: impl Fn(&Bench, u32)) -> u32 {
    for n in 0..1_000 {
        let bench = Bench::new();
        if bench.drop_after(n) == Dropped::Never {
            return n;
        }
        check(&bench, n);
    }
    panic!("the call never ends");
}

/// Unpolled; two polls in the queue; the first attempt; its retry, asleep; the second attempt.
const POINTS: u32 = 1 + 2 + 3 + 3 + 3;

#[test]
fn cb_25_every_slot_is_free_again() {
    let points = at_every_point(|bench, n| {
        let snapshot = bench.pipeline.bulkhead().unwrap().snapshot();
        assert_eq!((snapshot.in_use, snapshot.waiting), (0, 0), "{n}");
        assert!(bench.pipeline.admit().is_ok(), "{n}");
    });
    assert_eq!(points, POINTS);
}

#[test]
fn cb_25_what_was_not_answered_says_nothing_about_the_callee() {
    let points = at_every_point(|bench, n| {
        let totals = bench.pipeline.breaker().unwrap().snapshot().totals;
        let is_first_over = n > 1 + 2 + 3 - 1;
        assert_eq!((totals.successes, totals.failures), (0, u64::from(is_first_over)), "{n}");
        // Asleep before its retry it had asked the breaker for nothing.
        let is_asleep = (6..9).contains(&n);
        assert_eq!(totals.inconclusive, u64::from(n > 0 && !is_asleep), "{n}");
    });
    assert_eq!(points, POINTS);
}

#[test]
fn bg_5_a_retry_that_never_started_is_refunded() {
    let points = at_every_point(|bench, n| {
        let is_started = n >= 9;
        let paid = if is_started { 1.0 } else { 0.0 };
        assert!(
            (bench.budget.available(core_time::Instant::ORIGIN) - (100.0 - paid)).abs() < 1e-9,
            "{n}: {}",
            bench.budget.available(core_time::Instant::ORIGIN)
        );
    });
    assert_eq!(points, POINTS);
}

#[test]
fn cb_26_the_probe_of_a_half_open_circuit_is_free_for_the_next() {
    for n in 0..6 {
        let bench = Bench::new();
        let breaker = bench.pipeline.breaker().unwrap();
        for _ in 0..5 {
            bench.pipeline.admit().unwrap().failure();
        }
        assert_eq!(breaker.state(), State::Open);
        bench.time.advance(secs(5));
        assert_eq!(bench.drop_after(n), Dropped::After(n));
        bench.pipeline.admit().unwrap().success();
        assert_eq!(breaker.state(), State::Closed, "{n}");
    }
}

#[test]
fn rt_10_no_attempt_follows_and_no_timer_is_left() {
    let bench = Bench::new();
    let sleepers = || format!("{:?}", bench.time).matches("Waker").count();
    let mut call = Box::pin(bench.pipeline.call(second_time_lucky));
    for _ in 0..4 {
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(bench.pipeline.breaker().unwrap().snapshot().totals.failures, 1, "asleep before its retry");
    assert_eq!(sleepers(), 1);
    drop(call);
    assert_eq!(sleepers(), 0);
    bench.time.advance(secs(60));
    assert_eq!(bench.pipeline.breaker().unwrap().snapshot().totals.calls(), 1);
}

#[test]
fn cb_25_a_call_of_a_key_that_is_dropped_anywhere_lets_go_of_the_key() {
    let mut points = 0;
    for n in 0..1_000 {
        let bench = Bench::new();
        let keys = bench.pipeline.keyed::<String>(Keyed::max(1).idle(secs(600))).unwrap();
        let is_over = {
            let of_key = keys.get("a").unwrap();
            let mut call = pin!(of_key.call(second_time_lucky));
            let polls = (0..n).any(|_| {
                let is_over = call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
                bench.time.advance(ms(1));
                is_over
            });
            assert!(keys.get("b").is_err(), "{n}: the only key is in use");
            polls
        };
        let slots = keys.get("a").unwrap().bulkhead().unwrap().snapshot();
        assert_eq!((slots.in_use, slots.waiting), (0, 0), "{n}");
        assert!(keys.get("b").is_ok(), "{n}: nobody holds it any more");
        if is_over {
            break;
        }
        points += 1;
    }
    assert_eq!(points, 1 + 3 + 3 + 3, "unpolled, an attempt, a sleep, an attempt");
}
