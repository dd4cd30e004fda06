//! Limits on a clock whose coarse readings lag: what they decide is what the exact clock says.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use core_errors::{Error, Rejection};
use core_limit::{Rate, RateLimit, SlidingWindow};
use core_time::{ManualClock, ms, secs};

fn lagging() -> ManualClock {
    let time = ManualClock::lagging(ms(4));
    time.advance(secs(5));
    time
}

/// A call under the limit.
fn call(limit: &RateLimit) -> Result<(), Rejection> {
    limit.call_blocking(|_| Ok::<_, Error>(())).map_err(|error| error.rejection().unwrap().clone())
}

#[test]
fn rl_1_who_comes_back_in_time_is_admitted_however_it_asks() {
    let time = lagging();
    let limit = Rate::per_second(10).burst(1).clock(time.clock()).build().unwrap();
    limit.check().unwrap();
    // The first was taken by a reading of 4 ms before, the others by exact ones.
    time.advance(ms(97));
    limit.check().unwrap();
    for _ in 0..3 {
        time.advance(ms(100));
        limit.check().unwrap();
        time.advance(ms(100));
        limit.take(1).unwrap();
        time.advance(ms(100));
        call(&limit).unwrap();
    }
}

#[test]
fn rl_1_a_rate_that_is_finer_than_a_tick_reads_the_exact_clock() {
    let time = lagging();
    let limit = Rate::per_second(10_000).burst(10).clock(time.clock()).build().unwrap();
    for _ in 0..5 {
        assert_eq!(limit.take_at_most(100), 10);
        time.advance(ms(1));
    }
    limit.set_rate(Rate::per_second(1).burst(1)).unwrap();
    limit.set_rate(Rate::per_second(10_000).burst(10)).unwrap();
    time.advance(ms(1));
    for _ in 0..5 {
        assert_eq!(limit.take_at_most(100), 10);
        time.advance(ms(1));
    }
}

#[test]
fn rl_9_a_window_admits_who_comes_back_in_time() {
    let time = lagging();
    let limit = SlidingWindow::per(1, secs(1)).clock(time.clock()).build().unwrap();
    limit.check().unwrap();
    let wait = limit.check().unwrap_err().retry_after().unwrap();
    // It was asked by a reading of 4 ms before.
    time.advance(wait.saturating_sub(ms(3)));
    limit.check().unwrap();
}

#[test]
fn rl_5_a_reservation_that_waits_is_reckoned_by_the_exact_clock() {
    let time = lagging();
    let limit = Rate::per_second(10).burst(1).max_wait(secs(1)).clock(time.clock()).build().unwrap();
    assert_eq!(limit.reserve(1).unwrap().wait(), ms(0), "one is there by the coarse clock too");
    // By a reading of 4 ms before there was one as of 5.000 s less 4 ms, so the next is there 100 ms after that.
    limit.take(1).unwrap();
    let second = limit.reserve(1).unwrap();
    assert_eq!(second.at() - time.now(), ms(96));
    second.ready_blocking();
    // It is there by the exact clock, and not yet by the coarse one.
    time.advance(ms(100));
    let third = limit.reserve(1).unwrap();
    assert_eq!(third.wait(), ms(0));
    third.ready_blocking();
    assert_eq!(time.elapsed(), secs(5) + ms(196), "it was not waited for");
    assert!(
        limit.reserve(12).is_err(),
        "nor is anything refused by the coarse clock that the exact one would refuse"
    );
}
