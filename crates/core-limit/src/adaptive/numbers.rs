//! The parts of the algorithms, each by itself and to the last digit.

use core_time::{Instant, ms, secs};
use proptest::prelude::*;

use super::flights::{Asked, Flights};
use super::gradient::{self, Gradient};
use super::guard::{Guard, Load};
use super::vegas::{Step, Vegas};
use crate::Criticality::{CriticalPlus, Sheddable};
use crate::criticality::Shares;

fn close(is: Option<std::time::Duration>, secs: f64) {
    let is = is.expect("there is one").as_secs_f64();
    assert!((is - secs).abs() < 1e-8, "{is} and not {secs}");
}

#[test]
fn al_3_the_long_average_is_plain_for_ten_samples_and_of_600_from_then_on() {
    let mut gradient = Gradient::default();
    assert_eq!(gradient.baseline(), None);
    for n in 1..=10 {
        gradient.sample(20.0, f64::from(n), 20.0);
        close(gradient.baseline(), f64::from(n + 1) / 2.0);
    }
    gradient.sample(20.0, 10.0, 20.0);
    close(gradient.baseline(), 5.5 * 599.0 / 601.0 + 10.0 * 2.0 / 601.0);
}

#[test]
fn al_3_the_average_follows_faster_only_above_twice_the_last_time() {
    for (first, second, baseline) in [(3.0, 1.0, 2.0), (3.5, 1.0, 2.25 * 0.95)] {
        let mut gradient = Gradient::default();
        gradient.sample(20.0, first, 20.0);
        gradient.sample(20.0, second, 20.0);
        close(gradient.baseline(), baseline);
    }
}

#[test]
fn al_3_a_limit_in_half_use_learns_and_a_fall_is_told_from_a_rise() {
    let mut gradient = Gradient::default();
    assert_eq!(gradient.sample(20.0, 1.0, 9.0), Step::To(20.0), "less than half of it is in use");
    assert_eq!(gradient.sample(20.0, 1.0, 10.0), Step::To(gradient::step(20.0, 1.0, 1.0)));
    let Step::DownTo(limit) = gradient.sample(100.0, 30.0, 100.0) else { panic!("it falls") };
    assert!((limit - gradient::step(100.0, 32.0 / 3.0, 30.0)).abs() < 1e-9, "{limit}");
}

#[test]
fn al_1_a_queue_of_six_steps_is_not_too_long() {
    let mut vegas = Vegas::default();
    assert_eq!(vegas.baseline(), None);
    vegas.sample(10.0, 2.0, 10.0);
    close(vegas.baseline(), 2.0);
    assert_eq!(vegas.sample(10.0, 5.0, 10.0), Step::To(10.0));
    assert_eq!(vegas.sample(10.0, 5.5, 10.0), Step::DownTo(9.0));
    assert_eq!(vegas.sample(10.0, 1.0, 10.0), Step::To(10.0), "a time shorter than ever met no queue");
    close(vegas.baseline(), 1.0);
}

#[test]
fn the_time_that_is_normal_drifts_a_tenth_of_the_way_and_never_down() {
    let mut vegas = Vegas::default();
    vegas.sample(10.0, 1.0, 10.0);
    vegas.drift(3.0);
    close(vegas.baseline(), 1.2);
    vegas.drift(0.5);
    close(vegas.baseline(), 1.2);
}

/// The line through the samples by the sums of the textbook, and what it says.
fn textbook(samples: &[(f64, f64)]) -> Option<(f64, f64)> {
    let n = f64::from(u32::try_from(samples.len()).ok()?);
    let sum = |of: &dyn Fn(&(f64, f64)) -> f64| samples.iter().map(of).sum::<f64>();
    let (mean_x, mean_y) = (sum(&|s| s.0) / n, sum(&|s| s.1) / n);
    let scaled: Vec<_> = samples.iter().map(|(x, y)| (x / mean_x, y / mean_y)).collect();
    let sum = |of: &dyn Fn(&(f64, f64)) -> f64| scaled.iter().map(of).sum::<f64>();
    let (xx, xy) = (sum(&|s| s.0 * s.0) - n, sum(&|s| s.0 * s.1) - n);
    let slope = xy / xx;
    let rest: f64 = scaled.iter().map(|(x, y)| (y - 1.0 - slope * (x - 1.0)).powi(2)).sum();
    (xx > 1e-9).then(|| (slope, (rest / (n - 2.0) / xx).sqrt()))
}

proptest! {
    #[test]
    fn throughput_is_compared_as_the_textbook_does(
        samples in prop::collection::vec((1_u32..100, 0.2_f64..1.8), 32),
        power in -0.5_f64..1.5,
        noise in 0.0_f64..1.0,
    ) {
        let mut guard = Guard::default();
        let mut seen = Vec::new();
        for (in_flight, draw) in samples {
            let in_flight = f64::from(in_flight);
            let throughput = in_flight.powf(power) * (1.0 + (draw - 1.0) * noise);
            prop_assert_eq!(guard.load(), Load::Unknown, "too few");
            guard.add(in_flight, in_flight / throughput);
            seen.push((in_flight, throughput));
        }
        let Some((slope, error)) = textbook(&seen) else { return Ok(()) };
        // Too close to call in floating point.
        prop_assume!((slope - 2.0 * error - 0.5).abs() > 1e-6 && (slope + 2.0 * error - 0.5).abs() > 1e-6);
        let expected = if slope - 2.0 * error > 0.5 {
            Load::HasRoom
        } else if slope + 2.0 * error < 0.5 {
            Load::Full
        } else {
            Load::Unknown
        };
        prop_assert_eq!(guard.load(), expected, "slope {} error {}", slope, error);
    }
}

#[test]
fn al_6_whoever_is_admitted_learns_how_many_are_there_beyond_the_limit_too() {
    let mut asked = [None; crate::criticality::COUNT];
    asked[crate::criticality::index(Sheddable)] = Some(0.5);
    let shares = Shares::checked(asked).unwrap_or_else(|wrong| panic!("{wrong}"));
    let flights = Flights::new(2, shares, [0.5].into_iter());
    assert_eq!(flights.ask(CriticalPlus, None), Asked::Admitted(1));
    assert_eq!(flights.ask(Sheddable, Some(0)), Asked::Shed);
    assert_eq!(flights.ask(CriticalPlus, None), Asked::Admitted(2));
    assert_eq!(flights.ask(CriticalPlus, None), Asked::Full);
    assert_eq!(flights.ask(CriticalPlus, Some(0)), Asked::Admitted(3), "its own share");
    assert_eq!(flights.ask(CriticalPlus, Some(0)), Asked::Full);
    assert_eq!((flights.in_flight(None), flights.in_flight(Some(0))), (3, 1));
}

#[test]
fn a_drop_of_a_call_that_began_at_the_last_decrease_is_the_same_event() {
    let algorithm = super::policy::Algorithm::Aimd { timeout: secs(5) };
    let mut engine = super::engine::Engine::new(algorithm, [1, 100, 200], ms(0));
    let at = |nanos: u64| Instant::from_nanos(1_000 + nanos);
    engine.dropped(at(1), at(10));
    engine.dropped(at(10), at(11));
    assert_eq!(engine.limit(), 90);
    engine.dropped(at(11), at(12));
    assert_eq!(engine.limit(), 81);
}

#[test]
fn al_6_calls_with_a_share_do_not_lower_a_limit_that_they_cannot_reach() {
    let lowered = |in_flight| {
        let vegas = super::policy::Algorithm::Vegas;
        let mut engine = super::engine::Engine::new(vegas, [1, 100, 200], ms(0));
        for call in 1..=30 {
            let flown = super::window::Flown { in_flight, pressure: 90 };
            let _ = engine.sample(ms(if call == 1 { 10 } else { 100 }), flown, Instant::from_nanos(call));
        }
        engine.limit() < 100
    };
    assert!(!lowered(49), "less than half of the limit is in use");
    assert!(lowered(90));
}
