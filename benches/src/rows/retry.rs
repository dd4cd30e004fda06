use std::hint::black_box;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use core_retry::{Budget as RetryBudget, Retry};
use core_time::{ms, secs};
use layered::{Execute, Service as _, Stack as _};
use seatbelt::{RecoveryInfo, ResilienceContext};
use tick::Clock;
use tower::Layer;
use tower_resilience_retry::RetryLayer;

use super::{Failure, bare, call, service, tower_loop};
use crate::{Budget, Loop, Row, looped, ready};

pub(super) fn rows() -> Vec<Row> {
    let plain = Retry::exponential(ms(50)..secs(1)).full_jitter().attempts(4).build().expect("valid");
    let budget = RetryBudget::default();
    let budgeted =
        Retry::exponential(ms(50)..secs(1)).full_jitter().attempts(4).budget(&budget).build().expect("valid");
    vec![
        Row {
            name: "retry/first_success",
            threads: 1,
            budget: Budget::OverBare(4.0),
            bare: bare(),
            ours: ours(plain),
            peers: peers(),
        },
        Row {
            name: "retry/first_success_budget",
            threads: 1,
            budget: Budget::OverBare(4.0),
            bare: bare(),
            ours: ours(budgeted),
            peers: peers(),
        },
    ]
}

fn ours(retry: Retry) -> Loop {
    looped(move || {
        let _ = black_box(ready(retry.call(|_| call(black_box(7)))).is_ok());
    })
}

fn peers() -> Vec<(&'static str, Loop)> {
    vec![
        ("backon", looped(|| {
            let backoff = ExponentialBuilder::default().with_jitter().with_max_times(3);
            let _ = black_box(ready((|| call(black_box(7))).retry(backoff).sleep(tokio::time::sleep)).is_ok());
        })),
        ("seatbelt", seatbelt()),
        ("tower-resilience", tower_loop(
            RetryLayer::<u64, u64, Failure>::builder()
                .max_attempts(4)
                .exponential_backoff(Duration::from_millis(50))
                .build()
                .layer(service()),
        )),
    ]
}

fn seatbelt() -> Loop {
    let clock = Clock::new_tokio();
    let context = ResilienceContext::new(&clock);
    let stack = (
        seatbelt::retry::Retry::layer("retry", &context).clone_input().recovery_with(
            |result: &Result<u64, Failure>, _| match result {
                Ok(_) => RecoveryInfo::never(),
                Err(_) => RecoveryInfo::retry(),
            },
        ),
        Execute::new(call),
    );
    let service = stack.into_service();
    looped(move || {
        let _ = black_box(ready(service.execute(black_box(7))).is_ok());
    })
}
