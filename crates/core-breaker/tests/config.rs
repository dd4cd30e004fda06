//! What a builder refuses, and what it takes for granted.

use std::time::Duration;

use core_breaker::{Breaker, Decay, Hints, Progression, Registry, Rule, Span, State};
use core_time::{ManualClock, ms, secs};

#[test]
fn the_defaults_are_a_promise() {
    let rules = Breaker::rate(0.5).build().unwrap().snapshot().rules;
    assert_eq!(rules.failure_rate, Some(0.5));
    assert_eq!((rules.consecutive, rules.slow_rate, rules.slow_over), (None, None, None));
    assert_eq!(rules.span, Span::Time { len: secs(30), buckets: 10 });
    assert_eq!(rules.min_calls, 20);
    assert_eq!((rules.open_for, rules.open_max, rules.jitter), (secs(5), secs(60), true));
    assert_eq!((rules.probes, rules.successes, rules.inconclusive_max), (3, 2, 6));
    assert_eq!(rules.lease, secs(60));
    assert!(rules.count_panics);
    assert_eq!((rules.failures, rules.average, rules.lumping, rules.ramp_up), (None, None, None, None));
    assert_eq!((rules.progression, rules.hints), (Progression::Doubling, Hints::Extend));
    assert_eq!((rules.hint_max, rules.probe_timeout, rules.lease_by_caller), (secs(300), None, true));
}

#[test]
fn g_15_what_can_never_open_or_close_is_refused_with_a_reason() {
    let cases = vec![
        (Breaker::consecutive(0), "consecutive failures is zero"),
        (Breaker::rate(0.0), "over 0 and at most 1"),
        (Breaker::rate(1.1), "over 0 and at most 1"),
        (Breaker::rate(f64::NAN), "over 0 and at most 1"),
        (Breaker::rate(0.5).min_calls(0), "min_calls is zero"),
        (Breaker::rate(0.5).window(Duration::ZERO), "the window is zero"),
        (Breaker::rate(0.5).window_of_calls(0), "the window is zero"),
        (Breaker::rate(0.5).window_of_calls(200_001), "at most 200000"),
        (Breaker::rate(0.5).buckets(33), "at most 32"),
        (Breaker::rate(0.5).buckets(0), "buckets is zero"),
        (Breaker::rate(0.5).window(Duration::from_nanos(5)).buckets(10), "more buckets than nanoseconds"),
        (Breaker::rate(0.5).slow_rate(0.5), "set slow_over"),
        (Breaker::consecutive(1).probes(0), "number of probes is zero"),
        (Breaker::consecutive(1).successes(0), "number of successes is zero"),
        (Breaker::consecutive(1).probes(2).successes(3), "can never close"),
        (Breaker::consecutive(1).open_for(Duration::ZERO), "open_for is zero"),
        (Breaker::consecutive(1).open_for(secs(5)).open_max(secs(1)), "shorter than open_for"),
        (Breaker::consecutive(1).probe_lease(Duration::ZERO), "lease of a probe is zero"),
        (Breaker::consecutive(1).name(""), "cannot be a name"),
        (Breaker::failures(0), "number of failures is zero"),
        (Breaker::k_of_n(4, 3), "4 failures are asked for in a window of 3 calls"),
        (Breaker::average(1.5, Decay::Calls(10)), "over 0 and at most 1"),
        (Breaker::average(0.5, Decay::Calls(0)), "calls of the average is zero"),
        (Breaker::average(0.5, Decay::Time(Duration::ZERO)), "time of the average is zero"),
        (Breaker::consecutive(1).lumping(Duration::ZERO), "lumping interval is zero"),
        (
            Breaker::consecutive(1).open_for_rule(Rule::Consecutive, Duration::ZERO),
            "open time of a rule is zero",
        ),
        (Breaker::consecutive(1).hint_max(Duration::ZERO), "hint_max is zero"),
        (Breaker::consecutive(1).probe_timeout(Duration::ZERO), "timeout of a probe is zero"),
        (Breaker::consecutive(1).probe_timeout(secs(61)), "loses its slot after 60s"),
        (Breaker::consecutive(1).ramp_up(0.0, secs(1)), "over 0 and at most 1"),
        (Breaker::consecutive(1).ramp_up(0.1, Duration::ZERO), "time of the ramp is zero"),
    ];
    for (builder, text) in cases {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(text), "{error:?} should say {text:?}");
    }
}

#[test]
fn pl_1_lumping_that_leaves_too_few_failures_in_a_window_is_refused() {
    let in_ten_seconds = |lumping| Breaker::failures(3).window(secs(10)).lumping(lumping).build();
    assert!(in_ten_seconds(secs(5)).is_ok(), "2 x 5 s are not longer than the window");
    let error = in_ten_seconds(ms(5_001)).unwrap_err().to_string();
    assert!(error.contains("can never open") && error.contains("3 of them take longer than"), "{error}");
    assert!(Breaker::failures(3).window_of_calls(10).lumping(secs(60)).build().is_ok(), "it knows no time");
}

#[test]
fn pl_1_an_outage_must_be_able_to_reach_the_minimum_of_calls() {
    let at_least = |calls| Breaker::rate(0.5).window(secs(10)).lumping(secs(1)).min_calls(calls).build();
    assert!(at_least(11).is_ok());
    let error = at_least(12).unwrap_err().to_string();
    assert!(error.contains("an outage in which every call fails would never be seen"), "{error}");
}

#[test]
fn cb_12_a_threshold_of_one_can_trip() {
    let breaker = Breaker::rate(1.0).min_calls(3).build().unwrap();
    for _ in 0..3 {
        breaker.acquire().unwrap().failure();
    }
    assert!(breaker.acquire().is_err());
}

#[test]
fn w_3_a_very_short_window_has_one_bucket() {
    assert_eq!(Breaker::rate(0.5).window(ms(199)).rules().span, Span::Time { len: ms(199), buckets: 1 });
    assert_eq!(Breaker::rate(0.5).window(ms(200)).rules().span, Span::Time { len: ms(200), buckets: 10 });
}

#[test]
fn a_registry_never_creates_and_never_replaces() {
    let registry = Registry::new();
    let payments = Breaker::consecutive(1).name("payments").build().unwrap();
    registry.add(&payments).unwrap();
    assert!(registry.add(&payments).unwrap_err().to_string().contains("already"));
    let unknown = registry.get("paymets").unwrap_err();
    assert!(unknown.is_unknown_name() && unknown.to_string().contains("none was created"));
    assert_eq!(registry.snapshot().len(), 1);
    payments.acquire().unwrap().failure();
    assert!(registry.get("payments").unwrap().acquire().is_err(), "the same circuit");
    assert!(registry.remove("payments").is_ok() && registry.snapshot().is_empty());
}

#[test]
fn f_77_f_81_f_82_f_88_breakers_of_the_originals_by_name() {
    let rows = [
        ("default", 5, 60, 3),
        ("rag_api", 3, 60, 3),
        ("chainlit_ui", 2, 30, 3),
        ("llm_service", 5, 60, 3),
        ("vertex_ai", 5, 60, 3),
        ("database", 10, 30, 3),
        ("strict", 5, 30, 3),
    ];
    for (name, failures, open_for, probes) in rows {
        let breaker = Breaker::preset(name).unwrap().build().unwrap();
        let rules = breaker.snapshot().rules;
        assert_eq!(breaker.name().as_str(), name);
        assert_eq!(
            (rules.consecutive, rules.open_for, rules.probes),
            (Some(failures), secs(open_for), probes),
            "{name}"
        );
        for _ in 1..failures {
            breaker.acquire().unwrap().failure();
        }
        assert!(breaker.acquire().is_ok(), "{name} bears one failure less than that");
        for _ in 0..failures {
            breaker.acquire().unwrap().failure();
            if breaker.acquire().is_err() {
                break;
            }
        }
        assert!(breaker.acquire().is_err(), "{name}");
    }
    assert!(rows.iter().all(|row| Breaker::presets().any(|name| name == row.0)));
    assert_eq!(Breaker::presets().count(), 14);
    assert!(Breaker::presets().all(|name| Breaker::preset(name).unwrap().build().is_ok()));
    assert!(Breaker::preset("reckless").is_none());
}

#[test]
fn g_15_the_edges_of_what_can_be_built_can_be_built() {
    let nanos = Duration::from_nanos;
    let rate = || Breaker::rate(0.5).min_calls(1);
    rate().window(nanos(10)).buckets(10).build().unwrap();
    assert!(rate().window(nanos(9)).buckets(10).build().is_err());
    Breaker::failures(5).window_of_calls(5).build().unwrap();
    assert!(Breaker::failures(6).window_of_calls(5).build().is_err());
    assert!(!Breaker::consecutive(0).build().unwrap_err().is_unknown_name());
    let probing = || Breaker::consecutive(1).probe_lease(secs(30));
    probing().probe_timeout(secs(30)).build().unwrap();
    assert!(probing().probe_timeout(secs(30) + nanos(1)).build().is_err());
}

#[test]
fn the_largest_of_everything_is_built() {
    for builder in [
        Breaker::rate(0.5).window(secs(60)).buckets(32),
        Breaker::rate(0.5).window_of_calls(200_000),
        Breaker::consecutive(1).probes(1_000),
        (0..32).fold(Breaker::consecutive(1), |builder, _| builder.on_change(|_| ())),
    ] {
        builder.build().unwrap();
    }
}

#[test]
fn states_have_the_numbers_of_the_gauge() {
    let states = [
        State::Closed,
        State::Open,
        State::HalfOpen,
        State::ForcedOpen,
        State::Disabled,
        State::Shadow,
        State::ForcedClosed,
    ];
    assert!(states.iter().map(|state| state.as_gauge()).eq(0..7));
    assert_eq!(states, State::ALL);
    let texts = ["closed", "open", "half_open", "forced_open", "disabled", "shadow", "forced_closed"];
    assert_eq!(states.map(State::as_str), texts);
}

#[test]
fn cb_1_only_a_circuit_that_counts_has_failures_in_a_row() {
    let time = ManualClock::new();
    let breaker = Breaker::consecutive(2).open_for(secs(5)).jitter(false).probes(3).successes(3);
    let breaker = breaker.clock(time.clock()).build().unwrap();
    let run =
        || (breaker.state(), breaker.snapshot().consecutive_failures, breaker.save().consecutive_failures);
    breaker.acquire().unwrap().failure();
    assert_eq!(run(), (State::Closed, 1, 1));
    breaker.acquire().unwrap().failure();
    assert_eq!(run(), (State::Open, 0, 0));
    time.advance(secs(5));
    breaker.acquire().unwrap().success();
    assert_eq!(run(), (State::HalfOpen, 0, 0));
}
