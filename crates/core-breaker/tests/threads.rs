//! What threads may do to a breaker at the same moment.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use core_breaker::{Breaker, State};
use core_time::{ManualClock, secs};

#[test]
fn g_18_every_call_of_many_threads_is_counted() {
    let breaker = Breaker::rate(1.0).min_calls(u32::MAX).window(secs(3600)).build().unwrap();
    thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                for n in 0..5_000 {
                    let permit = breaker.acquire().unwrap();
                    if n % 5 == 0 { permit.failure() } else { permit.success() }
                }
            });
        }
    });
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.totals.successes, snapshot.totals.failures), (96_000, 24_000));
    assert_eq!((snapshot.window.calls, snapshot.window.failures), (120_000, 24_000));
}

#[test]
fn a_window_of_calls_never_loses_count_under_threads() {
    for size in [1, 3, 100] {
        let breaker = Breaker::rate(1.0).min_calls(u32::MAX).window_of_calls(size).or_consecutive(u32::MAX);
        let breaker = breaker.name("w").build().unwrap();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for n in 0..3_000 {
                        let Ok(permit) = breaker.acquire() else { return };
                        if n % 2 == 0 { permit.failure() } else { permit.success() }
                    }
                });
            }
        });
        if breaker.state() == State::Closed {
            let window = breaker.snapshot().window;
            assert_eq!(window.calls, u64::from(size), "a full window holds its size");
            let held = breaker.save().results;
            let failures = held.iter().filter(|result| result.failed).count();
            assert_eq!(
                (held.len(), failures as u64),
                (size as usize, window.failures),
                "sums are of what it holds"
            );
        }
    }
}

#[test]
fn of_many_failures_at_the_threshold_one_opens() {
    for _ in 0..300 {
        let opened = std::sync::Arc::new(AtomicU64::new(0));
        let count = opened.clone();
        let builder = Breaker::consecutive(4).or_rate(0.5).min_calls(4);
        let breaker = builder
            .on_change(move |_| {
                count.fetch_add(1, Ordering::Relaxed);
            })
            .build()
            .unwrap();
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let permit = breaker.acquire();
                    barrier.wait();
                    if let Ok(permit) = permit {
                        permit.failure();
                    }
                });
            }
        });
        assert_eq!((opened.load(Ordering::Relaxed), breaker.snapshot().opened), (1, 1));
    }
}

#[test]
fn x_7_calls_run_at_the_same_time() {
    let breaker = Breaker::consecutive(5).build().unwrap();
    let inside = Barrier::new(10);
    thread::scope(|scope| {
        for _ in 0..10 {
            // All ten must be inside at once to get out: a lock held during the call would hang here.
            scope.spawn(|| {
                breaker.call_blocking(|_| {
                    inside.wait();
                    Ok::<_, core_errors::Error>(())
                })
            });
        }
    });
    assert_eq!(breaker.snapshot().totals.successes, 10);
}

#[test]
fn s_half_open_lets_only_its_probes_through_whoever_comes() {
    let time = ManualClock::new();
    let breaker =
        Breaker::consecutive(1).probes(3).successes(3).clock(time.clock()).jitter(false).build().unwrap();
    breaker.acquire().unwrap().failure();
    time.advance(secs(5));
    let admitted = AtomicU64::new(0);
    let barrier = Barrier::new(50);
    thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                barrier.wait();
                let permit = breaker.acquire();
                admitted.fetch_add(u64::from(permit.is_ok()), Ordering::Relaxed);
                barrier.wait();
                drop(permit);
            });
        }
    });
    assert_eq!(admitted.load(Ordering::Relaxed), 3);
}

#[test]
fn pl_2_windows_change_their_shape_while_threads_count() {
    const CALLS: u64 = 20_000;
    // One call in four fails: whatever a change of shape may lose, no window is near the rate.
    let breaker = Breaker::rate(0.99).min_calls(1_000).window(secs(3_600)).build().unwrap();
    let counting = AtomicU64::new(4);
    let barrier = Barrier::new(5);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                for n in 0..CALLS {
                    let permit = breaker.acquire().unwrap();
                    if n % 4 == 0 { permit.failure() } else { permit.success() }
                }
                counting.fetch_sub(1, Ordering::Relaxed);
            });
        }
        barrier.wait();
        let mut size = 10;
        while counting.load(Ordering::Relaxed) > 0 {
            size = size % 5_000 + 977;
            breaker.reconfigure(|builder| builder.window_of_calls(size)).unwrap();
            let held = breaker.snapshot().window;
            assert!(held.calls <= u64::from(size) + 4 && held.failures <= held.calls, "{held:?} of {size}");
            breaker
                .reconfigure(|builder| builder.window(secs(u64::from(size))).buckets(size % 32 + 1))
                .unwrap();
            let held = breaker.snapshot().window;
            assert!(held.calls <= 4 * CALLS && held.failures <= held.calls, "{held:?} of {size} s");
            breaker.reconfigure(|builder| builder.window(secs(3_600)).buckets(size % 7 + 1)).unwrap();
        }
    });
    let totals = breaker.snapshot().totals;
    assert_eq!((totals.successes, totals.failures, breaker.state()), (3 * CALLS, CALLS, State::Closed));
    // What is counted from now on is in the window that there is now.
    breaker.reconfigure(|builder| builder.window(secs(60))).unwrap();
    let before = breaker.snapshot().window.calls;
    (0..10).for_each(|_| breaker.acquire().unwrap().success());
    assert_eq!(breaker.snapshot().window.calls, before + 10);
}
