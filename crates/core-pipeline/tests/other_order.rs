//! What policies in another order than the canonical one come to, as the documentation of the crate says.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use core_breaker::Breaker;
use core_errors::{Error, Reason, Rejection};
use core_limit::{Bulkhead, Rate};
use core_policy::{ByClass, Call, CallError, Policy, Stack};
use core_retry::Retry;
use core_time::{Clock, ms, secs};
use core_timeout::Timeout;

fn three() -> Retry {
    Retry::fixed(ms(100)).no_jitter().attempts(3).build().unwrap()
}

async fn fails<P: Policy>(policy: P) -> CallError<Error> {
    Call::new(policy, |_| async { Err::<(), _>(Error::network("gone")) }, ByClass).await.unwrap_err()
}

async fn hangs<P: Policy>(policy: P) -> Option<Reason> {
    let hanging = Call::new(policy, |_| std::future::pending::<Result<(), Error>>(), ByClass);
    hanging.await.unwrap_err().rejection().map(Rejection::reason)
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_around_a_retry_keeps_the_slot_between_attempts() {
    let bulkhead = Bulkhead::max(1).build().unwrap();
    let between = async {
        Clock::system().sleep(ms(150)).await;
        bulkhead.snapshot().in_use
    };
    let (_, in_use) = tokio::join!(fails(Stack::new(&bulkhead, three())), between);
    assert_eq!((in_use, bulkhead.snapshot().admitted), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_around_a_retry_counts_the_call_and_not_its_attempts() {
    let (outside, inside) = (Rate::per_second(9).build().unwrap(), Rate::per_second(9).build().unwrap());
    fails(Stack::new(&outside, Stack::new(three(), &inside))).await;
    assert_eq!((outside.stats().allowed, inside.stats().allowed), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_around_a_breaker_is_used_up_by_what_that_refuses() {
    let (rate, breaker) = (Rate::per_second(9).build().unwrap(), Breaker::consecutive(1).build().unwrap());
    breaker.force_open("test").unwrap();
    fails(Stack::new(&rate, &breaker)).await;
    fails(Stack::new(&breaker, &rate)).await;
    assert_eq!(rate.stats().allowed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_around_a_retry_counts_calls_and_asks_an_open_circuit_once() {
    let breaker = Breaker::consecutive(1).build().unwrap();
    fails(Stack::new(&breaker, three())).await;
    assert_eq!(breaker.totals().failures, 1);
    fails(Stack::new(&breaker, three())).await;
    assert_eq!(breaker.totals().rejected, 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_timeout_around_a_retry_bounds_the_whole_call() {
    let start = Clock::system().now();
    let bounded = Stack::new(Timeout::attempt(ms(150)).build().unwrap(), three());
    assert!(fails(bounded).await.is_timeout());
    assert_eq!(Clock::system().now() - start, ms(150));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_timeout_around_a_bulkhead_runs_while_the_call_waits() {
    let bulkhead = Bulkhead::max(1).max_wait(secs(9)).build().unwrap();
    let _held = bulkhead.acquire().unwrap();
    let start = Clock::system().now();
    let bounded = Stack::new(Timeout::attempt(ms(150)).build().unwrap(), &bulkhead);
    let breaker = Breaker::consecutive(1).build().unwrap();
    assert_eq!(hangs(Stack::new(&breaker, bounded)).await, Some(Reason::TimedOut));
    assert_eq!((breaker.totals().failures, breaker.totals().inconclusive), (0, 1), "nobody was called");
    assert_eq!((Clock::system().now() - start, bulkhead.snapshot().waiting), (ms(150), 0));
}
