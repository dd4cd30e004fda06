//! The rules of the algorithms, on numbers alone.

use std::time::Duration;

use core_time::{Instant, ms, secs};

use super::engine::Engine;
use super::gradient;
use super::guard::{Guard, Load};
use super::policy::Algorithm;
use super::window::Flown;

const AIMD: Algorithm = Algorithm::Aimd { timeout: secs(5) };

fn engine(algorithm: Algorithm, initial: u32, max: u32) -> Engine {
    Engine::new(algorithm, [1, initial, max], Duration::ZERO)
}

fn of(in_flight: u32) -> Flown {
    Flown { in_flight, pressure: in_flight }
}

/// A call succeeded in time.
fn learn(engine: &mut Engine, rtt: Duration, in_flight: u32) {
    assert!(engine.sample(rtt, of(in_flight), Instant::ORIGIN), "it came in time");
}

/// The limit after a sample, of a limit of ten that has seen 10 ms.
fn vegas_after(rtt: u64, in_flight: u32) -> u32 {
    let mut engine = engine(Algorithm::Vegas, 10, 1_000);
    learn(&mut engine, ms(10), 10);
    assert_eq!(engine.limit(), 10, "the first sample only learns");
    learn(&mut engine, ms(rtt), in_flight);
    engine.limit()
}

#[test]
fn al_1_vegas_wants_a_little_queue() {
    assert_eq!(vegas_after(10, 11), 16, "none: six more");
    assert_eq!(vegas_after(50, 11), 9, "eight: one less");
    assert_eq!(vegas_after(14, 14), 10, "three: as it should be");
    assert_eq!(vegas_after(12, 14), 11, "two: one more");
    assert_eq!(vegas_after(10, 4), 10, "not in use: nothing learned");
    assert_eq!(vegas_after(10, 5), 16);
}

#[test]
fn al_1_the_steps_grow_with_the_limit() {
    let mut vegas = engine(Algorithm::Vegas, 100, 1_000);
    learn(&mut vegas, ms(10), 100);
    learn(&mut vegas, ms(10), 100);
    assert_eq!(vegas.limit(), 112);
    learn(&mut vegas, ms(50), 112);
    assert_eq!(vegas.limit(), 110);
    vegas.dropped(Instant::from_nanos(5), Instant::from_nanos(9));
    assert_eq!(vegas.limit(), 108);
}

#[test]
fn al_1_a_queue_under_three_steps_is_too_short() {
    let mut vegas = engine(Algorithm::Vegas, 100, 1_000);
    learn(&mut vegas, ms(10), 100);
    learn(&mut vegas, Duration::from_micros(10_500), 100);
    assert_eq!(vegas.limit(), 102, "five calls of a hundred wait: two more");
}

#[test]
fn al_2_aimd_adds_one_and_takes_a_tenth() {
    let mut aimd = engine(AIMD, 20, 200);
    learn(&mut aimd, ms(10), 10);
    assert_eq!(aimd.limit(), 21);
    learn(&mut aimd, ms(10), 10);
    assert_eq!(aimd.limit(), 21, "not in use: nothing learned");
    let mut aimd = engine(AIMD, 30, 200);
    aimd.dropped(Instant::from_nanos(5), Instant::from_nanos(9));
    assert_eq!(aimd.limit(), 27);
    let mut aimd = engine(AIMD, 21, 21);
    learn(&mut aimd, ms(10), 21);
    assert_eq!(aimd.limit(), 21, "never more than it may be");
    let mut aimd = engine(AIMD, 30, 200);
    learn(&mut aimd, secs(5), 5);
    assert_eq!(aimd.limit(), 30);
    assert!(!aimd.sample(secs(5) + ms(1), of(5), Instant::ORIGIN), "too slow is dropped");
}

#[test]
fn al_3_gradient_compares_with_the_long_average() {
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} and {b}");
    close(gradient::step(20.0, 10.0, 10.0), 20.8);
    close(gradient::step(100.0, 10.0, 30.0), 90.8);
    close(gradient::step(100.0, 10.0, 300.0), 90.8);
    close(gradient::step(100.0, 10.0, 15.0), 100.8);
    let mut engine = Engine::new(Algorithm::Gradient, [20, 20, 200], Duration::ZERO);
    learn(&mut engine, ms(10), 20);
    close(engine.exact_limit(), 20.8);
    learn(&mut engine, ms(10), 10);
    close(engine.exact_limit(), 20.8);
    for _ in 0..1_000 {
        learn(&mut engine, ms(10), 200);
    }
    close(engine.exact_limit(), 200.0);
    engine.dropped(Instant::from_nanos(5), Instant::from_nanos(9));
    close(engine.exact_limit(), 180.0);
    for n in 10..1_000 {
        engine.dropped(Instant::from_nanos(n), Instant::from_nanos(n));
    }
    close(engine.exact_limit(), 20.0);
}

#[test]
fn al_3_the_average_follows_faster_once_calls_are_fast_again() {
    let mut engine = Engine::new(Algorithm::Gradient, [20, 20, 200], Duration::ZERO);
    for _ in 0..100 {
        learn(&mut engine, ms(1_000), 20);
    }
    for _ in 0..100 {
        learn(&mut engine, ms(10), 20);
    }
    assert!(engine.baseline().is_some_and(|baseline| baseline < ms(25)), "{:?}", engine.baseline());
}

#[test]
fn al_4_calls_that_are_dropped_together_count_once() {
    let mut aimd = engine(AIMD, 100, 200);
    let at = |n: u64| Instant::from_nanos(1_000 + n);
    for n in 0..50 {
        aimd.dropped(at(n), at(500 + n));
    }
    assert_eq!(aimd.limit(), 90, "they all began before the limit fell");
    aimd.dropped(at(600), at(700));
    assert_eq!(aimd.limit(), 81);
}

/// A callee whose calls take `base` while no more than `room` are there, and as much longer as there are more.
fn serve(engine: &mut Engine, rounds: u32, base: u64, room: u32) {
    for round in 0..rounds {
        // The load varies, as it does: from a half of the limit to all of it.
        let in_flight = engine.limit() * (50 + round * 7 % 51) / 100 + 1;
        let over = u64::from(in_flight.max(room));
        learn(engine, ms(base) * u32::try_from(over).unwrap() / room, in_flight);
    }
}

/// What 32 samples say of a callee that takes so long, at so many in flight.
fn load(rtt: impl Fn(u32, u32) -> f64) -> Load {
    let mut guard = Guard::default();
    for n in 0..32_u32 {
        let in_flight = 50 + n * 7 % 51;
        guard.add(f64::from(in_flight), rtt(n, in_flight));
    }
    guard.load()
}

#[test]
fn throughput_says_whether_a_callee_has_room() {
    // By turns a little longer and a little shorter.
    let noise = |n: u32| 1.0 + 0.05 * f64::from(n * 5 % 7) - 0.15;
    assert_eq!(load(|_, _| 0.01), Load::HasRoom);
    assert_eq!(load(|n, _| 0.01 * noise(n)), Load::HasRoom);
    assert_eq!(load(|_, in_flight| 0.001 * f64::from(in_flight)), Load::Full);
    assert_eq!(load(|n, in_flight| 0.001 * f64::from(in_flight) * noise(n)), Load::Full);
    assert_eq!(load(|n, _| if n % 2 == 0 { 0.01 } else { 0.1 }), Load::Unknown, "they do not agree");
    let mut guard = Guard::default();
    for _ in 0..31 {
        guard.add(10.0, 0.01);
    }
    guard.add(20.0, 0.01);
    assert_eq!(guard.load(), Load::HasRoom);
    for _ in 0..32 {
        assert_ne!(guard.load(), Load::Full);
        guard.add(10.0, 0.01);
    }
    assert_eq!(guard.load(), Load::Unknown, "all had as much beside them");
}

#[test]
fn a_limit_finds_what_a_callee_can_take() {
    for algorithm in [Algorithm::Vegas, Algorithm::Gradient] {
        let mut engine = Engine::new(algorithm, [5, 20, 1_000], Duration::ZERO);
        serve(&mut engine, 3_000, 10, 100);
        let limit = engine.limit();
        assert!((95..=260).contains(&limit), "{algorithm:?} allows {limit} where 100 are right");
    }
}

#[test]
fn mistake_17_a_callee_that_became_slower_does_not_starve_the_limit() {
    for algorithm in [Algorithm::Vegas, Algorithm::Gradient] {
        let mut engine = Engine::new(algorithm, [1, 20, 1_000], Duration::ZERO);
        serve(&mut engine, 2_000, 10, 100);
        // A new version takes ten times as long, with as much room.
        serve(&mut engine, 3_000, 100, 100);
        let limit = engine.limit();
        assert!(limit >= 90, "{algorithm:?} starves at {limit}");
    }
}

#[test]
fn a_callee_that_is_full_is_not_taken_for_one_that_became_slower() {
    let mut engine = Engine::new(Algorithm::Vegas, [1, 20, 1_000], Duration::ZERO);
    serve(&mut engine, 2_000, 10, 100);
    let before = engine.limit();
    // It lost nine tenths of its room.
    serve(&mut engine, 3_000, 10, 10);
    let after = engine.limit();
    assert!(after < before / 3, "{before} and then {after}");
}

#[test]
fn a_limit_follows_a_callee_that_gets_more_room() {
    for algorithm in [Algorithm::Vegas, Algorithm::Gradient] {
        let mut engine = Engine::new(algorithm, [5, 20, 1_000], Duration::ZERO);
        serve(&mut engine, 2_000, 10, 50);
        let before = engine.limit();
        for room in (50..=400).step_by(10) {
            serve(&mut engine, 200, 10, room);
        }
        let after = engine.limit();
        assert!(after >= 380 && after > before * 2, "{algorithm:?}: {before} and then {after}");
    }
}

#[test]
fn a_limit_stays_in_bounds_while_the_room_comes_and_goes() {
    for algorithm in [Algorithm::Vegas, Algorithm::Gradient] {
        let mut engine = Engine::new(algorithm, [5, 20, 1_000], Duration::ZERO);
        let (mut least, mut most) = (u32::MAX, 0);
        for round in 0..60 {
            serve(&mut engine, 300, 10, if round % 2 == 0 { 100 } else { 50 });
            if round >= 10 {
                least = least.min(engine.limit());
                most = most.max(engine.limit());
            }
        }
        assert!(least >= 45 && most <= 300, "{algorithm:?}: from {least} to {most}");
    }
}

#[test]
fn al_2_a_limit_that_learns_from_drops_stays_where_they_begin() {
    let mut engine = engine(AIMD, 20, 1_000);
    let mut nanos = 1_000;
    let (mut least, mut most) = (u32::MAX, 0);
    for round in 0..5_000 {
        nanos += 1_000;
        let in_flight = engine.limit();
        if in_flight > 100 {
            engine.dropped(Instant::from_nanos(nanos), Instant::from_nanos(nanos + 500));
        } else {
            learn(&mut engine, ms(10), in_flight);
        }
        if round > 200 {
            least = least.min(engine.limit());
            most = most.max(engine.limit());
        }
    }
    assert!(least >= 90 && most <= 101, "from {least} to {most}");
}
