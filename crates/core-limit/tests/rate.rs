//! What a rate limit promises, in virtual time.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use core_errors::{Error, Reason};
use core_limit::{Rate, RateBuilder, RateLimit};
use core_policy::CallError;
use core_time::{ManualClock, ms, secs};
use proptest::prelude::*;

fn under(builder: RateBuilder) -> (ManualClock, RateLimit) {
    let time = ManualClock::new();
    let limit = builder.name("mail").clock(time.clock()).build().unwrap();
    (time, limit)
}

#[test]
fn rl_1_ten_a_second_with_a_burst_of_ten() {
    let (_time, limit) = under(Rate::per_second(10).burst(10));
    let take = |n| limit.take(n).map(|taken| (taken.remaining, taken.reset)).unwrap();
    assert_eq!(take(0), (10, Duration::ZERO), "nothing taken, all there");
    assert_eq!(take(1), (9, ms(100)));
    assert_eq!(take(2), (7, ms(300)));
    assert_eq!(take(7), (0, secs(1)));
    let refused = limit.take(1).unwrap_err();
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::RateLimited, Some(ms(100))));
    assert_eq!((limit.peek().remaining, limit.peek().reset), (0, secs(1)), "a refusal changes nothing");
    assert_eq!(take(0), (0, secs(1)));
    // More than there can ever be: what the originals would let in after 99 s, and never do.
    assert_eq!(limit.take(1_000).unwrap_err().reason(), Reason::Impossible);
    assert_eq!((limit.peek().remaining, limit.peek().reset), (0, secs(1)), "nor does that");
}

#[test]
fn rl_1_thirty_a_minute_with_a_burst_of_sixteen() {
    let (_time, limit) = under(Rate::per_minute(30).burst(16));
    let taken = limit.take(1).unwrap();
    assert_eq!((limit.burst(), taken.remaining, taken.reset), (16, 15, secs(2)));
}

#[test]
fn rl_1_rates_that_do_not_divide_a_second_stay_exact() {
    let (time, limit) = under(Rate::per_second(3).burst(2));
    let mut admitted = limit.take_at_most(5);
    for _ in 0..1_000_000 {
        time.advance(ms(1));
        admitted += u64::from(limit.check().is_ok());
    }
    assert_eq!(admitted, 2 + 3_000, "a limiter that rounds its interval drifts");
}

#[test]
fn rl_2_takes_what_there_is() {
    let (time, limit) = under(Rate::per_second(10).burst(10));
    limit.check().unwrap();
    assert_eq!(limit.take_at_most(2), 2);
    assert_eq!(limit.take_at_most(10), 7);
    assert_eq!(limit.take_at_most(10), 0);
    assert_eq!(limit.check().unwrap_err().retry_after(), Some(ms(100)));
    time.advance(ms(99));
    assert_eq!(limit.take_at_most(1), 0);
    time.advance(ms(1));
    assert_eq!(limit.take_at_most(5), 1);
    assert_eq!((limit.stats().allowed, limit.stats().refused), (11, 3 + 10 + 1 + 1 + 4));
}

#[test]
fn rl_6_a_refusal_changes_nothing() {
    let (time, limit) = under(Rate::per(1, ms(100)).burst(1));
    limit.check().unwrap();
    for _ in 0..1_000 {
        assert_eq!(limit.check().unwrap_err().retry_after(), Some(ms(100)));
    }
    time.advance(ms(100));
    limit.check().unwrap();
}

#[test]
fn rl_6_after_a_long_pause_only_the_burst_is_there() {
    let (time, limit) = under(Rate::per_second(5).burst(2));
    time.advance(secs(86_400 * 365));
    assert_eq!((limit.take_at_most(100), limit.peek().remaining), (2, 0));
}

#[test]
fn rl_10_more_than_the_burst_is_impossible_not_a_matter_of_waiting() {
    let (_time, limit) = under(Rate::per_second(10).burst(10));
    let refused = limit.take(11).unwrap_err();
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::Impossible, None));
    assert_eq!(limit.peek().remaining, 10);
}

#[test]
fn w_5_a_clock_that_jumps_back_locks_nobody_out() {
    let (time, limit) = under(Rate::per_second(10).burst(10));
    time.advance(secs(3_000));
    limit.take(10).unwrap();
    time.set(time.now() - secs(2_900));
    let wait = limit.check().unwrap_err().retry_after().unwrap();
    assert!(wait <= secs(1), "a full bucket at most, not 2900 s: {wait:?}");
    time.advance(wait);
    limit.check().unwrap();
    time.set(time.now() - secs(50));
    assert_eq!(limit.take_at_most(5), 0);
    time.advance(ms(200));
    assert_eq!(limit.take_at_most(5), 2);
}

proptest! {
    #[test]
    fn promises_are_exact_to_the_nanosecond(
        count in 1_u64..2_000,
        burst in 1_u64..50,
        steps in prop::collection::vec((0_u64..2_000_000_000, 0_u64..60), 1..60),
    ) {
        let (time, limit) = under(Rate::per_second(count).burst(burst));
        for (pause, n) in steps {
            time.advance(Duration::from_nanos(pause));
            let before = limit.peek();
            let Err(refused) = limit.take(n) else { continue };
            prop_assert_eq!(limit.peek(), before);
            let Some(wait) = refused.retry_after() else {
                prop_assert!(n > burst);
                continue;
            };
            prop_assert!(wait > Duration::ZERO);
            time.advance(wait.saturating_sub(Duration::from_nanos(1)));
            prop_assert!(limit.take(n).is_err(), "a nanosecond early");
            time.advance(Duration::from_nanos(1));
            prop_assert!(limit.take(n).is_ok(), "at the time promised");
        }
    }

    #[test]
    fn no_window_admits_more_than_rate_and_burst(
        count in 1_u64..100,
        burst in 1_u64..20,
        pauses in prop::collection::vec(0_u64..50_000_000, 1..300),
    ) {
        let (time, limit) = under(Rate::per_second(count).burst(burst));
        let mut admitted = Vec::new();
        for pause in pauses {
            time.advance(Duration::from_nanos(pause));
            if limit.check().is_ok() {
                admitted.push(time.elapsed());
            }
        }
        for (at, start) in admitted.iter().enumerate() {
            for (n, end) in admitted[at..].iter().enumerate() {
                let window = end.saturating_sub(*start);
                let allowed = window.as_nanos() * u128::from(count) / 1_000_000_000 + u128::from(burst);
                let calls = n as u128 + 1;
                prop_assert!(calls <= allowed, "{} in {:?}", calls, window);
            }
        }
    }
}

#[test]
fn threads_together_get_the_burst_and_no_more() {
    let (_time, limit) = under(Rate::per_second(1_000).burst(1_000));
    let admitted = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    admitted.fetch_add(u64::from(limit.check().is_ok()), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!((admitted.into_inner(), limit.stats().allowed, limit.stats().refused), (1_000, 1_000, 7_000));
}

#[test]
fn a_call_over_the_limit_never_runs() {
    let (_time, limit) = under(Rate::per_second(1).burst(1));
    assert!(limit.call_blocking(|_| Ok::<_, Error>(())).is_ok());
    let refused =
        limit.call_blocking(|_| -> Result<(), Error> { unreachable!("it was refused") }).unwrap_err();
    let CallError::Rejected(rejection) = refused else { panic!("{refused:?}") };
    assert_eq!((rejection.name().as_str(), rejection.retry_after()), ("mail", Some(secs(1))));
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    for (builder, text) in [
        (Rate::per_second(0), "the rate is zero"),
        (Rate::per(1, Duration::ZERO), "the period is zero"),
        (Rate::per_second(1).burst(0), "the burst is zero"),
        (Rate::per(2, Duration::from_nanos(1)), "more than one in a nanosecond"),
        (Rate::per(1, secs(86_400 * 366 * 101)), "100 years"),
        (Rate::per_hour(1).burst(u64::MAX), "100 years"),
        (Rate::per_second(1).name("\n"), "control character"),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(text), "{error:?} should say {text:?}");
    }
    let limit = Rate::per_second(7).build().unwrap();
    assert_eq!((limit.rate(), limit.burst()), ((7, secs(1)), 7), "the burst is the rate unless it is said");
}

#[test]
fn rl_11_a_penalty_of_a_bursty_rate_holds_exactly_whatever_the_rate_is() {
    let day = Duration::from_hours(24);
    for rate in [Rate::per_second(1_000_000), Rate::per(1_000, ms(1)), Rate::per(1, ms(1)), Rate::per(3, day)]
    {
        for penalty in [secs(60), secs(3_600)] {
            let (time, limit) = under(rate.clone().bursty());
            let full = limit.burst();
            limit.penalise(penalty);
            limit.penalise(ms(1));
            let wait = limit.check().unwrap_err().retry_after().unwrap();
            assert_eq!(wait, penalty.max(limit.rate().1), "with the period that begins after it");
            assert_eq!((limit.peek().remaining, limit.peek().reset), (0, wait));
            assert!(limit.balance() <= 0, "{}", limit.balance());
            time.advance(wait.saturating_sub(Duration::from_nanos(1)));
            assert_eq!((limit.take_at_most(1), limit.check().is_ok()), (0, false));
            time.advance(Duration::from_nanos(1));
            assert_eq!(limit.take_at_most(u64::MAX), full);
        }
    }
}

#[test]
fn rl_11_a_new_rate_neither_ends_nor_extends_a_penalty() {
    for (before, after) in [(10, 100), (100, 10)] {
        let (time, limit) = under(Rate::per_second(before).bursty());
        limit.penalise(secs(10));
        limit.set_rate(Rate::per_second(after).bursty()).unwrap();
        assert_eq!(limit.check().unwrap_err().retry_after(), Some(secs(10)));
        time.advance(secs(10));
        assert_eq!(limit.take_at_most(u64::MAX), after);
    }
}

#[test]
fn rl_11_what_is_reserved_in_a_penalty_comes_after_it_and_what_was_owed_is_paid_in_it() {
    let (time, limit) = under(Rate::per_second(1_000_000).bursty().max_wait(secs(7_200)));
    limit.charge(2_000_000);
    limit.penalise(secs(3_600));
    let first = limit.reserve(600_000).unwrap();
    let second = limit.reserve(600_000).unwrap();
    assert_eq!((first.wait(), second.wait()), (secs(3_600), secs(3_601)));
    time.advance(secs(3_600));
    assert_eq!(limit.take_at_most(u64::MAX), 0, "600 000 are for the first, and the rest for the second");
    time.advance(secs(1));
    assert_eq!(limit.take_at_most(u64::MAX), 800_000);
}

#[test]
fn w_5_a_clock_that_jumps_back_makes_no_penalty_longer() {
    let (time, limit) = under(Rate::per_second(10).bursty());
    let is_soon = |limit: &RateLimit| limit.check().unwrap_err().retry_after().unwrap() <= secs(1);
    time.advance(secs(3_000));
    limit.penalise(secs(3_600));
    time.set(time.now() - secs(2_900));
    assert!(is_soon(&limit), "to before it was given");

    let (time, limit) = under(Rate::per_second(10).bursty());
    limit.penalise(secs(60));
    time.advance(secs(3_000));
    limit.check().unwrap();
    time.set(time.now() - secs(2_990));
    assert!(is_soon(&limit), "to before its end, when it had ended");
}
