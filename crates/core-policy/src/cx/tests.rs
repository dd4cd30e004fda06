use core_time::{ManualClock, ms};

use super::*;

/// What is said of a call is in one word with the time it has waited: neither changes the other.
#[test]
fn what_is_said_of_a_call_does_not_change_how_long_it_has_waited() {
    let clock = ManualClock::new().clock();
    let mut frame = Frame::new(None);
    frame.add_wait(ms(3));
    frame.forbid_repeats();
    Cx::new(&clock, None, &mut frame).forbid_doubles();
    Cx::new(&clock, None, &mut frame).uncount_attempt();
    frame.add_wait(ms(4));
    let cx = Cx::new(&clock, None, &mut frame);
    assert_eq!((cx.waited(), cx.may_repeat()), (ms(7), false));
    assert!(!frame.is_idempotent());
    assert!(frame.take_uncounted());
    assert!(!frame.take_uncounted(), "it is said of one attempt");
    assert!(!frame.is_idempotent(), "and this of the whole call");
}

#[test]
fn the_longest_wait_saturates_and_says_nothing() {
    let clock = ManualClock::new().clock();
    let mut frame = Frame::new(None);
    for _ in 0..3 {
        frame.add_wait(Duration::MAX);
    }
    assert!(frame.is_idempotent() && !frame.take_uncounted());
    let cx = Cx::new(&clock, None, &mut frame);
    assert!(cx.may_repeat() && cx.waited() > Duration::from_secs(1 << 30));
}
