//! Where what may be set begins and ends, and what handles and builders say of themselves.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::task::{Context, Waker};

use core_errors::{Error, Verdict};
use core_policy::{Attempt, Permit};
use core_retry::{Budget, Builder, Hedge, HedgeBuilder, Jitter, Retry};
use core_time::{Instant, ManualClock, ms, secs};

const NOW: Instant = Instant::from_nanos(3_600_000_000_000);

fn retry() -> Builder {
    Retry::fixed(ms(10)).no_jitter().attempts(3)
}

#[test]
fn there_are_up_to_32_subscribers_of_a_kind() {
    let of = |retries: usize, endings: usize| {
        let builder = (0..retries).fold(retry(), |builder, _| builder.on_retry(|_| {}));
        (0..endings).fold(builder, |builder, _| builder.on_give_up(|_| {})).build()
    };
    of(32, 32).unwrap();
    for (retries, endings) in [(33, 0), (0, 33)] {
        let error = of(retries, endings).unwrap_err().to_string();
        assert!(error.contains("more than 32 subscribers"), "{error}");
    }
}

#[test]
fn a_spread_is_over_nothing_and_at_most_all_of_a_delay() {
    let of = |fraction| retry().jitter(Jitter::PlusMinus { fraction }).build();
    for fraction in [0.001, 0.5, 1.0] {
        of(fraction).unwrap();
    }
    for fraction in [-0.5, 0.0, 1.001, f64::NAN] {
        let error = of(fraction).unwrap_err().to_string();
        assert!(error.contains("over 0 and at most 1"), "{error}");
    }
}

#[test]
fn builders_and_hedges_say_what_they_are() {
    assert_eq!(retry().attempts(7).total_attempts(), 7);
    let builder = Hedge::after(ms(10)).max(3).name("search").budget(&Budget::default());
    assert_eq!(builder.hedges(), 3);
    let hedge = builder.clone().build().unwrap();
    assert_eq!(hedge.name().as_str(), "search");
    assert!(hedge.is_same(&hedge.clone()));
    assert!(!hedge.is_same(&builder.build().unwrap()));
}

/// What `budget` has after a call that succeeded under a hedge that stands in a retry.
fn after_one(retry: &Retry, own: Option<&Budget>, budget: &Budget) -> f64 {
    let time = ManualClock::new();
    let hedge = own.into_iter().fold(Hedge::after(secs(1)), HedgeBuilder::budget);
    let hedge = hedge.under(retry).clock(time.clock()).build().unwrap();
    let mut call = std::pin::pin!(hedge.call(async |_: Attempt| Ok::<_, Error>(())));
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    budget.available(time.now())
}

#[test]
fn bg_8_a_hedge_under_a_retry_leaves_telling_the_budget_to_it_unless_it_has_another() {
    let deposit = || Budget::deposit(0.5, 0, secs(10)).unwrap();
    let (of_retry, other) = (deposit(), deposit());
    let retry = retry().budget(&of_retry).build().unwrap();
    let near = |is: f64, should: f64| assert!((is - should).abs() < 1e-9, "{is} and not {should}");
    near(after_one(&retry, None, &of_retry), 0.0);
    near(after_one(&retry, Some(&of_retry), &of_retry), 0.0);
    near(after_one(&retry, Some(&other), &other), 0.5);
}

#[tokio::test(start_paused = true)]
async fn bg_2_a_call_that_the_callee_forbids_to_repeat_is_a_call_that_adds_to_the_budget_once() {
    let budget = Budget::deposit(0.5, 0, secs(10)).unwrap();
    let time = ManualClock::new();
    let retry = retry().budget(&budget).clock(time.clock()).build().unwrap();
    let never_again = || Error::network("gone").forbidding_retry();
    for calls in 1..=2 {
        assert!(retry.call(async |_: Attempt| Err::<(), _>(never_again())).await.is_err());
        assert!((budget.available(time.now()) - 0.5 * f64::from(calls)).abs() < 1e-9, "{calls}");
    }
}

#[test]
fn bg_4_a_call_that_ends_leaves_and_the_other_stays() {
    let budget = Budget::in_flight(1.0, 0).unwrap();
    let retry = retry().budget(&budget).build().unwrap();
    let (ended, _other) = (Permit::acquire(&retry).unwrap(), Permit::acquire(&retry).unwrap());
    assert!((budget.available(NOW) - 2.0).abs() < 1e-9);
    ended.record_verdict(Verdict::Permanent);
    assert!((budget.available(NOW) - 1.0).abs() < 1e-9, "the other is in flight still");
}
