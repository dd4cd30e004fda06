//! How calls come back when it has closed, by the IDs of the rules.

use std::time::Duration;

use crate::bench::{Bench, one};
use core_breaker::{Breaker, State};
use core_errors::Reason;
use core_time::{ms, secs};

/// A breaker that has just closed, with a ramp from a tenth over 10 s.
fn ramping() -> Bench {
    let bench = one(Breaker::consecutive(3).ramp_up(0.1, secs(10)));
    bench.play("FFF");
    bench.time.advance(secs(5));
    assert_eq!(bench.play("S"), State::Closed);
    bench
}

fn admitted(bench: &Bench, calls: u32) -> u32 {
    (0..calls).map(|_| u32::from(bench.breaker.acquire().map(core_policy::Permit::success).is_ok())).sum()
}

#[test]
fn cb_38_calls_come_back_bit_by_bit() {
    let bench = ramping();
    for (share, expected) in [(0.1, 100), (0.19, 190), (0.28, 280), (0.37, 370)] {
        assert!((bench.breaker.snapshot().ramp_up.unwrap() - share).abs() < 1e-9);
        let passed = admitted(&bench, 1_000);
        assert!(passed.abs_diff(expected) <= 12, "{passed} of 1000 at {share}");
        bench.time.advance(secs(1));
    }
    bench.time.advance(secs(6));
    assert_eq!((admitted(&bench, 100), bench.breaker.snapshot().ramp_up), (100, None));
}

#[test]
fn cb_38_of_any_few_calls_about_the_right_number_passes() {
    let bench = ramping();
    bench.time.advance(secs(1));
    let passes: Vec<bool> =
        (0..2_000).map(|_| bench.breaker.acquire().map(core_policy::Permit::success).is_ok()).collect();
    for window in passes.windows(100) {
        let count = window.iter().filter(|passes| **passes).count();
        assert!((13..=25).contains(&count), "{count} of 100 at 19 %");
    }
    assert!(passes[0], "the first call passes");
}

/// One caller of as many as take turns. The multiples of the golden ratio alone come back nearly to where they were after 89 and 610 of
/// them: such a caller would be refused, or admitted, hundreds of times on end.
#[test]
fn cb_38_no_caller_that_calls_in_turn_with_others_is_refused_for_long() {
    for every in [8, 21, 89, 233, 610] {
        let bench = ramping();
        bench.time.advance(ms(4_444));
        let (mut admitted, mut run, mut runs_max) = (0_u32, 0_u32, 0_u32);
        for call in 0..400 * every {
            let passes = bench.breaker.acquire().map(core_policy::Permit::success).is_ok();
            if call % every == every - 1 {
                admitted += u32::from(passes);
                run = if passes { 0 } else { run + 1 };
                runs_max = runs_max.max(run);
            }
        }
        assert!(runs_max < 40, "one of {every}: {runs_max} in a row at a share of one half");
        assert!((150..=250).contains(&admitted), "one of {every}: {admitted} of 400 at a share of one half");
    }
}

#[test]
fn cb_38_a_refusal_says_when_the_ramp_has_come_to_its_place() {
    let bench = ramping();
    bench.time.advance(secs(3));
    let refused = std::iter::repeat_with(|| bench.breaker.acquire()).find_map(Result::err).unwrap();
    // The second place is the golden ratio, 0.618: the share is that after 5.756 s.
    let after = refused.retry_after().unwrap();
    assert!(after.abs_diff(ms(2_756)) < ms(1), "{after:?}");
    assert_eq!((refused.reason(), refused.reason().code().as_str()), (Reason::RampUp, "CIRCUIT_RAMP_UP"));
    assert_eq!(bench.breaker.snapshot().totals.rejected, 1);
}

#[test]
fn cb_38_those_who_are_refused_come_back_evenly_over_what_is_left_of_the_ramp() {
    let bench = ramping();
    bench.time.advance(secs(4));
    let refusals = (0..2_000).filter_map(|_| bench.breaker.acquire().map(core_policy::Permit::success).err());
    let mut after: Vec<_> = refusals.map(|refused| refused.retry_after().unwrap()).collect();
    after.sort_unstable();
    assert!(*after.first().unwrap() > Duration::ZERO && *after.last().unwrap() <= secs(6));
    for (tenth, chunk) in (0..).zip(after.chunks(after.len() / 10)).take(10) {
        let middle = chunk[chunk.len() / 2];
        assert!(
            middle.abs_diff(ms(300 + 600 * tenth)) < ms(150),
            "the {tenth}th tenth comes back after {middle:?}"
        );
    }
}

#[test]
fn cb_38_it_trips_while_it_ramps_up_and_ends_without_an_event() {
    let bench = ramping();
    let fail = || std::iter::repeat_with(|| bench.breaker.acquire()).find_map(Result::ok).unwrap().failure();
    (0..2).for_each(|_| fail());
    assert_eq!(bench.breaker.state(), State::Closed);
    fail();
    assert_eq!((bench.breaker.state(), bench.open_left()), (State::Open, secs(5)), "it had closed");
    let calm = ramping();
    let told = calm.changes().len();
    calm.time.advance(secs(10));
    calm.play("FF");
    calm.play("F");
    assert_eq!(calm.changes().len(), told + 1, "the end of the ramp keeps the run, and is no change");
}

#[test]
fn cb_38_without_a_ramp_and_by_an_operator_all_calls_come_back_at_once() {
    let bench = ramping();
    bench.breaker.close("the operator knows better").unwrap();
    assert_eq!(admitted(&bench, 100), 100);
    let plain = one(Breaker::consecutive(1));
    plain.play("F-----S");
    assert_eq!(admitted(&plain, 100), 100);
}

#[test]
fn cb_38_every_ramp_begins_the_same() {
    let bench = ramping();
    let passes = |bench: &Bench| -> Vec<bool> {
        (0..15).map(|_| bench.breaker.acquire().map(core_policy::Permit::success).is_ok()).collect()
    };
    let first = passes(&bench);
    bench.breaker.open_for(secs(5), "test").unwrap();
    bench.time.advance(secs(5));
    bench.play("S");
    assert_eq!(passes(&bench), first);
}

#[test]
fn cb_38_a_refusal_of_a_ramp_of_nanoseconds_is_for_a_nanosecond_at_least() {
    let bench = one(Breaker::consecutive(3).ramp_up(0.1, Duration::from_nanos(50)));
    bench.breaker.probe_now("test").unwrap();
    bench.play("S");
    let mut refused = 0;
    for _ in 0..50 {
        for _ in 0..50 {
            if let Err(rejection) = bench.breaker.acquire() {
                refused += 1;
                assert!(rejection.retry_after().unwrap() >= Duration::from_nanos(1), "{rejection:?}");
            }
        }
        bench.time.advance(Duration::from_nanos(1));
    }
    assert!(refused > 100, "{refused}");
}
