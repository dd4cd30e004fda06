//! What limits say of themselves.

use core_errors::PolicyKind;
use core_limit::{Adaptive, Bulkhead, Rate, SlidingWindow, Throttle};
use core_policy::{Keyed, Policy, Role};
use core_time::{ManualClock, ms, secs};

#[test]
fn each_says_what_it_is_to_those_it_stands_beside() {
    let keys = Rate::per_second(1).keyed(Keyed::max(10)).build::<String>().unwrap();
    let of_key = keys.of(keys.tier("default").unwrap(), "a").unwrap();
    let roles = [
        Rate::per_second(1).build().unwrap().roles(),
        of_key.roles(),
        SlidingWindow::per(1, secs(1)).build().unwrap().roles(),
        Bulkhead::max(1).build().unwrap().roles(),
        Bulkhead::max(1).max_wait(secs(1)).build().unwrap().roles(),
        Adaptive::vegas().build().unwrap().roles(),
        Throttle::builder().build().unwrap().roles(),
    ];
    let rate = Role::new(PolicyKind::RateLimit);
    let slots = Role::new(PolicyKind::Bulkhead);
    let others = [Role::new(PolicyKind::Adaptive), Role::new(PolicyKind::Throttle)];
    let expected = [rate, rate, rate, slots, slots.queue(true), others[0], others[1]];
    assert_eq!(roles, expected.map(|role| vec![role]));
}

#[test]
fn each_says_how_it_is_set() {
    let slots = Bulkhead::max(7).max_wait(secs(3));
    assert_eq!(slots.max(), 7);
    assert_eq!(slots.build().unwrap().max_wait(), secs(3));
    assert_eq!(Rate::per_minute(6).burst(12).build().unwrap().refill(), secs(120));
    assert_eq!(Rate::per_minute(6).bursty().build().unwrap().refill(), secs(60));
}

#[test]
fn a_limit_is_full_when_nothing_of_it_is_used_or_reserved() {
    for rate in [Rate::per_second(2), Rate::per_second(2).bursty()] {
        let time = ManualClock::new();
        let limit = rate.max_wait(secs(9)).clock(time.clock()).build().unwrap();
        assert!(limit.is_full(time.now()));
        limit.take(1).unwrap();
        assert!(!limit.is_full(time.now()));
        time.advance(secs(1));
        assert!(limit.is_full(time.now()));
        limit.reserve(4).unwrap().spend();
        time.advance(secs(2).saturating_sub(ms(1)));
        assert!(!limit.is_full(time.now()));
        time.advance(ms(1));
        assert!(limit.is_full(time.now()));
    }
}

#[test]
fn whoever_has_a_partition_has_the_whole_limit_too() {
    let limit = Adaptive::vegas().partition("live", 0.1).build().unwrap();
    let live = limit.partition("live").unwrap();
    let _flight = limit.acquire().unwrap();
    assert_eq!((live.snapshot().in_flight, live.whole().snapshot().in_flight), (0, 1));
    let all: Vec<_> = limit.partitions().map(|it| it.name.as_str().to_owned()).collect();
    assert_eq!(all, ["live"]);
}
