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
    assert!(cx.may_repeat() && cx.waited() > Duration::from_secs(1 << 28));
}

#[test]
fn of_two_deadlines_the_earlier_counts_until_it_is_undone() {
    let time = ManualClock::new();
    let clock = time.clock();
    let at = |millis| clock.now() + ms(millis);
    let mut frame = Frame::new(Some(at(9)));
    let mut cx = Cx::new(&clock, None, &mut frame);
    assert_eq!((cx.deadline(), cx.may_wait()), (Some(at(9)), false));
    cx.end_by(at(5));
    cx.end_by(at(7));
    assert_eq!(cx.deadline(), Some(at(5)));
    cx.reset_deadline(Some(at(9)));
    assert_eq!(cx.deadline(), Some(at(9)));
    cx.reset_deadline(None);
    cx.end_by(at(3));
    assert_eq!(cx.deadline(), Some(at(3)));
    assert!(Cx::new(&clock, Some(Waker::noop()), &mut frame).may_wait());
}

#[test]
fn the_time_is_read_once_until_it_is_forgotten() {
    let time = ManualClock::new();
    let clock = time.clock();
    let mut frame = Frame::new(None);
    let first = Cx::new(&clock, None, &mut frame).now();
    assert_eq!(first, clock.now());
    time.advance(ms(5));
    assert_eq!(Cx::new(&clock, None, &mut frame).now(), first);
    frame.forget_now();
    assert_eq!(Cx::new(&clock, None, &mut frame).now(), first + ms(5));
}

#[test]
fn of_two_limits_the_shorter_counts_until_it_is_forgotten() {
    let clock = ManualClock::new().clock();
    let mut frame = Frame::new(None);
    assert_eq!(frame.remaining(&clock), None);
    for (limit, left) in
        [(Duration::MAX, None), (ms(9), Some(ms(9))), (ms(5), Some(ms(5))), (ms(7), Some(ms(5)))]
    {
        Cx::new(&clock, None, &mut frame).aside(|cx| cx.limit_attempt(limit));
        assert_eq!(frame.remaining(&clock), left);
    }
    Cx::new(&clock, None, &mut frame).limit_attempt(Duration::ZERO);
    assert_eq!(frame.remaining(&clock), Some(Duration::ZERO), "no time is not the same as no limit");
    frame.forget_limit();
    assert_eq!(frame.remaining(&clock), None);
}

#[test]
fn an_exact_reading_is_shared_until_it_is_taken() {
    let time = ManualClock::lagging(ms(4));
    time.advance(ms(9));
    let clock = time.clock();
    let mut frame = Frame::new(None);
    frame.add_wait(ms(3));
    assert_eq!(Cx::new(&clock, None, &mut frame).now(), clock.now_coarse());
    assert_eq!(Cx::new(&clock, None, &mut frame).now_exact(), clock.now(), "a coarse one will not do");
    assert_eq!(frame.take_exact(), None);
    let read = clock.now();
    frame.know_exact(read);
    time.advance(ms(1));
    let mut cx = Cx::new(&clock, None, &mut frame);
    assert_eq!((cx.now(), cx.now_exact(), cx.waited()), (read, read, ms(3)));
    assert_eq!(frame.take_exact(), Some(read));
    assert_eq!(frame.take_exact(), None);
    assert_eq!(Cx::new(&clock, None, &mut frame).now(), clock.now_coarse(), "time has gone by");
    assert_eq!(Cx::new(&clock, None, &mut frame).now_exact(), clock.now());
}

#[test]
fn what_is_noted_aside_is_noted() {
    let time = ManualClock::new();
    let clock = time.clock();
    let (soon, late) = (clock.now() + ms(5), clock.now() + ms(9));
    let mut frame = Frame::new(Some(late));
    frame.forbid_repeats();
    frame.add_wait(ms(3));
    let (seen, asked) = Cx::new(&clock, Some(Waker::noop()), &mut frame).aside(|cx| {
        cx.end_by(soon);
        cx.limit_attempt(ms(4));
        cx.forbid_doubles();
        cx.uncount_attempt();
        ((cx.waited(), cx.may_repeat(), cx.may_wait()), cx.now())
    });
    assert_eq!(seen, (ms(3), false, true), "and it knows what was noted before");
    time.advance(ms(1));
    let mut cx = Cx::new(&clock, None, &mut frame);
    assert_eq!((cx.deadline(), cx.now(), cx.waited()), (Some(soon), asked, ms(3)));
    assert!(!cx.may_repeat() && !frame.is_idempotent() && frame.take_uncounted());
    frame.deadline = None;
    assert_eq!(frame.remaining(&clock), Some(ms(4)));
}

#[test]
fn a_wait_is_counted_once_and_from_when_it_began() {
    let time = ManualClock::lagging(ms(4));
    time.advance(ms(9));
    let clock = time.clock();
    let mut frame = Frame::new(None);
    frame.forbid_repeats();
    frame.unpark(&clock);
    for waited in [ms(7), ms(14)] {
        frame.park(&clock);
        assert_eq!(frame.take_exact(), Some(clock.now()), "who asks for the cut-off need not read it again");
        time.advance(ms(7));
        frame.unpark(&clock);
        frame.unpark(&clock);
        let mut cx = Cx::new(&clock, None, &mut frame);
        assert_eq!((cx.waited(), cx.may_repeat()), (waited, false));
        assert_eq!(
            (cx.now(), cx.now_exact()),
            (clock.now_coarse(), clock.now()),
            "and not since when it waited"
        );
        frame.forget_now();
        time.advance(ms(1));
    }
}

/// What the delay of a retry is kept in is the limit of an attempt at other times: neither is taken for the other.
#[test]
fn a_delay_is_said_where_it_is_asked_for_and_is_no_limit() {
    let clock = ManualClock::new().clock();
    let mut frame = Frame::new(None);
    Cx::new(&clock, None, &mut frame).limit_attempt(ms(9));
    Cx::new(&clock, None, &mut frame).retry_in(ms(2));
    assert_eq!(frame.remaining(&clock), Some(ms(9)), "nobody has asked");
    frame.ask_delay();
    assert_eq!(frame.take_delay(), Duration::ZERO, "nobody has said, and the limit is none");
    assert_eq!(frame.remaining(&clock), None);
    for said in [Duration::ZERO, ms(2), Duration::from_nanos(u64::MAX - 1)] {
        frame.add_wait(ms(1));
        frame.ask_delay();
        Cx::new(&clock, None, &mut frame).retry_in(said);
        assert_eq!(frame.take_delay(), said);
        assert_eq!(frame.remaining(&clock), None);
    }
    frame.ask_delay();
    Cx::new(&clock, None, &mut frame).retry_in(Duration::MAX);
    assert_eq!(frame.take_delay(), Duration::from_nanos(u64::MAX - 1), "the longest is not none");
    Cx::new(&clock, None, &mut frame).retry_in(ms(2));
    assert_eq!(frame.remaining(&clock), None, "it was asked for once");
    assert_eq!(Cx::new(&clock, None, &mut frame).waited(), ms(3));
}

/// Who is not parked has not waited, whatever is known of the time.
#[test]
fn only_who_is_parked_has_waited_when_it_goes_on() {
    let time = ManualClock::new();
    let clock = time.clock();
    let mut frame = Frame::new(None);
    let known = Cx::new(&clock, None, &mut frame).now();
    time.advance(ms(5));
    frame.unpark(&clock);
    assert_eq!(Cx::new(&clock, None, &mut frame).waited(), Duration::ZERO);
    assert_eq!(Cx::new(&clock, None, &mut frame).now(), known, "what is known stays");
    frame.park(&clock);
    assert!(frame.take_exact().is_some());
    time.advance(ms(5));
    frame.unpark(&clock);
    assert_eq!(Cx::new(&clock, None, &mut frame).waited(), ms(5));
}

#[test]
fn the_time_of_a_call_runs_from_its_first_wait_or_failure() {
    let time = ManualClock::new();
    let clock = time.clock();
    let mut frame = Frame::new(None);
    time.advance(ms(5));
    assert_eq!(Cx::new(&clock, None, &mut frame).elapsed(), Duration::ZERO);
    frame.started = Some(clock.now());
    time.advance(ms(5));
    assert_eq!(Cx::new(&clock, None, &mut frame).elapsed(), ms(5));
}
