//! Many interleavings of more threads than loom can hold. Run with `cargo xtask test --only shuttle`; a failure prints a
//! schedule that `shuttle::replay` plays again.
#![cfg(genesis_shuttle)]
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use core_breaker::{Breaker, ConsecutiveFailures, Event, Host, HostChange, OutlierEvent, Outliers, State};
use core_time::{ManualClock, secs};
use shuttle::thread;

const SCHEDULES: usize = 10_000;

/// Under schedules drawn at random, and under such as have few switches at the worst moments.
fn check(test: fn()) {
    shuttle::check_random(test, SCHEDULES);
    shuttle::check_pct(test, SCHEDULES, 3);
}

type Told = Arc<std::sync::Mutex<Vec<Event>>>;

/// A breaker that three failures in a row open, and what it told.
fn told(time: &ManualClock) -> (Breaker, Told) {
    let told = Told::default();
    let events = Arc::clone(&told);
    let builder = Breaker::consecutive(3).open_for(secs(5)).jitter(false).probes(2).successes(2);
    let builder = builder.on_change(move |event| events.lock().unwrap().push(event.clone()));
    (builder.clock(time.clock()).build().unwrap(), told)
}

fn spawn(threads: usize, run: impl Fn(usize) + Send + Sync + 'static) {
    let run = Arc::new(run);
    let start = |number| {
        let run = Arc::clone(&run);
        thread::spawn(move || run(number))
    };
    let threads: Vec<_> = (0..threads).map(start).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn cb_35_whatever_threads_do_each_change_is_told_once_and_in_order() {
    check(|| {
        let time = ManualClock::new();
        let (breaker, told) = told(&time);
        let (shared, clock) = (breaker.clone(), time.clone());
        spawn(4, move |number| match number {
            0 => {
                shared.probe_now("test").unwrap();
                clock.advance(secs(5));
            }
            1 => drop(shared.isolate("test").unwrap()),
            _ => (0..4).for_each(|call| match shared.acquire() {
                Ok(permit) if call == 3 => permit.success(),
                Ok(permit) => permit.failure(),
                Err(_) => {}
            }),
        });
        let told = told.lock().unwrap();
        for pair in told.windows(2) {
            assert_eq!(pair[0].to, pair[1].from, "{told:?}");
            assert_eq!(pair[0].generation + 1, pair[1].generation, "{told:?}");
        }
        let last = told.last().map_or(State::Closed, |event| event.to);
        assert_eq!(last, breaker.state(), "{told:?}");
    });
}

#[test]
fn cb_22_of_five_threads_two_probe() {
    check(|| {
        let time = ManualClock::new();
        let (breaker, _) = told(&time);
        (0..3).for_each(|_| breaker.acquire().unwrap().failure());
        time.advance(secs(5));
        let admitted = Arc::new(AtomicU64::new(0));
        let (shared, count) = (breaker.clone(), Arc::clone(&admitted));
        spawn(5, move |_| {
            if let Ok(permit) = shared.acquire() {
                count.fetch_add(1, Ordering::Relaxed);
                std::mem::forget(permit);
            }
        });
        assert_eq!(admitted.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn cb_6_of_three_threads_no_failure_is_lost() {
    check(|| {
        let time = ManualClock::new();
        let (breaker, told) = told(&time);
        let shared = breaker.clone();
        spawn(3, move |_| {
            if let Ok(permit) = shared.acquire() {
                permit.failure();
            }
        });
        assert_eq!((breaker.state(), told.lock().unwrap().len()), (State::Open, 1));
    });
}

#[test]
fn from_whatever_threads_leave_behind_it_closes_again() {
    check(|| {
        let time = ManualClock::new();
        let (breaker, _) = told(&time);
        (0..3).for_each(|_| breaker.acquire().unwrap().failure());
        time.advance(secs(5));
        let shared = breaker.clone();
        spawn(4, move |number| match (shared.acquire(), number) {
            (Ok(permit), 0) => permit.success(),
            (Ok(permit), 1) => permit.failure(),
            (Ok(permit), 2) => drop(permit),
            (Ok(permit), _) => std::mem::forget(permit),
            (Err(_), _) => shared.reconfigure(|builder| builder.probes(1).successes(1)).unwrap(),
        });
        for _ in 0..4 {
            time.advance(secs(120));
            while let Ok(permit) = breaker.acquire() {
                permit.success();
                if breaker.state() == State::Closed {
                    return;
                }
            }
        }
        panic!("{:?}", breaker.snapshot());
    });
}

#[test]
fn od_1_whatever_threads_do_to_hosts_the_count_of_ejected_ones_is_right() {
    check(|| {
        let time = ManualClock::new();
        let told: Arc<std::sync::Mutex<Vec<OutlierEvent>>> = Arc::default();
        let events = Arc::clone(&told);
        let builder = Outliers::builder().consecutive(ConsecutiveFailures::of(2)).max_ejected(0.5);
        let builder = builder.on_event(move |event| events.lock().unwrap().push(event.clone()));
        let set: Outliers = builder.clock(time.clock()).build().unwrap();
        let hosts: Vec<Host> = ["a", "b", "c", "d"].iter().map(|key| set.host(*key).unwrap()).collect();
        let (shared, theirs, clock) = (set.clone(), hosts.clone(), time.clone());
        spawn(4, move |number| match number {
            0 => {
                clock.advance(secs(40));
                shared.sweep();
                shared.force_return("a", "well").unwrap();
            }
            1 => shared.force_eject("b", "ill").unwrap(),
            _ => (0..4).for_each(|call| {
                if let Ok(permit) = theirs[call % 3].acquire() {
                    permit.failure();
                }
            }),
        });
        let ejected = hosts.iter().filter(|host| host.is_ejected()).count();
        assert_eq!(set.snapshot().ejected, ejected);
        let told = told.lock().unwrap();
        for host in &hosts {
            let of_it = || told.iter().filter(|event| &*event.host == host.key());
            let last = of_it().filter(|event| !matches!(event.change, HostChange::Spared { .. })).last();
            let is_out = last.is_some_and(|event| matches!(event.change, HostChange::Ejected { .. }));
            assert_eq!(is_out, host.is_ejected(), "{} in {told:?}", host.key());
        }
    });
}
