//! What a clock promises.
#![expect(clippy::disallowed_methods, reason = "a manual clock is checked against the real one")]

use std::time::Duration;

use core_time::{Clock, Instant, ManualClock, ms, secs};

#[test]
fn w_5_arithmetic_saturates_and_never_panics() {
    assert_eq!(Instant::ORIGIN - Instant::NEVER, Duration::ZERO);
    assert_eq!(Instant::NEVER + secs(1), Instant::NEVER);
    assert_eq!(Instant::ORIGIN + Duration::MAX, Instant::NEVER);
    assert_eq!(Instant::ORIGIN - secs(1), Instant::ORIGIN);
}

#[test]
fn w_5_a_clock_that_jumps_back_reads_as_no_time_passed() {
    let time = ManualClock::new();
    let clock = time.clock();
    let start = clock.now();
    time.set(start - secs(5));
    assert_eq!(clock.now() - start, Duration::ZERO);
    assert_eq!(clock.reached(start), Err(secs(5)));
}

#[test]
fn a_coarse_reading_is_never_later_than_an_exact_one() {
    let clock = Clock::system();
    for _ in 0..1_000 {
        let coarse = clock.now_coarse();
        let exact = clock.now();
        assert!(coarse <= exact, "{coarse:?} {exact:?}");
    }
}

#[test]
fn a_counted_reading_runs_as_the_exact_clock_does() {
    let clock = Clock::system();
    let begin = (clock.now_counted(), clock.now());
    let mut last = begin.0;
    while clock.now() - begin.1 < ms(50) {
        let now = clock.now_counted();
        assert!(now >= last, "{now:?} {last:?}");
        last = now;
    }
    // Whoever is put to sleep between the two readings of a pair makes them differ: the best of a few is judged.
    let apart = || {
        let (counted, exact) = (clock.now_counted() - begin.0, clock.now() - begin.1);
        counted.abs_diff(exact)
    };
    let error = (0..100).map(|_| apart()).min();
    assert!(error < Some(Duration::from_micros(200)), "{error:?} in 50 ms");
    let time = ManualClock::new();
    assert_eq!(time.clock().now_counted(), time.now());
}

#[test]
fn reached_is_exact_to_the_nanosecond() {
    let time = ManualClock::new();
    let at = time.now() + ms(7);
    time.advance(Duration::from_nanos(6_999_999));
    assert_eq!(time.clock().reached(at), Err(Duration::from_nanos(1)));
    time.advance(Duration::from_nanos(1));
    assert_eq!(time.clock().reached(at), Ok(at));
}

/// A coarse reading that has come to a moment is enough; one that has not says so, or has the exact clock decide within a tick.
#[test]
fn reached_is_exact_on_a_clock_whose_coarse_readings_lag() {
    let time = ManualClock::lagging(ms(4));
    let (clock, start) = (time.clock(), time.now());
    assert_eq!((clock.tick(), ManualClock::new().clock().tick()), (ms(4), Duration::ZERO));
    assert_eq!((clock.now(), clock.now_coarse()), (start, start - ms(4)));
    // By less than a tick, by a tick, and by more than that.
    for (passed, reached) in [
        (ms(10), Ok(start + ms(10))),
        (ms(12), Ok(start + ms(12))),
        (ms(14), Ok(start + ms(10))),
        (ms(15), Ok(start + ms(11))),
        // To the coarse clock there are 4 ms more.
        (ms(9), Err(ms(5))),
        (ms(6), Err(ms(8))),
        (ms(7), Err(ms(7))),
        (ms(1), Err(ms(13))),
    ] {
        time.set(start + passed);
        assert_eq!(clock.reached(start + ms(10)), reached, "{passed:?}");
    }
    let late = ManualClock::lagging(secs(7_200));
    assert_eq!(late.now_coarse(), Instant::ORIGIN, "there is nothing before it");
    assert_eq!(ManualClock::lagging(Duration::MAX).now_coarse(), Instant::ORIGIN);
}

#[test]
fn rt_6_a_blocking_sleep_never_ends_early() {
    let clock = Clock::system();
    for micros in [0, 1, 100, 2_500] {
        let at = clock.now() + Duration::from_micros(micros);
        clock.sleep_until_blocking(at);
        assert!(clock.now() >= at);
    }
}

#[test]
fn a_blocking_sleep_on_a_manual_clock_jumps() {
    let time = ManualClock::new();
    let before = std::time::Instant::now();
    time.clock().sleep_until_blocking(time.now() + secs(3600));
    assert_eq!(time.elapsed(), secs(3600));
    assert!(before.elapsed() < secs(60));
}

#[cfg(feature = "tokio")]
mod sleeping {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_system_clock_follows_a_paused_runtime() {
        if cfg!(not(feature = "test-util")) {
            return;
        }
        let clock = Clock::system();
        let start = clock.now();
        clock.sleep(secs(3600)).await;
        assert_eq!(clock.now() - start, secs(3600));
    }

    #[tokio::test]
    async fn rt_6_a_sleep_never_ends_early() {
        let clock = Clock::system();
        for millis in [0, 1, 3] {
            let at = clock.now() + ms(millis);
            clock.sleep_until(at).await;
            assert!(clock.now() >= at);
        }
    }

    #[tokio::test]
    async fn a_manual_sleeper_wakes_exactly_when_it_is_due() {
        let time = ManualClock::new();
        let sleep = tokio::spawn(time.clock().sleep(ms(10)));
        tokio::task::yield_now().await;
        time.advance(Duration::from_nanos(9_999_999));
        tokio::task::yield_now().await;
        assert!(!sleep.is_finished());
        time.advance(Duration::from_nanos(1));
        sleep.await.unwrap();
        assert_eq!(time.elapsed(), ms(10));
    }

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Woken(std::sync::atomic::AtomicU32);

    impl std::task::Wake for Woken {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }

    #[test]
    fn a_manual_clock_wakes_all_who_wait_for_a_moment_once_and_nobody_who_has_gone() {
        let time = ManualClock::new();
        let woken: [std::sync::Arc<Woken>; 4] = std::array::from_fn(|_| std::sync::Arc::default());
        let mut sleeps: Vec<_> = [10, 10, 20, 10].map(|after| Box::pin(time.clock().sleep(ms(after)))).into();
        for (sleep, woken) in sleeps.iter_mut().zip(&woken) {
            let waker = std::task::Waker::from(std::sync::Arc::clone(woken));
            // Asked again it is the same sleeper.
            for _ in 0..2 {
                assert!(sleep.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
            }
        }
        drop(sleeps.pop());
        let counts = || woken.each_ref().map(|woken| woken.0.load(std::sync::atomic::Ordering::Relaxed));
        time.advance(ms(10));
        assert_eq!(counts(), [1, 1, 0, 0]);
        time.advance(ms(10));
        assert_eq!(counts(), [1, 1, 1, 0]);
    }
}
