//! The crates as a service builds them, on the clock of the system: everywhere else tests turn the feature on that makes the
//! clock follow their runtime, and a coarse reading is then as good as an exact one.
//!
//! Run with `cargo xtask test --only clock`, alone: together with others the feature is on.

use std::future::ready;
use std::time::Duration;

use genesis_kit::prelude::*;

fn reset() -> Error {
    Error::network("reset")
}

/// The first attempt fails, the second succeeds.
fn heals(attempt: Attempt) -> std::future::Ready<Result<u32, Error>> {
    let number = attempt.number().get();
    ready(if number == 1 { Err(reset()) } else { Ok(number) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_retry_that_was_decided_on_is_made() {
    for delay in [ms(1), ms(5), ms(12)] {
        let retry = Retry::fixed(delay).no_jitter().attempts(2).build().unwrap();
        for round in 0..60 {
            assert_eq!(retry.call(heals).await.unwrap(), 2, "round {round} of {delay:?}");
        }
    }
}

#[tokio::test]
async fn a_circuit_is_open_for_no_less_than_its_time() {
    let clock = Clock::system();
    for _ in 0..20 {
        let breaker = Breaker::consecutive(1).open_for(ms(20)).jitter(false).build().unwrap();
        let opened = clock.now();
        breaker.acquire().unwrap().failure();
        while breaker.acquire().is_err() {
            clock.sleep(ms(1)).await;
        }
        let after = clock.now() - opened;
        assert!(after >= ms(20), "{after:?}");
    }
}

#[tokio::test]
async fn who_comes_back_when_a_refusal_said_is_admitted() {
    let limit = Rate::per_second(50).burst(5).build().unwrap();
    for _ in 0..30 {
        while limit.check().is_ok() {}
        let after = limit.check().unwrap_err().retry_after().unwrap_or(Duration::MAX);
        assert!(after <= ms(20 + 25), "{after:?}");
        Clock::system().sleep(after).await;
        limit.check().unwrap();
    }
}
