//! A place in the line of a rate limit, taken beforehand.

use std::num::NonZeroU32;

use core_limit::{Rate, RateBuilder};
use core_time::ms;
use governor::{Quota, RateLimiter};

use super::limit::PER_SECOND;
use super::{Failure, call};
use crate::{Budget, Comes, Contest, Row, looped, ready};

pub(super) fn rows() -> Vec<Row> {
    // A coarse reading of the clock, or an exact one where the period is short; and the limit that it can be given back to.
    let row = |name, contest| Row {
        name,
        threads: 1,
        budget: Budget::Total(130.0),
        beside: &[],
        comes: Comes::Answered,
        allocations_max: 0,
        contest,
    };
    vec![row("rate_limit/reserve", smooth), row("rate_limit/reserve_bursty", bursty)]
}

/// Evenly in time. The turn has come when it is asked for, so nobody waits.
fn smooth() -> Contest {
    reserve(Rate::per_second(PER_SECOND.into()).burst(PER_SECOND.into()))
}

/// So many in each millisecond, whenever in it.
fn bursty() -> Contest {
    reserve(Rate::per(u64::from(PER_SECOND) / 1_000, ms(1)).bursty())
}

fn reserve(rate: RateBuilder) -> Contest {
    let ours = rate.build().expect("valid");
    let rate = NonZeroU32::new(PER_SECOND).expect("not zero");
    let theirs = RateLimiter::direct(Quota::per_second(rate).allow_burst(rate));
    Contest {
        ours: looped(move |input| {
            ready(async {
                ours.reserve(1).map_err(|_| Failure)?.ready().await;
                call(input).await
            })
        }),
        peers: vec![(
            "governor until_ready",
            looped(move |input| {
                ready(async {
                    theirs.until_ready().await;
                    call(input).await
                })
            }),
        )],
    }
}
