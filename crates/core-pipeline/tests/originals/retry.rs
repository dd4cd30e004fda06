//! Retries: delays, attempts, and what is worth one.

use std::cell::Cell;
use std::time::Duration;

use core_errors::{Error, Verdict};
use core_policy::{CallError, Why};
use core_retry::Retry;
use core_time::{ManualClock, ms, secs};

use crate::bench::Outcome;

fn delays(builder: core_retry::Builder) -> Vec<u64> {
    let retry = builder.build().unwrap();
    retry.delays().map(|delay| u64::try_from(delay.as_millis()).unwrap()).collect()
}

/// Counts calls of a retry that sleeps by a clock of its own: the result, the calls, the sleeps.
fn retried(
    builder: core_retry::Builder,
    mut answer: impl FnMut(u32) -> Result<u32, Error>,
) -> (Outcome, u32, Duration) {
    let time = ManualClock::new();
    let retry = builder.clock(time.clock()).build().unwrap();
    let mut calls = 0;
    let outcome = retry.call_blocking(|_| {
        calls += 1;
        answer(calls)
    });
    (outcome, calls, time.elapsed())
}

#[test]
fn g_2_fixed_linear_and_exponential_delays_and_their_cap() {
    let plain = |builder: core_retry::Builder| delays(builder.no_jitter().attempts(5));
    assert_eq!(plain(Retry::fixed(secs(2))), [2_000; 4]);
    assert_eq!(plain(Retry::linear(secs(1)..secs(60))), [1_000, 2_000, 3_000, 4_000]);
    assert_eq!(plain(Retry::exponential(secs(1)..secs(60))), [1_000, 2_000, 4_000, 8_000]);
    assert_eq!(plain(Retry::linear(secs(1)..secs(3))), [1_000, 2_000, 3_000, 3_000]);
    let jittered = delays(Retry::exponential(secs(2)..secs(60)).attempts(9).full_jitter());
    assert!(jittered.windows(2).any(|pair| pair[0] != pair[1]), "{jittered:?}");
}

#[test]
fn g_3_g_5_three_attempts_are_three_calls() {
    let three = || Retry::fixed(ms(10)).no_jitter().attempts(3);
    let (outcome, calls, slept) =
        retried(three(), |call| if call < 3 { Err(Error::network("gone")) } else { Ok(call) });
    assert_eq!((outcome.unwrap(), calls, slept), (3, 3, ms(20)));
    let (outcome, calls, _) = retried(three(), |_| Err(Error::network("the original")));
    let CallError::Exhausted { last, attempts: 3, .. } = outcome.unwrap_err() else { panic!("it gave up") };
    assert_eq!((last.message(), calls), ("the original", 3));
    let (outcome, calls, _) = retried(three(), |_| Err(Error::validation("no")));
    assert!(matches!(outcome.unwrap_err(), CallError::Failed(_)));
    assert_eq!(calls, 1);
}

#[test]
fn g_6_a_value_may_be_worth_a_retry_and_the_first_one_sleeps_as_well() {
    let time = ManualClock::new();
    let retry = Retry::fixed(ms(10)).no_jitter().attempts(3).clock(time.clock()).build().unwrap();
    let mut answers = ["retry", "retry", "success"].into_iter();
    let calls = Cell::new(0);
    let bad_is_worth_it = |result: &Result<&str, Error>| match result {
        Ok("retry") => Verdict::Transient(None),
        _ => Verdict::Success,
    };
    let answered = retry.classify(bad_is_worth_it).call_blocking(|_| {
        calls.set(calls.get() + 1);
        Ok::<_, Error>(answers.next().unwrap())
    });
    assert_eq!((answered.unwrap(), calls.get(), time.elapsed()), ("success", 3, ms(20)));
}

#[test]
fn g_7_fifty_attempts_succeed_on_the_fiftieth_and_no_delay_is_no_sleep() {
    let (outcome, calls, slept) = retried(Retry::fixed(ms(1)).no_jitter().attempts(50), |call| {
        if call < 50 { Err(Error::network("gone")) } else { Ok(call) }
    });
    assert_eq!((outcome.unwrap(), calls, slept), (50, 50, ms(49)));
}

#[test]
fn g_jitter_never_leads_over_the_cap() {
    let all = delays(Retry::exponential(secs(60)..secs(60)).attempts(100).full_jitter());
    assert!(all.iter().all(|delay| *delay <= 60_000), "{all:?}");
}

#[test]
fn g_a_value_that_stays_bad_comes_back_as_what_it_is_with_the_reason() {
    let time = ManualClock::new();
    let retry = Retry::fixed(ms(1)).no_jitter().attempts(2).clock(time.clock()).build().unwrap();
    let never_good = |_: &Result<&str, Error>| Verdict::Transient(None);
    let answered = retry.classify(never_good).call_blocking(|_| Ok::<_, Error>("bad"));
    assert_eq!((answered.ok(), retry.stats().out_of_attempts), (Some("bad"), 1));
}

#[test]
fn n_programming_errors_are_not_retried_and_the_cause_is_kept() {
    for error in [Error::internal, Error::configuration, Error::validation] {
        let (outcome, calls, _) = retried(Retry::standard(), |_| Err(error("a bug")));
        assert_eq!((calls, outcome.unwrap_err().into_inner().unwrap().message()), (1, "a bug"));
    }
    let (outcome, ..) = retried(Retry::standard(), |_| Err(Error::network("gone").cause(std::fmt::Error)));
    let CallError::Exhausted { last, why: Why::Attempts, .. } = outcome.unwrap_err() else { panic!() };
    assert!(std::error::Error::source(&last).is_some());
}
