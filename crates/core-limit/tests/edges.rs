//! The largest and the smallest that can be built, to the last one; and names.

use std::time::Duration;

use core_limit::{Adaptive, Bulkhead, Rate, SlidingWindow, Throttle};
use core_time::{ms, secs};

const NANO: Duration = Duration::from_nanos(1);

#[test]
fn every_limit_knows_its_name() {
    let names = [
        Adaptive::gradient().name("search").build().unwrap().name(),
        Bulkhead::max(1).name("search").build().unwrap().name(),
        Rate::per_second(1).name("search").build().unwrap().name(),
        SlidingWindow::per(1, secs(1)).name("search").build().unwrap().name(),
        Throttle::builder().name("search").build().unwrap().name(),
    ];
    assert!(names.iter().all(|name| name.as_str() == "search"), "{names:?}");
}

#[test]
fn a_century_is_the_longest_that_a_full_bucket_may_take() {
    let century = secs(100 * 365 * 24 * 3_600);
    Rate::per(1, century).build().unwrap();
    assert!(Rate::per(1, century + NANO).build().is_err());
    Rate::per(1, century / 2).burst(2).build().unwrap();
    assert!(Rate::per(1, century / 2 + NANO).burst(2).build().is_err());
}

#[test]
fn one_a_nanosecond_is_the_fastest() {
    Rate::per(1_000_000, ms(1)).build().unwrap();
    assert!(Rate::per(1_000_001, ms(1)).build().is_err());
}

#[test]
fn a_queue_of_a_million_is_the_longest() {
    Bulkhead::max(1).queue(1_000_000).max_wait(secs(1)).build().unwrap();
    assert!(Bulkhead::max(1).queue(1_000_001).max_wait(secs(1)).build().is_err());
}

#[test]
fn shares_that_add_up_to_a_millionth_more_than_one_are_taken_for_one() {
    let two = |share| Adaptive::gradient().partition("a", 0.75).partition("b", share).build();
    assert!((0.75 + 0.250_001_f64).to_bits() == 1.000_001_f64.to_bits());
    two(0.250_001).unwrap();
    assert!(two(0.250_001_1).is_err());
}

#[test]
fn rl_8_a_rate_that_its_units_cannot_hold_is_refused() {
    let limit = Rate::per_second(10).build().unwrap();
    assert!(limit.set_rate(Rate::per_second(700_000_000)).is_err());
    assert_eq!(limit.rate(), (10, secs(1)));
}

#[test]
fn rl_5_a_reservation_that_a_thread_waited_for_is_spent() {
    let time = core_time::ManualClock::new();
    let limit = Rate::per_second(1).burst(3).clock(time.clock()).build().unwrap();
    limit.reserve(2).unwrap().ready_blocking();
    assert_eq!(limit.peek().remaining, 1);
}

#[test]
fn rl_5_a_turn_that_a_call_waited_for_is_spent() {
    let time = core_time::ManualClock::new();
    let limit = Rate::per_second(1).burst(1).max_wait(secs(9)).clock(time.clock()).build().unwrap();
    for _ in 0..3 {
        limit.call_blocking(|_| Ok::<_, core_errors::Error>(())).unwrap();
    }
    assert_eq!((time.elapsed(), limit.peek().remaining), (secs(2), 0));
    let stats = limit.stats();
    assert_eq!((stats.allowed, stats.reserved, stats.cancelled), (3, 2, 0));
}

#[test]
fn a_bursty_rate_has_a_burst_of_a_period() {
    let limit = Rate::per_second(7).bursty().max_wait(secs(9)).build().unwrap();
    assert_eq!(limit.burst(), 7);
    assert!(limit.take(9).is_err());
    assert_eq!(limit.stats().refused, 7, "no more than could ever be");
}
