//! What speaks of a generation that is over changes nothing, also where the state is the same again.

use std::sync::atomic::Ordering;

use core_time::{ManualClock, secs};

use super::Engine;
use crate::word::Phase;
use crate::{Breaker, Builder, State};

/// A breaker under a clock that is moved by hand.
fn bench(builder: Builder) -> Option<(ManualClock, Breaker)> {
    let time = ManualClock::new();
    let breaker = builder.name("payments").jitter(false).clock(time.clock()).build().ok()?;
    Some((time, breaker))
}

fn generation(engine: &Engine) -> u32 {
    engine.load().generation()
}

#[test]
fn what_a_fleet_said_of_an_earlier_closed_circuit_does_not_open_it() {
    let Some((time, breaker)) = bench(Breaker::consecutive(1)) else { panic!("it is built") };
    let (engine, old) = (breaker.engine(), generation(breaker.engine()));
    assert!(breaker.force_open("test").is_ok() && breaker.close("test").is_ok());
    assert!(!engine.follow_fleet(old, 3, time.clock().now()));
    assert_eq!(breaker.state(), State::Closed);
    assert!(engine.follow_fleet(generation(engine), 3, time.clock().now()));
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn what_a_fleet_said_of_an_earlier_open_circuit_neither_probes_nor_puts_off() {
    let Some((time, breaker)) = bench(Breaker::consecutive(1)) else { panic!("it is built") };
    let engine = breaker.engine();
    let now = time.clock().now();
    assert!(engine.follow_fleet(generation(engine), 3, now));
    let old = generation(engine);
    assert!(breaker.close("test").is_ok());
    assert!(engine.follow_fleet(generation(engine), 3, now));
    let until = engine.until();
    assert!(!engine.probe_early(old, now));
    engine.postpone(old, until + secs(1));
    assert_eq!((engine.load().phase(), engine.until()), (Phase::Open, until));
    engine.postpone(generation(engine), until + secs(1));
    assert_eq!(engine.until(), until + secs(1));
    assert!(engine.probe_early(generation(engine), now));
    let (half_open, until) = (generation(engine), engine.until());
    engine.postpone(half_open, until + secs(1));
    assert_eq!(engine.until(), until, "it is not open");
}

#[test]
fn w_5_a_circuit_that_was_put_off_is_open_for_that_long_and_no_longer() {
    let Some((time, breaker)) = bench(Breaker::consecutive(1).open_for(secs(5))) else {
        panic!("it is built")
    };
    let (engine, now) = (breaker.engine(), time.clock().now());
    assert!(engine.follow_fleet(generation(engine), 3, now));
    engine.postpone(generation(engine), now + secs(30));
    time.set(now - secs(100));
    engine.bring_back(now - secs(100));
    assert_eq!(engine.until(), now - secs(70));
}

#[test]
fn a_call_that_comes_when_the_circuit_has_just_closed_passes() {
    for (builder, phase) in [(Breaker::consecutive(1), Phase::Plain), (Breaker::rate(0.5), Phase::Closed)] {
        let Some((time, breaker)) = bench(builder) else { panic!("it is built") };
        assert_eq!(breaker.engine().load().phase(), phase);
        let (answer, tells) = breaker.engine().acquire(time.clock().now(), None);
        assert!(answer.is_ok() && !tells, "{phase:?}");
    }
}

#[test]
fn cb_6_a_success_ends_the_run_that_it_saw_and_no_later_one() {
    let Some((time, breaker)) = bench(Breaker::rate(0.5)) else { panic!("it is built") };
    let (engine, now) = (breaker.engine(), || time.clock().now());
    let failed = || breaker.acquire().map(core_policy::Permit::failure).is_ok();
    let run = || (engine.load().generation(), engine.load().payload());
    assert!(failed());
    let (seen, ticket) = (engine.load(), crate::engine::Ticket::new(engine.load(), 0));
    assert!(failed());
    engine.record_quick(seen, ticket, now, now);
    assert_eq!(run().1, 2, "there was one more since");
    assert!(breaker.close("test").is_ok() && failed());
    engine.record_quick(seen, ticket, now, now);
    assert_eq!(run(), (seen.generation() + 1, 1), "as many, of another circuit");
    engine.record_quick(engine.load(), crate::engine::Ticket::new(engine.load(), 0), now, now);
    assert_eq!(run().1, 0);
}

#[test]
fn cb_27_after_the_last_generation_a_result_of_it_is_late_and_windows_begin_with_nothing() {
    let last = (1 << 28) - 1;
    let all: [fn() -> Builder; 4] = [
        || Breaker::consecutive(2).or_consecutive(3),
        || Breaker::rate(0.5).min_calls(3).window(secs(10)),
        || Breaker::rate(0.5).min_calls(3).window_of_calls(4),
        || Breaker::average(0.5, crate::Decay::Calls(1)).min_calls(3),
    ];
    for rules in all {
        let Some((_, breaker)) = bench(rules().probes(1).successes(1)) else { panic!("it is built") };
        let engine = breaker.engine();
        let failed = || breaker.acquire().map(core_policy::Permit::failure).is_ok();
        engine.word.store(engine.load().next(engine.load().phase(), 0).0 | last << 4, Ordering::Release);
        engine.count_anew(&mut engine.ledger(), generation(engine));
        assert_eq!(u64::from(generation(engine)), last);
        let Ok(of_the_last) = breaker.acquire() else { panic!("it is closed") };
        assert!(failed() && failed());
        assert!(breaker.close("test").is_ok());
        assert_eq!(generation(engine), 0);
        of_the_last.failure();
        assert_eq!((breaker.snapshot().totals.late, breaker.snapshot().window.calls), (1, 0));
        assert_eq!(breaker.snapshot().consecutive_failures, 0);
        assert!(failed() && failed());
        assert_eq!(breaker.state(), State::Closed, "two, of three");
        assert!(failed());
        assert_eq!((breaker.state(), generation(engine)), (State::Open, 1));
    }
}

#[test]
fn a_round_that_is_over_decides_nothing_about_the_next() {
    let Some((time, breaker)) = bench(Breaker::consecutive(1).probes(2).successes(1)) else {
        panic!("it is built")
    };
    let (engine, now) = (breaker.engine(), time.clock().now());
    assert!(breaker.probe_now("test").is_ok());
    let old = generation(engine);
    assert!(breaker.close("test").is_ok() && breaker.probe_now("test").is_ok());
    let round = generation(engine);
    engine.ledger().round.send(1, now + secs(1), now);
    assert!(engine.ledger().round.back(1, crate::outcome::Outcome::Success));
    assert!(!engine.decide(old, None, now));
    assert_eq!(breaker.state(), State::HalfOpen);
    assert!(engine.decide(round, None, now));
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn a_closed_circuit_is_plain_while_its_rules_ask_nothing_about_a_success() {
    let phase = |breaker: &Breaker| breaker.engine().load().phase();
    let plain = Breaker::consecutive(1).probes(1).successes(1);
    let Some((time, breaker)) = bench(plain) else { panic!("it is built") };
    assert_eq!(phase(&breaker), Phase::Plain);
    let other: [fn(Builder) -> Builder; 4] = [
        |builder| builder.or_rate(0.5),
        |builder| builder.or_failures(9),
        |builder| builder.or_average(0.1, crate::Decay::Calls(9)),
        |builder| builder.slow_over(secs(1)).slow_rate(1.0),
    ];
    for change in other {
        let Some((_, other)) = bench(change(Breaker::consecutive(1))) else { panic!("it is built") };
        assert_eq!(phase(&other), Phase::Closed);
    }
    let generation = generation(breaker.engine());
    assert!(breaker.reconfigure(|builder| builder.or_rate(0.5)).is_ok());
    assert_eq!((phase(&breaker), breaker.engine().load().generation()), (Phase::Closed, generation));
    assert!(breaker.close("test").is_ok());
    assert_eq!(phase(&breaker), Phase::Closed);
    let Some((_, twin)) = bench(Breaker::consecutive(1).ramp_up(0.5, secs(1)).probes(1).successes(1)) else {
        panic!("it is built")
    };
    let probed = |breaker: &Breaker| {
        assert!(breaker.probe_now("test").is_ok());
        breaker.acquire().map(core_policy::Permit::success).is_ok()
    };
    assert!(probed(&twin));
    assert_eq!(phase(&twin), Phase::RampUp);
    assert!(twin.close("test").is_ok());
    assert!(probed(&breaker), "{time:?}");
    assert_eq!(phase(&breaker), Phase::Closed, "as its rules are now");
}
