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

#[test]
fn rl_8_no_key_that_is_known_waits_for_a_change_of_a_tier() {
    let keyed = Rate::per_second(10).clock(ManualClock::new().clock()).keyed(Keyed::max(10).idle(secs(60)));
    let limits = keyed.tier("premium", Rate::per_second(1_000)).build::<u8>().unwrap();
    limits.check(&1).unwrap();
    let shared = &limits.0.shared;
    let _changing = (shared.changing.lock(), shared.moving.lock());
    let (done, is_done) = std::sync::mpsc::sync_channel(1);
    let other = limits.clone();
    std::thread::Builder::new()
        .spawn(move || {
            let default = other.tier("default").unwrap();
            let taken = (other.check(&1).is_ok(), other.take_in(default, &1, 2).unwrap().remaining);
            done.send((taken, other.stats(default).allowed, other.peek_in(default, &1).remaining)).unwrap();
        })
        .unwrap();
    let came = is_done.recv_timeout(secs(60)).expect("it waits for the change");
    assert_eq!(came, ((true, 6), 4, 6));
}
