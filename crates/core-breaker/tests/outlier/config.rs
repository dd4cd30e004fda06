//! What a builder refuses, and what it takes for granted.

use std::time::Duration;

use core_breaker::{ConsecutiveFailures, FailurePercentage, Outliers, SuccessRate};
use core_policy::Keyed;
use core_time::secs;

#[test]
fn od_1_the_defaults_are_a_promise() {
    let set: Outliers = Outliers::builder().build().unwrap();
    let rules = set.snapshot().rules;
    assert_eq!(rules.consecutive, Some(ConsecutiveFailures::of(5).enforce(1.0)));
    let success_rate = SuccessRate::default().stdevs(1.9).min_hosts(5).min_calls(100).enforce(1.0);
    assert_eq!(rules.success_rate, Some(success_rate));
    let failure_percentage = FailurePercentage::of(0.85).min_hosts(5).min_calls(50).enforce(1.0);
    assert_eq!(rules.failure_percentage, Some(failure_percentage));
    assert_eq!((rules.interval, rules.ejection, rules.ejection_max), (secs(10), secs(30), secs(300)));
    assert_eq!((rules.max_ejected, rules.panic_under, rules.jitter), (0.1, 0.5, Duration::ZERO));
    assert!(rules.count_panics);
    assert_eq!(
        rules.to_string(),
        "5 failures in a row or 1.9 stdev under the mean or 85 % failures, every 10s: ejected for 30s"
    );
}

#[test]
fn what_can_never_eject_or_makes_no_sense_is_refused_with_a_reason() {
    let builder = Outliers::builder;
    let none = builder().consecutive(None).success_rate(None).failure_percentage(None);
    let cases = vec![
        (none, "no host can ever be ejected"),
        (builder().consecutive(ConsecutiveFailures::of(0)), "consecutive failures is zero"),
        (builder().consecutive(ConsecutiveFailures::of(1).enforce(1.1)), "at least 0 and at most 1"),
        (builder().success_rate(SuccessRate::default().enforce(f64::NAN)), "at least 0 and at most 1"),
        (
            builder().failure_percentage(FailurePercentage::default().enforce(-0.1)),
            "at least 0 and at most 1",
        ),
        (builder().success_rate(SuccessRate::default().min_hosts(0)), "min_hosts is zero"),
        (builder().success_rate(SuccessRate::default().min_calls(0)), "min_calls is zero"),
        (builder().failure_percentage(FailurePercentage::default().min_hosts(0)), "min_hosts is zero"),
        (builder().failure_percentage(FailurePercentage::default().min_calls(0)), "min_calls is zero"),
        (builder().failure_percentage(FailurePercentage::of(0.0)), "over 0 and at most 1"),
        (builder().failure_percentage(FailurePercentage::of(85.0)), "over 0 and at most 1"),
        (builder().hosts(Keyed::max(4)), "success_rate can never eject: it needs 5 hosts"),
        (builder().hosts(Keyed::max(4)).success_rate(None), "failure_percentage can never eject"),
        (builder().success_rate(SuccessRate::default().stdevs(0.0)), "take over 0 and under 31.98"),
        (builder().success_rate(SuccessRate::default().stdevs(f64::NAN)), "standard deviations"),
        (builder().hosts(Keyed::max(5)).success_rate(SuccessRate::default().stdevs(2.0)), "under 2.00"),
        (builder().max_ejected(0.0), "max_ejected is 0"),
        (builder().max_ejected(10.0), "max_ejected is 10"),
        (builder().panic_under(1.5), "panic_under is 1.5"),
        (builder().interval(Duration::ZERO), "the interval is zero"),
        (builder().ejection(Duration::ZERO), "the time of an ejection is zero"),
        (builder().ejection_max(secs(29)), "ejection_max is shorter than ejection"),
        (builder().hosts(Keyed::max(100).idle(secs(9))), "forgotten after 9s, and looked at every 10s"),
        (builder().hosts(Keyed::max(0)), "room for no key"),
        (builder().name(""), "cannot be a name"),
        ((0..33).fold(builder(), |builder, _| builder.on_event(|_| ())), "at most 32"),
    ];
    for (builder, text) in cases {
        let error = builder.build::<String>().unwrap_err().to_string();
        assert!(error.contains(text), "{error:?} should say {text:?}");
    }
    assert!(builder().hosts(Keyed::max(5)).build::<String>().is_ok());
    let many = (0..32).fold(builder(), |builder, _| builder.on_event(|_| ()));
    let set: Outliers = many.hosts(Keyed::max(100).idle(secs(10))).name("search").build().unwrap();
    assert_eq!(set.name().as_str(), "search");
}

#[test]
fn pl_2_of_two_changes_at_once_none_is_lost() {
    let set: Outliers = Outliers::builder().build().unwrap();
    let other = set.clone();
    let is_first = std::cell::Cell::new(true);
    set.reconfigure(|builder| {
        // As another thread might, after the settings were read and before they are written.
        if is_first.take() {
            other.reconfigure(|builder| builder.max_ejected(0.2)).unwrap();
        }
        builder.ejection(secs(20))
    })
    .unwrap();
    let rules = set.snapshot().rules;
    assert_eq!((rules.max_ejected, rules.ejection), (0.2, secs(20)));
}
