//! Every interleaving of a few threads at the moments that count. Run with `cargo xtask test --only loom`.
#![cfg(genesis_loom)]
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::sync::Arc;

use core_breaker::{Breaker, State};
use core_time::{ManualClock, secs};
use loom::thread;

/// A circuit that is open, and whose time is over.
fn due(probes: u32) -> (ManualClock, Breaker) {
    let time = ManualClock::new();
    let builder = Breaker::consecutive(1).open_for(secs(5)).jitter(false).probes(probes).successes(1);
    let breaker = builder.clock(time.clock()).build().unwrap();
    breaker.acquire().unwrap().failure();
    assert_eq!(breaker.state(), State::Open);
    time.advance(secs(5));
    (time, breaker)
}

#[test]
fn cb_36_of_two_threads_one_gets_the_only_permit_in_every_order() {
    loom::model(|| {
        let (_time, breaker) = due(1);
        let other = breaker.clone();
        let theirs = thread::spawn(move || other.acquire().map(std::mem::forget).is_ok());
        let ours = breaker.acquire().map(std::mem::forget).is_ok();
        let theirs = theirs.join().unwrap();
        assert!(ours ^ theirs, "ours {ours}, theirs {theirs}");
    });
}

#[test]
fn cb_27_a_result_of_before_never_counts_after_in_any_order() {
    loom::model(|| {
        let time = ManualClock::new();
        let builder = Breaker::consecutive(2).open_for(secs(5)).jitter(false);
        let breaker = builder.clock(time.clock()).build().unwrap();
        let early = breaker.acquire().unwrap();
        let operator = breaker.clone();
        let closed = thread::spawn(move || operator.close("the operator knows better").unwrap());
        // The failure of a call that began before the operator closed the circuit anew.
        early.failure();
        closed.join().unwrap();
        let fresh = breaker.acquire().unwrap();
        fresh.failure();
        assert_eq!(breaker.state(), State::Closed, "one failure in this generation, and it takes two");
    });
}

#[test]
fn each_change_is_published_once_in_any_order() {
    loom::model(|| {
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let events = Arc::clone(&told);
        let builder =
            Breaker::consecutive(1).on_change(move |event| events.lock().unwrap().push(event.clone()));
        let breaker = builder.build().unwrap();
        let (a, b) = (breaker.acquire().unwrap(), breaker.acquire().unwrap());
        let other = breaker.clone();
        drop(b);
        let theirs = thread::spawn(move || {
            if let Ok(permit) = other.acquire() {
                permit.failure();
            }
        });
        a.failure();
        theirs.join().unwrap();
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(breaker.state(), State::Open);
    });
}
