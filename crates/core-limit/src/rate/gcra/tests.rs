//! The numbers that a rate is made of.

use core_time::{ms, secs};

use super::*;

#[test]
fn rl_1_a_rate_is_kept_in_the_largest_units_that_make_its_interval_whole() {
    assert_eq!(units_of(1_000, secs(1), 1), (1, 1_000_000));
    assert_eq!(units_of(7, secs(1), 10), (7, 1_000_000_000));
    assert_eq!(units_of(300, secs(7), 1), (3, 70_000_000));
    assert_eq!(units_of(16, Duration::from_nanos(15), 1), (16, 15), "as fine as they get");
    assert_eq!(units_of(17, secs(1), 1), (1, 58_823_530), "finer is rounded, and not faster than asked for");
    let years = Duration::from_nanos(1_000_000_000_000_000_000);
    assert_eq!(units_of(3, years, 4), (3, 1_000_000_000_000_000_000));
    assert_eq!(units_of(3, years, 5), (1, 333_333_333_333_333_334), "there is no room for five");
}

#[test]
fn a_rate_is_off_from_more_than_a_hundredth_on() {
    assert!(!is_off(1, Duration::from_nanos(100), 1, 101) && is_off(1, Duration::from_nanos(100), 1, 102));
    assert!(!is_off(3, Duration::from_nanos(100), 3, 101) && is_off(3, Duration::from_nanos(100), 3, 102));
    assert!(Gcra::is_off(999_999_937, secs(1), 1), "two nanoseconds instead of one");
    assert!(!Gcra::is_off(17, secs(1), 1));
    let at_work = Gcra::new(10, secs(1), 10, Duration::ZERO, Instant::ORIGIN);
    assert!(at_work.can_be(17, secs(1)) && !at_work.can_be(700_000_000, secs(1)));
}

#[test]
fn rl_1_what_is_left_and_when_all_is_there_again_is_told_at_any_time() {
    let gcra = Gcra::new(10, secs(1), 10, Duration::ZERO, Instant::ORIGIN);
    for start in [secs(0), secs(5), secs(3_600)] {
        let now = Instant::ORIGIN + start;
        let taken = gcra.take(3, now).unwrap_or_else(|refused| panic!("{refused:?}"));
        assert_eq!((taken.remaining, taken.reset), (7, ms(300)), "after {start:?}");
    }
}

#[test]
fn rl_1_to_take_nothing_is_to_look_in_debt_as_well() {
    let gcra = Gcra::new(10, secs(1), 10, secs(60), Instant::ORIGIN);
    gcra.charge(15, Instant::ORIGIN);
    assert_eq!(gcra.take(0, Instant::ORIGIN).map(|taken| (taken.remaining, taken.reset)), Ok((0, ms(1_500))));
    gcra.charge(10, Instant::ORIGIN);
    assert!(gcra.reserve(0, Instant::ORIGIN, Duration::ZERO).is_ok());
    assert!(gcra.reserve(1, Instant::ORIGIN, Duration::ZERO).is_err());
}

#[test]
fn rl_8_a_rate_of_one_a_nanosecond_has_room_for_its_burst() {
    let gcra = Gcra::new(10, secs(1), 10, Duration::ZERO, Instant::ORIGIN);
    gcra.change(1_000_000_000, secs(1), 5, Instant::ORIGIN + secs(9));
    assert!(gcra.take(5, Instant::ORIGIN + secs(9)).is_ok());
    assert!(gcra.take(1, Instant::ORIGIN + secs(9)).is_err());
}

#[test]
fn rl_8_another_rate_in_finer_units_than_nanoseconds_is_exact() {
    let gcra = Gcra::new(300, secs(7), 1, Duration::ZERO, Instant::ORIGIN);
    let mut now = Instant::ORIGIN + secs(7);
    gcra.change(150, secs(7), 1, now);
    for n in 0..150 {
        assert!(gcra.take_one(now).is_ok(), "{n}");
        assert!(gcra.take_one(now + Duration::from_nanos(46_666_666)).is_err(), "{n}");
        now = now + Duration::from_nanos(46_666_667);
    }
}

#[test]
fn rl_1_three_in_seventy_milliseconds_are_there_to_the_nanosecond() {
    let gcra = Gcra::new(300, secs(7), 3, Duration::ZERO, Instant::ORIGIN);
    gcra.change(300, secs(7), 3, Instant::ORIGIN);
    let start = Instant::ORIGIN + secs(7);
    assert!(gcra.take(3, start).is_ok());
    assert!(gcra.take(3, start + Duration::from_nanos(69_999_999)).is_err());
    assert!(gcra.take(3, start + ms(70)).is_ok());
}

#[test]
fn what_a_smaller_bucket_has_no_room_for_is_cut_off_and_told() {
    let now = Instant::ORIGIN + secs(7);
    for (taken, is_cut) in [(5, false), (6, true)] {
        let gcra = Gcra::new(10, secs(1), 10, Duration::ZERO, Instant::ORIGIN);
        assert!(gcra.take(taken, now).is_ok());
        assert_eq!(gcra.follow(10, secs(1), 5, now, 0) > 0, is_cut, "{taken} in a bucket of 5");
    }
}
