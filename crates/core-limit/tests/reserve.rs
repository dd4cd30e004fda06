//! What a rate limit promises of calls that wait, are settled later, or live through a change of the rate.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::time::Duration;

use core_errors::{Error, Reason};
use core_limit::{Rate, RateBuilder, RateLimit};
use core_policy::Permit;
use core_time::{Clock, ManualClock, ms, secs};
use proptest::prelude::*;

fn under(builder: RateBuilder) -> (ManualClock, RateLimit) {
    let time = ManualClock::new();
    let limit = builder.name("mail").clock(time.clock()).build().unwrap();
    (time, limit)
}

/// Reserves, and keeps it. How long it has to wait.
fn wait(limit: &RateLimit, n: u64) -> Duration {
    let reservation = limit.reserve(n).unwrap();
    let wait = reservation.wait();
    reservation.spend();
    wait
}

/// A bursty limit of two a second, and one whose time can be set.
fn two_a_second() -> (ManualClock, RateLimit) {
    under(Rate::per_second(2).bursty().max_wait(secs(60)))
}

#[test]
fn rl_3_reservations_of_a_bursty_limit_wait_for_their_period() {
    let (time, limit) = two_a_second();
    let start = time.now();
    let mut last = Duration::ZERO;
    for _ in 0..7 {
        last = wait(&limit, 1);
    }
    assert_eq!((last, limit.balance()), (secs(3), -5));
    for (at, n, expected, balance) in
        [(800, 3, 3_200, -8), (2_300, 1, 2_700, -5), (3_500, 3, 2_500, -6), (7_000, 1, 0, 1)]
    {
        time.set(start + ms(at));
        assert_eq!((wait(&limit, n), limit.balance()), (ms(expected), balance), "at {at} ms");
    }
}

#[test]
fn rl_4_reservations_of_a_smooth_limit_come_one_after_the_other() {
    let (_time, limit) = under(Rate::per_second(2).smooth().max_wait(secs(60)));
    let waits: Vec<_> = (0..7).map(|_| wait(&limit, 1).as_millis()).collect();
    assert_eq!(waits, [0, 500, 1_000, 1_500, 2_000, 2_500, 3_000]);
    assert_eq!(limit.reserve(1).unwrap().wait(), ms(3_500), "the next that is free");
}

#[test]
fn rl_6_how_long_a_reservation_waits_is_exact_on_a_clock_whose_coarse_readings_lag() {
    let time = ManualClock::lagging(ms(4));
    let limit = Rate::per_second(2).smooth().max_wait(secs(1)).clock(time.clock()).build().unwrap();
    limit.reserve(1).unwrap().spend();
    let reservation = limit.reserve(1).unwrap();
    // What was taken by a coarse reading was taken as of that, so the next is there so much sooner.
    for (by, left) in [(0, 496), (100, 396), (393, 3), (3, 0), (9, 0)] {
        time.advance(ms(by));
        assert_eq!((reservation.wait(), reservation.at() - time.now()), (ms(left), ms(left)));
    }
}

proptest! {
    #[test]
    fn rl_5_one_reservation_of_many_waits_as_long_as_many_of_one(
        kind in 0..3,
        count in 1_u64..20,
        steps in prop::collection::vec((0_u64..3_000_000_000, 1_u64..30), 1..20),
    ) {
        let rate = || {
            let rate = Rate::per_second(count).max_wait(secs(80_000));
            match kind {
                0 => rate.bursty(),
                1 => rate.smooth(),
                _ => rate,
            }
        };
        let ((time, whole), (other_time, single)) = (under(rate()), under(rate()));
        for (pause, n) in steps {
            time.advance(Duration::from_nanos(pause));
            other_time.advance(Duration::from_nanos(pause));
            let last = (0..n).fold(Duration::ZERO, |_, _| wait(&single, 1));
            prop_assert_eq!(wait(&whole, n), last);
            prop_assert_eq!(whole.balance(), single.balance());
        }
    }

    #[test]
    fn rl_6_a_refused_reservation_changes_nothing_and_says_exactly_when(
        bursty in any::<bool>(),
        max_wait in 0_u64..3_000,
        steps in prop::collection::vec((0_u64..900_000_000, 1_u64..9), 1..40),
    ) {
        let rate = Rate::per_second(4).max_wait(ms(max_wait));
        let (time, limit) = under(if bursty { rate.bursty() } else { rate });
        for (pause, n) in steps {
            time.advance(Duration::from_nanos(pause));
            let before = (limit.balance(), limit.peek());
            let Err(refused) = limit.reserve(n).map(core_limit::Reservation::spend) else { continue };
            prop_assert_eq!((limit.balance(), limit.peek()), before);
            let Some(after) = refused.retry_after() else {
                prop_assert_eq!(refused.reason(), Reason::Impossible);
                continue;
            };
            time.advance(after.saturating_sub(Duration::from_nanos(1)));
            prop_assert!(limit.reserve(n).is_err(), "a nanosecond early");
            time.advance(Duration::from_nanos(1));
            prop_assert!(limit.reserve(n).is_ok(), "at the time promised");
        }
    }
}

#[test]
fn rl_10_more_than_a_period_has_is_impossible_for_who_never_waits_into_the_next() {
    let refused = |max_wait| {
        let (_time, limit) = under(Rate::per_second(4).bursty().max_wait(max_wait));
        let refused = limit.reserve(5).unwrap_err();
        (refused.reason(), refused.retry_after())
    };
    assert_eq!(refused(Duration::ZERO), (Reason::Impossible, None));
    assert_eq!(refused(ms(300)), (Reason::RateLimited, Some(ms(700))));
}

#[test]
fn rl_6_with_one_a_cycle_one_is_taken_one_is_reserved_and_the_third_is_refused() {
    const CYCLE: Duration = secs(1);
    let (time, limit) = under(Rate::per(1, CYCLE).bursty().max_wait(CYCLE));
    assert_eq!((wait(&limit, 1), limit.balance()), (Duration::ZERO, 0));
    assert_eq!((wait(&limit, 1), limit.balance()), (CYCLE, -1));
    let refused = limit.reserve(1).unwrap_err();
    assert_eq!((refused.retry_after(), limit.balance()), (Some(CYCLE), -1));
    time.advance(6 * CYCLE + Duration::from_nanos(10));
    assert_eq!(limit.balance(), 1);
}

#[tokio::test(start_paused = true)]
async fn rl_6_a_call_waits_for_its_turn_and_no_longer() {
    let clock = Clock::system();
    let limit = Rate::per_second(10).smooth().max_wait(ms(150)).build().unwrap();
    let start = clock.now();
    let call = || limit.call(|_| async { Ok::<_, Error>(Clock::system().now()) });
    let (first, second, third) = tokio::join!(call(), call(), call());
    assert_eq!(first.unwrap() - start, Duration::ZERO);
    assert_eq!(second.unwrap() - start, ms(100));
    let refused = third.unwrap_err();
    let rejection = refused.rejection().unwrap();
    assert_eq!((rejection.reason(), rejection.retry_after()), (Reason::RateLimited, Some(ms(50))));
    let stats = limit.stats();
    assert_eq!((stats.allowed, stats.refused, stats.reserved), (2, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn rl_6_mistake_14_a_refusal_that_is_known_is_not_waited_for() {
    let clock = Clock::system();
    let limit = Rate::per_minute(1).max_wait(secs(59)).build().unwrap();
    limit.check().unwrap();
    let start = clock.now();
    assert!(limit.run(async { Ok::<_, Error>(()) }).await.is_err());
    assert!(limit.call_blocking(|_| Ok::<_, Error>(())).is_err());
    assert_eq!(clock.now(), start);
}

#[test]
fn rl_6_a_call_that_would_be_admitted_after_the_deadline_is_refused_at_once() {
    let (time, limit) = under(Rate::per_second(1).max_wait(secs(60)));
    limit.check().unwrap();
    let judge = core_policy::ByClass;
    let deadline = Some(time.now() + ms(999));
    let op = |_| Ok::<_, Error>(());
    let late = core_policy::call_blocking(&limit, op, &judge, deadline).unwrap_err();
    assert_eq!(late.rejection().unwrap().reason(), Reason::RateLimited);
    assert_eq!((time.elapsed(), limit.balance()), (Duration::ZERO, 0));
    let deadline = Some(time.now() + secs(1));
    assert!(core_policy::call_blocking(&limit, op, &judge, deadline.map(|d| d + ms(1))).is_ok());
    assert_eq!(time.elapsed(), secs(1));
}

#[test]
fn a_permit_never_waits_and_reserves_nothing() {
    let (_time, limit) = under(Rate::per_second(1).max_wait(secs(60)));
    Permit::acquire(&limit).unwrap().success();
    let refused = Permit::acquire(&limit).unwrap_err();
    assert_eq!((refused.retry_after(), limit.balance()), (Some(secs(1)), 0));
}

#[test]
fn rl_7_a_reservation_that_is_dropped_is_given_back_if_it_was_the_last() {
    for rate in [Rate::per_second(1), Rate::per_second(1).bursty()] {
        let (_time, limit) = under(rate.max_wait(secs(60)));
        limit.check().unwrap();
        let (first, second) = (limit.reserve(1).unwrap(), limit.reserve(1).unwrap());
        assert_eq!((first.wait(), second.wait(), limit.balance()), (secs(1), secs(2), -2));
        drop(second);
        assert_eq!(limit.balance(), -1, "the last one is there again");
        let third = limit.reserve(1).unwrap();
        assert_eq!(third.wait(), secs(2));
        drop(first);
        assert_eq!((third.wait(), limit.balance()), (secs(2), -2), "nobody moves up");
        third.spend();
        assert_eq!((limit.balance(), limit.stats().cancelled), (-2, 2), "what is spent stays so");
    }
}

#[tokio::test(start_paused = true)]
async fn rl_7_a_call_that_goes_away_gives_its_turn_back() {
    let limit = Rate::per_second(1).max_wait(secs(60)).build().unwrap();
    limit.check().unwrap();
    for round in 0..20 {
        let gone = tokio::select! {
            biased;
            _ = limit.run(async { Ok::<_, Error>(()) }) => false,
            () = Clock::system().sleep(ms(1)) => true,
        };
        assert!(gone);
        assert_eq!((limit.balance(), limit.stats().cancelled), (0, round + 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_reservation_is_ready_exactly_in_time() {
    let clock = Clock::system();
    let limit = Rate::per_second(4).smooth().max_wait(secs(9)).build().unwrap();
    let start = clock.now();
    for n in 0..4 {
        limit.reserve(1).unwrap().ready().await;
        assert_eq!(clock.now() - start, n * ms(250));
    }
    let dropped = limit.reserve(1).unwrap().ready();
    assert_eq!(limit.balance(), -1);
    drop(dropped);
    assert_eq!(limit.balance(), 0, "also a future that was never polled gives it back");
}

#[tokio::test(start_paused = true)]
async fn rl_6_who_waits_until_it_is_ready_waits_as_long_as_a_reservation_and_no_longer_than_it_may() {
    let clock = Clock::system();
    for n in [1, 2] {
        let limit = Rate::per_second(4).burst(2).max_wait(ms(500)).name("mail").build().unwrap();
        let start = clock.now();
        for (round, wait) in [(0, 0), (1, 250 * n), (2, 500 * n)].map(|(round, wait)| (round, ms(wait))) {
            // Two are there at once.
            for _ in 0..if round == 0 { 2 / n } else { 1 } {
                limit.until_ready(n).await.unwrap();
            }
            assert_eq!(clock.now() - start, wait, "{n} at once, round {round}");
        }
        let stats = limit.stats();
        assert_eq!((stats.allowed, stats.reserved, stats.refused), (2 + 2 * n, 2 * n, 0));
        limit.reserve(2).unwrap().spend();
        let refused = limit.until_ready(n).await.unwrap_err();
        assert_eq!((refused.name().as_str(), refused.retry_after()), ("mail", Some(ms(250 * n))));
        assert_eq!((clock.now() - start, limit.stats().refused), (ms(500 * n), n), "at once");
        assert_eq!(limit.until_ready(5).await.unwrap_err().reason(), Reason::Impossible);
    }
}

#[tokio::test(start_paused = true)]
async fn rl_7_who_waits_until_it_is_ready_and_goes_away_gives_back_what_it_has_taken() {
    let limit = Rate::per_second(1).max_wait(secs(60)).build().unwrap();
    drop(limit.until_ready(1));
    assert_eq!(limit.balance(), 1, "nothing is taken before it is asked");
    limit.until_ready(1).await.unwrap();
    for round in 0..20 {
        let gone = tokio::select! {
            biased;
            _ = limit.until_ready(1) => false,
            () = Clock::system().sleep(ms(1)) => true,
        };
        assert!(gone);
        assert_eq!((limit.balance(), limit.stats().cancelled), (0, round + 1));
    }
    limit.until_ready(0).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_task_that_has_spent_its_budget_is_ready_once_its_time_has_come() {
    let limit = Rate::per_second(4).smooth().max_wait(secs(9)).build().unwrap();
    limit.check().unwrap();
    let (mut first, mut second) = (Box::pin(limit.until_ready(1)), Box::pin(limit.until_ready(1)));
    std::future::poll_fn(|cx| {
        assert!(first.as_mut().poll(cx).is_pending() && second.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    tokio::time::advance(ms(250)).await;
    std::future::poll_fn(|cx| {
        // tokio makes timers wait for a task that has spent its cooperative budget.
        while std::pin::pin!(tokio::task::coop::consume_budget()).poll(cx).is_ready() {}
        assert!(first.as_mut().poll(cx).is_ready() && second.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    second.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rl_7_a_reservation_that_is_dropped_at_any_await_is_given_back() {
    let clock = Clock::system();
    let limit = Rate::per_second(4).smooth().max_wait(secs(9)).build().unwrap();
    let mut points = 0;
    for polls in 0.. {
        limit.reserve(1).unwrap().spend();
        let mut ready = Box::pin(limit.reserve(1).unwrap().ready());
        let mut is_done = false;
        for _ in 0..polls {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            if ready.as_mut().poll(&mut context).is_ready() {
                is_done = true;
                break;
            }
            tokio::time::advance(ms(50)).await;
        }
        drop(ready);
        let taken = limit.stats().allowed - limit.stats().cancelled;
        assert_eq!(taken, u64::from(is_done) + 1 + points, "after {polls} polls");
        if is_done {
            break;
        }
        points += 1;
        clock.sleep(secs(60)).await;
    }
    assert!(points >= 5, "or it was never dropped half-way: {points}");
}

#[test]
fn a_reservation_says_when_it_is() {
    let (time, limit) = under(Rate::per_second(2).smooth().max_wait(secs(60)));
    let now = time.clock().now();
    let reserved: Vec<_> = (0..3).map(|_| limit.reserve(1).unwrap()).collect();
    let times: Vec<_> = reserved.iter().map(|reservation| reservation.at() - now).collect();
    assert_eq!(times, [ms(0), ms(500), ms(1_000)]);
}

#[test]
fn rl_10_a_reservation_that_is_always_too_far_away_is_impossible() {
    for rate in [Rate::per_second(2), Rate::per_second(2).bursty()] {
        let (_time, limit) = under(rate.max_wait(secs(5)));
        assert!(limit.reserve(11).is_ok(), "two at once and nine in five seconds");
        assert!(limit.reserve(u64::MAX).unwrap_err().retry_after().is_none());
        assert_eq!(limit.reserve(u64::MAX).unwrap_err().reason(), Reason::Impossible);
    }
}

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
fn what_makes_no_sense_of_waits_and_bursts_is_refused_with_a_reason() {
    for (builder, text) in [
        (Rate::per_second(1).max_wait(secs(86_401)), "at most 86400s"),
        (Rate::per_second(1).bursty().burst(2), "leave out one of the two"),
        (Rate::per_second(1_000_001).bursty(), "at most 1000000"),
        (Rate::per(1, Duration::from_micros(999)).bursty(), "in 1 ms or more"),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(text), "{error:?} should say {text:?}");
    }
    assert_eq!(
        Rate::per_second(1).build().unwrap().max_wait(),
        Duration::ZERO,
        "nobody waits unless it is said"
    );
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
