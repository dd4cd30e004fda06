use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use core_policy::{Counters, place};
use core_time::Instant;

/// The decisions of a throttle. Pure: the time goes in, and where the choice of who is held back begins.
///
/// Threads count for themselves. Ten times in a window, and no oftener than that, one of them adds up what all have counted, and says
/// what share is to be held back from then on.
#[derive(Debug)]
pub(super) struct Engine {
    rules: Rules,
    counts: Counters<COUNTS>,
    /// The share that is held back, of 2^32.
    share: AtomicU32,
    /// When it is to be worked out again.
    due: AtomicU64,
    marks: Mutex<Marks>,
    /// Where the choice of who is held back begins, of 2^64.
    start: u64,
}

/// The checked form of a builder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// `K`: how many requests there may be for one that is accepted.
    pub(super) ratio: f64,
    pub(super) aggression: f64,
    pub(super) share_max: f64,
    /// The length of a window in nanoseconds.
    pub(super) window: u64,
}

/// What had been counted at the last ten looks: the oldest is as old as the window.
#[derive(Debug, Default)]
struct Marks {
    ring: [Totals; LOOKS],
    next: usize,
}

/// Requests and those of them that were accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) requests: u64,
    pub(super) accepts: u64,
}

/// What is counted.
#[derive(Clone, Copy)]
pub(super) enum Count {
    /// All that were asked for, whether let through or not.
    Requests,
    Accepts,
    /// Let through, and then not made after all: as if they had not been asked for.
    Unmade,
    Refused,
}

const COUNTS: usize = 4;

const LOOKS: usize = 10;

/// Readings of two threads differ by a kernel tick; a clock that goes back does so by more than this second.
const JUMP: u64 = 1_000_000_000;

// === impl Engine ===

impl Engine {
    pub(super) fn new(rules: Rules, epoch: Instant, start: u64) -> Self {
        let due = AtomicU64::new(epoch.as_nanos().saturating_add(rules.window / LOOKS as u64));
        let marks = Mutex::default();
        Self { rules, counts: Counters::new(), share: AtomicU32::new(0), due, marks, start }
    }

    /// Whether a request may be made.
    #[inline]
    pub(super) fn admit(&self, now: Instant) -> bool {
        if self.is_due(now, self.due.load(Ordering::Relaxed)) {
            self.look(now);
        }
        let number = self.counts.count(Count::Requests as usize);
        // Of a share of nothing, nothing is below it.
        let is_through = place(self.start, number) >= self.share.load(Ordering::Relaxed);
        if !is_through {
            self.counts.bump(Count::Refused as usize);
        }
        is_through
    }

    #[inline]
    pub(super) fn count(&self, count: Count) {
        self.counts.bump(count as usize);
    }

    pub(super) fn total(&self, count: Count) -> u64 {
        self.counts.get(count as usize)
    }

    /// The share that is held back now.
    pub(super) fn share(&self) -> f64 {
        f64::from(self.share.load(Ordering::Relaxed)) / 4_294_967_296.0
    }

    /// Works the share out again, unless another thread is at it.
    #[cold]
    fn look(&self, now: Instant) {
        let Ok(mut marks) = self.marks.try_lock().or_else(|error| match error {
            std::sync::TryLockError::Poisoned(poisoned) => Ok(PoisonError::into_inner(poisoned)),
            std::sync::TryLockError::WouldBlock => Err(()),
        }) else {
            return;
        };
        let (due, step) = (self.due.load(Ordering::Relaxed), self.rules.window / LOOKS as u64);
        if !self.is_due(now, due) {
            return;
        }
        // After an idle gap every place of the ring that was slept through gets what there was then; once more round, and nothing
        // of before the gap is left.
        let slept = now.as_nanos().saturating_sub(due) / step.max(1) + 1;
        // One that is far ahead was set before the clock went back.
        let due = due.min(now.as_nanos());
        let totals = self.totals();
        let within = marks.shift(totals, usize::try_from(slept).unwrap_or(LOOKS).min(LOOKS + 1));
        self.share.store(self.rules.share(within), Ordering::Relaxed);
        self.due.store(due.saturating_add(slept.saturating_mul(step)), Ordering::Relaxed);
    }

    /// Whether it is time to look. A moment that is further away than the next look was set before the clock went back: nobody is held
    /// back until it has caught up (rule W-5).
    #[inline]
    fn is_due(&self, now: Instant, due: u64) -> bool {
        let left = due.saturating_sub(now.as_nanos());
        left == 0 || left > self.rules.window / LOOKS as u64 + JUMP
    }

    fn totals(&self) -> Totals {
        let unmade = self.total(Count::Unmade);
        Totals {
            requests: self.total(Count::Requests).saturating_sub(unmade),
            accepts: self.total(Count::Accepts),
        }
    }
}

// === impl Marks ===

impl Marks {
    /// Writes down what there is, `times` over. What was counted since the oldest mark.
    fn shift(&mut self, totals: Totals, times: usize) -> Totals {
        let mut oldest = Totals::default();
        for _ in 0..times {
            oldest = std::mem::replace(&mut self.ring[self.next], totals);
            self.next = (self.next + 1) % LOOKS;
        }
        Totals {
            requests: totals.requests.saturating_sub(oldest.requests),
            accepts: totals.accepts.saturating_sub(oldest.accepts),
        }
    }
}

// === impl Rules ===

impl Rules {
    /// `max(0, (requests − K·accepts) / (requests + 1))`, made steeper or flatter and capped: the share to hold back, of 2^32.
    fn share(&self, within: Totals) -> u32 {
        let share = excess(self.ratio, within).powf(1.0 / self.aggression).min(self.share_max);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 1, cut off at the top"
        )]
        let share = (share * 4_294_967_296.0).min(4_294_967_295.0) as u32;
        share
    }
}

/// The share of requests that were too many (rule TH-1).
#[expect(clippy::cast_precision_loss, reason = "counts of one window")]
fn excess(ratio: f64, within: Totals) -> f64 {
    let (requests, accepts) = (within.requests as f64, within.accepts as f64);
    ((requests - ratio * accepts) / (requests + 1.0)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn th_1_the_share_follows_the_formula() {
        for (requests, accepts, expected) in
            [(100, 50, 0.0), (100, 25, 50.0 / 101.0), (100, 0, 100.0 / 101.0), (0, 0, 0.0)]
        {
            let share = excess(2.0, Totals { requests, accepts });
            assert!((share - expected).abs() < 1e-12, "{requests}/{accepts}: {share}");
        }
        let rules = Rules { ratio: 2.0, aggression: 2.0, share_max: 0.8, window: 1 };
        let share = |accepts| f64::from(rules.share(Totals { requests: 100, accepts })) / 4_294_967_296.0;
        assert!((share(0) - 0.8).abs() < 1e-9, "capped");
        assert!((share(45) - (10.0_f64 / 101.0).sqrt()).abs() < 1e-9, "steeper");
    }

    /// So many requests may be too many or too few of so many in a row, at any share: chance would be off by 5 of 16 and by 50 of 1000.
    #[test]
    fn th_1_of_any_requests_in_a_row_the_share_is_held_back() {
        for (start, first) in
            (0_u64..40).flat_map(|start| [(start, 0), (!start, 1_000), (start << 32, u64::MAX / 8)])
        {
            for share in [0_u32, 1 << 20, 1 << 30, 1 << 31, 3 << 30, u32::MAX] {
                let mut sum = 0;
                for (so_far, number) in (1..=1_000).zip(first..) {
                    sum += u32::from(place(start, number) < share);
                    let expected = f64::from(so_far) * f64::from(share) / 4_294_967_296.0;
                    let off = (f64::from(sum) - expected).abs();
                    let off_max = if so_far <= 16 { 3.0 } else { 18.0 };
                    assert!(off < off_max, "{share} {first} {start}: {sum} of {so_far}");
                }
            }
        }
    }

    /// One caller of as many as take turns: it must be neither starved for long nor let off for long, however many they are. The
    /// multiples of the golden ratio alone come back nearly to where they were after 8, 89, 610 of them, say.
    #[test]
    fn th_1_no_caller_that_asks_in_turn_with_others_is_held_back_for_long() {
        const ASKED: u64 = 2_000;
        for every in (1..=200).chain([233, 256, 377, 610, 987, 1_024, 1_597, 2_584, 4_181, 10_946, 1 << 20]) {
            for (share, longest) in [(0.1, 30), (0.5, 60), (0.9, 350)] {
                for turn in [0, every / 2] {
                    let (mut held, mut run, mut runs_max) = (0_u64, 0_u64, 0_u64);
                    for asked in 0..ASKED {
                        let is_held = f64::from(place(7, asked * every + turn)) < share * 4_294_967_296.0;
                        held += u64::from(is_held);
                        run = if is_held { run + 1 } else { 0 };
                        runs_max = runs_max.max(run);
                    }
                    #[expect(clippy::cast_precision_loss, reason = "up to 2000")]
                    let kept = held as f64 / ASKED as f64;
                    assert!((kept - share).abs() < 0.1, "every {every}: {kept} instead of {share}");
                    assert!(runs_max < longest, "every {every}: {runs_max} in a row of a share of {share}");
                }
            }
        }
    }

    #[test]
    fn th_1_what_was_counted_before_the_last_ten_looks_is_forgotten() {
        let at = |n: u64| Totals { requests: 10 * n, accepts: n };
        let mut marks = Marks::default();
        for n in 1..=10 {
            assert_eq!(marks.shift(at(n), 1), at(n), "nothing is that old");
        }
        for n in 11..=25 {
            assert_eq!(marks.shift(at(n), 1), at(10), "{n}: what came since the tenth look before");
        }
        assert_eq!(marks.shift(at(26), 4), at(26 - 19), "four at once");
        assert_eq!(marks.shift(at(30), LOOKS + 1), at(0), "all of them, and once more");
    }

    #[test]
    fn w_5_a_look_further_away_than_the_next_was_set_before_the_clock_went_back() {
        let rules = Rules { ratio: 2.0, aggression: 1.0, share_max: 0.9, window: 10_000_000_000 };
        let engine = Engine::new(rules, Instant::ORIGIN, 0);
        let now = Instant::from_nanos(7);
        assert!(engine.is_due(now, 7) && !engine.is_due(now, 8));
        let furthest = 7 + 1_000_000_000 + JUMP;
        assert!(!engine.is_due(now, furthest) && engine.is_due(now, furthest + 1));
    }
}
