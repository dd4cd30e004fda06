use std::hint::black_box;
use std::time::Duration;

use core_time::ms;
use core_timeout::Timeout;
use layered::{Execute, Service as _, Stack as _};
use seatbelt::ResilienceContext;
use tick::Clock;
use tower::Layer;
use tower::timeout::TimeoutLayer;

use super::{Failure, bare, call, service, tower_loop};
use crate::{Budget, Loop, Row, looped, ready};

const LIMIT: Duration = Duration::from_millis(300);

pub(super) fn rows() -> Vec<Row> {
    let timeout = Timeout::attempt(ms(300)).build().expect("valid");
    vec![Row {
        name: "timeout/ready",
        threads: 1,
        budget: Budget::OverBare(10.0),
        bare: bare(),
        ours: looped(move || {
            let _ = black_box(ready(timeout.call(|_| call(black_box(7)))).is_ok());
        }),
        peers: vec![
            ("tokio timeout", looped(|| {
                let _ = black_box(ready(tokio::time::timeout(LIMIT, call(black_box(7)))).is_ok());
            })),
            ("tower Timeout", tower_loop(TimeoutLayer::new(LIMIT).layer(service()))),
            ("seatbelt", seatbelt()),
        ],
    }]
}

fn seatbelt() -> Loop {
    let clock = Clock::new_tokio();
    let context = ResilienceContext::new(&clock);
    let stack = (
        seatbelt::timeout::Timeout::layer("timeout", &context).timeout(LIMIT).timeout_error(|_| Failure),
        Execute::new(call),
    );
    let service = stack.into_service();
    looped(move || {
        let _ = black_box(ready(service.execute(black_box(7))).is_ok());
    })
}
