//! What retries and hedges cost where nothing goes wrong: no allocation, and futures that are hardly larger than the attempt.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use core_policy::{Attempt, Classify, Recovery};
use core_retry::{Budget, Hedge, Retry};
use core_time::{ManualClock, ms, secs};

/// An error without memory of its own.
#[derive(Debug)]
struct Down;

impl Classify for Down {
    fn recovery(&self) -> Recovery {
        Recovery::Transient
    }
}

fn poll_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(out) => out,
        Poll::Pending => panic!("it was to be ready at once"),
    }
}

/// Allocations of the second run: the first may set up what lasts for the life of the thread.
fn allocations(run: impl Fn()) -> u64 {
    run();
    allocation_counter::measure(run).count_total
}

fn budgets() -> [Budget; 4] {
    [
        Budget::default(),
        Budget::deposit(0.2, 10, secs(10)).unwrap(),
        Budget::costs(500).unwrap(),
        Budget::in_flight(0.2, 3).unwrap(),
    ]
}

#[test]
fn the_counter_counts() {
    let boxes = || drop(std::hint::black_box(Box::new(7_u64)));
    assert_eq!(allocations(boxes), 1, "or all tests here are worth nothing");
}

#[test]
fn a_retry_allocates_nothing() {
    for budget in budgets() {
        let time = ManualClock::new();
        let retry = Retry::fixed(ms(0))
            .attempts(3)
            .budget(&budget)
            .clock(time.clock())
            .not_idempotent()
            .build()
            .unwrap();
        assert_eq!(allocations(|| poll_once(retry.call(|_| ready(Ok::<_, Down>(())))).unwrap()), 0);
        let retry = Retry::fixed(ms(0)).attempts(3).budget(&budget).clock(time.clock()).build().unwrap();
        let second = |at: Attempt| ready(if at.is_retry() { Ok(()) } else { Err(Down) });
        assert_eq!(allocations(|| poll_once(retry.call(second)).unwrap()), 0, "{budget:?}");
    }
}

#[test]
fn a_hedge_that_is_not_made_allocates_nothing() {
    for budget in budgets() {
        for builder in [Hedge::after(ms(30)), Hedge::after_p95(), Hedge::on_failure()] {
            let hedge = builder.budget(&budget).build().unwrap();
            assert_eq!(allocations(|| poll_once(hedge.call(|_| ready(Ok::<_, Down>(())))).unwrap()), 0);
        }
    }
}

#[test]
fn neither_does_one_that_waits_for_its_delay() {
    // No timer of tokio's: that of a manual clock is an entry in a map.
    let hedge = Hedge::on_failure().budget(&Budget::default()).build().unwrap();
    let waits = || {
        let mut is_second = false;
        let op = move |_| {
            std::future::poll_fn(move |_| {
                if std::mem::replace(&mut is_second, true) {
                    Poll::Ready(Ok::<_, Down>(()))
                } else {
                    Poll::Pending
                }
            })
        };
        let mut call = pin!(hedge.call(op));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(poll_once(call).is_ok());
    };
    assert_eq!(allocations(waits), 0);
}

#[test]
fn each_hedge_that_is_made_takes_one_allocation() {
    for max in 1..=3_u8 {
        let hedge = Hedge::on_failure().max(max).budget(&Budget::default()).build().unwrap();
        let last = |at: Attempt| ready(if at.hedge() == max { Ok(()) } else { Err(Down) });
        assert_eq!(allocations(|| poll_once(hedge.call(last)).unwrap()), u64::from(max));
    }
}

/// Hedges are boxed when they start, what is kept of a failure lies where the first attempt was, and the rest in memory of the thread.
#[test]
fn a_hedged_call_is_five_words_larger_than_one_attempt() {
    fn check<F: Future<Output: std::fmt::Debug>>(call: F, attempt: usize) {
        let size = size_of_val(&call);
        poll_once(call);
        // Nothing but what makes it, which is nothing here. It tells how far it is, where the attempt has no spare values for that.
        assert!(size <= 40 + attempt.max(MIN).next_multiple_of(8), "{size} around {attempt}");
    }
    /// What it is an attempt of lies where the attempt will be.
    const MIN: usize = 32;
    let budget = Budget::default();
    for builder in [Hedge::after(ms(30)), Hedge::after_p95().max(8), Hedge::on_failure()] {
        let hedge = builder.budget(&budget).build().unwrap();
        check(hedge.call(|_| ready(Ok::<u8, Down>(1))), size_of::<Ready<Result<u8, Down>>>());
        let large = size_of::<Ready<Result<[u8; 1_024], Down>>>();
        check(hedge.call(|_| ready(Ok::<_, Down>([0_u8; 1_024]))), large);
    }
}

#[test]
fn a_retried_call_is_at_most_256_bytes_larger_than_one_attempt() {
    fn check<F: Future<Output: std::fmt::Debug>>(call: F, attempt: usize) {
        let size = size_of_val(&call);
        poll_once(call);
        assert!(size <= 256 + attempt, "{size} around {attempt}");
    }
    let budget = Budget::default();
    let retry = Retry::fixed(ms(1)).budget(&budget).build().unwrap();
    check(retry.call(|_| ready(Ok::<u8, Down>(1))), size_of::<Ready<Result<u8, Down>>>());
    check(retry.call(|_| ready(Ok::<_, Down>([0_u8; 1_024]))), size_of::<Ready<Result<[u8; 1_024], Down>>>());
}
