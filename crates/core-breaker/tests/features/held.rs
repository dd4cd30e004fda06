//! Held closed by an operator: calls pass and are counted, and nothing opens it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::bench::Bench;
use core_breaker::{Breaker, Builder, ConfigError, Decay, State, Trigger};
use core_errors::Verdict;
use core_time::{ms, secs};

/// Rules of each kind, that many failures fulfil.
fn any_rule() -> [Builder; 5] {
    [
        Breaker::consecutive(2),
        Breaker::rate(0.5).min_calls(4).window(secs(10)),
        Breaker::rate(0.5).min_calls(4).window_of_calls(8),
        Breaker::average(0.9, Decay::Calls(4)).min_calls(2),
        Breaker::consecutive(2).lumping(ms(1)),
    ]
}

#[test]
fn cb_32_held_closed_everything_passes_and_is_counted_and_nobody_is_told_that_it_would_have_opened() {
    for rules in any_rule() {
        let bench = Bench::new(rules);
        bench.breaker.force_closed("it is all there is").unwrap();
        assert_eq!(bench.play("SFIFFFFF-FFFFS"), State::ForcedClosed);
        assert_eq!((bench.crossings(), bench.changes()), (0, vec![(State::Closed, State::ForcedClosed)]));
        let snapshot = bench.breaker.snapshot();
        let totals = snapshot.totals;
        assert_eq!((totals.successes, totals.failures, totals.ignored, totals.rejected), (2, 10, 1, 0));
        assert_eq!((snapshot.opened, snapshot.last_failure_age), (0, Some(Duration::ZERO)));
        assert_eq!((snapshot.consecutive_failures, snapshot.open_left), (0, None), "a success came last");
    }
}

#[test]
fn cb_32_what_is_counted_while_it_is_held_closed_is_there_to_be_looked_at() {
    let bench = Bench::new(Breaker::rate(0.5).min_calls(4).window(secs(10)).slow_over(ms(100)));
    bench.breaker.force_closed("it is all there is").unwrap();
    bench.play("SFFF");
    bench.slow(ms(200));
    bench.play("FF");
    drop(bench.permit());
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.window.calls, snapshot.window.failures, snapshot.window.slow), (7, 5, 1));
    assert_eq!((snapshot.failure_rate, snapshot.consecutive_failures), (Some(5.0 / 7.0), 2));
    assert_eq!((snapshot.totals.slow, snapshot.totals.inconclusive), (1, 1));
}

#[test]
fn cb_32_released_it_acts_on_what_comes_and_not_on_what_was_counted_meanwhile() {
    for rules in any_rule() {
        let bench = Bench::new(rules);
        bench.breaker.force_closed("it is all there is").unwrap();
        let of_before = bench.permit();
        bench.play("FFFFFFFF");
        bench.breaker.close("there is another").unwrap();
        assert_eq!(bench.play("F"), State::Closed, "the first failure is the first");
        of_before.failure();
        let snapshot = bench.breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.totals.late), (State::Closed, 1));
        assert!((0..3).any(|_| bench.play("-F") == State::Open), "and the rules act");
    }
}

#[test]
fn cb_32_held_closed_it_stays_until_an_operator_says_otherwise() {
    let bench = Bench::new(Breaker::consecutive(1).probes(1).successes(1));
    let held = || {
        bench.breaker.force_closed("it is all there is").unwrap();
        assert_eq!(bench.play("FFF"), State::ForcedClosed);
        bench.time.advance(secs(100_000));
        assert_eq!(bench.play("F"), State::ForcedClosed);
    };
    held();
    bench.breaker.force_closed("again").unwrap();
    assert_eq!(bench.changes().len(), 1, "it is that already, so nobody is told");
    assert_eq!(bench.breaker.snapshot().consecutive_failures, 4, "and it counts on");
    bench.breaker.force_open("dead").unwrap();
    assert!(bench.breaker.acquire().is_err());
    held();
    bench.breaker.open_for(secs(3), "maintenance").unwrap();
    assert_eq!(bench.open_left(), secs(3));
    held();
    bench.breaker.probe_now("it is well").unwrap();
    assert_eq!(bench.breaker.state(), State::HalfOpen);
    held();
    bench.breaker.shadow("a trial").unwrap();
    assert_eq!(bench.breaker.state(), State::Shadow);
    held();
    bench.breaker.disable("off").unwrap();
    assert_eq!(bench.breaker.state(), State::Disabled);
    held();
    let last = bench.events.lock().unwrap().last().cloned().unwrap();
    assert_eq!(last.trigger, Trigger::Operator { reason: "it is all there is".into() });
    assert_eq!((last.open_for, last.cause, last.would_open), (None, None, false));
    assert!(bench.breaker.force_closed(" ").is_err());
    assert_eq!(bench.breaker.snapshot().orders, 12);
    bench.breaker.close("over").unwrap();
    assert_eq!(bench.play("F"), State::Open);
}

#[test]
fn cb_32_what_the_callee_asked_for_while_it_was_held_closed_does_not_outlast_that() {
    let bench = Bench::new(Breaker::consecutive(1));
    bench.breaker.force_closed("it is all there is").unwrap();
    bench.permit().record_verdict(Verdict::Overload(Some(secs(200))));
    bench.breaker.close("there is another").unwrap();
    bench.play("F");
    assert_eq!(bench.open_left(), secs(5));
}

#[test]
fn cb_32_held_closed_nobody_asks_a_function_how_long_to_open() {
    let asked = Arc::<AtomicU32>::default();
    let times = Arc::clone(&asked);
    let bench = Bench::new(Breaker::consecutive(1).open_by(move |_| {
        times.fetch_add(1, Ordering::Relaxed);
        secs(1)
    }));
    bench.breaker.force_closed("it is all there is").unwrap();
    assert_eq!(bench.play("FFF"), State::ForcedClosed);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    bench.breaker.close("there is another").unwrap();
    assert_eq!(bench.play("F"), State::Open);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn cb_32_an_isolation_ends_in_being_held_closed_where_it_was_that_before() {
    let bench = Bench::new(Breaker::consecutive(1));
    bench.breaker.force_closed("it is all there is").unwrap();
    let isolation = bench.breaker.isolate("a migration").unwrap();
    assert!(bench.breaker.acquire().is_err());
    assert_eq!(bench.breaker.save().state, State::ForcedClosed, "it is what it will be");
    drop(isolation);
    assert_eq!(bench.play("FF"), State::ForcedClosed);
}

#[test]
fn pl_2_other_rules_open_nothing_that_is_held_closed() {
    let bench = Bench::new(Breaker::consecutive(100).probes(1).successes(1));
    bench.breaker.force_closed("it is all there is").unwrap();
    bench.play("FFFF");
    bench.breaker.reconfigure(|builder| builder.or_consecutive(2).or_rate(0.5).min_calls(2)).unwrap();
    assert_eq!(bench.play("FFFFS"), State::ForcedClosed);
    assert_eq!(bench.breaker.snapshot().window.failures, 4, "there is a window from then on");
    bench.breaker.close("over").unwrap();
    assert_eq!(bench.play("FF"), State::Open);
}

#[test]
fn cb_32_what_an_operator_chose_and_an_open_time_that_runs_must_not_be_lost() {
    let bench = Bench::new(Breaker::consecutive(1).probes(1).successes(1));
    let held = |order: fn(&Breaker, &str) -> Result<(), ConfigError>| {
        order(&bench.breaker, "test").unwrap();
        bench.breaker.is_held()
    };
    assert!(!bench.breaker.is_held(), "it is closed");
    assert!(held(Breaker::force_open) && held(Breaker::force_closed) && held(Breaker::disable));
    assert!(held(Breaker::shadow) && !held(Breaker::probe_now) && !held(Breaker::close));
    bench.play("F");
    assert!(bench.breaker.is_held());
    bench.time.advance(secs(5));
    assert!(!bench.breaker.is_held(), "it is due");
}
