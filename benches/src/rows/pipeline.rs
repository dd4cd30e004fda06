use std::hint::black_box;
use std::time::Duration;

use core_breaker::Breaker;
use core_limit::Rate;
use core_pipeline::Pipeline;
use core_retry::{Budget as RetryBudget, Retry};
use core_time::{ms, secs};
use layered::{Execute, Service as _, Stack as _};
use seatbelt::{RecoveryInfo, ResilienceContext};
use tick::Clock;
use tower::ServiceBuilder;
use tower_resilience_bulkhead::BulkheadLayer;
use tower_resilience_circuitbreaker::{CircuitBreakerLayer, SlidingWindowType};
use tower_resilience_ratelimiter::RateLimiterLayer;
use tower_resilience_retry::RetryLayer;
use tower_resilience_timelimiter::TimeLimiterLayer;

use super::{Failure, bare, call, service, tower_loop};
use crate::{Budget, Loop, Row, looped, ready};

const PER_SECOND: u32 = 500_000_000;

pub(super) fn rows() -> Vec<Row> {
    vec![Row {
        name: "pipeline/five_policies",
        threads: 1,
        budget: Budget::Total(100.0),
        bare: bare(),
        ours: ours(),
        peers: vec![("seatbelt (3 of 5)", seatbelt()), ("tower-resilience", tower_resilience())],
    }]
}

/// Retry with a budget, breaker, rate limit, bulkhead, attempt timeout.
fn ours() -> Loop {
    let budget = RetryBudget::default();
    let pipeline = Pipeline::named("bench")
        .retry(Retry::exponential(ms(50)..secs(1)).full_jitter().attempts(4).budget(&budget))
        .breaker(Breaker::rate(0.5).window(secs(10)).min_calls(20))
        .limit(Rate::per_second(PER_SECOND.into()).burst(PER_SECOND.into()))
        .bulkhead(64)
        .attempt_timeout(ms(300))
        .build()
        .expect("valid");
    looped(move || {
        let _ = black_box(ready(pipeline.call(|_| call(black_box(7)))).is_ok());
    })
}

/// It has neither rate limit nor bulkhead.
fn seatbelt() -> Loop {
    let clock = Clock::new_tokio();
    let context = ResilienceContext::new(&clock);
    let recovery = |result: &Result<u64, Failure>| match result {
        Ok(_) => RecoveryInfo::never(),
        Err(_) => RecoveryInfo::retry(),
    };
    let stack = (
        seatbelt::retry::Retry::layer("retry", &context).clone_input().recovery_with(move |result, _| recovery(result)),
        seatbelt::breaker::Breaker::layer("breaker", &context)
            .recovery_with(move |result, _| recovery(result))
            .rejected_input_error(|_: u64, _| Failure),
        seatbelt::timeout::Timeout::layer("timeout", &context)
            .timeout(Duration::from_millis(300))
            .timeout_error(|_| Failure),
        Execute::new(call),
    );
    let service = stack.into_service();
    looped(move || {
        let _ = black_box(ready(service.execute(black_box(7))).is_ok());
    })
}

fn tower_resilience() -> Loop {
    let retry =
        RetryLayer::<u64, u64, _>::builder().max_attempts(4).exponential_backoff(Duration::from_millis(50)).build();
    let breaker = CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_type(SlidingWindowType::TimeBased)
        .sliding_window_duration(Duration::from_secs(10))
        .minimum_number_of_calls(20)
        .build()
        .expect("valid");
    let limit = RateLimiterLayer::builder()
        .limit_for_period(PER_SECOND as usize)
        .refresh_period(Duration::from_secs(1))
        .build()
        .expect("valid");
    let bulkhead = BulkheadLayer::builder().max_concurrent_calls(64).build().expect("valid");
    let timeout = TimeLimiterLayer::builder().timeout_duration(Duration::from_millis(300)).build();
    let stack = ServiceBuilder::new()
        .map_err(|_| Failure)
        .layer(retry)
        .map_err(|_| Failure)
        .layer(breaker)
        .map_err(|_| Failure)
        .layer(limit)
        .map_err(|_| Failure)
        .layer(bulkhead)
        .map_err(|_| Failure)
        .layer(timeout)
        .service(service());
    tower_loop(stack)
}
