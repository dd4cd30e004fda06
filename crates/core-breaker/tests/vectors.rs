//! What others promise of their windows, number by number: those of failsafe-go, Polly and cockatiel.

use core_breaker::Breaker;
use core_errors::Error;
use core_time::{ManualClock, ms, secs};

/// Records so many successes and failures. What the window holds of both.
fn record(breaker: &Breaker, successes: u32, failures: u32) -> (u64, u64) {
    for _ in 0..successes {
        assert!(breaker.call_blocking(|_| Ok::<_, Error>(())).is_ok());
    }
    for _ in 0..failures {
        assert!(breaker.call_blocking(|_| Err::<(), _>(Error::network("gone"))).is_err());
    }
    let held = breaker.snapshot().window;
    (held.calls - held.failures, held.failures)
}

#[test]
fn w_1_buckets_of_a_second_hold_what_failsafe_go_says() {
    let time = ManualClock::new();
    let rule = Breaker::rate(1.0).window(secs(4)).buckets(4).min_calls(1_000);
    let breaker = rule.clock(time.clock()).build().expect("valid");
    let steps = [
        (900, 10, 40, (10, 40)),
        (1_000, 10, 0, (20, 40)),
        (2_500, 0, 20, (20, 60)),
        (3_100, 5, 20, (25, 80)),
        (5_400, 8, 0, (13, 40)),
        (7_300, 0, 5, (8, 5)),
        (22_500, 0, 0, (0, 0)),
        (23_100, 3, 0, (3, 0)),
    ];
    let mut at = 0;
    for (then, successes, failures, held) in steps {
        time.advance(ms(then - at));
        at = then;
        assert_eq!(record(&breaker, successes, failures), held, "at {then} ms");
    }
}

/// Ten successes a second apart; and two, which are there until the window has passed to the nanosecond.
#[test]
fn w_1_calls_leave_one_by_one_as_polly_says() {
    let time = ManualClock::new();
    let rule = Breaker::rate(1.0).window(secs(10)).buckets(10).min_calls(1_000);
    let breaker = rule.clock(time.clock()).build().expect("valid");
    for _ in 0..10 {
        record(&breaker, 1, 0);
        time.advance(secs(1));
    }
    assert_eq!(record(&breaker, 0, 0), (9, 0));
    time.advance(secs(1));
    assert_eq!(record(&breaker, 0, 0), (8, 0));
    time.advance(secs(60));
    record(&breaker, 2, 0);
    time.advance(secs(10).saturating_sub(std::time::Duration::from_nanos(1)));
    assert_eq!(record(&breaker, 0, 0), (2, 0));
    time.advance(std::time::Duration::from_nanos(1));
    assert_eq!(record(&breaker, 0, 0), (0, 0));
}

#[test]
fn w_4_a_window_of_calls_holds_the_last_of_them() {
    let breaker = Breaker::rate(1.0).window_of_calls(50).min_calls(50).build().expect("valid");
    for call in 0..50 {
        record(&breaker, u32::from(call % 3 == 0), u32::from(call % 3 != 0));
    }
    assert_eq!(record(&breaker, 0, 0), (17, 33));
    assert_eq!(record(&breaker, 100, 0), (50, 0));
}

/// A hundred calls have room, and fifty are there: a share is of those.
#[test]
fn w_4_what_was_not_called_yet_counts_as_nothing() {
    let breaker = Breaker::rate(1.0).window_of_calls(100).min_calls(2).build().expect("valid");
    assert_eq!((record(&breaker, 0, 0), breaker.snapshot().failure_rate), ((0, 0), None));
    for call in 0..50 {
        record(&breaker, u32::from(call % 3 == 0), u32::from(call % 3 != 0));
    }
    assert_eq!(record(&breaker, 0, 0), (17, 33));
    assert!((breaker.snapshot().failure_rate.expect("enough calls") - 0.66).abs() < 1e-9);
    assert_eq!(record(&breaker, 100, 0), (100, 0));
}

/// Nine calls of which each third failed, in a window of five: the seventh is the one failure, and it leaves with the fifth call after it.
#[test]
fn w_4_the_oldest_call_makes_room_as_cockatiel_says() {
    let breaker = Breaker::rate(1.0).window_of_calls(5).min_calls(5).build().expect("valid");
    for call in 0..9 {
        record(&breaker, u32::from(call % 3 != 0), u32::from(call % 3 == 0));
    }
    assert_eq!(record(&breaker, 0, 0), (4, 1));
    assert_eq!(record(&breaker, 2, 0), (4, 1));
    assert_eq!(record(&breaker, 1, 0), (5, 0));
}
