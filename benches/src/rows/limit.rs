use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;

use core_limit::{Bulkhead, Rate};
use governor::{Quota, RateLimiter};
use tokio::sync::Semaphore;
use tower::Layer;
use tower::limit::ConcurrencyLimitLayer;
use tower_resilience_bulkhead::BulkheadLayer;
use tower_resilience_ratelimiter::RateLimiterLayer;

use super::{bare, call, service, tower_loop};
use crate::{Budget, Loop, Row, looped, ready};

/// So fast that nothing is ever refused.
const PER_SECOND: u32 = 500_000_000;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "rate_limit/allow",
            threads: 1,
            budget: Budget::Total(35.0),
            bare: bare(),
            ours: ours_rate(),
            peers: vec![("governor", governor()), ("tower-resilience", tower_resilience_rate())],
        },
        Row {
            name: "bulkhead/free",
            threads: 1,
            budget: Budget::Total(20.0),
            bare: bare(),
            ours: ours_bulkhead(),
            peers: vec![
                ("tokio Semaphore", semaphore()),
                ("tower ConcurrencyLimit", tower_loop(ConcurrencyLimitLayer::new(64).layer(service()))),
                ("tower-resilience", tower_loop(
                    BulkheadLayer::builder().max_concurrent_calls(64).build().expect("valid").layer(service()),
                )),
            ],
        },
    ]
}

fn ours_rate() -> Loop {
    let limit = Rate::per_second(PER_SECOND.into()).burst(PER_SECOND.into()).build().expect("valid");
    looped(move || {
        let _ = black_box(ready(limit.call(|_| call(black_box(7)))).is_ok());
    })
}

fn governor() -> Loop {
    let rate = NonZeroU32::new(PER_SECOND).expect("not zero");
    let limiter = RateLimiter::direct(Quota::per_second(rate).allow_burst(rate));
    looped(move || {
        let result = if limiter.check().is_ok() { ready(call(black_box(7))).ok() } else { None };
        let _ = black_box(result);
    })
}

fn tower_resilience_rate() -> Loop {
    let layer = RateLimiterLayer::builder()
        .limit_for_period(PER_SECOND as usize)
        .refresh_period(std::time::Duration::from_secs(1))
        .build()
        .expect("valid");
    tower_loop(layer.layer(service()))
}

fn ours_bulkhead() -> Loop {
    let bulkhead = Bulkhead::max(64).build().expect("valid");
    looped(move || {
        let _ = black_box(ready(bulkhead.call(|_| call(black_box(7)))).is_ok());
    })
}

fn semaphore() -> Loop {
    let semaphore = Arc::new(Semaphore::new(64));
    looped(move || {
        let permit = semaphore.try_acquire();
        let _ = black_box(ready(call(black_box(7))).is_ok());
        drop(permit);
    })
}
