use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::Duration;

use core_policy::stripes::Spread;
use core_time::Instant;

use super::ring::Ring;
use super::shape::{AHEAD, Cut, HALF, INDEX_BITS, Shape, distance};
use super::{Mark, Tally};

/// The last `buckets` steps of time, counted without a lock and without a shared cache line.
///
/// Bucket rule (W-1): `index = floor((now − epoch) / width)`; live are the last N indices, the current one included. Each
/// thread has a ring of its own; each counter of a ring carries the generation and the index it belongs to, so a stale one
/// reads as zero however long the gap was (W-2) and nothing is ever cleared.
///
/// Of a breaker for a key it is one ring, in which all threads count, and so do threads beyond those that have rings of their own: what that
/// may lose stands where it adds to a shared ring. Nothing else is on its lines of cache.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct TimeWindow {
    rings: Spread<Ring>,
    shape: Shape,
    /// Where the last failure or slow call is: without one in the window no rate can be reached. The tag of the bucket that is
    /// [`AHEAD`] before its own, so that a success whose coarse clock has not come so far does not take it for one of long ago.
    last_bad: AtomicU64,
    /// The tag for which the calls were enough and no rate was reached: more successes cannot reach one.
    settled: AtomicU64,
}

// === impl TimeWindow ===

impl TimeWindow {
    pub(crate) fn new(len: Duration, buckets: u32, epoch: Instant, is_of_key: bool) -> Self {
        Self {
            shape: Shape::new(len, buckets, epoch),
            rings: if is_of_key { Spread::one() } else { Spread::striped() },
            last_bad: AtomicU64::new(0),
            settled: AtomicU64::new(0),
        }
    }

    pub(crate) fn reshape(&self, len: Duration, buckets: u32, epoch: Instant) {
        self.shape.write(len, buckets, epoch);
    }

    #[inline]
    pub(crate) fn record(&self, generation: u32, mark: Mark, now: Instant) -> Option<Tally> {
        // A result that comes while the shape changes is not counted.
        let cut = self.shape.read()?;
        let index = cut.index(now);
        let tag = cut.tag(generation, index);
        match self.rings.own() {
            Some(ring) => ring.bucket(index).calls.add_own(tag, 1),
            None => self.record_elsewhere(index, tag),
        }
        if mark.failed || mark.slow {
            return Some(self.record_bad(&cut, generation, mark, index));
        }
        let bad = self.last_bad.load(Ordering::Relaxed);
        let behind = distance(bad, tag);
        let is_clean = bad >> INDEX_BITS != tag >> INDEX_BITS || behind >= cut.buckets + AHEAD;
        if is_clean || self.settled.load(Ordering::Relaxed) == tag {
            return None;
        }
        // Failures are counted by the exact time, which is later.
        Some(self.sum(&cut, generation, index + AHEAD.saturating_sub(behind)))
    }

    /// A call, in the ring that threads share, or the first time.
    #[cold]
    fn record_elsewhere(&self, index: u64, tag: u64) {
        let mine = self.rings.mine();
        mine.value.bucket(index).call(tag, 1, &mine);
    }

    #[cold]
    fn record_bad(&self, cut: &Cut, generation: u32, mark: Mark, index: u64) -> Tally {
        let (tag, mine) = (cut.tag(generation, index), self.rings.mine());
        let bucket = mine.value.bucket(index);
        if mark.failed {
            bucket.failures.add(tag, 1, &mine);
        }
        if mark.slow {
            bucket.slow.add(tag, 1, &mine);
        }
        self.remember_bad(cut, generation, index);
        // Of two threads that fail at once at least one sees both: each writes, fences, then reads.
        fence(Ordering::SeqCst);
        self.sum(cut, generation, index)
    }

    /// Whether the clock went back since something failed last, or behind the beginning of it all, by more than threads may be in
    /// another order.
    pub(crate) fn went_back(&self, generation: u32, now: Instant) -> bool {
        let Some(cut) = self.shape.read() else { return false };
        if cut.begins_later(now) {
            return true;
        }
        let (tag, bad) = (cut.tag(generation, cut.index(now)), self.last_bad.load(Ordering::Relaxed));
        let ahead = distance(tag, bad.wrapping_add(AHEAD));
        bad >> INDEX_BITS == tag >> INDEX_BITS && (cut.slack() + 1..HALF).contains(&ahead)
    }

    #[inline]
    pub(crate) fn settled(&self, generation: u32, now: Instant) {
        if let Some(cut) = self.shape.read() {
            self.settled.store(cut.tag(generation, cut.index(now)), Ordering::Relaxed);
        }
    }

    pub(crate) fn unsettle(&self) {
        self.settled.store(0, Ordering::Relaxed);
    }

    pub(crate) fn tally(&self, generation: u32, now: Instant) -> Tally {
        self.shape.read().map_or_else(Tally::default, |cut| self.sum(&cut, generation, cut.index(now)))
    }

    /// The buckets that hold something: how long they have been there, and what they hold; the oldest first.
    ///
    /// None, where the clock went back behind its beginning: of what is in the first bucket nobody knows when it came.
    pub(crate) fn contents(&self, generation: u32, now: Instant) -> Vec<(Duration, Tally)> {
        let Some(cut) = self.shape.read().filter(|cut| !cut.begins_later(now)) else { return Vec::new() };
        let newest = cut.index(now);
        let live = newest.saturating_sub(cut.buckets - 1)..=newest;
        let held = live.map(|index| (cut.age(index, now), self.at(&cut, generation, index)));
        held.filter(|(_, tally)| *tally != Tally::default()).collect()
    }

    /// Counts what came to pass so long ago.
    pub(crate) fn add(&self, generation: u32, age: Duration, tally: &Tally, now: Instant) {
        let Some(cut) = self.shape.read() else { return };
        let newest = cut.index(now);
        let Some(index) = cut.before(newest, age) else { return };
        let (tag, mine) = (cut.tag(generation, index), self.rings.mine());
        let bucket = mine.value.bucket(index);
        bucket.call(tag, tally.calls, &mine);
        bucket.failures.add(tag, tally.failures, &mine);
        bucket.slow.add(tag, tally.slow, &mine);
        if tally.failures + tally.slow > 0 {
            // As if it had failed just now: that is looked at once too often, and never too seldom.
            self.remember_bad(&cut, generation, newest);
        }
    }

    fn remember_bad(&self, cut: &Cut, generation: u32, index: u64) {
        self.last_bad.store(cut.tag(generation, index - AHEAD), Ordering::Relaxed);
    }

    fn sum(&self, cut: &Cut, generation: u32, index: u64) -> Tally {
        let oldest = index.saturating_sub(cut.buckets - 1);
        let mut tally = Tally::default();
        for ring in self.rings.iter() {
            for live in oldest..=index {
                add(&mut tally, ring.bucket(live).tally(cut.tag(generation, live)));
            }
        }
        tally
    }

    fn at(&self, cut: &Cut, generation: u32, index: u64) -> Tally {
        let mut tally = Tally::default();
        for ring in self.rings.iter() {
            add(&mut tally, ring.bucket(index).tally(cut.tag(generation, index)));
        }
        tally
    }
}

#[inline]
fn add(sum: &mut Tally, other: Tally) {
    sum.calls += other.calls;
    sum.failures += other.failures;
    sum.slow += other.slow;
}
