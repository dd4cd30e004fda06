//! How long something took, counted by size: 32 buckets for each doubling.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use core_policy::stripes::{Stripe, Stripes};

/// Durations from 0 to 39 hours, each known to 1/32; beyond, only that they are.
///
/// Written without a lock, and nearly always without a word that another thread writes: 1 KiB for each thread and each four
/// doublings that it meets, up to 32 KiB. Then threads share 10 KiB.
#[derive(Debug)]
pub(crate) struct Latency {
    stripes: Stripes<Counts>,
    /// How many more parts threads may have for themselves.
    room: AtomicUsize,
    min: AtomicU64,
    max: AtomicU64,
}

/// What one thread counted.
#[derive(Debug, Default)]
struct Counts {
    sum: AtomicU64,
    parts: [OnceLock<Box<Part>>; PARTS],
}

/// Neighbouring buckets.
type Part = [AtomicU64; PART];

/// What a [`Latency`] held at some moment.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    counts: Box<[u64]>,
    pub(crate) sum: u64,
    pub(crate) min: u64,
    pub(crate) max: u64,
}

/// The counts of some moment, but those that are zero: the number of a bucket, and what is in it.
pub(crate) type Snapshot = [(u16, u64)];

/// Below this many nanoseconds nothing is told apart.
const UNIT_BITS: u32 = 5;
/// Buckets for each doubling, as a power of two.
const SUB_BITS: u32 = 5;
const SUBS: usize = 1 << SUB_BITS;
/// The highest bit of a duration that has a bucket of its own, in units: 2⁴² units are 39 hours.
const TOP_BIT: u32 = 41;
/// The bucket of what is longer.
const BEYOND: usize = SUBS + ((TOP_BIT - SUB_BITS + 1) as usize) * SUBS;
const BUCKETS: usize = BEYOND + 1;
/// Buckets that are allocated together.
const PART: usize = 128;
const PARTS: usize = BUCKETS.div_ceil(PART);
/// So many parts threads may have for themselves.
const OWN_PARTS_MAX: usize = 32;

// === impl Latency ===

impl Latency {
    pub(crate) fn new() -> Self {
        Self {
            stripes: Stripes::new(),
            room: AtomicUsize::new(OWN_PARTS_MAX),
            min: AtomicU64::new(u64::MAX),
            max: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(crate) fn record(&self, ns: u64) {
        let mine = self.stripes.mine();
        let bucket = bucket(ns);
        match mine.value.parts.get(bucket / PART).and_then(OnceLock::get) {
            Some(part) => mine.add(&part[bucket % PART], 1),
            None => self.record_apart(&mine, bucket),
        }
        mine.add(&mine.value.sum, ns);
        // Nearly always neither the least nor the most: a load is cheaper than finding out by an exchange.
        if ns < self.min.load(Ordering::Relaxed) {
            self.min.fetch_min(ns, Ordering::Relaxed);
        }
        if ns > self.max.load(Ordering::Relaxed) {
            self.max.fetch_max(ns, Ordering::Relaxed);
        }
    }

    /// Where the thread has no part yet, or none of its own.
    #[cold]
    fn record_apart(&self, mine: &Stripe<'_, Counts>, bucket: usize) {
        let (part, at) = (bucket / PART, bucket % PART);
        let take = |room: usize| room.checked_sub(1);
        if mine.is_own && self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            mine.add(&mine.value.parts[part].get_or_init(new_part)[at], 1);
        } else {
            self.stripes.shared().parts[part].get_or_init(new_part)[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Of what is recorded meanwhile it may hold any part.
    pub(crate) fn counted(&self) -> Counted {
        let mut counts = vec![0; PARTS * PART];
        let mut sum = 0_u64;
        for stripe in self.stripes.iter() {
            sum = sum.wrapping_add(stripe.sum.load(Ordering::Relaxed));
            for (part, counts) in stripe.parts.iter().zip(counts.chunks_exact_mut(PART)) {
                let part = part.get().into_iter().flat_map(|part| part.iter());
                counts.iter_mut().zip(part).for_each(|(all, count)| *all += count.load(Ordering::Relaxed));
            }
        }
        Counted {
            counts: counts.into(),
            sum,
            min: self.min.load(Ordering::Relaxed),
            max: self.max.load(Ordering::Relaxed),
        }
    }
}

fn new_part() -> Box<Part> {
    Box::new([const { AtomicU64::new(0) }; PART])
}

// === impl Counted ===

impl Counted {
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(crate) fn snapshot(&self) -> impl Iterator<Item = (u16, u64)> {
        (0_u16..).zip(self.counts.iter().copied()).filter(|(_, count)| *count > 0)
    }

    /// What was counted since an earlier moment. The least and the most stay those of all time.
    pub(crate) fn since(mut self, earlier: &Snapshot) -> Self {
        for (bucket, earlier) in earlier {
            let count = &mut self.counts[usize::from(*bucket)];
            *count = count.saturating_sub(*earlier);
        }
        self
    }

    /// How many fall below each end, in nanoseconds, with one more for what is above all; to 1/32.
    pub(crate) fn between(&self, ends: &[u64]) -> Vec<u64> {
        let mut between = vec![0; ends.len() + 1];
        for (bucket, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let middle = middle(bucket);
            between[ends.iter().take_while(|end| middle > **end).count()] += count;
        }
        between
    }

    /// The least duration that is not exceeded by so many of a hundred, to 1/32; beyond 39 hours, the most there ever was. `None`
    /// where there is nothing.
    pub(crate) fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = rank(percent, self.count())?;
        let mut seen = 0;
        let at = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(middle(at).clamp(self.min.min(self.max), self.max))
    }
}

/// The place of the least that is not exceeded by so many of a hundred, counted from 1.
fn rank(percent: u64, count: u64) -> Option<u64> {
    let rank = (u128::from(count) * u128::from(percent)).div_ceil(100);
    (count > 0).then(|| u64::try_from(rank).unwrap_or(count).clamp(1, count))
}

#[inline]
fn bucket(ns: u64) -> usize {
    let units = ns >> UNIT_BITS;
    let index = if units < SUBS as u64 {
        units
    } else {
        let top = units.ilog2();
        if top > TOP_BIT {
            return BEYOND;
        }
        let step = u64::from(top - SUB_BITS);
        // The highest bit of the shifted value is what adds the step once more.
        (step << SUB_BITS) + (units >> step)
    };
    usize::try_from(index).unwrap_or(BEYOND)
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

/// What stands for the durations of a bucket.
fn middle(bucket: usize) -> u64 {
    if bucket >= BEYOND {
        return u64::MAX;
    }
    let (from, to) = ends(bucket);
    from + (to - from) / 2
}

#[cfg(test)]
mod tests;
