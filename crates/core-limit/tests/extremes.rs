//! Numbers at the ends of what can be said: nothing panics, and what is admitted is what was asked for.

use std::time::Duration;

use core_limit::{Rate, RateBuilder, SlidingWindow, Throttle};
use core_time::{ManualClock, ms, secs};

const NUMBERS: [u64; 9] = [0, 1, 2, 3, 999_999_937, 1 << 20, u32::MAX as u64, u64::MAX - 1, u64::MAX];

const TIMES: [Duration; 8] = [
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_nanos(999_999_937),
    ms(1),
    secs(1),
    secs(86_400),
    secs(3_153_600_000),
    Duration::MAX,
];

/// Everything that can be done with it, whatever comes of it.
fn try_all(builder: RateBuilder, time: &ManualClock) -> bool {
    for within in TIMES {
        let _ = builder.most_within(within);
    }
    let Ok(limit) = builder.clock(time.clock()).build() else { return false };
    for step in TIMES {
        for n in NUMBERS {
            let _ = (limit.take(n), limit.check(), limit.peek(), limit.balance());
            let _ = (limit.take_at_most(n), limit.reserve(n).map(drop));
            limit.settle(n, n / 2);
            limit.charge(n);
            limit.give_back(n);
        }
        limit.penalise(step);
        time.advance(step);
        let _ = limit.set_rate(Rate::per(7, secs(1)));
        let _ = limit.set_rate(Rate::per(1, secs(86_400)));
        time.set(core_time::Instant::ORIGIN);
        let _ = (limit.check(), limit.reserve(3).map(|reserved| reserved.wait()), limit.stats());
    }
    true
}

#[test]
fn rates_and_bursts_at_the_ends() {
    let mut built = 0;
    for count in NUMBERS {
        for period in TIMES {
            let time = ManualClock::new();
            built += u32::from(try_all(Rate::per(count, period), &time));
            built += u32::from(try_all(Rate::per(count, period).bursty().max_wait(secs(86_400)), &time));
            for burst in NUMBERS {
                let time = ManualClock::new();
                built +=
                    u32::from(try_all(Rate::per(count, period).burst(burst).max_wait(secs(86_400)), &time));
            }
        }
    }
    assert!(built > 50, "{built} could be built");
}

#[test]
fn the_most_that_is_admitted_within_a_time_is_never_more() {
    for (builder, within, most) in [
        (Rate::per_second(10), ms(1_500), 25),
        (Rate::per_second(10).burst(3), ms(1_500), 18),
        (Rate::per_second(10).smooth(), Duration::ZERO, 1),
        (Rate::per_second(10).bursty(), ms(1_500), 35),
        (Rate::per_minute(1), secs(30), 1),
    ] {
        assert_eq!(builder.most_within(within), Some(most));
        let time = ManualClock::new();
        let limit = builder.clock(time.clock()).build().unwrap();
        // As late in the first period as can be.
        time.advance(ms(999));
        let mut admitted = limit.take_at_most(u64::MAX);
        for _ in 0..within.as_millis() {
            time.advance(ms(1));
            admitted += limit.take_at_most(u64::MAX);
        }
        assert!(admitted <= most, "{admitted} of {most}");
    }
    assert_eq!(Rate::per(u64::MAX, Duration::from_nanos(1)).most_within(Duration::MAX), None);
    assert_eq!(Rate::per(1, Duration::ZERO).most_within(secs(1)), None);
}

#[test]
fn windows_and_throttles_at_the_ends() {
    for step in TIMES {
        let time = ManualClock::new();
        for window in TIMES {
            for n in NUMBERS {
                if let Ok(limit) = SlidingWindow::per(n, window).clock(time.clock()).build() {
                    let _ = (limit.take(n), limit.take_at_most(n), limit.check(), limit.peek());
                    time.advance(step);
                    let _ = (
                        limit.take(n),
                        limit.take_at_most(n),
                        limit.check(),
                        limit.peek(),
                        limit.set_limit(n / 2),
                    );
                    time.set(core_time::Instant::ORIGIN);
                    let _ = (limit.check(), limit.peek());
                }
            }
            for number in [0.0, -0.0, f64::MIN_POSITIVE, 1.0, f64::INFINITY, f64::NAN] {
                let throttle =
                    Throttle::builder().window(window).ratio(number).aggression(number).share_max(number);
                if let Ok(throttle) = throttle.clock(time.clock()).build() {
                    time.advance(step);
                    let _ =
                        (throttle.call_blocking(|_| Ok::<_, core_errors::Error>(())), throttle.snapshot());
                }
            }
        }
    }
}
