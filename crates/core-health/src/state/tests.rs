//! Damping and age of one check.

use core_time::{ManualClock, ms, secs};

use super::*;

fn state(rise: u32, fall: u32) -> CheckState {
    let timing = Timing { interval: secs(10), timeout: secs(2), rise, fall };
    CheckState::new(Role::Local, timing, Instant::ORIGIN)
}

fn bad() -> CheckOutcome {
    CheckOutcome::unhealthy("x")
}

/// The status after each result.
fn history(state: &mut CheckState, results: &[CheckOutcome]) -> Vec<Status> {
    let now = ManualClock::new().clock().now();
    let step = |outcome| {
        state.record(outcome, now);
        state.at(now).status
    };
    results.iter().map(step).collect()
}

#[test]
fn the_first_result_counts_at_once() {
    assert_eq!(history(&mut state(3, 3), &[bad()]), [Status::Unhealthy]);
    assert_eq!(history(&mut state(3, 3), &[CheckOutcome::healthy()]), [Status::Healthy]);
}

#[test]
fn it_takes_fall_failures_in_a_row_and_rise_successes() {
    use Status::{Healthy as H, Unhealthy as U};
    let good = CheckOutcome::healthy;
    let results = [good(), bad(), bad(), good(), bad(), bad(), bad(), good(), bad(), good(), good()];
    assert_eq!(history(&mut state(2, 3), &results), [H, H, H, H, H, H, U, U, U, U, H]);
}

#[test]
fn degraded_is_seen_at_once_and_counts_as_a_success() {
    use Status::{Degraded as D, Healthy as H, Unhealthy as U};
    let (good, less) = (CheckOutcome::healthy, || CheckOutcome::degraded("x"));
    assert_eq!(
        history(&mut state(1, 2), &[good(), less(), good(), bad(), less(), bad(), bad(), less()]),
        [H, D, H, H, D, D, U, D]
    );
}

#[test]
fn a_failure_that_is_damped_away_shows_no_code() {
    let mut state = state(1, 3);
    let now = Instant::ORIGIN;
    state.record(&CheckOutcome::healthy(), now);
    state.record(&bad().with_code(Code::Timeout), now);
    assert_eq!((state.at(now).status, state.at(now).code, state.at(now).bad_row), (Status::Healthy, None, 1));
}

#[test]
fn a_change_is_told_once() {
    let mut state = state(1, 1);
    let told: Vec<bool> = [bad(), bad(), CheckOutcome::healthy(), CheckOutcome::healthy()]
        .iter()
        .map(|outcome| state.record(outcome, Instant::ORIGIN).is_some())
        .collect();
    assert_eq!(told, [true, false, true, false]);
}

#[test]
fn a_result_is_stale_after_three_intervals_and_a_timeout_to_the_nanosecond() {
    let time = ManualClock::new();
    let clock = time.clock();
    let mut state = state(1, 3);
    state.record(&CheckOutcome::healthy(), clock.now());
    time.advance(std::time::Duration::from_nanos(31_999_999_999));
    assert_eq!(state.at(clock.now()).status, Status::Healthy);
    time.advance(std::time::Duration::from_nanos(1));
    let standing = state.at(clock.now());
    assert_eq!(
        (standing.status, standing.code, standing.pending),
        (Status::Unknown, Some(Code::Stale), false)
    );
    time.advance(ms(1));
    state.record(&CheckOutcome::healthy(), clock.now());
    assert_eq!(state.at(clock.now()).status, Status::Healthy);
}
