//! What calls, futures and their errors are to a breaker.

use crate::bench::Bench;
use core_breaker::{Breaker, State};
use core_errors::{Error, PolicyKind, Verdict};
use core_policy::{CallError, Policy, Role};
use core_time::secs;

#[tokio::test(start_paused = true)]
async fn a_dropped_call_is_neither_success_nor_failure() {
    let breaker = Breaker::consecutive(1).build().unwrap();
    {
        let mut call = Box::pin(breaker.call(|_| std::future::pending::<Result<(), Error>>()));
        assert!(poll_once(&mut call).await.is_pending());
    }
    let totals = breaker.snapshot().totals;
    assert_eq!((totals.calls(), totals.inconclusive), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_probe_gives_its_slot_back() {
    let breaker = Breaker::consecutive(1).probes(1).successes(1).jitter(false).build().unwrap();
    let _ = breaker.run(async { Err::<(), _>(Error::timeout("slow")) }).await;
    tokio::time::advance(secs(5)).await;
    {
        let mut call = Box::pin(breaker.run(std::future::pending::<Result<(), Error>>()));
        assert!(poll_once(&mut call).await.is_pending());
        assert!(breaker.acquire().is_err());
    }
    assert_eq!(breaker.run(async { Ok::<_, Error>(7) }).await.unwrap(), 7);
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn errors_of_the_caller_never_open_it() {
    let bench = Bench::new(Breaker::consecutive(1));
    for _ in 0..10 {
        let failed = bench.breaker.call_blocking(|_| Err::<(), _>(Error::validation("no such order")));
        assert!(matches!(failed, Err(CallError::Failed(_))));
    }
    assert_eq!(bench.breaker.state(), State::Closed);
}

#[test]
fn a_classifier_may_call_a_success_a_failure() {
    let bench = Bench::new(Breaker::consecutive(1));
    let by_status = |result: &Result<u16, String>| match result {
        Ok(500..) | Err(_) => Verdict::Transient(None),
        Ok(_) => Verdict::Success,
    };
    let value = bench.breaker.classify(by_status).call_blocking(|_| Ok(503));
    assert_eq!(value, Ok(503), "the value is the caller's");
    assert_eq!(bench.breaker.state(), State::Open);
}

#[test]
fn the_rejection_rate_does_not_touch_the_success_rate() {
    let bench = Bench::new(Breaker::consecutive(1));
    bench.play("SSSSSF");
    for _ in 0..4 {
        assert!(bench.breaker.acquire().is_err());
    }
    let totals = bench.breaker.snapshot().totals;
    assert_eq!((totals.success_rate(), totals.rejected), (Some(5.0 / 6.0), 4));
}

/// Polls a future once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    let mut future = std::pin::Pin::new(future);
    std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx))).await
}

#[test]
fn a_breaker_says_that_it_is_one() {
    let breaker = Breaker::consecutive(1).build().unwrap();
    assert_eq!(breaker.roles(), [Role::new(PolicyKind::Breaker)]);
}
