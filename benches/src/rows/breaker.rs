use std::hint::black_box;
use std::time::Duration;

use core_breaker::Breaker;
use core_time::secs;
use failsafe::CircuitBreaker as _;
use layered::{Execute, Service as _, Stack as _};
use seatbelt::{RecoveryInfo, ResilienceContext};
use tick::Clock;
use tower::Layer;
use tower_resilience_circuitbreaker::{CircuitBreakerLayer, SlidingWindowType};

use super::{Failure, bare, call, service, tower_loop};
use crate::{Budget, Loop, Row, looped, ready};

pub(super) fn rows() -> Vec<Row> {
    let windowed = || Breaker::rate(0.5).window(secs(10)).min_calls(20).build().expect("valid");
    let consecutive = || Breaker::consecutive(5).build().expect("valid");
    vec![
        Row {
            name: "breaker/closed",
            threads: 1,
            budget: Budget::Total(20.0),
            bare: bare(),
            ours: ours(windowed()),
            peers: closed_peers(),
        },
        Row {
            name: "breaker/closed_2_threads",
            threads: 2,
            budget: Budget::Total(25.0),
            bare: bare(),
            ours: ours(windowed()),
            peers: closed_peers(),
        },
        Row {
            name: "breaker/closed_consecutive",
            threads: 1,
            budget: Budget::Total(20.0),
            bare: bare(),
            ours: ours(consecutive()),
            peers: vec![("failsafe (consecutive)", failsafe_consecutive())],
        },
        Row {
            name: "breaker/open",
            threads: 1,
            budget: Budget::Total(10.0),
            bare: bare(),
            ours: ours_open(),
            peers: open_peers(),
        },
    ]
}

fn ours(breaker: Breaker) -> Loop {
    looped(move || {
        let _ = black_box(ready(breaker.call(|_| call(black_box(7)))).is_ok());
    })
}

fn ours_open() -> Loop {
    let breaker = Breaker::consecutive(1).open_for(secs(3600)).build().expect("valid");
    breaker.acquire().expect("closed").failure();
    looped(move || {
        let _ = black_box(ready(breaker.call(|_| call(black_box(7)))).is_err());
    })
}

fn closed_peers() -> Vec<(&'static str, Loop)> {
    vec![
        ("seatbelt", seatbelt(false)),
        ("tower-resilience", tower_resilience(false)),
        ("failsafe (rate)", failsafe_rate()),
        ("recloser", recloser(false)),
    ]
}

fn open_peers() -> Vec<(&'static str, Loop)> {
    vec![
        ("seatbelt", seatbelt(true)),
        ("tower-resilience", tower_resilience(true)),
        ("failsafe (consecutive)", failsafe_open()),
        ("recloser", recloser(true)),
    ]
}

async fn fail(_: u64) -> Result<u64, Failure> {
    Err(Failure)
}

fn seatbelt(open: bool) -> Loop {
    let clock = Clock::new_tokio();
    let context = ResilienceContext::new(&clock);
    let stack = (
        seatbelt::breaker::Breaker::layer("breaker", &context)
            .recovery_with(|result: &Result<u64, Failure>, _| match result {
                Ok(_) => RecoveryInfo::never(),
                Err(_) => RecoveryInfo::retry(),
            })
            .rejected_input_error(|_: u64, _| Failure)
            .failure_threshold(0.5)
            .min_throughput(20)
            .break_duration(Duration::from_secs(3600)),
        Execute::new(move |input: u64| async move { if open { fail(input).await } else { call(input).await } }),
    );
    let service = stack.into_service();
    if open {
        (0..100).for_each(|_| drop(ready(service.execute(7))));
    }
    looped(move || {
        let _ = black_box(ready(service.execute(black_box(7))).is_ok());
    })
}

fn tower_resilience(open: bool) -> Loop {
    let layer = CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_type(SlidingWindowType::TimeBased)
        .sliding_window_duration(Duration::from_secs(10))
        .minimum_number_of_calls(20)
        .wait_duration_in_open(Duration::from_secs(3600))
        .build()
        .expect("valid");
    if !open {
        return tower_loop(layer.layer(service()));
    }
    let mut failing = layer.layer(tower::service_fn(fail));
    (0..100).for_each(|_| drop(ready(tower::Service::call(&mut failing, 7))));
    tower_loop(failing)
}

fn failsafe_rate() -> Loop {
    let policy = failsafe::failure_policy::success_rate_over_time_window(
        0.5,
        20,
        Duration::from_secs(10),
        failsafe::backoff::constant(Duration::from_secs(3600)),
    );
    let breaker = failsafe::Config::new().failure_policy(policy).build();
    looped(move || {
        let _ = black_box(breaker.call(|| ready(call(black_box(7)))).is_ok());
    })
}

fn failsafe_consecutive() -> Loop {
    let breaker = failsafe_breaker();
    looped(move || {
        let _ = black_box(breaker.call(|| ready(call(black_box(7)))).is_ok());
    })
}

fn failsafe_open() -> Loop {
    let breaker = failsafe_breaker();
    (0..10).for_each(|_| drop(breaker.call(|| Err::<u64, _>(Failure))));
    looped(move || {
        let _ = black_box(breaker.call(|| ready(call(black_box(7)))).is_err());
    })
}

fn failsafe_breaker() -> impl failsafe::CircuitBreaker + Send + Sync + 'static {
    let policy =
        failsafe::failure_policy::consecutive_failures(5, failsafe::backoff::constant(Duration::from_secs(3600)));
    failsafe::Config::new().failure_policy(policy).build()
}

fn recloser(open: bool) -> Loop {
    let breaker = recloser::Recloser::custom()
        .error_rate(0.5)
        .closed_len(if open { 1 } else { 100 })
        .open_wait(Duration::from_secs(3600))
        .build();
    if open {
        (0..10).for_each(|_| drop(breaker.call(|| Err::<u64, _>(Failure))));
    }
    looped(move || {
        let _ = black_box(breaker.call(|| ready(call(black_box(7)))).is_ok());
    })
}
