//! Budgets of other systems, held to their vectors.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use core_errors::Error;
use core_retry::{Budget, Hedge, Paid, Retry};
use core_time::{Instant, ManualClock, ms, secs};

const START: Instant = Instant::from_nanos(3_600_000_000_000);

/// So many calls at once, each of which would like a retry: how many get one.
fn retries_of(budget: &Budget, calls: u32) -> u32 {
    let retries =
        (0..calls).filter(|_| budget.failed(true, || START) && budget.take(false, || START).is_some());
    u32::try_from(retries.count()).unwrap()
}

#[test]
fn bg_1_a_callee_that_asks_not_to_be_tried_again_takes_a_token() {
    let budget = Budget::default();
    let clock = ManualClock::new().clock();
    let retry = Retry::fixed(ms(1)).attempts(3).budget(&budget).clock(clock).build().unwrap();
    // Whatever kind it is: gRPC says it with a status of any code.
    for error in
        [|| Error::network("gone").forbidding_retry(), || Error::validation("bad").forbidding_retry()]
    {
        let before = budget.available(START);
        let told = retry.call_blocking(|_| Err::<(), _>(error())).unwrap_err();
        assert!(matches!(told, core_policy::CallError::Failed(_)), "once, and nothing was given up");
        assert!((before - budget.available(START) - 1.0).abs() < 1e-9);
    }
    assert_eq!(retry.stats().retries, 0);
}

/// The failure takes one before the retry is decided on, and more than half have to be left.
#[test]
fn bg_1_a_budget_that_could_never_allow_a_retry_is_refused_with_a_reason() {
    let retry = |tokens, attempts| {
        let budget = Budget::new(tokens, 0.1).unwrap();
        Retry::fixed(ms(1)).attempts(attempts).budget(&budget).clock(ManualClock::new().clock()).build()
    };
    for tokens in [1, 2] {
        let error = retry(tokens, 2).unwrap_err().to_string();
        assert!(error.contains("nothing would ever be retried; give it at least 3"), "{error}");
        assert!(retry(tokens, 1).is_ok(), "who never retries misses nothing");
        let budget = Budget::new(tokens, 0.1).unwrap();
        assert!(!budget.failed(true, || START), "{tokens}: it is as the error says");
        // To what is made beside an attempt that has not failed it is a budget like others.
        let fresh = Budget::new(tokens, 0.1).unwrap();
        assert!(fresh.take_hedge(|| START).is_some());
        assert!(Hedge::after(ms(1)).budget(&fresh).build().is_ok());
        assert!(Hedge::on_failure().budget(&fresh).build().is_err(), "which this one is not");
    }
    let least = retry(3, 2).unwrap();
    assert!(least.call_blocking(|_| Err::<(), _>(Error::network("gone"))).is_err());
    assert_eq!(least.stats().retries, 1);
}

#[test]
fn bg_2_each_call_leaves_a_share_of_a_retry() {
    for (share, expected) in [
        (0.1, 1_000),
        (0.25, 2_500),
        (0.5, 5_000),
        (0.75, 7_500),
        (0.99, 9_900),
        (0.999, 9_990),
        (0.01, 100),
        (0.001, 10),
        (0.0001, 1),
    ] {
        let budget = Budget::deposit(share, 0, secs(60)).unwrap();
        let retries = retries_of(&budget, 10_000);
        assert!(retries.abs_diff(expected) <= 1, "{share}: {retries}");
    }
    let generous = Budget::deposit(2.0, 0, secs(60)).unwrap();
    (0..10_000).for_each(|_| generous.succeeded(Paid::NOTHING, || START));
    assert!((generous.available(START) - 20_000.0).abs() < 1e-9);
    // A call is counted once, however often it is tried.
    assert!(generous.failed(false, || START));
    assert!((generous.available(START) - 20_000.0).abs() < 1e-9);
}

#[test]
fn bg_2_what_one_thread_leaves_in_a_tenth_of_the_time_has_an_end() {
    let budget = Budget::deposit(1_000.0, 0, secs(10)).unwrap();
    (0..60_000).for_each(|_| budget.succeeded(Paid::NOTHING, || START));
    let most = 54_975_581.388_7;
    assert!((budget.available(START) - most).abs() < 1e-6, "2^39 - 1 parts of ten thousand");
    assert!(budget.take(false, || START).is_some());
    assert!((budget.available(START) - most + 1.0).abs() < 1e-6);
}

#[test]
fn bg_2_some_retries_a_second_are_free() {
    for (per_second, ttl) in [(10, secs(1)), (5, secs(2))] {
        let budget = Budget::deposit(0.0, per_second, ttl).unwrap();
        assert_eq!(retries_of(&budget, 100), 10);
        // What was taken comes back when its time is over, and not before.
        let later = START + ttl;
        assert!(budget.available(START + ttl / 2) < 1.0);
        assert!((budget.available(later + ttl) - 10.0).abs() < 1e-9);
    }
    let both = Budget::deposit(0.1, 10, secs(1)).unwrap();
    let retries = retries_of(&both, 10_000);
    assert!(retries.abs_diff(1_010) <= 1, "{retries}");
}

#[test]
fn bg_2_tokens_expire_and_a_clock_that_goes_back_locks_nobody_out() {
    let budget = Budget::deposit(1.0, 0, secs(10)).unwrap();
    (0..5).for_each(|_| budget.succeeded(Paid::NOTHING, || START));
    assert!((budget.available(START + secs(8)) - 5.0).abs() < 1e-9);
    assert!(budget.available(START + secs(11)).abs() < 1e-9);
    assert!(budget.take(false, || START + secs(11)).is_none());
    budget.succeeded(Paid::NOTHING, || START);
    assert!(budget.take(false, || START).is_some());
    // Long after, whatever is left over in the ring is old.
    assert!(budget.available(START + secs(86_400)).abs() < 1e-9);
}

#[test]
fn bg_2_numbers_out_of_range_are_refused() {
    for (share, per_second, ttl, says) in [
        (f64::NAN, 1, secs(1), "of a token"),
        (-0.1, 1, secs(1), "of a token"),
        (0.1, 1, ms(999), "1 to 60 s"),
        (0.1, 1, secs(61), "1 to 60 s"),
        (0.1, 1_000_001, secs(1), "1 000 000"),
        (0.0, 0, secs(1), "always empty"),
        (0.000_01, 0, secs(1), "always empty"),
    ] {
        let error = Budget::deposit(share, per_second, ttl).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    for units in [0, 4, 1_000_001] {
        assert!(Budget::costs(units).unwrap_err().to_string().contains("5 to 1 000 000"), "{units}");
    }
}

#[test]
fn bg_3_retries_cost_and_what_worked_is_given_back() {
    let now = || START;
    let left = |budget: &Budget| budget.available(START);
    let budget = Budget::costs(500).unwrap();
    let first = budget.take(false, now).unwrap();
    assert!((left(&budget) - 495.0).abs() < 1e-9);
    let second = budget.take(false, now).unwrap();
    assert!((left(&budget) - 490.0).abs() < 1e-9);
    budget.succeeded(second, now);
    assert!((left(&budget) - 495.0).abs() < 1e-9, "the last cost");
    budget.refund(first, now);
    budget.succeeded(Paid::NOTHING, now);
    assert!((left(&budget) - 500.0).abs() < 1e-9, "never over the top");

    let small = Budget::costs(5).unwrap();
    assert!(small.is_open(START) && small.take(false, now).is_some());
    assert!(!small.is_open(START) && small.take(false, now).is_none());
    small.succeeded(Paid::NOTHING, now);
    assert!((left(&small) - 1.0).abs() < 1e-9, "a first success gives one");

    let timeouts = Budget::costs(100).unwrap();
    timeouts.take(true, now).unwrap();
    let last = timeouts.take(true, now).unwrap();
    assert!((left(&timeouts) - 80.0).abs() < 1e-9);
    timeouts.succeeded(last, now);
    assert!((left(&timeouts) - 90.0).abs() < 1e-9);
}

#[test]
fn bg_3_a_retry_pays_for_what_it_does_and_not_for_what_it_gives_up() {
    let budget = Budget::costs(500).unwrap();
    let retry =
        Retry::fixed(ms(1)).attempts(3).budget(&budget).clock(ManualClock::new().clock()).build().unwrap();
    retry.call_blocking(|_| Err::<(), _>(Error::network("gone"))).unwrap_err();
    assert!((budget.available(START) - 490.0).abs() < 1e-9, "two retries; nothing comes back");
    let third = |attempt: core_policy::Attempt| {
        if attempt.number().get() < 3 { Err(Error::timeout("slow")) } else { Ok(()) }
    };
    retry.call_blocking(third).unwrap();
    assert!((budget.available(START) - 480.0).abs() < 1e-9, "two timeouts, of which the last comes back");
}

/// Checking and taking are one step, and nothing is lost or made up among threads.
#[test]
fn bg_7_threads_take_no_more_than_there_is() {
    let deposit = Budget::deposit(1.0, 0, secs(60)).unwrap();
    (0..500).for_each(|_| deposit.succeeded(Paid::NOTHING, || START));
    let costs = Budget::costs(2_500).unwrap();
    for budget in [deposit, costs] {
        let taken: usize = std::thread::scope(|scope| {
            let take = || (0..200).filter(|_| budget.take(false, || START).is_some()).count();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 500);
        assert!(budget.available(START).abs() < 1e-9);
    }
}

/// Threads deposit each for themselves, or share where there are more of them than that; what they left is one sum.
#[test]
fn bg_2_what_many_threads_leave_behind_is_there_for_any_of_them() {
    let budget = Budget::deposit(0.01, 0, secs(10)).unwrap();
    let at_once = std::sync::Barrier::new(80);
    std::thread::scope(|scope| {
        let call = || {
            // All of them are there at once, so that no number of a thread is used twice.
            at_once.wait();
            (0..1_000).for_each(|_| budget.succeeded(Paid::NOTHING, || START));
            at_once.wait();
        };
        (0..80).for_each(|_| drop(scope.spawn(call)));
    });
    assert!((budget.available(START) - 800.0).abs() < 1e-9);
    let elsewhere = std::thread::scope(|scope| {
        let take = || (0..500).filter(|_| budget.take(false, || START).is_some()).count();
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(take)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
    });
    assert_eq!(elsewhere, 800);
    assert!(budget.available(START).abs() < 1e-9);
    assert!(
        budget.available(START + secs(11)).abs() < 1e-9,
        "what was left and what was taken are old alike"
    );
}

/// Else what was abandoned would be there twice, once what was taken for it is old: twenty retries at once of ten in a second.
#[test]
fn bg_5_what_is_given_back_is_as_if_it_had_never_been_taken() {
    let spare = Budget::deposit(0.0, 10, secs(1)).unwrap();
    // Whatever the number of the time, that of nothing (7.4 s) and one of many digits among them.
    let first = [(0, 0), (0, 950), (1_000, 1_900), (2_000, 3_050), (4_000, 5_200), (6_000, 5_996)];
    for (taken, returned) in first.into_iter().chain([(7_400, 7_400), (3_000_000, 3_000_950)]) {
        let paid: Vec<_> = (0..10).map(|_| spare.take(false, || START + ms(taken)).unwrap()).collect();
        for paid in paid {
            spare.refund(paid, || START + ms(returned));
        }
        for later in (returned..returned + 2_000).step_by(50) {
            let left = spare.available(START + ms(later));
            assert!((left - 10.0).abs() < 1e-9, "{taken} to {returned}, at {later}: {left}");
        }
    }
    let left = Budget::deposit(1.0, 0, secs(10)).unwrap();
    (0..5).for_each(|_| left.succeeded(Paid::NOTHING, || START));
    let paid = left.take(false, || START).unwrap();
    std::thread::scope(|scope| drop(scope.spawn(|| left.refund(paid, || START + secs(8)))));
    assert!((left.available(START + secs(9)) - 5.0).abs() < 1e-9, "whoever gives it back");
    assert!(left.available(START + secs(10)).abs() < 1e-9, "it is as old as the others");
}

#[test]
fn bg_5_what_is_given_back_leaves_what_others_left_meanwhile() {
    // As old as tokens get: nothing is given back. By a clock that was ahead when it was taken: it is given back where it was taken.
    for (taken, left, returned, is) in [(0, 1_000, 1_000, 3.0), (6_000, 6_000, 5_996, 4.0)] {
        let budget = Budget::deposit(1.0, 0, secs(1)).unwrap();
        budget.succeeded(Paid::NOTHING, || START + ms(taken));
        let paid = budget.take(false, || START + ms(taken)).unwrap();
        (0..3).for_each(|_| budget.succeeded(Paid::NOTHING, || START + ms(left)));
        budget.refund(paid, || START + ms(returned));
        let there = budget.available(START + ms(left));
        assert!((there - is).abs() < 1e-9, "{taken} to {returned}: {there}");
    }
}

/// Some leave, some take, some give back, on threads that come and go: nothing is made up, and nothing is lost.
#[test]
fn bg_7_threads_that_come_and_go_take_what_was_left_and_no_more() {
    let budget = Budget::deposit(0.5, 3, secs(60)).unwrap();
    for _ in 0..20 {
        std::thread::scope(|scope| {
            for part in 0..6 {
                let budget = &budget;
                scope.spawn(move || {
                    for n in 0..50 {
                        match (part + n) % 3 {
                            0 => budget.succeeded(Paid::NOTHING, || START),
                            1 => drop(budget.take(false, || START)),
                            _ => {
                                let paid = budget.take(false, || START).unwrap_or_default();
                                budget.refund(paid, || START + ms(6_100));
                            }
                        }
                    }
                });
            }
        });
        let [deposited, withdrawn, refunded, _] = counted(&budget).map(|n| u32::try_from(n).unwrap());
        let kept = 180.0 + f64::from(deposited) / 2.0 - f64::from(withdrawn - refunded);
        assert!(kept >= 0.0, "{kept}");
        assert!((budget.available(START) - kept).abs() < 1e-9, "{budget:?} should have {kept}");
    }
}

/// One budget bounds all that is sent to a service beyond what callers ask for.
#[test]
fn bg_6_retries_hedges_and_probes_share_what_there_is() {
    let left = |budget: &Budget| budget.available(START);
    let tokens = Budget::new(10, 0.1).unwrap();
    assert!(tokens.failed(true, || START) && tokens.take(false, || START).is_some(), "a retry");
    assert!(tokens.take_hedge(|| START).is_some() && tokens.take_probe(|| START).is_some());
    assert!((left(&tokens) - 7.0).abs() < 1e-9);
    assert!(tokens.take_probe(|| START).is_some() && tokens.take_probe(|| START).is_some());
    assert!(tokens.take_probe(|| START).is_none() && tokens.take_hedge(|| START).is_none(), "half are gone");
    assert!(!tokens.failed(true, || START));

    let deposit = Budget::deposit(0.0, 3, secs(1)).unwrap();
    let costs = Budget::costs(15).unwrap();
    let in_flight = Budget::in_flight(0.0, 3).unwrap();
    for budget in [deposit, costs, in_flight] {
        let taken = [
            budget.take(false, || START),
            budget.take_hedge(|| START),
            budget.take_probe(|| START),
            budget.take_probe(|| START),
        ];
        assert_eq!(taken.map(|paid| paid.is_some()), [true, true, true, false], "{budget:?}");
        assert_eq!((budget.stats().withdrawn, budget.stats().refused), (3, 1));
        budget.refund(taken[2].unwrap(), || START);
        assert!(budget.take(false, || START).is_some(), "what a probe gives back is there for a retry");
    }
}

// === other numbers while calls go on ===

#[test]
fn a_budget_that_is_changed_is_changed_for_all_who_share_it() {
    let left = |budget: &Budget| budget.available(START);
    let tokens = Budget::new(10, 0.1).unwrap();
    let shared = tokens.clone();
    assert!(tokens.failed(true, || START));
    shared.reconfigure(&Budget::new(100, 0.5).unwrap()).unwrap();
    assert!((left(&tokens) - 9.0).abs() < 1e-9, "what is there stays");
    assert!(!tokens.is_open(START), "nine of a hundred");
    (0..200).for_each(|_| tokens.succeeded(Paid::NOTHING, || START));
    assert!((left(&tokens) - 100.0).abs() < 1e-9);
    shared.reconfigure(&Budget::new(4, 0.5).unwrap()).unwrap();
    assert!((left(&tokens) - 4.0).abs() < 1e-9 && tokens.is_open(START), "as far as there is room");

    let costs = Budget::costs(500).unwrap();
    costs.reconfigure(&Budget::costs(50).unwrap()).unwrap();
    assert!((left(&costs) - 50.0).abs() < 1e-9);
    let in_flight = Budget::in_flight(0.0, 1).unwrap();
    let first = in_flight.take(false, || START).unwrap();
    assert!(in_flight.take(false, || START).is_none());
    in_flight.reconfigure(&Budget::in_flight(0.0, 2).unwrap()).unwrap();
    assert!(in_flight.take(false, || START).is_some() && in_flight.take(false, || START).is_none());
    in_flight.ended(first);
    assert!((left(&in_flight) - 1.0).abs() < 1e-9);
    let deposit = Budget::deposit(0.0, 1, secs(10)).unwrap();
    deposit.reconfigure(&Budget::deposit(1.0, 2, secs(10)).unwrap()).unwrap();
    deposit.succeeded(Paid::NOTHING, || START);
    assert!((left(&deposit) - 21.0).abs() < 1e-9);
}

#[test]
fn a_budget_does_not_become_another_kind() {
    let tokens = Budget::new(10, 0.1).unwrap();
    let error = tokens.reconfigure(&Budget::costs(50).unwrap()).unwrap_err().to_string();
    assert!(error.contains("the kind of a budget cannot be changed"), "{error}");
    let deposit = Budget::deposit(0.1, 1, secs(10)).unwrap();
    let error = deposit.reconfigure(&Budget::deposit(0.5, 1, secs(20)).unwrap()).unwrap_err().to_string();
    assert!(error.contains("how long tokens live cannot be changed"), "{error}");
    assert!((deposit.available(START) - 10.0).abs() < 1e-9);
    // Itself it is already.
    tokens.reconfigure(&tokens.clone()).unwrap();
}

#[test]
fn bg_2_a_deposit_is_open_while_a_whole_token_is_there() {
    let budget = Budget::deposit(0.5, 0, secs(10)).unwrap();
    assert!(!budget.is_open(START));
    assert!(budget.failed(true, || START));
    assert!(!budget.is_open(START), "half a token");
    assert!(budget.failed(true, || START));
    assert!(budget.is_open(START));
}

/// What was deposited, withdrawn, refunded and refused.
fn counted(budget: &Budget) -> [u64; 4] {
    let stats = budget.stats();
    [stats.deposited, stats.withdrawn, stats.refunded, stats.refused]
}

#[test]
fn a_budget_counts_what_comes_and_goes_and_what_it_refuses() {
    for (budget, of_success, of_failure) in [
        (Budget::new(4, 0.5).unwrap(), 1, 0),
        (Budget::deposit(0.5, 2, secs(1)).unwrap(), 1, 1),
        (Budget::costs(10).unwrap(), 1, 0),
        (Budget::in_flight(0.0, 2).unwrap(), 0, 0),
    ] {
        let ask = || budget.failed(true, || START).then(|| budget.take(false, || START)).flatten();
        let first = ask().unwrap();
        assert_eq!(counted(&budget), [of_failure, 1, 0, 0], "{budget:?}");
        budget.refund(first, || START);
        budget.refund(Paid::NOTHING, || START);
        assert_eq!(counted(&budget), [of_failure, 1, 1, 0], "{budget:?}");
        let granted = 1 + u64::from(retries_of(&budget, 20));
        assert_eq!(counted(&budget), [21 * of_failure, granted, 1, 21 - granted], "{budget:?}");
        assert!((2..21).contains(&granted), "{budget:?}");
        budget.clone().succeeded(Paid::NOTHING, || START);
        assert_eq!(counted(&budget)[0], 21 * of_failure + of_success, "{budget:?}");
    }
    let full = Budget::default();
    full.succeeded(Paid::NOTHING, || START);
    assert_eq!(counted(&full), [0; 4], "there was no room");
    for hedged in [Budget::default(), Budget::in_flight(0.0, 1).unwrap()] {
        hedged.take_hedge(|| START).unwrap();
        assert_eq!(counted(&hedged), [0, 1, 0, 0], "{hedged:?}");
    }
}
