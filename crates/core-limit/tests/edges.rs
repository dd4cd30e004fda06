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
