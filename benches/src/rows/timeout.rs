use std::time::Duration;

use core_time::ms;
use core_timeout::Timeout;
use layered::Stack;
use tower::Layer;
use tower::timeout::TimeoutLayer;
use tower_resilience_timelimiter::TimeLimiterLayer;

use super::{Failure, call, seatbelt, service, tower_loop};
use crate::{Budget, Comes, Contest, Row, looped, ready};

const LIMIT: Duration = Duration::from_millis(300);

pub(super) fn rows() -> Vec<Row> {
    vec![Row {
        name: "timeout/ready",
        threads: 1,
        budget: Budget::OverBare(10.0),
        beside: &[],
        comes: Comes::Answered,
        allocations_max: 0,
        contest: ready_at_once,
    }]
}

fn ready_at_once() -> Contest {
    let ours = Timeout::attempt(ms(300)).build().expect("valid");
    let theirs = TimeLimiterLayer::builder().timeout_duration(LIMIT).build();
    Contest {
        ours: looped(move |input| ready(ours.call(|_| call(input)))),
        peers: vec![
            (
                "tokio timeout",
                looped(|input| {
                    ready(async { tokio::time::timeout(LIMIT, call(input)).await.map_err(|_| Failure)? })
                }),
            ),
            ("tower Timeout", tower_loop(TimeoutLayer::new(LIMIT).layer(service()))),
            (
                "seatbelt",
                seatbelt::service_loop(
                    (seatbelt::timeout(&seatbelt::context()), seatbelt::service()).into_service(),
                ),
            ),
            ("tower-resilience", tower_loop(theirs.layer(service()))),
        ],
    }
}
