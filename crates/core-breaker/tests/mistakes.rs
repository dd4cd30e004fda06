//! What breakers have got wrong elsewhere, and must not here: the mistakes 7 to 10 of the project's list, of breakers and of sets of
//! hosts alike; and two rows of rules that had no test of their own.
#![cfg(not(any(genesis_loom, genesis_shuttle)))]

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use core_breaker::{Breaker, Builder, ConsecutiveFailures, Decay, Event, Outliers, OutliersBuilder, State};
use core_errors::Error;
use core_time::{ManualClock, secs};

/// A breaker of each kind that keeps books of its own.
fn of_each_kind() -> Vec<Builder> {
    vec![
        Breaker::consecutive(1_000),
        Breaker::rate(1.0).window(secs(10)),
        Breaker::rate(1.0).window_of_calls(100),
        Breaker::average(0.1, Decay::Calls(100)).min_calls(1_000),
        Breaker::failures(1_000).lumping(Duration::from_nanos(1)),
    ]
}

/// A set of ten hosts, of which one failure ejects one.
fn touchy(time: &ManualClock) -> OutliersBuilder {
    Outliers::builder().consecutive(ConsecutiveFailures::of(1)).clock(time.clock())
}

fn count(events: &AtomicU64) {
    events.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn mistake_7_no_lock_is_held_during_the_call() {
    for builder in of_each_kind() {
        let breaker = builder.build().unwrap();
        let both_inside = Barrier::new(2);
        let call = |ok: bool| {
            let within = breaker.call_blocking(|_| {
                both_inside.wait();
                // A lock that the call held would stop all of this.
                breaker.acquire().unwrap().failure();
                breaker.reconfigure(|builder| builder.open_for(secs(7))).unwrap();
                assert_eq!(breaker.snapshot().state, State::Closed);
                both_inside.wait();
                if ok { Ok(()) } else { Err(Error::network("hung up")) }
            });
            assert_eq!(within.is_ok(), ok);
        };
        thread::scope(|scope| {
            scope.spawn(|| call(true));
            call(false);
        });
        assert_eq!(breaker.snapshot().totals.calls(), 4);
    }
}

#[test]
fn mistake_7_no_lock_is_held_during_a_probe() {
    let time = ManualClock::new();
    let builder = Breaker::consecutive(1).open_for(secs(5)).jitter(false).probes(2).successes(2);
    let breaker = builder.clock(time.clock()).build().unwrap();
    breaker.acquire().unwrap().failure();
    time.advance(secs(5));
    let both_inside = Barrier::new(2);
    let probe = || {
        breaker.call_blocking(|_| {
            both_inside.wait();
            assert_eq!(breaker.snapshot().state, State::HalfOpen);
            assert!(breaker.acquire().is_err(), "both probes are out");
            both_inside.wait();
            Ok::<_, Error>(())
        })
    };
    thread::scope(|scope| {
        let theirs = scope.spawn(probe);
        probe().unwrap();
        theirs.join().unwrap().unwrap();
    });
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn mistake_7_no_lock_of_a_set_is_held_during_a_call_to_a_host() {
    let set: Outliers = touchy(&ManualClock::new()).build().unwrap();
    let hosts: Vec<_> = (0..10).map(|n| set.host(&*n.to_string()).unwrap()).collect();
    let within = hosts[0].call_blocking(|_| {
        hosts[1].acquire().unwrap().failure();
        set.force_return("1", "well").unwrap();
        set.reconfigure(|builder| builder.interval(secs(5))).unwrap();
        set.sweep();
        assert!(set.forget("2") && set.snapshot().hosts.len() == 9);
        Ok::<_, Error>(7)
    });
    assert_eq!(within.unwrap(), 7);
}

/// Runs `step` on eight threads at once, a number of times.
fn at_once(rounds: u32, step: impl Fn(u32) + Sync, between: impl Fn(u32) + Sync) {
    let together = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for round in 0..rounds {
                    together.wait();
                    step(round);
                    if together.wait().is_leader() {
                        between(round);
                    }
                }
            });
        }
    });
}

#[test]
fn mistake_8_a_change_that_many_threads_try_takes_effect_once() {
    const ROUNDS: u32 = 300;
    let time = ManualClock::new();
    let told: Arc<Mutex<Vec<Event>>> = Arc::default();
    let events = Arc::clone(&told);
    let admitted = AtomicU64::new(0);
    let builder = Breaker::consecutive(3).open_for(secs(5)).jitter(false).probes(2).successes(2);
    let builder = builder.on_change(move |event| events.lock().unwrap().push(event.clone()));
    let breaker = builder.clock(time.clock()).build().unwrap();
    let step = |_| {
        if let Ok(permit) = breaker.acquire() {
            admitted.fetch_add(1, Ordering::Relaxed);
            if breaker.state() == State::HalfOpen { permit.success() } else { permit.failure() }
        }
    };
    at_once(ROUNDS, step, |_| time.advance(secs(5)));
    let (told, snapshot) = (told.lock().unwrap(), breaker.snapshot());
    assert!(told.len() >= ROUNDS as usize / 2, "it opened and closed: {}", told.len());
    for pair in told.windows(2) {
        assert_eq!((pair[0].to, pair[0].generation + 1), (pair[1].from, pair[1].generation));
    }
    let opened = told.iter().filter(|event| event.to == State::Open).count() as u64;
    assert_eq!(snapshot.opened, opened);
    let totals = snapshot.totals;
    assert_eq!(
        totals.calls() + totals.late,
        admitted.load(Ordering::Relaxed),
        "each result once: {totals:?}"
    );
    assert_eq!(totals.rejected + admitted.load(Ordering::Relaxed), u64::from(8 * ROUNDS));
}

#[test]
fn mistake_8_of_hosts_that_fail_at_once_one_is_ejected_and_each_is_told_once() {
    const ROUNDS: u32 = 300;
    let time = ManualClock::new();
    let told = Arc::new(AtomicU64::new(0));
    let events = Arc::clone(&told);
    let builder = touchy(&time).on_event(move |_| count(&events));
    let set: Outliers = builder.build().unwrap();
    let hosts: Vec<_> = (0..10).map(|n| set.host(&*n.to_string()).unwrap()).collect();
    let step = |round: u32| {
        let host = &hosts[round as usize % 10];
        if let Ok(permit) = host.acquire() {
            permit.failure();
        }
    };
    let between = |round: u32| {
        let name = (round % 10).to_string();
        assert!(set.is_ejected(&*name), "round {round}");
        assert_eq!(set.snapshot().ejected, 1);
        set.force_return(&*name, "well").unwrap();
        // What others found after it was ejected does not count against it.
        assert_eq!(set.snapshot().ejected, 0);
    };
    at_once(ROUNDS, step, between);
    let totals = set.snapshot().totals;
    assert_eq!((totals.ejected, totals.returned), (u64::from(ROUNDS), u64::from(ROUNDS)));
    assert_eq!(told.load(Ordering::Relaxed), u64::from(2 * ROUNDS));
}

#[test]
fn mistake_9_time_is_looked_at_when_somebody_asks_and_nothing_runs_meanwhile() {
    let time = ManualClock::new();
    let told = Arc::new(AtomicU64::new(0));
    let events = Arc::clone(&told);
    let builder = Breaker::consecutive(1).on_change(move |_| count(&events));
    // There is no runtime here, and so no timer.
    let breaker = builder.clock(time.clock()).build().unwrap();
    breaker.acquire().unwrap().failure();
    time.advance(secs(366 * 24 * 3_600));
    assert_eq!((breaker.state(), told.load(Ordering::Relaxed)), (State::Open, 1));
    let probe = breaker.acquire().unwrap();
    assert_eq!((breaker.state(), told.load(Ordering::Relaxed)), (State::HalfOpen, 2));
    drop(probe);

    let set: Outliers = touchy(&time).build().unwrap();
    let hosts: Vec<_> = (0..10).map(|n| set.host(&*n.to_string()).unwrap()).collect();
    hosts[0].acquire().unwrap().failure();
    time.advance(secs(366 * 24 * 3_600));
    assert!(hosts[0].is_ejected());
    assert!(hosts[0].acquire().is_ok() && !hosts[0].is_ejected());
}

#[test]
fn mistake_10_no_other_clock_than_the_one_given_is_read() {
    // The clock stands still, and the shortest times pass on every other.
    let moment = Duration::from_nanos(1);
    let time = ManualClock::new();
    let breaker = Breaker::consecutive(1).open_for(moment).jitter(false).clock(time.clock()).build().unwrap();
    breaker.acquire().unwrap().failure();
    let set: Outliers = touchy(&time).ejection(moment).interval(moment).build().unwrap();
    let hosts: Vec<_> = (0..10).map(|n| set.host(&*n.to_string()).unwrap()).collect();
    hosts[0].acquire().unwrap().failure();
    for _ in 0..10_000 {
        assert_eq!(breaker.acquire().unwrap_err().retry_after(), Some(moment));
        assert_eq!(hosts[0].acquire().unwrap_err().retry_after(), Some(moment));
    }
    time.advance(moment);
    assert!(breaker.acquire().is_ok() && hosts[0].acquire().is_ok());
}

#[test]
fn mistake_10_a_clock_that_goes_back_returns_no_host_and_forgets_none() {
    let time = ManualClock::new();
    time.advance(secs(1_000));
    let set: Outliers = touchy(&time).build().unwrap();
    let hosts: Vec<_> = (0..10).map(|n| set.host(&*n.to_string()).unwrap()).collect();
    hosts[0].acquire().unwrap().failure();
    let ejected_at = time.now();
    time.set(ejected_at - secs(900));
    set.sweep();
    assert!(hosts[0].acquire().is_err());
    time.set(ejected_at + secs(30));
    assert!(hosts[0].acquire().is_ok());
    assert_eq!(set.snapshot().hosts.len(), 10);
}

#[test]
fn cb_1_eleven_calls_of_which_a_fifth_failed_trip_at_a_tenth_of_at_least_ten() {
    for builder in [Breaker::rate(1.0).window(secs(10)), Breaker::rate(1.0).window_of_calls(100)] {
        let breaker = builder.min_calls(10).build().unwrap();
        // The eleventh call decides: the ten before it came when all had to fail.
        for call in 0..10 {
            let permit = breaker.acquire().unwrap();
            if call < 2 { permit.failure() } else { permit.success() }
        }
        breaker.reconfigure(|builder| builder.or_rate(0.1)).unwrap();
        assert_eq!(breaker.state(), State::Closed);
        breaker.acquire().unwrap().success();
        assert_eq!(breaker.state(), State::Open, "{}", breaker.snapshot().rules);
    }
}

#[test]
fn cb_13_half_of_the_calls_trip_at_half() {
    let breaker = Breaker::rate(0.5).min_calls(10).window(secs(10)).build().unwrap();
    for call in 0..10 {
        assert_eq!(breaker.state(), State::Closed);
        let permit = breaker.acquire().unwrap();
        if call % 2 == 0 { permit.success() } else { permit.failure() }
    }
    assert_eq!(breaker.state(), State::Open, "at the threshold, and not only over it");
}

/// What a subscriber panics with, and what panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            std::panic::panic_any("dropped");
        }
    }
}

#[test]
fn cb_35_what_a_subscriber_panics_with_may_panic_again_and_no_event_is_held_up() {
    let told = Arc::new(AtomicU32::new(0));
    let (of_breaker, of_hosts) = (Arc::clone(&told), Arc::clone(&told));
    let breaker = Breaker::consecutive(1)
        .open_by(|_| std::panic::panic_any(Bomb))
        .on_change(|_| std::panic::panic_any(Bomb))
        .on_change(move |_| _ = of_breaker.fetch_add(1, Ordering::Relaxed))
        .build()
        .unwrap();
    breaker.acquire().unwrap().failure();
    breaker.close("again").unwrap();
    assert_eq!(told.swap(0, Ordering::Relaxed), 2);
    let hosts: Outliers = Outliers::builder()
        .on_event(|_| std::panic::panic_any(Bomb))
        .on_event(move |_| _ = of_hosts.fetch_add(1, Ordering::Relaxed))
        .build()
        .unwrap();
    let _known = hosts.host("a").unwrap();
    hosts.force_eject("a", "once").unwrap();
    hosts.force_return("a", "and back").unwrap();
    assert_eq!(told.load(Ordering::Relaxed), 2);
}

#[test]
fn mistake_16_what_is_refused_here_or_further_in_or_ignored_is_in_no_denominator() {
    let time = ManualClock::new();
    for window in [Breaker::rate(0.5).window_of_calls(100), Breaker::rate(0.5).window(secs(1_000))] {
        let builder = window.min_calls(10).open_for(secs(5)).jitter(false).probes(1).successes(1);
        let breaker = builder.ramp_up(0.1, secs(100)).clock(time.clock()).build().unwrap();
        (0..10).for_each(|_| breaker.acquire().unwrap().failure());
        time.advance(secs(5));
        breaker.acquire().unwrap().success();
        // It comes back bit by bit: most are refused. Of those that are not, some are never recorded, as when a policy further in
        // refuses them, and some say nothing.
        let (mut admitted, mut refused) = (0, 0);
        while admitted < 9 {
            match breaker.acquire() {
                Err(_) => refused += 1,
                Ok(permit) => {
                    admitted += 1;
                    match admitted % 3 {
                        0 => permit.failure(),
                        1 => drop(permit),
                        _ => permit.record_verdict(core_errors::Verdict::Ignore),
                    }
                }
            }
        }
        let shown = breaker.snapshot();
        assert!(refused > 50, "{refused}");
        assert_eq!((shown.window.calls, shown.window.failures, shown.state), (3, 3, State::Closed));
        assert_eq!(shown.failure_rate, None, "three calls are fewer than ten, whatever was refused");
    }
}
