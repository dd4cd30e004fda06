//! What speaks of a generation that is over changes nothing, also where the state is the same again.

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
fn a_round_that_is_over_decides_nothing_about_the_next() {
    let Some((time, breaker)) = bench(Breaker::consecutive(1).probes(2).successes(1)) else {
        panic!("it is built")
    };
    let (engine, now) = (breaker.engine(), time.clock().now());
    assert!(breaker.probe_now("test").is_ok());
    let old = generation(engine);
    assert!(breaker.close("test").is_ok() && breaker.probe_now("test").is_ok());
    let round = generation(engine);
    engine.ledger().round.send(1, now + secs(1));
    assert!(engine.ledger().round.back(1, crate::outcome::Outcome::Success));
    assert!(!engine.decide(old, None, now));
    assert_eq!(breaker.state(), State::HalfOpen);
    assert!(engine.decide(round, None, now));
    assert_eq!(breaker.state(), State::Closed);
}
