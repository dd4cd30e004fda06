//! What it promises of those that are settled later, of penalties, and of a change of the rate.

use std::time::Duration;

use core_limit::Rate;
use core_time::{ms, secs};

use super::{two_a_second, under};

#[test]
fn what_was_taken_for_an_estimate_is_put_right() {
    for rate in [Rate::per_second(100), Rate::per_second(100).bursty()] {
        let (time, limit) = under(rate);
        limit.take(60).unwrap();
        limit.settle(60, 25);
        assert_eq!(limit.balance(), 75, "35 were not used");
        limit.settle(60, 60);
        limit.settle(0, 95);
        assert_eq!(limit.balance(), -20, "more was used than there was");
        assert!(limit.take(1).is_err());
        time.advance(secs(1));
        assert_eq!(limit.balance(), 80);
        limit.give_back(1_000);
        assert_eq!(limit.balance(), 100, "never more than the burst");
    }
}

#[test]
fn rl_11_no_charge_locks_out_for_longer_than_two_full_buckets() {
    for rate in [Rate::per_second(10), Rate::per_second(10).bursty()] {
        let (time, limit) = under(rate);
        limit.charge(u64::MAX);
        limit.charge(1_000_000);
        assert_eq!((limit.balance(), limit.peek().remaining, limit.peek().reset), (-10, 0, secs(2)));
        let refused = limit.check().unwrap_err();
        assert!(refused.retry_after().unwrap() <= secs(2), "{refused}");
        time.advance(secs(2));
        limit.check().unwrap();
    }
}

#[test]
fn a_penalty_is_exact_and_then_one_follows_the_other() {
    let (time, limit) = under(Rate::per_second(10));
    limit.penalise(secs(30));
    limit.penalise(secs(3));
    assert_eq!(limit.check().unwrap_err().retry_after(), Some(secs(30)), "a shorter one does not end it");
    time.advance(Duration::from_nanos(29_999_999_999));
    assert!(limit.check().is_err());
    time.advance(Duration::from_nanos(1));
    limit.check().unwrap();
    assert_eq!(limit.check().unwrap_err().retry_after(), Some(ms(100)), "no burst after it");

    let (time, limit) = under(Rate::per_second(10).bursty());
    time.advance(ms(300));
    limit.penalise(ms(1_500));
    assert_eq!(limit.check().unwrap_err().retry_after(), Some(ms(1_700)), "with the next period");
    time.advance(ms(1_700));
    assert_eq!(limit.take_at_most(99), 10);
}

#[test]
fn rl_11_a_penalty_is_an_hour_at_most() {
    let (_time, limit) = under(Rate::per_second(10));
    limit.penalise(Duration::MAX);
    assert_eq!(limit.check().unwrap_err().retry_after(), Some(secs(3_600)));
}

#[test]
fn rl_8_a_change_takes_effect_at_once_and_what_was_taken_stays_taken() {
    let (time, limit) = under(Rate::per_second(10));
    limit.take(6).unwrap();
    limit.set_rate(Rate::per_second(100).burst(20)).unwrap();
    assert_eq!((limit.rate(), limit.burst(), limit.balance()), ((100, secs(1)), 20, 14));
    time.advance(ms(10));
    assert_eq!(limit.balance(), 15, "at the new rate");
    limit.set_rate(Rate::per_minute(60).burst(3)).unwrap();
    assert_eq!(limit.balance(), 0, "never more than a full bucket");
    assert_eq!(limit.check().unwrap_err().retry_after(), Some(secs(1)));

    let (time, limit) = two_a_second();
    limit.take(2).unwrap();
    limit.set_rate(Rate::per_second(5).bursty()).unwrap();
    assert_eq!(limit.balance(), 3);
    time.advance(secs(1));
    assert_eq!(limit.balance(), 5);
}

#[test]
fn rl_8_reservations_keep_their_time_when_the_rate_changes() {
    let (_time, limit) = under(Rate::per_second(1).max_wait(secs(60)));
    limit.take(1).unwrap();
    let reserved = limit.reserve(3).unwrap();
    limit.set_rate(Rate::per_second(10).burst(1)).unwrap();
    assert_eq!(reserved.wait(), secs(3));
    assert_eq!(limit.reserve(1).unwrap().wait(), secs(3) + ms(100));
    limit.set_rate(Rate::per_hour(1)).unwrap();
    assert!(limit.reserve(1).is_err());
    assert_eq!(reserved.wait(), secs(3));
}

#[test]
fn rl_8_and_rl_11_a_change_to_a_slow_rate_locks_nobody_out_for_what_was_taken_at_a_fast_one() {
    let (_time, limit) = under(Rate::per_second(1_000));
    limit.take(1_000).unwrap();
    limit.set_rate(Rate::per_hour(1)).unwrap();
    assert_eq!(limit.check().unwrap_err().retry_after(), Some(secs(3_600)), "not a thousand hours");
}

#[test]
fn rl_8_changes_block_nobody_and_nobody_gets_more_than_both_rates_together() {
    let (_time, limit) = under(Rate::per_hour(1_000));
    let granted: u64 = std::thread::scope(|scope| {
        let takers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..2_000).map(|_| u64::from(limit.check().is_ok())).sum::<u64>()))
            .collect();
        for n in 0..500_u64 {
            limit.set_rate(Rate::per_hour(1_000 + n % 2)).unwrap();
        }
        takers.into_iter().map(|taker| taker.join().unwrap()).sum()
    });
    assert!((1_000..=1_500).contains(&granted), "a change may forgive a fraction of a call: {granted}");
}

#[test]
fn rl_8_what_cannot_be_changed_is_refused_and_changes_nothing() {
    let (_time, even) = under(Rate::per_second(10));
    let (_time, bursty) = two_a_second();
    for (limit, rate, text) in [
        (&even, Rate::per_second(10).bursty(), "another limit"),
        (&bursty, Rate::per_second(10), "another limit"),
        (&bursty, Rate::per_minute(10).bursty(), "the period of a bursty limit stays 1s"),
        (&even, Rate::per_second(0), "the rate is zero"),
    ] {
        let before = (limit.rate(), limit.burst(), limit.balance());
        let error = limit.set_rate(rate).unwrap_err().to_string();
        assert!(error.contains(text), "{error:?} should say {text:?}");
        assert_eq!((limit.rate(), limit.burst(), limit.balance()), before);
    }
}

#[test]
fn w_5_a_bursty_limit_survives_a_clock_that_goes_back() {
    let (time, limit) = two_a_second();
    time.advance(secs(3_000));
    limit.take(2).unwrap();
    time.set(time.now() - secs(2_900));
    assert!(limit.take(1).unwrap_err().retry_after().unwrap() <= secs(1));
    time.advance(secs(1));
    limit.take(2).unwrap();
    time.set(time.now() - ms(10));
    assert!(limit.take(1).is_err(), "a reading of another thread, a little earlier");
}

#[test]
fn an_estimate_is_put_right_by_exactly_what_it_was_wrong() {
    for (taken, used, balance) in [(2, 5, 5), (5, 2, 8), (3, 3, 7), (1, 10, 0)] {
        let (_time, limit) = under(Rate::per_second(10));
        limit.take(taken).unwrap();
        limit.settle(taken, used);
        assert_eq!(limit.balance(), balance, "{taken} {used}");
    }
}

#[test]
fn rl_8_and_rl_11_nor_does_one_of_a_bursty_rate_whose_reservations_keep_their_time() {
    let (time, limit) = under(Rate::per_second(1_000).bursty());
    limit.take(1_000).unwrap();
    limit.set_rate(Rate::per_second(1).bursty()).unwrap();
    assert_eq!(limit.check().unwrap_err().retry_after(), Some(secs(1)), "not a thousand periods");
    time.advance(secs(1));
    limit.check().unwrap();

    for count in [1, 2, 4, 100] {
        let (_time, limit) = under(Rate::per_second(4).bursty().max_wait(secs(60)));
        limit.take(3).unwrap();
        limit.reserve(8).unwrap().spend();
        let reserved = limit.reserve(1).unwrap();
        assert_eq!(reserved.wait(), secs(2));
        limit.set_rate(Rate::per_second(count).bursty()).unwrap();
        // All four of the third period are taken, or as many of the more that there are.
        let next = limit.reserve(1).unwrap();
        assert_eq!((reserved.wait(), next.wait()), (secs(2), secs(if count > 4 { 2 } else { 3 })), "{count}");
    }
}
