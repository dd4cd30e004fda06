//! The rules that trip a breaker beside runs and rates, by their IDs.

use crate::bench::Bench;
use core_breaker::{Breaker, Decay, Rule, State, Trigger};
use core_time::{ms, secs};

#[test]
fn cb_7_k_of_the_last_n_calls() {
    let two_of_three = Bench::new(Breaker::k_of_n(2, 3));
    assert_eq!(two_of_three.play("FS"), State::Closed);
    assert_eq!(two_of_three.play("F"), State::Open);
    assert_eq!(Bench::new(Breaker::k_of_n(3, 4)).play(&"SF".repeat(20)), State::Closed);
    assert_eq!(Bench::new(Breaker::k_of_n(2, 3)).play("FSSFSSF"), State::Closed, "never two in three");
    assert_eq!(Bench::new(Breaker::k_of_n(2, 3)).play("FF"), State::Open, "it does not wait for the third");
}

#[test]
fn cb_7_failures_in_a_window_of_time_leave_with_it() {
    let bench = Bench::new(Breaker::failures(3).window(secs(10)));
    assert_eq!(bench.play("F-F---------F"), State::Closed, "the first is gone");
    assert_eq!(bench.play("F"), State::Open);
    assert!(
        matches!(bench.events.lock().unwrap()[0].trigger, Trigger::Failures { tally } if tally.failures == 3)
    );
}

#[test]
fn cb_8_an_average_over_calls_falls_below_a_half_with_the_70th_failure() {
    let bench = Bench::new(Breaker::average(0.5, Decay::Calls(100)));
    assert_eq!(bench.play(&"S".repeat(100)), State::Closed);
    assert_eq!(bench.play(&"F".repeat(69)), State::Closed);
    assert!(bench.breaker.snapshot().success_average.unwrap() > 0.5);
    assert_eq!(bench.play("F"), State::Open);
}

#[test]
fn cb_8_an_average_over_time_falls_below_a_half_in_the_70th_second() {
    let bench = Bench::new(Breaker::average(0.5, Decay::Time(secs(100))));
    assert_eq!(bench.play(&"S".repeat(100)), State::Closed);
    assert_eq!(bench.play(&"-F".repeat(69)), State::Closed);
    assert_eq!(bench.play("-F"), State::Open);
}

#[test]
fn cb_8_an_average_needs_its_minimum_of_calls() {
    let bench = Bench::new(Breaker::average(0.5, Decay::Calls(100)).min_calls(5));
    assert_eq!(bench.play("FFFF"), State::Closed);
    assert_eq!(bench.breaker.snapshot().success_average, None);
    assert_eq!(bench.play("S"), State::Open, "the fifth call makes it one, though it succeeded");
    let exact = Bench::new(Breaker::average(1.0, Decay::Calls(100)).min_calls(1));
    assert_eq!(exact.play("SSS"), State::Closed, "strictly below");
    assert_eq!(exact.play("F"), State::Open);
}

#[test]
fn cb_8_an_average_starts_anew_with_each_generation() {
    let bench = Bench::new(Breaker::average(0.5, Decay::Calls(10)).min_calls(4).probes(1).successes(1));
    bench.play("FFFF");
    bench.time.advance(secs(5));
    assert_eq!(bench.play("SFF"), State::Closed, "two calls since it closed");
}

#[test]
fn cb_9_of_several_rules_the_longest_open_time_counts() {
    for (run, share) in [(secs(5), secs(10)), (secs(10), secs(5))] {
        let builder = Breaker::consecutive(4).or_rate(0.5).min_calls(4).window(secs(100));
        let builder = builder.open_for_rule(Rule::Consecutive, run).open_for_rule(Rule::FailureRate, share);
        let bench = Bench::new(builder);
        assert_eq!(bench.play("FFFF"), State::Open);
        assert_eq!(bench.open_left(), secs(10));
        let trigger = bench.events.lock().unwrap()[0].trigger.clone();
        assert_eq!(matches!(trigger, Trigger::Consecutive { .. }), run > share, "{trigger}");
    }
}

#[test]
fn cb_9_each_rule_alone_opens_for_its_own_time_and_reopens_from_there() {
    let builder = Breaker::consecutive(2).or_rate(0.5).min_calls(4).window(secs(100)).open_for(secs(3));
    let bench = Bench::new(builder.open_for_rule(Rule::FailureRate, secs(8)).probes(1).successes(1));
    bench.play("FF");
    assert_eq!(bench.open_left(), secs(3), "a run, which has no time of its own");
    bench.time.advance(secs(3));
    bench.play("SFSFS");
    assert_eq!((bench.breaker.state(), bench.open_left()), (State::Open, secs(8)));
    bench.time.advance(secs(8));
    bench.play("F");
    assert_eq!(bench.open_left(), secs(16));
}

#[test]
fn cb_11_failures_of_one_burst_count_once() {
    let bench = Bench::new(Breaker::failures(3).window(secs(30)).lumping(secs(2)));
    assert_eq!(bench.play("FFFFFF"), State::Closed);
    assert_eq!(bench.breaker.snapshot().window.failures, 1);
    assert_eq!(bench.play("---FFFFFF"), State::Closed);
    assert_eq!(bench.breaker.snapshot().window.failures, 2);
    assert_eq!(bench.play("---F"), State::Open);
    assert_eq!(bench.breaker.snapshot().totals.failures, 13, "they were failures all the same");
}

#[test]
fn cb_11_from_the_interval_on_it_is_another_failure() {
    let bench = Bench::new(Breaker::consecutive(2).lumping(ms(500)));
    bench.play("F");
    bench.time.advance(std::time::Duration::from_nanos(499_999_999));
    assert_eq!(bench.play("F"), State::Closed);
    bench.time.advance(std::time::Duration::from_nanos(1));
    assert_eq!(bench.play("F"), State::Open);
    bench.time.advance(secs(5));
    bench.play("SS");
    assert_eq!(bench.play("F"), State::Closed);
    assert_eq!(
        bench.breaker.snapshot().consecutive_failures,
        1,
        "a new generation lumps nothing with an old one"
    );
}

#[test]
fn s_rules_say_what_they_are() {
    let text = |builder: core_breaker::Builder| builder.build().unwrap().snapshot().rules.to_string();
    assert_eq!(text(Breaker::k_of_n(2, 3)), "2 failures of the last 3 calls");
    assert_eq!(text(Breaker::failures(3).window(secs(10))), "3 failures in 10s");
    assert_eq!(
        text(Breaker::average(0.9, Decay::Calls(50)).or_consecutive(5)),
        "under 90 % successes on the average of 50 calls or 5 failures in a row"
    );
}

#[test]
fn cb_11_nothing_is_one_with_a_failure_of_an_earlier_generation() {
    let bench = Bench::new(Breaker::consecutive(2).lumping(secs(10)));
    bench.play("F");
    bench.breaker.close("deployed a fix").unwrap();
    bench.play("F");
    assert_eq!(bench.breaker.snapshot().consecutive_failures, 1);
}

#[test]
fn cb_8_an_average_trips_in_a_later_generation_as_well() {
    let bench = Bench::new(Breaker::average(0.5, Decay::Calls(10)).min_calls(4).probes(1).successes(1));
    bench.play("FFFF");
    bench.time.advance(secs(5));
    assert_eq!(bench.play("SFFFF"), State::Open);
}

#[test]
fn cb_9_of_rules_that_open_for_as_long_the_first_is_the_trigger() {
    let bench = Bench::new(Breaker::consecutive(3).or_failures(3).window(secs(10)));
    assert_eq!(bench.play("FFF"), State::Open);
    assert!(matches!(bench.events.lock().unwrap()[0].trigger, Trigger::Consecutive { failures: 3 }));
}
