//! Budgets under every interleaving of two threads. Run with `cargo xtask test --only loom`.
#![cfg(genesis_loom)]
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use core_retry::{Budget, Paid};
use core_time::{Instant, secs};
use loom::thread;

const NOW: Instant = Instant::from_nanos(3_600_000_000_000);

fn left(budget: &Budget) -> f64 {
    budget.available(NOW)
}

fn take(budget: &Budget) -> bool {
    budget.take(false, || NOW).is_some()
}

/// What two threads get that ask at the same time.
fn both(budget: &Budget, ask: fn(&Budget) -> bool) -> usize {
    let other = budget.clone();
    let theirs = thread::spawn(move || ask(&other));
    let ours = ask(budget);
    usize::from(ours) + usize::from(theirs.join().unwrap())
}

#[test]
fn bg_7_of_two_threads_one_gets_the_only_place_in_flight_in_any_order() {
    loom::model(|| assert_eq!(both(&Budget::in_flight(0.0, 1).unwrap(), take), 1));
}

#[test]
fn bg_7_of_two_threads_one_gets_the_only_deposit_in_any_order() {
    loom::model(|| {
        let budget = Budget::deposit(0.0, 1, secs(1)).unwrap();
        assert_eq!(both(&budget, take), 1);
        assert!(left(&budget).abs() < 1e-9);
    });
}

#[test]
fn bg_7_of_two_threads_one_gets_the_last_units_in_any_order() {
    loom::model(|| {
        let budget = Budget::costs(9).unwrap();
        assert_eq!(both(&budget, take), 1);
        assert!((left(&budget) - 4.0).abs() < 1e-9);
    });
}

#[test]
fn bg_6_of_two_threads_one_gets_the_last_token_for_a_hedge_in_any_order() {
    loom::model(|| {
        let budget = Budget::new(2, 0.1).unwrap();
        assert_eq!(both(&budget, |budget| budget.take_hedge(|| NOW).is_some()), 1);
        assert!((left(&budget) - 1.0).abs() < 1e-9, "half of them are never touched");
    });
}

#[test]
fn bg_1_two_failures_at_once_take_two_tokens_in_any_order() {
    loom::model(|| {
        let budget = Budget::new(10, 0.1).unwrap();
        assert_eq!(both(&budget, |budget| budget.failed(true, || NOW)), 2);
        assert!((left(&budget) - 8.0).abs() < 1e-9);
    });
}

#[test]
fn bg_2_two_calls_at_once_leave_two_deposits_in_any_order() {
    loom::model(|| {
        let budget = Budget::deposit(0.5, 0, secs(1)).unwrap();
        let deposit = |budget: &Budget| {
            budget.succeeded(Paid::NOTHING, || NOW);
            true
        };
        both(&budget, deposit);
        assert!((left(&budget) - 1.0).abs() < 1e-9);
    });
}

#[test]
fn bg_3_a_refund_and_a_cost_at_once_are_both_counted_in_any_order() {
    loom::model(|| {
        let budget = Budget::costs(20).unwrap();
        let paid = budget.take(false, || NOW).unwrap();
        let other = budget.clone();
        let theirs = thread::spawn(move || other.refund(paid, || NOW));
        assert!(take(&budget));
        theirs.join().unwrap();
        assert!((left(&budget) - 15.0).abs() < 1e-9);
    });
}

#[test]
fn bg_5_a_deposit_that_is_given_back_while_another_is_taken_is_counted_in_any_order() {
    loom::model(|| {
        let budget = Budget::deposit(0.0, 2, secs(1)).unwrap();
        let paid = budget.take(false, || NOW).unwrap();
        let other = budget.clone();
        let theirs = thread::spawn(move || other.refund(paid, || NOW));
        assert!(take(&budget), "there are two");
        theirs.join().unwrap();
        assert!((left(&budget) - 1.0).abs() < 1e-9, "one is taken");
    });
}

#[test]
fn bg_4_a_call_that_leaves_while_another_comes_is_counted_in_any_order() {
    loom::model(|| {
        let budget = Budget::in_flight(1.0, 0).unwrap();
        budget.enter();
        let other = budget.clone();
        let theirs = thread::spawn(move || other.leave(Paid::NOTHING));
        budget.enter();
        theirs.join().unwrap();
        assert!((left(&budget) - 1.0).abs() < 1e-9, "one call is in flight");
    });
}

#[test]
fn bg_4_a_retry_that_ends_while_another_begins_leaves_its_place_in_any_order() {
    loom::model(|| {
        let budget = Budget::in_flight(0.0, 2).unwrap();
        let paid = budget.take(false, || NOW).unwrap();
        let other = budget.clone();
        let theirs = thread::spawn(move || other.ended(paid));
        assert!(take(&budget), "there are two places");
        theirs.join().unwrap();
        assert!((left(&budget) - 1.0).abs() < 1e-9, "one retry is in flight");
    });
}
