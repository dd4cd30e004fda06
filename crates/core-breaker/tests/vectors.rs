//! What others promise of their windows, number by number: those of failsafe-go.

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

#[test]
fn w_4_a_window_of_calls_holds_the_last_of_them() {
    let breaker = Breaker::rate(1.0).window_of_calls(50).min_calls(50).build().expect("valid");
    for call in 0..50 {
        record(&breaker, u32::from(call % 3 == 0), u32::from(call % 3 != 0));
    }
    assert_eq!(record(&breaker, 0, 0), (17, 33));
    assert_eq!(record(&breaker, 100, 0), (50, 0));
}
