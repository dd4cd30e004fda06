use core_time::{Instant, secs};

use super::*;

#[test]
fn bg_2_a_call_deposits_once_whether_it_was_told_of_before_or_wins() {
    let now = Instant::from_nanos(3_600_000_000_000);
    let Ok(budget) = Budget::deposit(0.5, 0, secs(10)) else { panic!("it is a budget") };
    budget.won(Paid::NOTHING, true, || now);
    assert!(budget.available(now).abs() < 1e-9, "its failure was told, and deposited");
    budget.won(Paid::NOTHING, false, || now);
    assert!((budget.available(now) - 0.5).abs() < 1e-9);
}
