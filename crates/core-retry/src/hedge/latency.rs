//! How long calls took lately: a histogram for each thread, in two halves that take turns.

mod half;

use std::sync::atomic::Ordering;
use std::time::Duration;

use core_policy::stripes::Stripes;
use core_policy::sync::AtomicU64;
use core_time::{Instant, ms};

use half::Half;

/// How long calls took in the last window, to within an eighth. Recording takes no lock and shares no cache line.
#[derive(Debug)]
pub(super) struct Latency {
    stripes: Stripes<Cells>,
    /// Half of the window in nanoseconds. What was recorded under another is of no half of this one.
    half: AtomicU64,
    /// The last answer.
    answer: Answer,
}

/// An answer in nanoseconds, and until when it is good enough.
#[derive(Debug)]
struct Answer {
    delay: AtomicU64,
    fresh_until: AtomicU64,
}

/// What one thread has recorded.
#[derive(Debug, Default)]
struct Cells {
    halves: [Half<BUCKETS>; 2],
}

/// The unit: an eighth of a millisecond, roughly. Nothing is hedged earlier than after a whole one.
const UNIT_BITS: u32 = 17;

/// Each doubling is cut into so many buckets, as a power of two.
const SUB_BITS: u32 = 3;

/// The longest latency that is told apart: 137 s.
const UNITS_MAX: u64 = (1 << 20) - 1;

const BUCKETS: usize = bucket_of_units(UNITS_MAX) + 1;

/// No hedge by a quantile starts earlier than after this.
const DELAY_MIN: Duration = ms(1);

/// An answer is good for so long: adding up costs a microsecond or two.
const REFRESH: Duration = ms(100);

// === impl Latency ===

impl Latency {
    pub(super) fn new() -> Self {
        Self { stripes: Stripes::new(), half: AtomicU64::new(u64::MAX), answer: Answer::none() }
    }

    /// Records over `window` from now on, and forgets the last answer: another quantile may be wanted.
    pub(super) fn begin(&self, window: Duration) {
        let half = u64::try_from(window.as_nanos() / 2).unwrap_or(u64::MAX).max(1);
        self.half.store(half, Ordering::Relaxed);
        self.answer.forget();
    }

    /// A call succeeded after `latency`.
    pub(super) fn record(&self, latency: Duration, now: Instant) {
        let epoch = self.epoch(now);
        let mine = self.stripes.mine();
        mine.value.halves[usize::from(epoch % 2 == 1)].record(epoch, bucket(latency), mine.is_own);
    }

    /// The quantile of the last window, never under a millisecond; `None` until there are so many samples. After a change the answer to
    /// the question before may be given for as long as it was good.
    pub(super) fn delay(&self, quantile: f64, samples_min: u64, now: Instant) -> Option<Duration> {
        if let Some(delay) = self.answer.get(now) {
            return Some(delay);
        }
        let delay = self.add_up(quantile, samples_min, now)?.max(DELAY_MIN);
        self.answer.set(delay, now);
        Some(delay)
    }

    fn add_up(&self, quantile: f64, samples_min: u64, now: Instant) -> Option<Duration> {
        let epoch = self.epoch(now);
        let mut sums = [0_u64; BUCKETS];
        for half in self.stripes.iter().flat_map(|cells| &cells.halves) {
            if half.is_of(epoch) || half.is_of(epoch - 1) {
                half.add_to(&mut sums);
            }
        }
        let total: u64 = sums.iter().sum();
        if total < samples_min {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count, rounded up"
        )]
        let rank = (quantile * total as f64).ceil() as u64;
        let mut seen = 0;
        let at = sums.iter().position(|sum| {
            seen += sum;
            seen >= rank
        });
        Some(top(at.unwrap_or(BUCKETS - 1)))
    }

    /// The number of the half in which `now` lies; at least 2, so that there is one before, and none is 0.
    fn epoch(&self, now: Instant) -> u64 {
        now.as_nanos() / self.half.load(Ordering::Relaxed) + 2
    }
}

// === impl Answer ===

impl Answer {
    fn none() -> Self {
        Self { delay: AtomicU64::new(0), fresh_until: AtomicU64::new(0) }
    }

    fn get(&self, now: Instant) -> Option<Duration> {
        // Acquire pairs with the Release below: who sees until when it is good sees the answer as well.
        let fresh_until = self.fresh_until.load(Ordering::Acquire);
        let left = fresh_until.saturating_sub(now.as_nanos());
        // A clock that went back makes no answer good for ever.
        let is_fresh = left > 0 && u128::from(left) <= REFRESH.as_nanos();
        is_fresh.then(|| Duration::from_nanos(self.delay.load(Ordering::Relaxed)))
    }

    fn forget(&self) {
        self.fresh_until.store(0, Ordering::Release);
    }

    fn set(&self, delay: Duration, now: Instant) {
        self.delay.store(u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.fresh_until.store((now + REFRESH).as_nanos(), Ordering::Release);
    }
}

fn bucket(latency: Duration) -> usize {
    let units = u64::try_from(latency.as_nanos() >> UNIT_BITS).unwrap_or(u64::MAX);
    bucket_of_units(if units < UNITS_MAX { units } else { UNITS_MAX })
}

/// Exact for small numbers, then so many buckets for each doubling.
#[expect(clippy::cast_possible_truncation, reason = "at most a few hundred")]
const fn bucket_of_units(units: u64) -> usize {
    if units < 2 << SUB_BITS {
        return units as usize;
    }
    let shift = units.ilog2() - SUB_BITS;
    ((shift as usize) << SUB_BITS) + (units >> shift) as usize
}

/// What no latency in a bucket reaches.
fn top(bucket: usize) -> Duration {
    let bucket = bucket as u64;
    let units = if bucket < 2 << SUB_BITS {
        bucket + 1
    } else {
        let shift = (bucket >> SUB_BITS) - 1;
        let mantissa = bucket - (shift << SUB_BITS);
        (mantissa + 1) << shift
    };
    Duration::from_nanos(units << UNIT_BITS)
}

#[cfg(all(test, genesis_loom))]
mod models;
#[cfg(all(test, not(genesis_loom)))]
mod tests;
