//! What operators do: shadow, isolation, other rules while calls go on.

use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use crate::bench::Bench;
use core_breaker::{Breaker, Builder, Decay, Registry, Rule, Span, State, Trigger};
use core_errors::Reason;
use core_time::{ms, secs};

#[test]
fn cb_32_of_a_breaker_that_is_disabled_nothing_is_counted_not_even_a_call_that_is_dropped() {
    let bench = Bench::new(Breaker::consecutive(1));
    let dropped = || drop(bench.breaker.acquire().unwrap());
    dropped();
    assert_eq!(bench.breaker.snapshot().totals.inconclusive, 1);
    bench.breaker.disable("test").unwrap();
    dropped();
    bench.play("SF");
    let totals = bench.breaker.snapshot().totals;
    assert_eq!((totals.inconclusive, totals.successes, totals.failures), (1, 0, 0));
}

#[test]
fn cb_32_in_shadow_everything_passes_and_each_crossing_is_told_once() {
    let bench = Bench::new(Breaker::rate(0.5).min_calls(4).window(secs(10)).shadow());
    assert_eq!(bench.play("SSFFFFFF"), State::Shadow);
    assert_eq!(bench.crossings(), 1);
    bench.play("SSSSSSSSSS");
    assert_eq!(bench.crossings(), 1, "6 of 18");
    bench.play("FFFFFFF");
    assert_eq!(bench.crossings(), 2, "and over it again");
    bench.time.advance(secs(60));
    bench.play("SSSSFFFF");
    assert_eq!(bench.crossings(), 3, "after a window that held nothing");
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.totals.rejected, snapshot.opened), (0, 0));
    assert_eq!((snapshot.totals.successes, snapshot.totals.failures), (16, 17));
    assert!(bench.changes().iter().all(|change| *change == (State::Shadow, State::Shadow)));
}

#[test]
fn cb_32_in_shadow_runs_and_averages_and_windows_of_calls_cross_as_well() {
    let run = Bench::new(Breaker::consecutive(2).shadow());
    run.play("FFFFSFFF");
    assert_eq!(run.crossings(), 2);
    let average = Bench::new(Breaker::average(0.5, Decay::Calls(4)).min_calls(2).shadow());
    average.play("SFFFFFFSSSSSSSSSFFFF");
    assert_eq!(average.crossings(), 2);
    let calls = Bench::new(Breaker::k_of_n(2, 3).shadow());
    calls.play("FFFSSSSSFF");
    assert_eq!(calls.crossings(), 2);
}

#[test]
fn cb_32_an_operator_puts_it_in_shadow_and_lets_it_act_again() {
    let bench = Bench::new(Breaker::consecutive(2));
    bench.play("FF");
    bench.breaker.shadow("it opens too often").unwrap();
    assert_eq!(bench.play("FFF"), State::Shadow);
    assert_eq!(bench.crossings(), 1);
    let told = bench.events.lock().unwrap().last().cloned().unwrap();
    assert_eq!((told.trigger, told.open_for), (Trigger::Consecutive { failures: 2 }, Some(secs(5))));
    bench.breaker.close("tuned").unwrap();
    assert_eq!(bench.play("FF"), State::Open);
}

// === isolation ===

#[test]
fn cb_32_it_is_isolated_until_the_last_handle_is_dropped() {
    let bench = Bench::new(Breaker::consecutive(2));
    let first = bench.breaker.isolate("a migration").unwrap();
    let second = bench.breaker.isolate("a backup").unwrap();
    assert_eq!((bench.breaker.state(), bench.breaker.snapshot().isolations), (State::ForcedOpen, 2));
    drop(first);
    assert_eq!(bench.breaker.acquire().unwrap_err().reason(), Reason::ForcedOpen);
    drop(second);
    assert_eq!(bench.play("FF"), State::Open);
    assert_eq!(
        bench.changes(),
        [
            (State::Closed, State::ForcedOpen),
            (State::ForcedOpen, State::Closed),
            (State::Closed, State::Open),
        ]
    );
    assert_eq!(bench.events.lock().unwrap()[1].trigger, Trigger::IsolationEnded);
    assert!(bench.breaker.isolate("").is_err());
}

#[test]
fn cb_32_an_operators_word_outlives_the_handles() {
    let bench = Bench::new(Breaker::consecutive(2));
    bench.breaker.force_open("incident 7").unwrap();
    drop(bench.breaker.isolate("a migration").unwrap());
    assert_eq!(bench.breaker.state(), State::ForcedOpen, "it was forced open before");
    bench.breaker.close("over").unwrap();
    let lost = bench.breaker.isolate("a job that hangs").unwrap();
    bench.breaker.close("the job hangs").unwrap();
    assert_eq!((bench.play("S"), bench.breaker.snapshot().isolations), (State::Closed, 0));
    let fresh = bench.breaker.isolate("another").unwrap();
    drop(lost);
    assert_eq!(bench.breaker.state(), State::ForcedOpen, "a handle of before ends no isolation of now");
    drop(fresh);
    assert_eq!(bench.breaker.state(), State::Closed);
}

// === reconfiguration ===

#[test]
fn pl_2_other_rules_apply_from_the_next_result_and_nothing_is_forgotten() {
    let bench = Bench::new(Breaker::rate(0.9).or_consecutive(10).min_calls(20).window(secs(10)));
    bench.play("SSFFF");
    let out = bench.permit();
    let before = bench.breaker.snapshot();
    bench.breaker.reconfigure(|builder| builder.or_rate(0.5).min_calls(6)).unwrap();
    let after = bench.breaker.snapshot();
    assert_eq!((after.generation, after.window), (before.generation, before.window));
    assert_eq!(after.consecutive_failures, 3);
    assert_eq!(
        (after.rules.failure_rate, after.rules.min_calls, after.rules.consecutive),
        (Some(0.5), 6, Some(10))
    );
    assert_eq!(bench.breaker.state(), State::Closed);
    out.failure();
    assert_eq!(bench.breaker.state(), State::Open, "the permit that was out counts: 4 of 6");
}

#[test]
fn pl_2_a_window_of_time_takes_its_buckets_along() {
    let bench = Bench::new(Breaker::rate(1.0).min_calls(100).window(secs(10)));
    bench.play("FF--SS--F");
    let held = |bench: &Bench| {
        let window = bench.breaker.snapshot().window;
        (window.calls, window.failures)
    };
    assert_eq!(held(&bench), (5, 3));
    bench.breaker.reconfigure(|builder| builder.window(secs(20))).unwrap();
    assert_eq!(held(&bench), (5, 3));
    bench.breaker.reconfigure(|builder| builder.window(secs(4)).buckets(4)).unwrap();
    assert_eq!(held(&bench), (3, 1), "the first two are too old for it");
    bench.play("--");
    assert_eq!(held(&bench), (1, 1));
    bench.breaker.reconfigure(|builder| builder.window(secs(4)).buckets(4).min_calls(7)).unwrap();
    assert_eq!(held(&bench), (1, 1), "the same shape holds the same, once");
}

#[test]
fn pl_2_a_window_of_calls_takes_its_newest_results_along() {
    let bench = Bench::new(Breaker::rate(1.0).or_consecutive(100).window_of_calls(5).min_calls(5));
    bench.play("FSFSS");
    let held = || {
        let window = bench.breaker.snapshot().window;
        (window.calls, window.failures)
    };
    bench.breaker.reconfigure(|builder| builder.window_of_calls(3)).unwrap();
    assert_eq!(held(), (3, 1));
    bench.breaker.reconfigure(|builder| builder.window_of_calls(100)).unwrap();
    assert_eq!(held(), (3, 1));
    bench.play("SF");
    assert_eq!(held(), (5, 2));
    bench.breaker.reconfigure(|builder| builder.window(secs(10))).unwrap();
    assert_eq!(held(), (0, 0), "of another kind it knows nothing");
    bench.play("S");
    bench.breaker.reconfigure(|builder| builder.window_of_calls(100)).unwrap();
    assert_eq!(held(), (0, 0), "and nothing of long ago comes back");
}

#[test]
fn pl_2_rules_may_come_and_go() {
    let bench = Bench::new(Breaker::consecutive(100));
    bench.play("FF");
    bench.breaker.reconfigure(|builder| builder.or_rate(0.5).min_calls(4).window(secs(10))).unwrap();
    assert_eq!(bench.play("FFS"), State::Closed);
    assert_eq!(bench.play("F"), State::Open, "3 of 4 since there is a window");
    let averaged = Bench::new(Breaker::consecutive(100));
    averaged.breaker.reconfigure(|builder| builder.or_average(0.5, Decay::Calls(2)).min_calls(1)).unwrap();
    assert_eq!(averaged.play("SFF"), State::Open);
    let slow = Bench::new(Breaker::rate(0.5).min_calls(1).window(secs(10)));
    slow.breaker.reconfigure(|builder| builder.slow_over(ms(10))).unwrap();
    let permit = slow.permit();
    slow.time.advance(ms(11));
    permit.success();
    assert_eq!(slow.breaker.state(), State::Open);
}

#[test]
fn pl_2_what_makes_no_sense_changes_nothing() {
    let bench = Bench::new(Breaker::rate(0.5).min_calls(4).window(secs(10)));
    let before = bench.breaker.snapshot().rules;
    let error = bench.breaker.reconfigure(|builder| builder.min_calls(2).or_rate(2.0)).unwrap_err();
    assert!(error.to_string().contains("at most 1"), "{error}");
    let error = bench.breaker.reconfigure(|builder| builder.min_calls(2).name("other")).unwrap_err();
    assert!(error.to_string().contains("the name cannot be changed"), "{error}");
    assert_eq!(bench.breaker.snapshot().rules, before);
    assert_eq!(before.span, Span::Time { len: secs(10), buckets: 10 });
}

#[test]
fn pl_2_a_round_with_fewer_probes_cannot_wedge() {
    let bench = Bench::new(Breaker::consecutive(1).probes(3).successes(3));
    bench.play("F-----SS");
    assert_eq!(bench.breaker.state(), State::HalfOpen);
    bench.breaker.reconfigure(|builder| builder.probes(1).successes(1)).unwrap();
    assert_eq!(bench.breaker.state(), State::Closed, "two have succeeded already");
    let more = Bench::new(Breaker::consecutive(1).probes(1).successes(1));
    more.play("F-----");
    let first = more.permit();
    assert!(more.breaker.acquire().is_err());
    more.breaker.reconfigure(|builder| builder.probes(2).successes(2)).unwrap();
    more.permit().success();
    assert_eq!(more.breaker.state(), State::HalfOpen);
    first.success();
    assert_eq!(more.breaker.state(), State::Closed);
}

#[test]
fn pl_2_an_open_time_that_runs_goes_on() {
    let bench = Bench::new(Breaker::consecutive(1));
    bench.play("F");
    bench.breaker.reconfigure(|builder| builder.open_for(secs(50))).unwrap();
    assert_eq!(bench.open_left(), secs(5));
    bench.breaker.close("test").unwrap();
    bench.play("F");
    assert_eq!(bench.open_left(), secs(50));
}

// === registry ===

#[test]
fn pl_2_open_times_grow_from_the_new_one() {
    let bench = Bench::new(Breaker::consecutive(1).open_for(secs(5)).probes(1).successes(1));
    bench.play("F");
    bench.breaker.reconfigure(|builder| builder.open_for(secs(30))).unwrap();
    bench.time.advance(secs(5));
    bench.play("F");
    assert_eq!(bench.breaker.save().open_left, Some(secs(60)), "30 s, doubled");
    bench.breaker.close("test").unwrap();
    bench.breaker.reconfigure(|builder| builder.open_for(secs(7))).unwrap();
    bench.breaker.open_for(secs(1), "maintenance").unwrap();
    bench.time.advance(secs(1));
    bench.play("F");
    assert_eq!(bench.breaker.save().open_left, Some(secs(14)), "7 s, doubled");
}

#[test]
fn pl_2_other_rules_leave_what_was_counted_and_go_on_from_there() {
    let builder = Breaker::consecutive(2).slow_over(ms(100)).slow_rate(1.0).probes(1).successes(1);
    let bench = Bench::new(builder);
    let slow = bench.permit();
    bench.time.advance(secs(1));
    slow.success();
    bench.play("SSSFI");
    drop(bench.permit());
    let late = bench.permit();
    bench.play("F");
    late.success();
    assert!(bench.breaker.acquire().is_err());
    bench.breaker.probe_now("test").unwrap();
    bench.play("S");
    let counted = |bench: &Bench| {
        let snapshot = bench.breaker.snapshot();
        let totals = snapshot.totals;
        let calls = [totals.successes, totals.failures, totals.slow, totals.ignored, totals.inconclusive];
        let [orders, opened] = [snapshot.orders, snapshot.opened];
        (calls, [totals.rejected, totals.late], [orders, opened], snapshot.generation, snapshot.last_cause)
    };
    let before = counted(&bench);
    assert_eq!((before.0, before.1, before.2), ([5, 2, 1, 1, 1], [1, 1], [1, 1]));
    let others: [fn(Builder) -> Builder; 4] = [
        |builder| builder.or_rate(0.9).window(secs(5)),
        |builder| builder.window_of_calls(50),
        |builder| builder.or_average(0.1, Decay::Calls(9)),
        |builder| builder.or_consecutive(7),
    ];
    for (times, other) in (1..).zip(others) {
        bench.breaker.reconfigure(other).unwrap();
        let now = counted(&bench);
        assert_eq!((now.1, now.2, now.3, now.4), (before.1, before.2, before.3, before.4));
        assert_eq!(now.0, [4 + times, 1 + times, 1, 1, 1], "after {times} changes");
        bench.play("SF");
    }
    bench.breaker.force_open("test").unwrap();
    bench.breaker.reconfigure(|builder| builder.open_for(secs(9))).unwrap();
    assert_eq!(counted(&bench).2, [2, 1]);
}

#[test]
fn pl_2_open_times_of_a_rule_grow_from_what_is_its_own() {
    let builder = Breaker::consecutive(1).open_for(secs(5)).open_for_rule(Rule::Consecutive, secs(8));
    let bench = Bench::new(builder.probes(1).successes(1));
    bench.play("F");
    bench.breaker.reconfigure(|builder| builder.open_for(secs(30))).unwrap();
    bench.time.advance(secs(8));
    bench.play("F");
    assert_eq!(bench.breaker.save().open_left, Some(secs(16)), "its own time is the same as before");
}

#[test]
fn pl_2_a_ramp_lasts_no_longer_than_the_new_one() {
    let bench = Bench::new(Breaker::consecutive(1).probes(1).successes(1).ramp_up(0.1, secs(3600)));
    bench.breaker.probe_now("test").unwrap();
    bench.play("S");
    bench.breaker.reconfigure(|builder| builder.ramp_up(0.1, secs(2))).unwrap();
    assert_eq!(bench.breaker.save().ramp_left, Some(secs(2)));
    bench.time.advance(secs(2));
    assert!((0..100).all(|_| bench.breaker.acquire().is_ok()), "it is over");
}

#[test]
fn pl_2_a_function_for_the_open_time_may_change_the_rules_while_they_change() {
    let slot: Arc<OnceLock<Breaker>> = Arc::default();
    let inner = Arc::clone(&slot);
    let bench = Bench::new(Breaker::consecutive(1).probes(4).successes(3).open_by(move |opening| {
        if opening.half_open_attempts > 0 {
            inner.get().unwrap().reconfigure(|builder| builder).unwrap();
        }
        secs(1)
    }));
    let breaker = bench.breaker.clone();
    assert!(slot.set(breaker.clone()).is_ok());
    breaker.probe_now("test").unwrap();
    bench.play("F");
    assert_eq!(breaker.state(), State::HalfOpen);
    let (sends, comes) = mpsc::channel();
    thread::Builder::new()
        .spawn(move || {
            // With three probes one failure decides the round, which asks the function, which changes the rules.
            let changed = breaker.reconfigure(|builder| builder.probes(3)).is_ok();
            sends.send((changed, breaker.state())).unwrap();
        })
        .unwrap();
    assert_eq!(comes.recv_timeout(secs(10)), Ok((true, State::Open)), "a deadlock never answers");
}

#[test]
fn cb_32_the_end_of_an_isolation_leads_back_to_what_an_operator_chose() {
    let bench = Bench::new(Breaker::consecutive(1).shadow());
    drop(bench.breaker.isolate("deploy").unwrap());
    assert_eq!(bench.breaker.state(), State::Shadow);
    bench.breaker.disable("off").unwrap();
    let first = bench.breaker.isolate("deploy").unwrap();
    let second = bench.breaker.isolate("another").unwrap();
    drop(first);
    assert_eq!(bench.breaker.state(), State::ForcedOpen);
    drop(second);
    assert_eq!(bench.breaker.state(), State::Disabled);
}

#[test]
fn f_88_a_registry_resets_and_forces_by_name_and_knows_what_was_meant() {
    let registry = Registry::new();
    for name in ["payments", "payments-eu", "search"] {
        registry.add(&Breaker::consecutive(1).name(name).build().unwrap()).unwrap();
    }
    registry.force_open("search", "maintenance").unwrap();
    registry.force_closed("payments-eu", "there is no other").unwrap();
    for name in ["payments", "payments-eu"] {
        registry.get(name).unwrap().acquire().unwrap().failure();
    }
    let states: Vec<_> = registry.snapshot().iter().map(|snapshot| snapshot.state).collect();
    assert_eq!(states, [State::Open, State::ForcedClosed, State::ForcedOpen]);
    let unknown = registry.force_closed("serch", "x").unwrap_err();
    assert!(unknown.is_unknown_name() && unknown.to_string().contains(r#"Did you mean "search"?"#));
    registry.reset("search", "done").unwrap();
    assert_eq!(registry.get("search").unwrap().state(), State::Closed);
    registry.reset_all("a new day").unwrap();
    assert!(registry.snapshot().iter().all(|snapshot| snapshot.state == State::Closed));
    let text = |name: &str| registry.reset(name, "x").unwrap_err().to_string();
    assert_eq!(
        text("paymets"),
        r#"no breaker is called "paymets"; none was created. Did you mean "payments"?"#
    );
    assert!(text("pay").contains(r#"Did you mean "payments" or "payments-eu"?"#), "{}", text("pay"));
    assert!(text("SEARCH").contains(r#"Did you mean "search"?"#));
    assert!(text("orders").ends_with("none was created"));
    assert_eq!(registry.snapshot().len(), 3);
    assert!(registry.reset_all(" ").is_err());
}

#[test]
fn pl_2_an_average_goes_on_unless_its_decay_is_another() {
    let average = |decay| Breaker::average(0.5, decay).min_calls(1);
    let bench = Bench::new(average(Decay::Calls(100)));
    bench.play("S");
    bench.breaker.reconfigure(|builder| builder.min_calls(1).probes(2)).unwrap();
    assert_eq!(bench.breaker.snapshot().success_average, Some(1.0));
    bench.breaker.reconfigure(|_| average(Decay::Calls(50))).unwrap();
    assert_eq!(bench.breaker.snapshot().success_average, None);
}
