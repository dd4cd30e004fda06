//! The breaker against a plain model that was written from its documentation: every short history, and many long ones. By itself, and with
//! what an operator does at the worst moment: orders while probes run, handles that are dropped late, other rules in the middle of a round.
#![cfg(not(any(genesis_loom, genesis_shuttle)))]
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

mod both;
mod plain;
mod windows;

use proptest::prelude::*;

use crate::both::check;
use crate::plain::{OPERATED, PLAIN, Step};

/// All that can follow a beginning in so many steps or fewer. The shorter come first, so that of the longer only the last step is
/// compared.
fn every_history(threshold: u32, beginning: &[Step], steps: &[Step], count: usize) {
    let mut history = beginning.to_vec();
    for count in 0..=count {
        history.resize(beginning.len() + count, steps[0]);
        let known = if count == 0 { 0 } else { history.len() - 1 };
        for number in 0..steps.len().pow(u32::try_from(count).unwrap()) {
            let mut rest = number;
            for step in &mut history[beginning.len()..] {
                *step = steps[rest % steps.len()];
                rest /= steps.len();
            }
            if let Err(error) = check(threshold, known, &history) {
                panic!("{error} in {history:?}");
            }
        }
    }
}

#[test]
fn every_history_of_six_steps_agrees_with_the_model() {
    for threshold in [1, 2] {
        every_history(threshold, &[], &PLAIN, 6);
    }
}

#[test]
fn every_short_history_with_an_operator_agrees_with_the_model() {
    use Step::{Acquire, Failure, ForceClosed, Isolate, OpenTime, Shadow};
    let beginnings: [&[Step]; 6] = [
        &[],
        // Open, and due.
        &[Acquire, Acquire, Failure, Failure, OpenTime],
        // Half open, with two probes out and a call of before.
        &[Acquire, Acquire, Acquire, Failure, Failure, OpenTime, Acquire, Acquire],
        &[Shadow, Acquire, Acquire],
        &[ForceClosed, Acquire, Acquire, Acquire, Failure],
        &[Acquire, Isolate, Isolate],
    ];
    for beginning in beginnings {
        every_history(2, beginning, &OPERATED, 3);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn long_histories_agree_with_the_model(
        threshold in 1_u32..4,
        history in prop::collection::vec(prop::sample::select(vec![
            Step::Acquire, Step::Acquire, Step::Acquire, Step::Success, Step::Failure, Step::Failure, Step::Failure,
            Step::Ignored, Step::Dropped, Step::NewestSuccess, Step::Second, Step::OpenTime,
        ]), 0..120),
    ) {
        if let Err(error) = check(threshold, 0, &history) {
            return Err(TestCaseError::fail(error));
        }
    }

    #[test]
    fn long_histories_with_an_operator_agree_with_the_model(
        history in prop::collection::vec(
            prop_oneof![
                4 => Just(Step::Acquire),
                2 => Just(Step::Failure),
                1 => Just(Step::Success),
                1 => Just(Step::Dropped),
                7 => prop::sample::select(OPERATED.to_vec()),
            ],
            0..60,
        ),
    ) {
        if let Err(error) = check(2, 0, &history) {
            return Err(TestCaseError::fail(error));
        }
    }
}
