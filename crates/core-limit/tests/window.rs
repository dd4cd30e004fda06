//! What a sliding-window counter promises, in virtual time.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use core_errors::{Error, Reason};
use core_limit::SlidingWindow;
use core_time::{ManualClock, ms, secs};
use proptest::prelude::*;

fn under(limit: u64, window: Duration) -> (ManualClock, SlidingWindow) {
    let time = ManualClock::new();
    let limit = SlidingWindow::per(limit, window).name("api").clock(time.clock()).build().unwrap();
    (time, limit)
}

#[test]
fn rl_9_of_the_last_window_counts_what_lies_in_the_one_that_ends_now() {
    let (time, limit) = under(50, secs(60));
    assert_eq!(limit.take_at_most(42), 42);
    time.advance(secs(60));
    assert_eq!(limit.take_at_most(18), 8, "all of the last window still counts");
    time.advance(secs(15));
    // floor(0.75 · 42) + 8 = 39.
    assert_eq!(limit.peek().remaining, 11);
    time.advance(secs(45));
    assert_eq!(limit.peek().remaining, 42);
    time.advance(secs(60));
    assert_eq!((limit.peek().remaining, limit.peek().reset), (50, Duration::ZERO));
}

#[test]
fn rl_9_the_cost_of_the_call_itself_is_counted() {
    let (_time, limit) = under(10, secs(1));
    limit.take(8).unwrap();
    assert!(limit.take(3).is_err(), "8 + 3 is more than 10, although 8 is less");
    limit.take(2).unwrap();
    assert!(limit.take(1).is_err());
    assert_eq!(limit.take(0).unwrap().remaining, 0, "nothing taken, always there");
}

#[test]
fn rl_10_more_than_the_limit_is_impossible() {
    let (_time, limit) = under(10, secs(1));
    let refused = limit.take(11).unwrap_err();
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::Impossible, None));
}

#[test]
fn rl_8_the_limit_changes_at_once_and_the_count_stays() {
    let (_time, limit) = under(10, secs(1));
    limit.take(6).unwrap();
    limit.set_limit(8).unwrap();
    assert_eq!((limit.peek().remaining, limit.limit()), (2, (8, secs(1))));
    limit.set_limit(4).unwrap();
    assert_eq!((limit.peek().remaining, limit.take_at_most(1)), (0, 0));
    assert!(limit.set_limit(0).is_err() && limit.set_limit(1 << 20).is_err());
    assert_eq!(limit.limit().0, 4);
}

#[test]
fn w_2_after_a_long_pause_nothing_counts() {
    let (time, limit) = under(10, secs(1));
    for pause in [secs(2), secs(3), secs(86_400 * 200), secs(1 << 24)] {
        assert_eq!(limit.take_at_most(10), 10);
        time.advance(pause + secs(2));
    }
}

#[test]
fn w_5_a_clock_that_goes_back_a_little_grants_nothing_twice() {
    let (time, limit) = under(10, secs(1));
    time.advance(ms(5_001));
    assert_eq!(limit.take_at_most(20), 10);
    time.set(time.now() - ms(5));
    assert_eq!(limit.take_at_most(20), 0, "another thread's reading");
    time.set(time.now() - secs(4));
    assert_eq!(limit.take_at_most(20), 10, "and nobody is locked out after a jump");
}

#[test]
fn w_5_a_thread_that_was_kept_from_going_on_with_its_reading_grants_nothing_twice() {
    let (time, limit) = under(10, ms(100));
    time.advance(ms(5_010));
    assert_eq!(limit.take_at_most(20), 10);
    let now = time.now();
    for behind in [5, 90, 150, 250, 900] {
        time.set(now - ms(behind));
        assert_eq!(limit.take_at_most(20), 0, "{behind} ms behind");
        let refused = limit.check().unwrap_err();
        // As soon as the next window has begun 9 of the 10 count, and none when all but a tenth of it has passed.
        let just_after = |time| ms(behind + time) + Duration::from_nanos(1);
        assert_eq!(refused.retry_after(), Some(just_after(90)), "{behind} ms behind");
        assert_eq!(limit.peek().reset, just_after(180), "{behind} ms behind");
    }
    time.set(now);
    assert_eq!(limit.take_at_most(20), 0, "all of it is of the window that lasts");
    time.advance(ms(100));
    limit.check().unwrap();
}

/// The rule, over a plain list of what was taken in which window.
struct Model {
    counts: HashMap<u128, u128>,
    limit: u128,
    window: u128,
}

impl Model {
    fn take(&mut self, n: u64, at: Duration) -> bool {
        let (window, passed) = (at.as_nanos() / self.window, at.as_nanos() % self.window);
        let count = |window: Option<u128>| window.and_then(|w| self.counts.get(&w)).copied().unwrap_or(0);
        let weight = count(window.checked_sub(1)) * (self.window - passed) / self.window;
        let is_in = n == 0 || weight + count(Some(window)) + u128::from(n) <= self.limit;
        if is_in {
            *self.counts.entry(window).or_default() += u128::from(n);
        }
        is_in
    }
}

proptest! {
    #[test]
    fn any_history_agrees_with_the_rule(
        limit in 1_u64..40,
        window in 100_u64..5_000,
        steps in prop::collection::vec((0_u64..2_000_000_000, 0_u64..12), 1..100),
    ) {
        let (time, counter) = under(limit, ms(window));
        let mut model =
            Model { counts: HashMap::new(), limit: limit.into(), window: ms(window).as_nanos() };
        for (pause, n) in steps {
            time.advance(Duration::from_nanos(pause));
            prop_assert_eq!(counter.take(n).is_ok(), model.take(n, time.elapsed()));
        }
    }

    #[test]
    fn promises_are_exact_to_the_nanosecond(
        limit in 1_u64..40,
        window in 100_u64..5_000,
        steps in prop::collection::vec((0_u64..2_000_000_000, 1_u64..12), 1..40),
    ) {
        let (time, counter) = under(limit, ms(window));
        for (pause, n) in steps {
            time.advance(Duration::from_nanos(pause));
            let before = counter.peek();
            let Err(refused) = counter.take(n) else { continue };
            prop_assert_eq!(counter.peek(), before);
            let Some(wait) = refused.retry_after() else {
                prop_assert!(n > limit);
                continue;
            };
            time.advance(wait.saturating_sub(Duration::from_nanos(1)));
            prop_assert!(counter.take(n).is_err(), "a nanosecond early");
            time.advance(Duration::from_nanos(1));
            prop_assert!(counter.take(n).is_ok(), "at the time promised");
        }
    }
}

#[test]
fn everything_is_there_again_at_the_reset() {
    let (time, limit) = under(10, secs(1));
    time.advance(ms(300));
    for n in [3, 5] {
        limit.take(n).unwrap();
        let reset = limit.peek().reset;
        time.advance(reset.saturating_sub(Duration::from_nanos(1)));
        assert!(limit.peek().remaining < 10);
        time.advance(Duration::from_nanos(1));
        assert_eq!((limit.peek().remaining, limit.peek().reset), (10, Duration::ZERO));
    }
}

#[test]
fn a_window_of_a_month_counts_too() {
    let (time, limit) = under(1_000_000, secs(31 * 86_400));
    assert_eq!(limit.take_at_most(u64::MAX), 1_000_000);
    time.advance(secs(31 * 86_400 * 3 / 2));
    assert!(limit.peek().remaining.abs_diff(500_000) <= 1);
}

#[test]
fn threads_together_get_the_limit_and_no_more() {
    let (_time, limit) = under(1_000, secs(60));
    let admitted = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    admitted.fetch_add(u64::from(limit.check().is_ok()), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!((admitted.into_inner(), limit.stats().allowed, limit.stats().refused), (1_000, 1_000, 3_000));
}

#[test]
fn a_call_over_the_limit_never_runs() {
    let (_time, limit) = under(1, secs(1));
    assert!(limit.call_blocking(|_| Ok::<_, Error>(())).is_ok());
    let refused =
        limit.call_blocking(|_| -> Result<(), Error> { unreachable!("it was refused") }).unwrap_err();
    assert_eq!(refused.rejection().unwrap().retry_after(), Some(secs(1) + Duration::from_nanos(1)));
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    for (builder, text) in [
        (SlidingWindow::per(0, secs(1)), "the limit is zero"),
        (SlidingWindow::per(1 << 20, secs(1)), "up to 1048575"),
        (SlidingWindow::per(1, ms(99)), "100 ms to 31 days"),
        (SlidingWindow::per(1, secs(32 * 86_400)), "100 ms to 31 days"),
        (SlidingWindow::per(1, secs(1)).name(""), "cannot be a name"),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(text), "{error:?} should say {text:?}");
    }
}

#[test]
fn everything_is_there_again_once_the_last_window_counts_no_more() {
    let time = ManualClock::new();
    let limit = SlidingWindow::per(10, secs(1)).clock(time.clock()).build().unwrap();
    limit.take(5).unwrap();
    time.advance(secs(1));
    // Of five, none counts once more than four fifths of the window have gone by.
    let reset = limit.peek().reset;
    time.advance(reset.saturating_sub(Duration::from_nanos(1)));
    assert_eq!(limit.peek().remaining, 9);
    time.advance(Duration::from_nanos(1));
    assert_eq!(limit.peek().remaining, 10);
    assert!(reset > ms(790) && reset <= ms(801), "{reset:?}");
}

#[test]
fn a_long_window_says_how_long_to_wait() {
    let month = secs(30 * 24 * 3_600);
    let time = ManualClock::new();
    let limit = SlidingWindow::per(1, month).clock(time.clock()).build().unwrap();
    limit.take(1).unwrap();
    let wait = limit.take(1).unwrap_err().retry_after().unwrap();
    assert!(wait >= month && wait <= month + secs(60), "{wait:?}");
    assert!(limit.peek().reset >= month, "{:?}", limit.peek().reset);
    time.advance(wait);
    limit.take(1).unwrap();
}

#[test]
fn w_5_what_a_clock_that_went_back_takes_belongs_to_the_window_it_came_from() {
    let (time, limit) = under(10, secs(1));
    time.advance(ms(5_001));
    assert_eq!(limit.take_at_most(5), 5);
    time.set(time.now() - ms(5));
    assert_eq!(limit.take_at_most(20), 5);
    time.advance(ms(500));
    assert_eq!(limit.take_at_most(20), 0, "all of it is of the window that lasts");
}

#[test]
fn to_take_nothing_is_to_look_whatever_the_limit_has_become() {
    let (_time, limit) = under(10, secs(1));
    assert_eq!(limit.take_at_most(10), 10);
    limit.set_limit(3).unwrap();
    assert_eq!(limit.take(0).unwrap().remaining, 0);
}
