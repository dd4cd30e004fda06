use std::cell::Cell;

use core_policy::Keyed;
use core_time::{ManualClock, secs};

use super::*;
use crate::Rate;

/// What is decided for a key in a tier, if somebody asks for it in the other one between the first look at it and the decision.
fn meanwhile<R>(
    tier: &str,
    other: &str,
    n: u64,
    take: impl Fn(&Engine, Instant) -> Result<R, Refused>,
) -> Result<R, Refused> {
    let keyed = Rate::per_second(10).clock(ManualClock::new().clock()).keyed(Keyed::max(10).idle(secs(60)));
    let limits = keyed.tier("premium", Rate::per_second(1_000)).build::<String>().unwrap();
    let shared = &limits.0.shared;
    let [tier, other] = [tier, other].map(|name| shared.rules(limits.tier(name).unwrap()));
    let (bucket, now) = (tier.bucket(shared.now()), shared.now());
    let is_first = Cell::new(true);
    shared.try_take(tier, &bucket, n, now, |engine, now| {
        if is_first.replace(false) {
            other.bring_up(&bucket, now, &Mutex::default());
        }
        take(engine, now)
    })
}

#[test]
fn rl_10_what_a_tier_admits_is_not_impossible_while_another_has_the_key() {
    let taken = meanwhile("premium", "default", 600, |engine, now| engine.take(600, now)).unwrap();
    assert_eq!(taken.remaining, 400);
    let refused = meanwhile("default", "premium", 11, |engine, now| engine.take(11, now)).unwrap_err();
    assert_eq!(refused, Refused::Impossible, "nor is more admitted than a tier has");
    let refused = meanwhile("premium", "default", 1_001, |engine, now| engine.take(1_001, now)).unwrap_err();
    assert_eq!(refused, Refused::Impossible);
    meanwhile("default", "premium", 1, Engine::take_one).unwrap();
}
