//! What a rate limit promises of calls that wait, are settled later, or live through a change of the rate.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

mod changes;
mod waits;

use std::time::Duration;

use core_limit::{Rate, RateBuilder, RateLimit};
use core_time::{ManualClock, secs};

fn under(builder: RateBuilder) -> (ManualClock, RateLimit) {
    let time = ManualClock::new();
    let limit = builder.name("mail").clock(time.clock()).build().unwrap();
    (time, limit)
}

/// Reserves, and keeps it. How long it has to wait.
fn wait(limit: &RateLimit, n: u64) -> Duration {
    let reservation = limit.reserve(n).unwrap();
    let wait = reservation.wait();
    reservation.spend();
    wait
}

/// A bursty limit of two a second, and one whose time can be set.
fn two_a_second() -> (ManualClock, RateLimit) {
    under(Rate::per_second(2).bursty().max_wait(secs(60)))
}
