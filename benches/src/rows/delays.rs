//! The delays of a loop of one's own.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use core_policy::Rng;
use core_retry::{Backoff, Retry};
use core_time::{ms, secs};

use crate::{Budget, Comes, Contest, Row, looped};

pub(super) fn rows() -> Vec<Row> {
    // Beside a call that failed and a pause of milliseconds it is nothing; it is here so that it stays so.
    vec![Row {
        name: "retry/delays",
        threads: 1,
        budget: Budget::Total(120.0),
        beside: &[],
        comes: Comes::Answered,
        allocations_max: 0,
        contest: four_delays,
    }]
}

/// The pauses after four failures, doubling from 50 ms to at most a second, with jitter.
fn four_delays() -> Contest {
    let ours: Backoff = *Retry::exponential(ms(50)..secs(1)).full_jitter().backoff();
    let theirs = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .with_max_times(4)
        .with_jitter();
    let draws = Rng::from_seed(7);
    Contest {
        ours: looped(move |input| together(input, ours.delays(|| draws.next_unit()).take(4))),
        peers: vec![("backon", looped(move |input| together(input, theirs.build())))],
    }
}

/// All delays are looked at.
fn together(input: u64, delays: impl Iterator<Item = Duration>) -> Result<u64, ()> {
    let (count, sum) = delays.fold((0, Duration::ZERO), |(count, sum), delay| (count + 1, sum + delay));
    if count == 4 && sum <= Duration::from_secs(8) { Ok(input) } else { Err(()) }
}
