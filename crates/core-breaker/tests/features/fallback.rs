//! Fallbacks: for what they run, and what they get.

use std::sync::{Arc, Mutex};

use crate::bench::Bench;
use core_breaker::{Breaker, State};
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

/// What is cached may have been put there by somebody else.
#[test]
fn f_89_the_answer_of_a_fallback_is_checked_and_the_error_stands_in_for_one_that_is_not_valid() {
    let bench = Bench::new(Breaker::consecutive(9));
    let answer = |cached: Option<u32>| {
        bench.breaker.call_or_blocking(
            |_| Err::<u32, _>(Error::network("hung up")),
            |error| error.or_valid(cached, |price| (1..1_000).contains(price)),
        )
    };
    assert_eq!(answer(Some(7)).ok(), Some(7));
    for wrong in [Some(0), Some(1_000), None] {
        let error = answer(wrong).unwrap_err().into_inner().unwrap();
        assert!(error.to_string().contains("hung up"), "{wrong:?}: what the call came to");
    }
    assert_eq!(bench.breaker.snapshot().totals.failures, 4, "whatever the fallback had");
}

#[test]
fn f_89_what_operators_do_is_counted_and_shows_in_the_state_and_the_events() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    let bench = Bench::new(
        Breaker::consecutive(1)
            .on_change(move |event| telling.lock().unwrap().push((event.to, event.trigger.to_string()))),
    );
    assert_eq!(bench.breaker.snapshot().orders, 0);
    bench.breaker.force_open("maintenance").unwrap();
    bench.breaker.disable("an incident").unwrap();
    assert!(bench.breaker.disable(" ").is_err(), "nobody does it without a reason");
    let isolated = bench.breaker.isolate("a drill").unwrap();
    drop(isolated);
    bench.breaker.close("it is over").unwrap();
    let snapshot = bench.breaker.snapshot();
    assert_eq!(
        (snapshot.orders, snapshot.state),
        (4, State::Closed),
        "an end that follows by itself is no order"
    );
    // What the rules do is not what an operator does.
    assert!(bench.breaker.call_blocking(|_| Err::<(), _>(Error::network("hung up"))).is_err());
    assert_eq!((bench.breaker.snapshot().orders, bench.breaker.state()), (4, State::Open));
    let told = told.lock().unwrap();
    assert_eq!(told[0], (State::ForcedOpen, "an operator: maintenance".to_owned()));
    assert_eq!(told[1], (State::Disabled, "an operator: an incident".to_owned()));
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
