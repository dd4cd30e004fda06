//! What a clock that goes back can do to a breaker, as that of a machine may which was suspended (rule W-5): nothing lasts
//! longer, from the smallest time that was seen on, than it was to last.

use std::time::Duration;

use crate::bench::Bench;
use core_breaker::{Breaker, Builder, Decay, State};
use core_errors::{Reason, Verdict};
use core_time::{ManualClock, ms, secs};

/// Opened by a failure, a while after the clock began, for 5 s.
fn opened_by(rules: Builder) -> Bench {
    let bench = Bench::new(rules);
    bench.time.advance(secs(1_000));
    bench.play("F");
    bench
}

/// One probe is enough.
fn opened() -> Bench {
    opened_by(Breaker::consecutive(1).probes(1).successes(1))
}

/// It has just closed, and calls come back within 10 s.
fn ramping() -> Bench {
    let bench = opened_by(Breaker::consecutive(1).probes(1).successes(1).ramp_up(0.1, secs(10)));
    bench.time.advance(secs(5));
    bench.play("S");
    bench
}

fn all_pass(bench: &Bench) -> bool {
    (0..20).all(|_| bench.breaker.acquire().map(std::mem::forget).is_ok())
}

fn back(bench: &Bench, by: Duration) {
    bench.time.set(bench.time.now() - by);
}

#[test]
fn w_5_a_clock_that_goes_back_keeps_a_circuit_open_for_its_open_time_and_no_longer() {
    let bench = opened();
    bench.time.advance(secs(2));
    back(&bench, secs(100));
    assert_eq!(bench.open_left(), secs(5), "reading says so, and changes nothing (rule W-6)");
    let refused = bench.breaker.acquire().err().unwrap();
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::CircuitOpen, Some(secs(5))));
    bench.time.advance(secs(5).saturating_sub(Duration::from_nanos(1)));
    assert!(bench.breaker.acquire().is_err(), "nor for less");
    bench.time.advance(Duration::from_nanos(1));
    assert_eq!(bench.play("S"), State::Closed);
}

#[test]
fn w_5_that_goes_for_calls_and_for_a_clock_that_goes_back_again_too() {
    let bench = opened();
    for _ in 0..3 {
        back(&bench, secs(50));
        let refused = bench.breaker.call_blocking(|_| Ok::<_, core_errors::Error>(())).unwrap_err();
        assert_eq!(refused.rejection().unwrap().retry_after(), Some(secs(5)));
        bench.time.advance(secs(1));
    }
    bench.time.advance(secs(4));
    assert_eq!(bench.play("S"), State::Closed);
}

#[test]
fn w_5_what_lies_within_the_open_time_is_no_reason_to_begin_it_anew() {
    let bench = opened();
    bench.time.advance(secs(4));
    back(&bench, secs(3));
    let refused = bench.breaker.acquire().err().unwrap();
    assert_eq!(refused.retry_after(), Some(secs(4)));
    assert_eq!(bench.open_left(), secs(4));
}

#[test]
fn w_5_a_coarse_clock_that_lags_did_not_go_back() {
    let time = ManualClock::lagging(ms(6));
    time.advance(secs(1_000));
    let builder = Breaker::consecutive(1).jitter(false).open_for(secs(5)).probes(1).successes(1);
    let breaker = builder.clock(time.clock()).build().unwrap();
    breaker.acquire().unwrap().failure();
    let refused = breaker.acquire().err().unwrap();
    assert!(refused.retry_after().unwrap() >= secs(5));
    time.advance(secs(5).saturating_sub(Duration::from_nanos(1)));
    assert!(breaker.acquire().is_err(), "open for no less than its time");
    time.advance(Duration::from_nanos(1));
    assert!(breaker.acquire().is_ok());
}

#[test]
fn w_5_a_lease_lasts_no_longer_either() {
    let bench = opened_by(Breaker::consecutive(1).probes(1).successes(1).probe_lease(secs(10)));
    bench.time.advance(secs(5));
    std::mem::forget(bench.permit());
    back(&bench, secs(300));
    assert_eq!(bench.breaker.acquire().err().unwrap().reason(), Reason::HalfOpenFull);
    bench.time.advance(secs(10).saturating_sub(Duration::from_nanos(1)));
    assert!(bench.breaker.acquire().is_err());
    bench.time.advance(Duration::from_nanos(1));
    assert_eq!(bench.play("S"), State::Closed);
}

#[test]
fn w_5_a_ramp_lasts_no_longer_either() {
    let bench = ramping();
    back(&bench, secs(300));
    assert!(!all_pass(&bench));
    bench.time.advance(secs(10));
    assert!(all_pass(&bench));
}

#[test]
fn w_5_a_ramp_that_is_over_does_not_begin_again() {
    let bench = ramping();
    bench.time.advance(secs(10));
    bench.play("S");
    back(&bench, secs(9));
    assert!(all_pass(&bench));
}

#[test]
fn w_5_a_circuit_that_was_resumed_is_open_for_what_was_left_and_no_longer() {
    let bench = opened();
    bench.time.advance(secs(2));
    let resumed = Bench::new(Breaker::consecutive(1).resume(bench.breaker.save(), secs(1)));
    assert_eq!(resumed.open_left(), secs(2));
    back(&resumed, secs(100));
    assert_eq!(resumed.open_left(), secs(2));
    assert_eq!(resumed.breaker.acquire().err().unwrap().retry_after(), Some(secs(2)));
}

#[test]
fn w_5_a_burst_ends_when_the_clock_goes_back() {
    let bench = Bench::new(Breaker::consecutive(2).lumping(secs(1)));
    bench.time.advance(secs(1_000));
    bench.play("F");
    back(&bench, secs(300));
    assert_eq!(bench.play("F"), State::Open, "it is not known to be one with the last");
}

#[test]
fn w_5_what_the_callee_asked_for_is_no_more_than_it_may_ask_for() {
    let builder = Breaker::consecutive(2).open_for(secs(5)).hint_max(secs(20));
    let bench = Bench::new(builder.probes(1).successes(1));
    bench.time.advance(secs(1_000));
    bench.permit().record_verdict(Verdict::Overload(Some(secs(20))));
    back(&bench, secs(300));
    bench.play("F");
    assert_eq!(bench.open_left(), secs(20));
}

#[test]
fn w_5_other_rules_do_not_make_a_ramp_last_longer() {
    let bench = ramping();
    back(&bench, secs(300));
    bench.breaker.reconfigure(|builder| builder.ramp_up(0.1, secs(200))).unwrap();
    bench.time.advance(secs(10));
    assert!(all_pass(&bench));
}

#[test]
fn w_5_a_later_lease_lasts_no_longer_where_an_earlier_one_is_within_its_bound() {
    let bench = opened_by(Breaker::consecutive(1).probes(2).successes(1).probe_lease(secs(10)));
    bench.time.advance(secs(5));
    std::mem::forget(bench.permit());
    bench.time.advance(secs(8));
    std::mem::forget(bench.permit());
    // Before the second was sent, and after the first.
    back(&bench, secs(5));
    assert!(bench.breaker.acquire().is_err());
    bench.time.advance(secs(10));
    std::mem::forget(bench.permit());
    std::mem::forget(bench.permit());
}

#[test]
fn w_5_an_average_over_time_is_not_blind_until_the_clock_is_where_it_was() {
    let bench = Bench::new(Breaker::average(0.5, Decay::Time(secs(10))).min_calls(2));
    bench.time.advance(secs(1_000));
    bench.play("SSSSS");
    back(&bench, secs(300));
    assert_eq!(bench.play("S-F-F-F-F-F-F"), State::Closed);
    assert_eq!(bench.play("-F"), State::Open, "10 s times ln 2, after the last success");
}

#[test]
fn w_5_failures_of_before_it_went_back_are_not_lately_when_the_clock_is_where_it_was() {
    let bench = Bench::new(Breaker::rate(0.5).min_calls(4).window(secs(10)));
    bench.time.advance(secs(1_000));
    bench.play("FFF");
    back(&bench, secs(300));
    assert_eq!(bench.play("F"), State::Closed, "what was counted then is not known to be of now");
    bench.time.advance(secs(300));
    assert_eq!(bench.play("F"), State::Closed, "five minutes later");
    assert_eq!(bench.breaker.snapshot().window.calls, 1);
}

#[test]
fn w_5_nor_are_those_of_little_more_than_a_window_before() {
    let bench = Bench::new(Breaker::rate(0.5).min_calls(4).window(secs(10)));
    bench.time.advance(secs(1_000));
    bench.play("FFF");
    back(&bench, secs(20));
    bench.play("F");
    bench.time.advance(secs(20));
    assert_eq!(bench.play("F"), State::Closed, "the first are of twenty seconds ago");
    assert_eq!(bench.breaker.snapshot().window.calls, 1);
}

#[test]
fn w_5_before_the_time_at_which_it_was_made_failures_leave_a_window_of_time_as_ever() {
    let time = ManualClock::new();
    time.advance(secs(1_000));
    let builder = Breaker::rate(0.5).min_calls(4).window(secs(10));
    let breaker = builder.clock(time.clock()).build().unwrap();
    time.set(time.now() - secs(300));
    breaker.acquire().unwrap().success();
    for _ in 0..10 {
        breaker.acquire().unwrap().failure();
        time.advance(secs(20));
        assert_eq!(breaker.state(), State::Closed, "one in twenty seconds");
    }
    assert_eq!(breaker.snapshot().window.calls, 0);
}

#[test]
fn w_5_a_result_of_a_moment_before_the_last_failure_is_no_clock_that_went_back() {
    for (buckets, late) in [(10, ms(20)), (10, ms(1_000)), (32, ms(90))] {
        let len = if late == ms(90) { ms(320) } else { secs(10) };
        let bench = Bench::new(Breaker::rate(0.5).min_calls(4).window(len).buckets(buckets));
        bench.time.advance(secs(1_000));
        bench.play("FFF");
        back(&bench, late);
        bench.play("F");
        bench.time.advance(late);
        assert_eq!(bench.play("F"), State::Open, "{late:?} with {buckets} buckets in {len:?}");
    }
}
