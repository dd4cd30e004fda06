//! A place in the line of a rate limit, taken beforehand.

use std::num::NonZeroU32;

use core_limit::{Rate, RateBuilder};
use core_time::ms;
use governor::{Quota, RateLimiter};

use super::limit::PER_SECOND;
use super::{Failure, call};
use crate::{Budget, Comes, Contest, Loop, Row, looped, ready};

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
    vec![
        row("rate_limit/reserve", smooth),
        row("rate_limit/reserve_bursty", bursty),
        // One that is not to be given back once it is there.
        Row { budget: Budget::Total(35.0), ..row("rate_limit/until_ready", waited_for) },
    ]
}

/// Evenly in time. The turn has come when it is asked for, so nobody waits.
fn smooth() -> Contest {
    reserve(Rate::per_second(PER_SECOND.into()).burst(PER_SECOND.into()))
}

/// So many in each millisecond, whenever in it.
fn bursty() -> Contest {
    reserve(Rate::per(u64::from(PER_SECOND) / 1_000, ms(1)).bursty())
}

/// Evenly in time, and there at once.
fn waited_for() -> Contest {
    let ours = Rate::per_second(PER_SECOND.into()).burst(PER_SECOND.into()).build().expect("valid");
    Contest {
        ours: looped(move |input| {
            ready(async {
                ours.until_ready(1).await.map_err(|_| Failure)?;
                call(input).await
            })
        }),
        peers: peers(),
    }
}

fn reserve(rate: RateBuilder) -> Contest {
    let ours = rate.build().expect("valid");
    Contest {
        ours: looped(move |input| {
            ready(async {
                ours.reserve(1).map_err(|_| Failure)?.ready().await;
                call(input).await
            })
        }),
        peers: peers(),
    }
}

fn peers() -> Vec<(&'static str, Loop)> {
    let rate = NonZeroU32::new(PER_SECOND).expect("not zero");
    let theirs = RateLimiter::direct(Quota::per_second(rate).allow_burst(rate));
    let theirs = looped(move |input| {
        ready(async {
            theirs.until_ready().await;
            call(input).await
        })
    });
    vec![("governor until_ready", theirs)]
}
