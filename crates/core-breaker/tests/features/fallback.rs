//! Fallbacks: for what they run, and what they get.

use crate::bench::Bench;
use core_breaker::Breaker;
use core_errors::{Error, Reason};
use core_policy::CallError;

#[test]
fn fb_1_a_fallback_gets_the_refusal_and_the_failure() {
    let bench = Bench::new(Breaker::consecutive(1));
    let answer = bench.breaker.call_or_blocking(
        |_| Err::<u32, _>(Error::network("hung up")),
        |error| {
            if error.inner().is_some_and(|error| error.to_string().contains("hung up")) {
                Ok(7)
            } else {
                Err(error)
            }
        },
    );
    assert_eq!(answer.ok(), Some(7));
    let answer = bench.breaker.call_or_blocking(
        |_| Ok::<u32, Error>(1),
        |error| {
            if error.rejection().is_some_and(|refused| refused.reason() == Reason::CircuitOpen) {
                Ok(8)
            } else {
                Err(error)
            }
        },
    );
    assert_eq!(answer.ok(), Some(8));
}

#[test]
fn fb_1_it_does_not_run_for_success_or_for_the_callers_own_fault() {
    let bench = Bench::new(Breaker::consecutive(1));
    let never = |_: CallError<Error>| -> Result<u32, CallError<Error>> { panic!("it ran") };
    assert_eq!(bench.breaker.call_or_blocking(|_| Ok(1), never).ok(), Some(1));
    let wrong = bench.breaker.call_or_blocking(|_| Err(Error::validation("no such order")), never);
    assert!(matches!(wrong, Err(CallError::Failed(_))));
}

#[test]
fn fb_1_a_fallback_that_fails_returns_what_it_likes() {
    let bench = Bench::new(Breaker::consecutive(1));
    let both = bench.breaker.call_or_blocking(
        |_| Err::<u32, _>(Error::network("hung up")),
        |error| {
            let cached = Error::cache("nothing cached");
            Err(error.map(|error| cached.cause(error)))
        },
    );
    let both = both.unwrap_err().into_inner().unwrap();
    assert!(both.to_string().contains("nothing cached"));
    assert!(std::error::Error::source(&both).unwrap().to_string().contains("hung up"));
}

#[tokio::test(start_paused = true)]
async fn fb_1_the_same_for_futures() {
    let breaker = Breaker::consecutive(1).build().expect("valid");
    let answer = breaker
        .call_or(
            async |_| Err::<u32, _>(Error::network("hung up")),
            async |error| {
                tokio::task::yield_now().await;
                if error.inner().is_some() { Ok(7) } else { Err(error) }
            },
        )
        .await;
    assert_eq!(answer.ok(), Some(7));
    assert_eq!(breaker.snapshot().totals.failures, 1);
    let breaker = Breaker::consecutive(1).build().expect("valid");
    let wrong = async |_| Err::<u32, _>(Error::validation("no"));
    let answer = breaker.call_or(wrong, async |_| unreachable!("it is the caller's own fault")).await;
    assert!(answer.is_err());
}
