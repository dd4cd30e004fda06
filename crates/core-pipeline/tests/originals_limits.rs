//! Bugs of the originals' limits on rates and on calls at once, each by the behaviour that it broke.

use core_limit::{Bulkhead, Rate, SlidingWindow};
use core_time::{ManualClock, ms, secs};

/// One of the originals counted what it had counted itself: of a hundred it let 63 pass.
#[test]
fn s_a_hundred_a_minute_are_a_hundred_whoever_of_several_asks() {
    let time = ManualClock::new();
    let rate = Rate::per_minute(100).burst(100).clock(time.clock()).build().unwrap();
    let window = SlidingWindow::per(100, secs(60)).clock(time.clock()).build().unwrap();
    let (rates, windows) = (vec![rate.clone(); 4], vec![window.clone(); 4]);
    let passed = |at: usize| (rates[at % 4].take(1).is_ok(), windows[at % 4].take(1).is_ok());
    for at in 0..100 {
        assert_eq!(passed(at), (true, true), "request {at}");
        time.advance(ms(30));
    }
    // After three seconds: what the rate has let in again meanwhile is five; the window lets in nothing before its end.
    assert_eq!((0..50).filter(|at| rates[at % 4].take(1).is_ok()).count(), 5);
    assert_eq!((0..50).filter(|at| windows[at % 4].take(1).is_ok()).count(), 0);
}

/// One of the originals put the end off with each request, and named the same time to come back whenever it was asked.
#[test]
fn s_who_keeps_asking_is_let_in_when_it_was_said() {
    let time = ManualClock::new();
    let rate = Rate::per_minute(60).burst(1).clock(time.clock()).build().unwrap();
    rate.take(1).unwrap();
    for tenth in 0..10 {
        let refused = rate.take(1).unwrap_err();
        assert_eq!(refused.retry_after(), Some(ms(1_000 - 100 * tenth)));
        time.advance(ms(100));
    }
    assert!(rate.take(1).is_ok());
}

/// One of the originals let three more in after one had gone, and counted under nothing when one was given back twice.
#[test]
fn s_for_one_that_goes_one_may_come() {
    let bulkhead = Bulkhead::max(3).queue(0).build().unwrap();
    let mut held: Vec<_> = (0..3).map(|_| bulkhead.acquire().unwrap()).collect();
    for _ in 0..5 {
        assert!(bulkhead.acquire().is_err());
        // What is given back is gone: nothing is left to give back a second time.
        held.remove(0).success();
        held.push(bulkhead.acquire().unwrap());
        assert!(bulkhead.acquire().is_err(), "and no more than one");
    }
    drop(held);
    assert_eq!(bulkhead.snapshot().in_use, 0);
}
