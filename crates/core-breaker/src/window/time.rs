use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use core_policy::stripes::{Stripe, Stripes};
use core_time::Instant;

use super::{Mark, Tally};

/// The last `buckets` steps of time, counted without a lock and without a shared cache line.
///
/// Bucket rule (W-1): `index = floor((now − epoch) / width)`; live are the last N indices, the current one included. Each
/// thread has a ring of its own; each counter of a ring carries the generation and the index it belongs to, so a stale one
/// reads as zero however long the gap was (W-2) and nothing is ever cleared.
#[derive(Debug)]
pub(crate) struct TimeWindow {
    epoch: Instant,
    width: u64,
    /// `floor((2^64 − 1) / width)`: a multiplication in place of a division.
    reciprocal: u64,
    buckets: u64,
    rings: Stripes<Ring>,
    /// The tag of the last failure or slow call: without one in the window no rate can be reached.
    last_bad: AtomicU64,
    /// The tag for which the calls were enough and no rate was reached: more successes cannot reach one.
    settled: AtomicU64,
}

/// More buckets than this make a window no finer in practice, and every evaluation dearer.
pub(crate) const BUCKETS_MAX: u32 = 32;

#[derive(Debug, Default)]
struct Ring([Bucket; BUCKETS_MAX as usize]);

#[derive(Debug, Default)]
struct Bucket {
    calls: Tagged,
    failures: Tagged,
    slow: Tagged,
}

/// A counter that belongs to one generation and one bucket index: `tag << 28 | count`.
#[derive(Debug, Default)]
struct Tagged(AtomicU64);

/// 28 bits: 268 million calls in a bucket and thread, then the counter stands still.
const COUNT_BITS: u32 = 28;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
/// 26 bits of index, 10 of generation: a tag returns after 2 years of 1 s buckets, if the ring was idle all the while.
const INDEX_BITS: u32 = 26;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;
const GENERATION_MASK: u64 = (1 << 10) - 1;

// === impl TimeWindow ===

impl TimeWindow {
    pub(crate) fn new(len: Duration, buckets: u32, epoch: Instant) -> Self {
        let len = u64::try_from(len.as_nanos()).unwrap_or(u64::MAX);
        let width = (len / u64::from(buckets)).max(1);
        Self {
            epoch,
            width,
            reciprocal: u64::MAX / width,
            buckets: u64::from(buckets),
            rings: Stripes::new(),
            last_bad: AtomicU64::new(0),
            settled: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(crate) fn record(&self, generation: u32, mark: Mark, now: Instant) -> Option<Tally> {
        let index = self.index(now);
        let tag = tag(generation, index);
        let mine = self.rings.mine();
        let bucket = &mine.value.0[slot(index)];
        bucket.calls.bump(tag, &mine);
        if mark.failed || mark.slow {
            return Some(self.record_bad(generation, mark, index, tag, &mine));
        }
        let bad = self.last_bad.load(Ordering::Relaxed);
        let is_clean = bad >> INDEX_BITS != tag >> INDEX_BITS || distance(bad, tag) >= self.buckets;
        if is_clean || self.settled.load(Ordering::Relaxed) == tag {
            return None;
        }
        Some(self.sum(generation, index))
    }

    #[cold]
    fn record_bad(
        &self,
        generation: u32,
        mark: Mark,
        index: u64,
        tag: u64,
        mine: &Stripe<'_, Ring>,
    ) -> Tally {
        let bucket = &mine.value.0[slot(index)];
        if mark.failed {
            bucket.failures.bump(tag, mine);
        }
        if mark.slow {
            bucket.slow.bump(tag, mine);
        }
        self.last_bad.store(tag, Ordering::Relaxed);
        // Of two threads that fail at once at least one sees both: each writes, fences, then reads.
        std::sync::atomic::fence(Ordering::SeqCst);
        self.sum(generation, index)
    }

    #[inline]
    pub(crate) fn settled(&self, generation: u32, now: Instant) {
        self.settled.store(tag(generation, self.index(now)), Ordering::Relaxed);
    }

    pub(crate) fn tally(&self, generation: u32, now: Instant) -> Tally {
        self.sum(generation, self.index(now))
    }

    fn sum(&self, generation: u32, index: u64) -> Tally {
        let oldest = index.saturating_sub(self.buckets - 1);
        let mut tally = Tally::default();
        for ring in self.rings.iter() {
            for live in oldest..=index {
                let bucket = &ring.0[slot(live)];
                let tag = tag(generation, live);
                tally.calls += bucket.calls.get(tag);
                tally.failures += bucket.failures.get(tag);
                tally.slow += bucket.slow.get(tag);
            }
        }
        tally
    }

    /// `floor((now − epoch) / width)`, by the reciprocal: it is at most two too small, which the loop mends.
    #[inline]
    fn index(&self, now: Instant) -> u64 {
        let elapsed = now.as_nanos().saturating_sub(self.epoch.as_nanos());
        let mut index = ((u128::from(elapsed) * u128::from(self.reciprocal)) >> 64) as u64;
        while elapsed - index * self.width >= self.width {
            index += 1;
        }
        index
    }
}

/// The slots are a power of two, so that the slot of an index is a mask and two live indices never share one.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the mask leaves 5 bits")]
fn slot(index: u64) -> usize {
    (index & u64::from(BUCKETS_MAX - 1)) as usize
}

#[inline]
fn tag(generation: u32, index: u64) -> u64 {
    (u64::from(generation) & GENERATION_MASK) << INDEX_BITS | index & INDEX_MASK
}

/// How many buckets `earlier` lies behind `later`.
#[inline]
fn distance(earlier: u64, later: u64) -> u64 {
    later.wrapping_sub(earlier) & INDEX_MASK
}

// === impl Tagged ===

impl Tagged {
    #[inline]
    fn bump(&self, tag: u64, stripe: &Stripe<'_, Ring>) {
        let held = self.0.load(Ordering::Relaxed);
        if stripe.is_own {
            self.0.store(bumped(held, tag), Ordering::Relaxed);
        } else {
            self.bump_shared(tag, held);
        }
    }

    #[cold]
    fn bump_shared(&self, tag: u64, mut held: u64) {
        while let Err(now_held) =
            self.0.compare_exchange_weak(held, bumped(held, tag), Ordering::Relaxed, Ordering::Relaxed)
        {
            held = now_held;
        }
    }

    #[inline]
    fn get(&self, tag: u64) -> u64 {
        let held = self.0.load(Ordering::Relaxed);
        if held >> COUNT_BITS == tag { held & COUNT_MASK } else { 0 }
    }
}

#[inline]
fn bumped(held: u64, tag: u64) -> u64 {
    if held >> COUNT_BITS != tag {
        tag << COUNT_BITS | 1
    } else if held & COUNT_MASK == COUNT_MASK {
        held
    } else {
        held + 1
    }
}
