//! What opens a closed circuit, and what a window holds, by the IDs of the rules.

use std::time::Duration;

use crate::bench::Bench;
use core_breaker::{Breaker, Builder, State};
use core_time::{ms, secs};

fn rate(rate: f64, min: u32) -> Builder {
    Breaker::rate(rate).min_calls(min).window(secs(10))
}

#[test]
fn cb_1_trips_at_the_threshold_and_at_the_minimum() {
    // calls, minimum, failures, threshold, trips
    let table = [
        (10, 10, 0, 0.1, false),
        (10, 10, 1, 0.1, true),
        (10, 10, 2, 0.1, true),
        (11, 10, 3, 0.2, true),
        (9, 10, 1, 0.1, false),
    ];
    for (calls, min, failures, threshold, trips) in table {
        let bench = Bench::new(rate(threshold, min));
        // The failures come first, so that only the last call can decide.
        let script = "F".repeat(failures) + &"S".repeat(calls - failures);
        let script = &script[..calls.min(10)];
        assert_eq!(bench.play(script) == State::Open, trips, "{calls} {min} {failures} {threshold}");
    }
}

#[test]
fn cb_2_below_the_minimum_the_rate_is_undefined() {
    let bench = Bench::new(rate(0.5, 5));
    assert_eq!(bench.play("FFFS"), State::Closed);
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.failure_rate, snapshot.window.calls), (None, 4));
}

#[test]
fn cb_3_every_result_is_looked_at_also_a_success() {
    assert_eq!(Bench::new(rate(0.5, 5)).play("FFFSS"), State::Open);
    let bench = Bench::new(rate(0.5, 5));
    assert_eq!(bench.play("SSSFF"), State::Closed);
    assert_eq!(bench.play("F"), State::Open);
}

#[test]
fn cb_3_a_success_after_good_calls_left_the_window_trips() {
    let bench = Bench::new(rate(0.5, 4));
    assert_eq!(bench.play("SSSSS"), State::Closed);
    assert_eq!(bench.play("---FFF"), State::Closed, "3 of 8");
    assert_eq!(bench.play("-------S"), State::Open, "the 5 successes are gone: 3 of 4");
}

#[test]
fn cb_4_slow_is_strictly_over_and_counts_once() {
    let bench = Bench::new(rate(0.5, 5).slow_over(secs(4)).window(secs(100)));
    for (took, state) in [
        (secs(5), State::Closed),
        (secs(5), State::Closed),
        (ms(100), State::Closed),
        (ms(100), State::Closed),
    ] {
        assert_eq!(bench.slow(took), state);
    }
    assert_eq!(bench.slow(secs(5)), State::Open, "3 of 5 are 60 %");
    let exact = Bench::new(rate(0.5, 1).slow_over(ms(50)));
    assert_eq!(exact.slow(ms(50)), State::Closed);
    assert_eq!(exact.slow(ms(50) + Duration::from_nanos(1)), State::Open);
}

#[test]
fn cb_4_a_call_can_be_slow_and_failed() {
    let bench = Bench::new(rate(0.9, 10).slow_over(secs(1)));
    let permit = bench.permit();
    bench.time.advance(secs(2));
    permit.failure();
    let window = bench.breaker.snapshot().window;
    assert_eq!((window.calls, window.failures, window.slow), (1, 1, 1));
}

#[test]
fn cb_5_a_window_of_fewer_calls_than_the_minimum_counts_as_full() {
    let bench = Bench::new(Breaker::rate(0.5).window_of_calls(5).min_calls(100));
    assert_eq!(bench.play("FFSS"), State::Closed);
    assert_eq!(bench.play("S"), State::Closed);
    assert_eq!(bench.play("F"), State::Closed, "the oldest failure left: 2 of 5");
    assert_eq!(bench.play("F"), State::Closed, "so did the next: 2 of 5");
    assert_eq!(bench.play("F"), State::Open, "3 of 5");
}

#[test]
fn cb_6_a_success_ends_a_run() {
    let three = Bench::new(Breaker::consecutive(3));
    assert_eq!(three.play("FSFF"), State::Closed);
    assert_eq!(three.play("F"), State::Open);
    assert_eq!(Bench::new(Breaker::consecutive(2)).play(&"SF".repeat(20)), State::Closed);
    let six = Bench::new(Breaker::consecutive(6));
    assert_eq!(six.play("FFFFFSFFFFFF"), State::Open);
    assert_eq!(six.breaker.snapshot().consecutive_failures, 0);
}

#[test]
fn cb_10_ignored_outcomes_are_in_no_denominator() {
    let bench = Bench::new(rate(0.5, 4));
    assert_eq!(bench.play("FISIFII"), State::Closed);
    assert_eq!(bench.breaker.snapshot().window.calls, 3);
    assert_eq!(bench.play("F"), State::Open);
    assert_eq!(bench.breaker.snapshot().totals.ignored, 4);
    let run = Bench::new(Breaker::consecutive(2));
    assert_eq!(run.play("FIF"), State::Open, "an ignored call ends no run");
}

#[test]
fn w_1_results_leave_a_bucket_at_a_time() {
    let bench = Bench::new(rate(1.0, 100));
    let tally = || {
        let window = bench.breaker.snapshot().window;
        (window.calls, window.failures)
    };
    for (script, expected) in [
        ("FS--", (2, 1)),
        ("FS--", (4, 2)),
        ("SS--", (6, 2)),
        ("SS--", (8, 2)),
        ("SS--", (8, 1)),
        ("--", (6, 0)),
    ] {
        bench.play(script);
        assert_eq!(tally(), expected);
    }
}

#[test]
fn w_2_after_a_long_gap_every_bucket_is_empty() {
    let bench = Bench::new(rate(1.0, 100));
    bench.play("SSFF-SF");
    bench.time.advance(secs(320));
    assert_eq!(bench.breaker.snapshot().window.calls, 0, "also when the ring went round ten times");
}

#[test]
fn w_5_a_clock_that_jumps_back_neither_panics_nor_reopens() {
    let bench = Bench::new(rate(0.5, 4));
    bench.play("SSSS");
    bench.time.set(bench.time.now() - secs(100));
    assert_eq!(bench.play("SSF"), State::Closed);
    let open = Bench::new(Breaker::consecutive(1));
    open.play("F");
    open.time.set(open.time.now() - secs(100));
    assert!(open.breaker.acquire().is_err());
}

#[test]
fn f_87_the_statistics_say_when_a_call_failed_last() {
    let bench = Bench::new(Breaker::consecutive(2).probes(1).successes(1));
    let age = || bench.breaker.snapshot().last_failure_age;
    bench.play("S-");
    assert_eq!(age(), None);
    bench.play("F--S-");
    assert_eq!(age(), Some(secs(3)));
    let late = bench.breaker.acquire().unwrap();
    bench.play("FF-");
    assert_eq!((bench.breaker.state(), age()), (State::Open, Some(secs(1))));
    late.failure();
    assert_eq!(age(), Some(secs(1)), "of a circuit that there is no more");
    bench.time.advance(secs(10));
    bench.play("F-");
    assert_eq!(age(), Some(secs(1)), "a probe");
}

#[test]
fn w_6_reading_changes_nothing() {
    let bench = Bench::new(Breaker::consecutive(1));
    bench.play("F");
    bench.time.advance(secs(60));
    for _ in 0..3 {
        assert_eq!(
            (bench.breaker.state(), bench.breaker.snapshot().open_left),
            (State::Open, Some(Duration::ZERO))
        );
    }
    assert_eq!(bench.changes().len(), 1);
}
