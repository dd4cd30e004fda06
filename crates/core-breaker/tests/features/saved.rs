//! A process starts where another ended.

use std::time::Duration;

use crate::bench::Bench;
use core_breaker::{Breaker, Builder, Decay, Saved, SavedAverage, SavedBucket, SavedResult, State, Tally};
use core_errors::{Category, Error, Reason};
use core_time::secs;

fn rated() -> Builder {
    Breaker::rate(0.5).or_consecutive(5).min_calls(10).window(secs(10)).probes(1).successes(1)
}

/// The same breaker in a process that starts so much later.
fn again(builder: Builder, saved: &Saved, later: Duration) -> Bench {
    Bench::new(builder.resume(saved.clone(), later))
}

fn held(bench: &Bench) -> (u64, u64) {
    let window = bench.breaker.snapshot().window;
    (window.calls, window.failures)
}

#[test]
fn f_78_an_open_circuit_is_open_after_a_restart_for_as_long_as_is_left() {
    let bench = Bench::new(rated());
    for _ in 0..5 {
        let _ = bench.breaker.call_blocking(|_| Err::<(), _>(Error::timeout("slow")));
    }
    bench.time.advance(secs(1));
    let saved = bench.breaker.save();
    let next = again(rated(), &saved, secs(1));
    let refused = next.breaker.acquire().unwrap_err();
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::CircuitOpen, Some(secs(3))));
    assert_eq!(refused.cause().map(|cause| cause.category), Some(Category::Timeout));
    let late = again(rated(), &saved, secs(100));
    assert_eq!(late.breaker.state(), State::Open);
    late.play("S");
    assert_eq!(late.breaker.state(), State::Closed, "its time was over: it probes");
}

#[test]
fn a_restart_does_not_shorten_the_next_open_time() {
    let bench = Bench::new(rated());
    bench.play("FFFFF-----F");
    let next = again(rated(), &bench.breaker.save(), Duration::ZERO);
    assert_eq!(next.open_left(), secs(10));
    next.play("----------F");
    assert_eq!(next.open_left(), secs(20));
}

#[test]
fn a_half_open_circuit_comes_back_due_to_probe() {
    let bench = Bench::new(rated());
    bench.play("FFFFF-----");
    let _probe = bench.permit();
    let next = again(rated(), &bench.breaker.save(), Duration::ZERO);
    assert_eq!((next.breaker.state(), next.open_left()), (State::Open, Duration::ZERO));
    assert!(next.permit().state().is_probe());
}

#[test]
fn a_window_of_time_comes_back_as_old_as_it_is() {
    let bench = Bench::new(rated());
    bench.play("SSF---SF");
    let saved = bench.breaker.save();
    assert_eq!(held(&again(rated(), &saved, Duration::ZERO)), (5, 2));
    assert_eq!(held(&again(rated(), &saved, secs(7))), (2, 1));
    assert_eq!(held(&again(rated(), &saved, secs(10))), (0, 0));
    let next = again(rated(), &saved, secs(2));
    assert_eq!(next.breaker.snapshot().consecutive_failures, 1);
    next.play("----");
    assert_eq!(held(&next), (5, 2));
    next.play("-");
    assert_eq!(held(&next), (2, 1), "it goes on ageing");
    assert_eq!(next.breaker.state(), State::Closed);
}

#[test]
fn what_comes_back_trips_together_with_what_is_new() {
    let bench = Bench::new(rated());
    bench.play("FSFSFSFS");
    let next = again(rated(), &bench.breaker.save(), secs(1));
    assert_eq!(next.play("S"), State::Closed);
    assert_eq!(next.play("F"), State::Open, "5 of 10");
}

#[test]
fn windows_of_calls_averages_ramps_and_operators_words_come_back() {
    let calls = || Breaker::rate(0.9).window_of_calls(4).min_calls(4);
    let bench = Bench::new(calls());
    bench.play("SFSFFS");
    assert_eq!(held(&again(calls(), &bench.breaker.save(), secs(1_000))), (4, 2));
    assert_eq!(held(&again(calls().window_of_calls(2), &bench.breaker.save(), secs(0))), (2, 1));

    let average = || Breaker::average(0.5, Decay::Calls(100));
    let bench = Bench::new(average());
    bench.play(&"S".repeat(100));
    let next = again(average(), &bench.breaker.save(), secs(1));
    assert_eq!(next.play(&"F".repeat(69)), State::Closed);
    assert_eq!(next.play("F"), State::Open);

    let ramp = || rated().ramp_up(0.2, secs(10));
    let bench = Bench::new(ramp());
    bench.play("FFFFF-----S---");
    let next = again(ramp(), &bench.breaker.save(), secs(2));
    assert!((next.breaker.snapshot().ramp_up.unwrap() - 0.6).abs() < 1e-9);

    let bench = Bench::new(rated());
    bench.breaker.force_open("incident 7").unwrap();
    let next = again(rated(), &bench.breaker.save(), secs(1_000));
    assert_eq!(next.breaker.state(), State::ForcedOpen);
}

#[test]
fn cb_32_what_is_held_closed_is_that_in_the_next_process_with_what_it_has_counted() {
    let bench = Bench::new(rated().or_consecutive(50));
    bench.breaker.force_closed("it is all there is").unwrap();
    bench.play("SFFFFFFFFFFFF");
    let saved = bench.breaker.save();
    assert_eq!((saved.state, saved.consecutive_failures), (State::ForcedClosed, 12));
    let next = again(rated().or_consecutive(50), &saved, secs(1));
    let snapshot = next.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::ForcedClosed, 12));
    assert_eq!((snapshot.window.calls, snapshot.window.failures), (13, 12));
    assert_eq!(next.play("FF"), State::ForcedClosed);
    next.breaker.close("over").unwrap();
    assert_eq!(next.play("F"), State::Closed);
}

#[test]
fn saving_changes_nothing_and_texts_lead_back() {
    let bench = Bench::new(rated());
    bench.play("SSF");
    assert_eq!(bench.breaker.save(), bench.breaker.save());
    for state in State::ALL {
        assert_eq!(state.as_str().parse(), Ok(state));
    }
    let unknown = "ajar".parse::<State>().unwrap_err().to_string();
    assert!(unknown.contains("closed") && unknown.contains("half_open"), "{unknown}");
}

#[test]
fn nonsense_is_refused_with_what_would_be_right() {
    let bench = Bench::new(rated());
    bench.play("SSF");
    let good = bench.breaker.save();
    let bucket = |calls, failures| SavedBucket { age: secs(1), tally: Tally { calls, failures, slow: 0 } };
    let average = |success_rate, calls| Some(SavedAverage { success_rate, calls, age: secs(1) });
    let result = SavedResult { failed: false, slow: false };
    let cases: Vec<(Saved, &str)> = vec![
        (Saved { version: 2, ..good.clone() }, "version 1 is understood"),
        (Saved { name: "search".to_owned(), ..good.clone() }, "not of `payments`"),
        (Saved { state: State::Open, ..good.clone() }, "an open circuit, and no other"),
        (Saved { open_left: Some(secs(1)), ..good.clone() }, "an open circuit, and no other"),
        (Saved { state: State::Disabled, ramp_left: Some(secs(1)), ..good.clone() }, "only a closed circuit"),
        (Saved { state: State::ForcedClosed, open_left: Some(secs(1)), ..good.clone() }, "and no other"),
        (Saved { open_base: Duration::ZERO, ..good.clone() }, "it is an open time"),
        (Saved { buckets: vec![bucket(1, 2)], ..good.clone() }, "failures and slow calls are calls"),
        (Saved { buckets: vec![bucket(1 << 28, 0)], ..good.clone() }, "at most 2^28"),
        (Saved { buckets: vec![bucket(1, 1); 33], ..good.clone() }, "at most 32"),
        (Saved { results: vec![result; 200_001], ..good.clone() }, "at most 200000"),
        (Saved { average: average(f64::NAN, 1), ..good.clone() }, "of 0 to 1"),
        (Saved { average: average(0.5, 0), ..good.clone() }, "1 call at least"),
    ];
    for (saved, text) in cases {
        let error = rated().name("payments").resume(saved, secs(1)).build().unwrap_err().to_string();
        assert!(error.contains("makes no sense") && error.contains(text), "{error:?} should say {text:?}");
    }
    let full = Saved { buckets: vec![bucket(1, 1); 32], results: vec![result; 200_000], ..good.clone() };
    assert!(rated().name("payments").resume(full, secs(1)).build().is_ok(), "as much as there can be");
    assert!(rated().name("payments").resume(good, Duration::MAX).build().is_ok());
}

#[test]
fn what_comes_back_trips_with_a_success_that_makes_it_enough() {
    let bench = Bench::new(rated());
    bench.play("FFFFSSSSF");
    let next = again(rated(), &bench.breaker.save(), secs(1));
    assert_eq!(next.play("S"), State::Open, "5 of 10");
}

#[test]
fn an_isolation_is_not_saved_since_its_handles_end_with_the_process() {
    let bench = Bench::new(Breaker::consecutive(1));
    let held = bench.breaker.isolate("deploy").unwrap();
    let saved = bench.breaker.save();
    assert_eq!((saved.state, bench.breaker.state()), (State::Closed, State::ForcedOpen));
    assert_eq!(again(Breaker::consecutive(1), &saved, secs(1)).breaker.state(), State::Closed);
    drop(held);
    bench.breaker.shadow("a trial").unwrap();
    let _held = bench.breaker.isolate("deploy").unwrap();
    assert_eq!(bench.breaker.save().state, State::Shadow);
    bench.breaker.force_open("dead").unwrap();
    let _held = bench.breaker.isolate("deploy").unwrap();
    assert_eq!(bench.breaker.save().state, State::ForcedOpen, "an operator's word is");
}

#[test]
fn a_ramp_that_comes_back_lasts_no_longer_than_the_rules_say() {
    let mut saved = Bench::new(Breaker::consecutive(1)).breaker.save();
    saved.ramp_left = Some(secs(1_000_000));
    let bench = again(Breaker::consecutive(1).ramp_up(0.1, secs(3)), &saved, Duration::ZERO);
    assert_eq!(bench.breaker.save().ramp_left, Some(secs(3)));
    bench.time.advance(secs(3));
    assert!((0..100).all(|_| bench.breaker.acquire().is_ok()), "it is over");
}

#[cfg(feature = "serde")]
#[test]
fn f_78_what_was_saved_goes_through_json_and_back() {
    let bench = Bench::new(rated());
    bench.play("SSSFSFF");
    for _ in 0..4 {
        let _ = bench.breaker.call_blocking(|_| Err::<(), _>(Error::timeout("slow")));
    }
    let saved = bench.breaker.save();
    let text = serde_json::to_string(&saved).unwrap();
    assert_eq!(saved.last_failure, Some(Category::Timeout));
    assert!(text.contains(r#""state":"open""#) && text.contains(r#""last_failure":"timeout""#), "{text}");
    let read: Saved = serde_json::from_str(&text).unwrap();
    assert_eq!(read, saved);
    assert_eq!(again(rated(), &read, Duration::ZERO).breaker.state(), State::Open);
    assert!(serde_json::from_str::<Saved>(&text.replace(r#""open""#, r#""ajar""#)).is_err());
    for state in State::ALL {
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(text, format!("\"{state}\""));
        assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
    }
}

#[test]
fn what_has_left_a_window_is_not_saved() {
    let bench = Bench::new(rated());
    bench.play("F---------");
    assert_eq!(bench.breaker.save().buckets.len(), 1, "the last of its ten seconds");
    bench.play("-");
    assert_eq!(bench.breaker.save().buckets, []);
}

#[test]
fn calls_that_failed_and_were_slow_count_as_both_after_a_restart() {
    let mut saved = Bench::new(rated()).breaker.save();
    let tally = Tally { calls: 9, failures: 9, slow: 9 };
    saved.buckets.push(SavedBucket { age: Duration::ZERO, tally });
    assert_eq!(again(rated(), &saved, Duration::ZERO).play("S"), State::Open, "9 of 10");
}

#[test]
fn an_average_is_as_old_after_a_restart_as_it_was() {
    let average = || Breaker::average(0.1, Decay::Time(secs(10))).min_calls(1);
    let bench = Bench::new(average());
    assert_eq!(bench.breaker.save().average, None, "of no calls there is none");
    bench.play("----S---");
    let saved = bench.breaker.save();
    assert_eq!(saved.average, Some(SavedAverage { success_rate: 1.0, calls: 1, age: secs(3) }));
    let next = Bench::new(average());
    next.time.advance(secs(100));
    let builder = average().jitter(false).name("payments").clock(next.time.clock());
    let breaker = builder.resume(saved, secs(4)).build().unwrap();
    breaker.acquire().unwrap().failure();
    let kept = (-0.7_f64).exp();
    assert!((breaker.snapshot().success_average.unwrap() - kept).abs() < 1e-9, "seven of ten seconds old");
}
