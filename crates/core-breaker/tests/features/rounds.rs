//! Open and half-open circuits, what operators do to them, and what is told of it, by the IDs of the rules.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crate::bench::Bench;
use core_breaker::{Breaker, State, Trigger};
use core_errors::{Category, Code, Error, Reason};
use core_time::{ManualClock, secs};

fn half(probes: u32, successes: u32) -> Bench {
    let bench = Bench::new(Breaker::consecutive(1).probes(probes).successes(successes));
    bench.half_open();
    bench
}

#[test]
fn cb_20_opens_to_the_nanosecond() {
    let bench = Bench::new(Breaker::consecutive(1).open_for(secs(5)));
    bench.play("F");
    let refused = bench.breaker.acquire().unwrap_err();
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::CircuitOpen, Some(secs(5))));
    bench.time.advance(Duration::from_nanos(4_999_999_999));
    assert_eq!(bench.breaker.acquire().unwrap_err().retry_after(), Some(Duration::from_nanos(1)));
    bench.time.advance(Duration::from_nanos(1));
    let _probe = bench.breaker.acquire().unwrap();
    assert_eq!(bench.breaker.state(), State::HalfOpen);
}

#[test]
fn cb_21_a_change_of_state_clears_what_was_counted() {
    let bench = Bench::new(Breaker::rate(0.5).min_calls(4).window(secs(10)).probes(1).successes(1));
    bench.play("FFFF");
    bench.time.advance(secs(5));
    assert_eq!(bench.play("S"), State::Closed);
    assert_eq!(bench.breaker.snapshot().window.calls, 0);
    assert_eq!(bench.play("F"), State::Closed, "one failure after recovery does not reopen");
}

#[test]
fn cb_22_a_round_has_so_many_permits_and_no_more() {
    let bench = half(4, 4);
    let mut permits: Vec<_> = (0..4).map(|_| bench.permit()).collect();
    let refused = bench.breaker.acquire().unwrap_err();
    assert_eq!(refused.reason(), Reason::HalfOpenFull);
    drop(permits.pop());
    permits.push(bench.permit());
    assert!(bench.breaker.acquire().is_err());
    permits.pop().unwrap().success();
    assert!(bench.breaker.acquire().is_err(), "a used permit is used");
    assert_eq!(bench.breaker.snapshot().totals.failures, 1, "refusals are no failures");
}

#[test]
fn cb_23_a_round_is_decided_as_soon_as_it_can_be() {
    let table = [
        (4, 3, "SFSF", State::Open),
        (4, 3, "SFSS", State::Closed),
        (3, 2, "FSF", State::Open),
        (3, 3, "SSF", State::Open),
        (4, 2, "FF", State::HalfOpen),
        (4, 2, "FFF", State::Open),
        (4, 3, "FF", State::Open),
        (1, 1, "S", State::Closed),
    ];
    for (probes, successes, script, state) in table {
        assert_eq!(half(probes, successes).play(script), state, "{successes} of {probes}: {script}");
    }
}

#[test]
fn cb_24_an_ignored_probe_returns_its_slot() {
    let bench = half(3, 3);
    assert_eq!(bench.play("IIII"), State::HalfOpen);
    assert_eq!(bench.play("SSS"), State::Closed);
}

#[test]
fn cb_25_a_dropped_probe_is_inconclusive_and_too_many_reopen() {
    let bench = half(2, 2);
    for _ in 0..3 {
        drop(bench.permit());
        assert_eq!(bench.breaker.state(), State::HalfOpen);
    }
    drop(bench.permit());
    assert_eq!(bench.breaker.state(), State::Open);
    assert_eq!(bench.breaker.snapshot().open_left, Some(secs(5)), "for as long as before");
    assert_eq!(bench.breaker.snapshot().totals.inconclusive, 4);
}

#[test]
fn cb_26_a_probe_that_never_ends_loses_its_slot() {
    let bench = Bench::new(Breaker::consecutive(1).probes(1).successes(1).probe_lease(secs(30)));
    bench.half_open();
    let stuck = bench.permit();
    bench.time.advance(Duration::from_nanos(29_999_999_999));
    assert!(bench.breaker.acquire().is_err());
    bench.time.advance(Duration::from_nanos(1));
    let before = bench.changes().len();
    let next = bench.permit();
    assert_eq!(bench.changes().len(), before, "the round is the same");
    stuck.success();
    assert_eq!(bench.breaker.state(), State::HalfOpen, "the late answer is ignored");
    let totals = bench.breaker.snapshot().totals;
    assert_eq!((totals.late, totals.inconclusive), (1, 1), "it counts in the round that goes on");
    let changes = bench.changes().len();
    next.success();
    assert_eq!((bench.breaker.state(), bench.changes().len()), (State::Closed, changes + 1));
}

#[test]
fn cb_27_results_of_an_earlier_generation_change_nothing() {
    let bench = Bench::new(Breaker::consecutive(1).probes(1).successes(1));
    let early: Vec<_> = (0..3).map(|_| bench.permit()).collect();
    bench.play("F");
    for permit in early {
        permit.success();
    }
    assert_eq!(bench.breaker.state(), State::Open, "a success reported while open does not close");
    bench.time.advance(secs(5));
    let probe = bench.permit();
    bench.breaker.close("by hand").unwrap();
    probe.failure();
    assert_eq!(bench.breaker.state(), State::Closed);
    assert_eq!(bench.breaker.snapshot().totals.late, 4);
}

#[test]
fn cb_27_a_success_of_an_earlier_generation_is_late_where_it_is_closed_again() {
    for builder in [Breaker::consecutive(1), Breaker::rate(0.5), Breaker::rate(0.5).slow_over(secs(1))] {
        let bench = Bench::new(builder);
        let early = bench.permit();
        bench.breaker.force_open("a drill").unwrap();
        bench.breaker.close("a drill").unwrap();
        early.success();
        let snapshot = bench.breaker.snapshot();
        assert_eq!((snapshot.totals.late, snapshot.totals.successes, snapshot.window.calls), (1, 0, 0));
        assert_eq!(bench.breaker.totals().late, 1);
    }
}

#[test]
fn cb_27_a_probe_of_an_earlier_round_is_late_in_the_next() {
    let bench = Bench::new(Breaker::consecutive(1).probes(2).successes(2));
    bench.half_open();
    let (first, second) = (bench.permit(), bench.permit());
    second.failure();
    bench.time.advance(secs(10));
    bench.play("S");
    first.success();
    assert_eq!(bench.breaker.state(), State::HalfOpen, "one success of this round, not two");
}

#[test]
fn cb_28_a_late_failure_does_not_extend_the_open_time() {
    let bench = Bench::new(Breaker::consecutive(1));
    let late = bench.permit();
    bench.play("F");
    bench.time.advance(secs(3));
    late.failure();
    assert_eq!(bench.breaker.snapshot().open_left, Some(secs(2)));
    assert_eq!(bench.changes().len(), 1);
}

#[test]
fn cb_29_each_failed_round_doubles_the_open_time_up_to_a_maximum() {
    let bench =
        Bench::new(Breaker::consecutive(1).probes(1).successes(1).open_for(secs(5)).open_max(secs(30)));
    for expected in [5, 10, 20, 30, 30] {
        bench.play("F");
        assert_eq!(bench.breaker.snapshot().open_left, Some(secs(expected)));
        bench.time.advance(secs(expected));
    }
    bench.play("SF");
    assert_eq!(bench.breaker.snapshot().open_left, Some(secs(5)), "closing starts anew");
}

#[test]
fn cb_30_the_open_time_is_drawn_from_its_upper_half() {
    let time = ManualClock::new();
    let mut seen = Vec::new();
    for seed in 0..200 {
        let breaker =
            Breaker::consecutive(1).open_for(secs(8)).seed(seed).clock(time.clock()).build().unwrap();
        breaker.acquire().unwrap().failure();
        let left = breaker.snapshot().open_left.unwrap();
        assert!((secs(4)..=secs(8)).contains(&left), "{left:?}");
        seen.push(left);
    }
    seen.sort();
    assert!(seen[199] > seen[0] + secs(3), "they differ");
}

#[test]
fn cb_32_forced_states_refuse_or_admit_and_count_nothing() {
    let bench = Bench::new(Breaker::consecutive(2));
    bench.breaker.force_open("load test of the fallback").unwrap();
    let refused = bench.breaker.acquire().unwrap_err();
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::ForcedOpen, None));
    bench.time.advance(secs(1_000));
    assert!(bench.breaker.acquire().is_err());
    bench.breaker.disable("incident 7").unwrap();
    assert_eq!(bench.play("FFFF"), State::Disabled);
    assert_eq!(bench.breaker.snapshot().totals.failures, 0);
    bench.breaker.close("over").unwrap();
    assert_eq!(bench.play("FF"), State::Open);
    let events = bench.events.lock().unwrap();
    let Trigger::Operator { reason } = &events[0].trigger else { panic!("{:?}", events[0]) };
    assert_eq!(&**reason, "load test of the fallback");
}

#[test]
fn cb_32_forcing_needs_a_reason() {
    let bench = Bench::new(Breaker::consecutive(2));
    assert!(bench.breaker.force_open("  ").unwrap_err().to_string().contains("1 to 500"));
    assert!(bench.breaker.force_open(&"x".repeat(501)).is_err());
    assert_eq!(bench.breaker.state(), State::Closed);
    bench.breaker.force_open(&"x".repeat(500)).unwrap();
    assert_eq!(bench.breaker.state(), State::ForcedOpen);
}

#[test]
fn before_the_first_call_there_is_no_rate() {
    let bench = Bench::new(Breaker::rate(0.5));
    assert_eq!(bench.breaker.snapshot().totals.success_rate(), None);
}

#[test]
fn cb_9_of_rules_that_open_for_as_long_the_first_is_the_reason() {
    let bench = Bench::new(Breaker::failures(2).window_of_calls(5).or_consecutive(2));
    bench.play("FF");
    let events = bench.events.lock().unwrap();
    assert!(matches!(events[0].trigger, Trigger::Consecutive { failures: 2 }), "{:?}", events[0].trigger);
}

#[test]
fn cb_32_an_operator_opens_it_for_longer_while_it_is_open() {
    let bench = Bench::new(Breaker::consecutive(1).open_for(secs(5)));
    bench.play("F");
    bench.breaker.open_for(secs(7_200), "the callee is moved").unwrap();
    bench.time.advance(secs(7_199));
    assert_eq!(bench.breaker.acquire().unwrap_err().retry_after(), Some(secs(1)));
}

#[test]
fn it_says_how_often_it_opened() {
    let bench = Bench::new(Breaker::consecutive(1).probes(1).successes(1).open_for(secs(5)));
    for opened in 1..=3 {
        bench.play("F");
        assert_eq!(bench.breaker.snapshot().opened, opened);
        bench.time.advance(secs(60));
    }
}

#[test]
fn cb_32_an_operator_opens_it_for_a_time_and_probes_follow() {
    let bench = Bench::new(Breaker::consecutive(3).probes(1).successes(1));
    bench.breaker.open_for(secs(7_200), "the callee is moved").unwrap();
    let refused = bench.breaker.acquire().unwrap_err();
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::CircuitOpen, Some(secs(7_200))));
    bench.time.advance(secs(3_600));
    // Once more: it takes longer.
    bench.breaker.open_for(secs(7_200), "it takes longer").unwrap();
    bench.time.advance(secs(7_199));
    assert!(bench.breaker.acquire().is_err());
    bench.time.advance(secs(1));
    bench.breaker.acquire().unwrap().success();
    assert_eq!(bench.breaker.state(), State::Closed);
    let changes =
        [(State::Closed, State::Open), (State::Open, State::HalfOpen), (State::HalfOpen, State::Closed)];
    assert_eq!(bench.changes(), changes);
    // By its own rules it opens for its own time again.
    (0..3).for_each(|_| bench.breaker.acquire().unwrap().failure());
    assert!(bench.breaker.acquire().unwrap_err().retry_after().unwrap() <= secs(60));
    assert!(bench.breaker.open_for(Duration::ZERO, "x").unwrap_err().to_string().contains("zero"));
}

#[test]
fn cb_33_an_operator_may_have_it_probe_at_once() {
    let bench = Bench::new(Breaker::consecutive(1).probes(1).successes(1));
    bench.breaker.acquire().unwrap().failure();
    assert!(bench.breaker.acquire().is_err());
    bench.breaker.probe_now("it is back").unwrap();
    let probe = bench.breaker.acquire().unwrap();
    assert_eq!(bench.breaker.acquire().unwrap_err().reason(), Reason::HalfOpenFull);
    // Asking for it again changes nothing: the one probe is still out.
    bench.breaker.probe_now("it is back").unwrap();
    assert!(bench.breaker.acquire().is_err());
    probe.success();
    assert_eq!(bench.breaker.state(), State::Closed);
}

#[test]
fn cb_33_self_transitions_are_silent() {
    let bench = Bench::new(Breaker::consecutive(2));
    bench.breaker.close("x").unwrap();
    bench.breaker.force_open("x").unwrap();
    bench.breaker.force_open("x").unwrap();
    assert_eq!(bench.changes(), [(State::Closed, State::ForcedOpen)]);
}

#[test]
fn closing_a_circuit_that_is_closed_starts_to_count_anew_and_tells_nobody() {
    for builder in [Breaker::consecutive(2), Breaker::rate(1.0).min_calls(2)] {
        let bench = Bench::new(builder);
        let early = bench.breaker.acquire().unwrap();
        bench.breaker.acquire().unwrap().failure();
        bench.breaker.close("deployed a fix").unwrap();
        early.failure();
        bench.breaker.acquire().unwrap().failure();
        assert_eq!((bench.breaker.state(), bench.breaker.snapshot().totals.late), (State::Closed, 1));
        bench.breaker.acquire().unwrap().failure();
        assert_eq!(bench.breaker.state(), State::Open);
        assert_eq!(bench.changes(), [(State::Closed, State::Open)]);
    }
}

#[test]
fn cb_34_a_refusal_says_who_why_when_and_after_what() {
    const CODE: Code = Code::new("DB_TIMEOUT");
    let bench = Bench::new(Breaker::consecutive(1));
    let _ = bench.breaker.call_blocking(|_| Err::<(), _>(Error::timeout("slow").with_code(CODE)));
    bench.time.advance(secs(2));
    let refused = bench.breaker.acquire().unwrap_err();
    assert_eq!(refused.name().as_str(), "payments");
    assert_eq!(refused.retry_after(), Some(secs(3)));
    assert_eq!(refused.generation(), 2);
    assert_eq!(
        refused.cause().map(|cause| (cause.category, cause.code)),
        Some((Category::Timeout, Some(CODE)))
    );
    assert_eq!(bench.breaker.snapshot().last_cause.and_then(|cause| cause.code), Some(CODE));
    for _ in 0..100 {
        assert_eq!(bench.breaker.acquire().unwrap_err(), refused);
    }
}

#[test]
fn cb_35_each_change_is_published_once_and_in_order() {
    use State::{Closed, HalfOpen, Open};
    let bench = Bench::new(Breaker::consecutive(1).probes(1).successes(1));
    bench.play("F-----F----------S");
    let expected = [(Closed, Open), (Open, HalfOpen), (HalfOpen, Open), (Open, HalfOpen), (HalfOpen, Closed)];
    assert_eq!(bench.changes(), expected);
    let generations: Vec<_> = bench.events.lock().unwrap().iter().map(|event| event.generation).collect();
    assert_eq!(generations, [2, 3, 4, 5, 6]);
}

#[test]
fn cb_35_a_subscriber_may_use_the_breaker_and_may_panic() {
    let time = ManualClock::new();
    let slot: Arc<Mutex<Option<Breaker>>> = Arc::default();
    let (inner, seen) = (Arc::clone(&slot), Arc::new(Mutex::new(Vec::new())));
    let sink = Arc::clone(&seen);
    let breaker = Breaker::consecutive(1)
        .clock(time.clock())
        .on_change(|_| panic!("a subscriber's bug"))
        .on_change(move |event| {
            sink.lock().unwrap().push(event.to);
            let breaker = inner.lock().unwrap().clone().unwrap();
            if event.to == State::Open {
                breaker.close("a subscriber that knows better").unwrap();
            }
        })
        .build()
        .unwrap();
    *slot.lock().unwrap() = Some(breaker.clone());
    breaker.acquire().unwrap().failure();
    assert_eq!(*seen.lock().unwrap(), [State::Open, State::Closed]);
}

#[test]
fn cb_36_of_two_threads_one_gets_the_only_permit() {
    for _ in 0..200 {
        let bench = half(1, 1);
        let admitted: Vec<bool> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let permit = bench.breaker.acquire();
                        let is_in = permit.is_ok();
                        std::mem::forget(permit);
                        is_in
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(admitted.iter().filter(|is_in| **is_in).count(), 1);
    }
}

#[test]
fn cb_37_a_panic_is_a_failure_and_goes_on() {
    let bench = Bench::new(Breaker::consecutive(2));
    for _ in 0..2 {
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = bench.breaker.call_blocking(|_| -> Result<(), Error> { panic!("boom") });
        }));
        assert!(panicked.is_err());
    }
    assert_eq!(bench.breaker.state(), State::Open);
    let ignoring = Bench::new(Breaker::consecutive(1).count_panics(false));
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = ignoring.breaker.call_blocking(|_| -> Result<(), Error> { panic!("boom") });
    }));
    assert_eq!((ignoring.breaker.state(), ignoring.breaker.snapshot().totals.ignored), (State::Closed, 1));
}

#[test]
fn cb_31_a_round_that_goes_on_by_rules_that_the_function_made_is_decided_by_its_next_probes() {
    let (slot, is_asked) = (Arc::<OnceLock<Breaker>>::default(), Arc::<AtomicBool>::default());
    let inner = Arc::clone(&slot);
    let rules = Breaker::consecutive(1).probes(1).successes(1).open_by(move |opening| {
        if opening.half_open_attempts == 1 && !is_asked.swap(true, Ordering::Relaxed) {
            inner.get().unwrap().reconfigure(|builder| builder.probes(3)).unwrap();
        }
        secs(1)
    });
    let bench = Bench::new(rules);
    assert!(slot.set(bench.breaker.clone()).is_ok());
    assert_eq!(bench.play("F-F"), State::HalfOpen, "one of three may still succeed");
    assert_eq!(bench.play("F"), State::HalfOpen);
    assert_eq!(bench.play("F"), State::Open, "it is asked again, how long");
}
