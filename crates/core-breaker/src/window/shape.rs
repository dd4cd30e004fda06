use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::Duration;

use core_time::Instant;

/// How a window of time is cut into buckets. It may change while calls go on.
///
/// Readers take all of it or nothing: a writer makes the version odd, writes, and makes it even again, and who finds it odd or
/// changed does without. There is one writer at a time.
#[derive(Debug)]
pub(super) struct Shape {
    version: AtomicU64,
    epoch: AtomicU64,
    width: AtomicU64,
    /// `floor((2^64 − 1) / width)`: a multiplication in place of a division.
    reciprocal: AtomicU64,
    buckets: AtomicU64,
}

/// A shape at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    version: u64,
    epoch: u64,
    width: u64,
    reciprocal: u64,
    pub(super) buckets: u64,
}

/// More buckets than this make a window no finer in practice, and every evaluation dearer.
pub(crate) const BUCKETS_MAX: u32 = 32;

/// The index of the first bucket: what is older than the window itself has its place below it.
const FIRST: u64 = 2 * BUCKETS_MAX as u64;

/// A coarse clock lags by no more buckets than this: by one, unless they are milliseconds.
pub(super) const AHEAD: u64 = BUCKETS_MAX as u64;

/// Threads that read the clock one after another may count in another order, by no more than this: in nanoseconds. A clock that
/// went back went further, or by what no window notices.
const SHUFFLED: u64 = 100_000_000;

/// 26 bits of index, 10 of generation: a tag returns after 2 years of 1 s buckets, if the ring was idle all the while.
pub(super) const INDEX_BITS: u32 = 26;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;

/// What is further ahead than this is behind.
pub(super) const HALF: u64 = 1 << (INDEX_BITS - 1);

const GENERATION_MASK: u64 = (1 << 10) - 1;

// === impl Shape ===

impl Shape {
    pub(super) fn new(len: Duration, buckets: u32, epoch: Instant) -> Self {
        let cut = Cut::new(len, buckets, epoch);
        Self {
            version: AtomicU64::new(0),
            epoch: AtomicU64::new(cut.epoch),
            width: AtomicU64::new(cut.width),
            reciprocal: AtomicU64::new(cut.reciprocal),
            buckets: AtomicU64::new(cut.buckets),
        }
    }

    /// The shape, unless it is being changed.
    #[inline]
    pub(super) fn read(&self) -> Option<Cut> {
        // Acquire pairs with the Release of the last store of `write`: who sees the version sees what belongs to it.
        let version = self.version.load(Ordering::Acquire);
        let cut = Cut {
            version,
            epoch: self.epoch.load(Ordering::Relaxed),
            width: self.width.load(Ordering::Relaxed),
            reciprocal: self.reciprocal.load(Ordering::Relaxed),
            buckets: self.buckets.load(Ordering::Relaxed),
        };
        // The readings above stay above: if one of them is of a later shape, so is the version below.
        fence(Ordering::Acquire);
        (version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version).then_some(cut)
    }

    /// Takes another shape. What was counted in the old one belongs to no bucket any more.
    pub(super) fn write(&self, len: Duration, buckets: u32, epoch: Instant) {
        let cut = Cut::new(len, buckets, epoch);
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        self.epoch.store(cut.epoch, Ordering::Relaxed);
        self.width.store(cut.width, Ordering::Relaxed);
        self.reciprocal.store(cut.reciprocal, Ordering::Relaxed);
        self.buckets.store(cut.buckets, Ordering::Relaxed);
        self.version.store(version + 2, Ordering::Release);
    }
}

// === impl Cut ===

impl Cut {
    fn new(len: Duration, buckets: u32, epoch: Instant) -> Self {
        let len = u64::try_from(len.as_nanos()).unwrap_or(u64::MAX);
        let width = (len / u64::from(buckets)).max(1);
        Self {
            version: 0,
            epoch: epoch.as_nanos(),
            width,
            reciprocal: u64::MAX / width,
            buckets: u64::from(buckets),
        }
    }

    /// `floor((now − epoch) / width)` on from the first, by the reciprocal: it is at most two too small, which the loop mends.
    #[inline]
    pub(super) fn index(&self, now: Instant) -> u64 {
        let elapsed = now.as_nanos().saturating_sub(self.epoch);
        let mut index = ((u128::from(elapsed) * u128::from(self.reciprocal)) >> 64) as u64;
        while elapsed - index * self.width >= self.width {
            index += 1;
        }
        FIRST + index
    }

    /// How many buckets ahead of now others may have counted although the clock did not go back: one, but for buckets that are short.
    pub(super) fn slack(&self) -> u64 {
        (SHUFFLED / self.width + 1).min(AHEAD)
    }

    /// Whether it begins so long after `now` that the clock must have gone back. Until it is there again, all that is counted has
    /// the place of the first bucket, and none leaves it.
    pub(super) fn begins_later(&self, now: Instant) -> bool {
        self.epoch.saturating_sub(now.as_nanos()) > self.slack().saturating_mul(self.width)
    }

    /// The index of what began so long before `index` did.
    pub(super) fn before(&self, index: u64, age: Duration) -> Option<u64> {
        let steps = u64::try_from(age.as_nanos()).unwrap_or(u64::MAX) / self.width;
        (steps < self.buckets).then(|| index.saturating_sub(steps))
    }

    /// How long the bucket `index` has been there at `now`.
    pub(super) fn age(&self, index: u64, now: Instant) -> Duration {
        let steps = self.index(now).saturating_sub(index);
        let elapsed = now.as_nanos().saturating_sub(self.epoch);
        Duration::from_nanos(steps.saturating_mul(self.width).saturating_add(elapsed % self.width))
    }

    /// Whom a counter belongs to: a generation, in a shape, and a bucket.
    #[inline]
    pub(super) fn tag(&self, generation: u32, index: u64) -> u64 {
        // Both only grow, so no pair that was superseded has the sum of the one that counts.
        let generation = u64::from(generation).wrapping_add(self.version / 2);
        (generation & GENERATION_MASK) << INDEX_BITS | index & INDEX_MASK
    }
}

/// How many buckets `earlier` lies behind `later`.
#[inline]
pub(super) fn distance(earlier: u64, later: u64) -> u64 {
    later.wrapping_sub(earlier) & INDEX_MASK
}
