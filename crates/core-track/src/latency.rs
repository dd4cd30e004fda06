//! How long something took, counted by size: 32 buckets for each doubling.

use std::sync::atomic::{AtomicU64, Ordering};

use core_policy::stripes::Stripes;

/// Durations from 0 to somewhat above an hour, each known to 1/32. Written without a lock; about 10 KiB.
#[derive(Debug)]
pub(crate) struct Latency {
    counts: Box<[AtomicU64]>,
    /// One for each thread, so that only one word is contended.
    sum: Stripes<AtomicU64>,
    min: AtomicU64,
    max: AtomicU64,
}

/// What a [`Latency`] held at some moment.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) counts: Box<[u64]>,
    pub(crate) sum: u64,
    pub(crate) min: u64,
    pub(crate) max: u64,
}

/// Below this many nanoseconds nothing is told apart.
const UNIT_BITS: u32 = 5;
/// Buckets for each doubling, as a power of two.
const SUB_BITS: u32 = 5;
const SUBS: usize = 1 << SUB_BITS;
/// The highest bit of a duration that has a bucket of its own, in units: 2³⁷ units are 73 minutes.
const TOP_BIT: u32 = 36;
const BUCKETS: usize = SUBS + ((TOP_BIT - SUB_BITS + 1) as usize) * SUBS;

// === impl Latency ===

impl Latency {
    pub(crate) fn new() -> Self {
        Self {
            counts: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            sum: Stripes::new(),
            min: AtomicU64::new(u64::MAX),
            max: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(crate) fn record(&self, ns: u64) {
        self.counts[bucket(ns)].fetch_add(1, Ordering::Relaxed);
        let sum = self.sum.mine();
        sum.add(sum.value, ns);
        // Nearly always neither the least nor the most: a load is cheaper than finding out by an exchange.
        if ns < self.min.load(Ordering::Relaxed) {
            self.min.fetch_min(ns, Ordering::Relaxed);
        }
        if ns > self.max.load(Ordering::Relaxed) {
            self.max.fetch_max(ns, Ordering::Relaxed);
        }
    }

    /// Of what is recorded meanwhile it may hold any part.
    pub(crate) fn counted(&self) -> Counted {
        Counted {
            counts: self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: self.sum.iter().fold(0, |all, sum| all.wrapping_add(sum.load(Ordering::Relaxed))),
            min: self.min.load(Ordering::Relaxed),
            max: self.max.load(Ordering::Relaxed),
        }
    }
}

// === impl Counted ===

impl Counted {
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// What was counted since an earlier moment. The least and the most stay those of all time.
    pub(crate) fn since(mut self, earlier: &[u64]) -> Self {
        for (count, earlier) in self.counts.iter_mut().zip(earlier) {
            *count = count.saturating_sub(*earlier);
        }
        self
    }

    /// How many fall below each end, in nanoseconds, with one more for what is above all; to 1/32.
    pub(crate) fn between(&self, ends: &[u64]) -> Vec<u64> {
        let mut between = vec![0; ends.len() + 1];
        for (bucket, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let (from, to) = self::ends(bucket);
            let middle = from + (to - from) / 2;
            between[ends.iter().take_while(|end| middle > **end).count()] += count;
        }
        between
    }

    /// The least duration that is not exceeded by this share of all, to 1/32. `None` where there is nothing.
    pub(crate) fn percentile(&self, share: f64) -> Option<u64> {
        let rank = rank(share, self.count())?;
        let mut seen = 0;
        let at = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        let (from, to) = ends(at);
        Some((from + (to - from) / 2).clamp(self.min.min(self.max), self.max))
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts stay below 2^53, and a rank between 1 and the count"
)]
fn rank(share: f64, count: u64) -> Option<u64> {
    (count > 0).then(|| ((count as f64 * share).ceil() as u64).clamp(1, count))
}

fn bucket(ns: u64) -> usize {
    let units = ns >> UNIT_BITS;
    let index = if units < SUBS as u64 {
        units
    } else {
        let top = units.ilog2();
        if top > TOP_BIT {
            return BUCKETS - 1;
        }
        let step = u64::from(top - SUB_BITS);
        // The highest bit of the shifted value is what adds the step once more.
        (step << SUB_BITS) + (units >> step)
    };
    usize::try_from(index).unwrap_or(BUCKETS - 1)
}

/// The first duration of a bucket, and the first of the next.
fn ends(bucket: usize) -> (u64, u64) {
    let from = |bucket: u64| {
        if bucket < SUBS as u64 {
            return bucket << UNIT_BITS;
        }
        let step = (bucket >> SUB_BITS) - 1;
        ((bucket & (SUBS as u64 - 1)) + SUBS as u64) << step << UNIT_BITS
    };
    (from(bucket as u64), from(bucket as u64 + 1))
}

#[cfg(test)]
mod tests;
