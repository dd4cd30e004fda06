use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Mark, Tally};

/// The last N calls (rule W-4).
///
/// The rule itself needs one shared word: which call is the Nth last is a fact about all threads together. A result
/// swaps its slot, and one compare-and-swap keeps the sums; both carry a stamp of the generation and of the shape, so a
/// result of an earlier one changes nothing. The sums carry only its low bits, which is enough: they are begun anew with each.
#[derive(Debug)]
pub(crate) struct CountWindow {
    /// One ring for each power of two, made when a window first needs it.
    rings: [OnceLock<Box<[AtomicU64]>>; RINGS],
    size: AtomicU64,
    /// How often the size was changed.
    version: AtomicU64,
    cursor: AtomicU64,
    sums: AtomicU64,
}

/// The sums share a word: 18 bits each for calls, failures and slow calls, and 10 for the stamp. The rest of the 18
/// bits is room for threads that are in between.
pub(crate) const SIZE_MAX: u32 = 200_000;

/// 2^18 is over `SIZE_MAX`.
const RINGS: usize = 19;

const SUM_BITS: u32 = 18;
const SUM_MASK: u64 = (1 << SUM_BITS) - 1;
const FAILURE: u64 = 1 << SUM_BITS;
const SLOW: u64 = 1 << (2 * SUM_BITS);
const BAD_MASK: u64 = SUM_MASK << SUM_BITS | SUM_MASK << (2 * SUM_BITS);
const STAMP_SHIFT: u32 = 3 * SUM_BITS;
const STAMP_MASK: u64 = (1 << 10) - 1;

// === impl CountWindow ===

impl CountWindow {
    pub(crate) fn new(size: u32) -> Self {
        Self {
            rings: Default::default(),
            size: AtomicU64::new(u64::from(size)),
            version: AtomicU64::new(0),
            cursor: AtomicU64::new(0),
            sums: AtomicU64::new(0),
        }
    }

    /// Takes another size, and holds nothing then. There is one writer at a time.
    pub(crate) fn reshape(&self, size: u32, generation: u32) {
        self.ring(u64::from(size));
        self.size.store(u64::from(size), Ordering::Relaxed);
        self.version.fetch_add(1, Ordering::Release);
        self.restart(generation);
    }

    #[inline]
    fn ring(&self, size: u64) -> &[AtomicU64] {
        let capacity = size.next_power_of_two();
        let class = capacity.trailing_zeros() as usize;
        self.rings[class].get_or_init(|| (0..capacity).map(|_| AtomicU64::new(0)).collect())
    }

    /// Whom a result belongs to: a generation, in a shape. Both only grow, so none that was superseded has the sum of the
    /// one that counts.
    #[inline]
    fn stamp(&self, generation: u32) -> u64 {
        // Acquire pairs with the Release of `reshape`: who sees the version sees the size.
        u64::from(generation) + self.version.load(Ordering::Acquire)
    }

    pub(crate) fn record(&self, generation: u32, mark: Mark) -> Option<Tally> {
        let ours = self.stamp(generation);
        let stamp = ours & STAMP_MASK;
        let size = self.size.load(Ordering::Relaxed);
        let gain = gain_of(mark);
        // First into the sums, then into the ring: whoever takes it out of the ring finds it in the sums, so that they
        // never run below zero. Meanwhile they hold a call too many for each thread that is in between.
        let entered = self.change(stamp, |sums| sums + gain)?;
        let at = usize::try_from(self.cursor.fetch_add(1, Ordering::Relaxed) % size).unwrap_or(0);
        let left = Mark::unpack(self.ring(size)[at].swap(mark.pack(ours), Ordering::AcqRel), ours);
        // What leaves the ring leaves the sums, unless it belongs to an earlier stamp and was never in these.
        let sums = match left {
            None => entered,
            Some(left) => self.change(stamp, |sums| sums - gain_of(left))?,
        };
        // Without a failure or a slow call in the window no rate can be reached.
        (sums & BAD_MASK != 0).then(|| unpack(sums))
    }

    /// Changes the sums, if they are of this stamp.
    fn change(&self, stamp: u64, change: impl Fn(u64) -> u64) -> Option<u64> {
        let of_stamp = |sums| (sums >> STAMP_SHIFT == stamp).then(|| change(sums));
        self.sums.fetch_update(Ordering::AcqRel, Ordering::Acquire, of_stamp).ok().map(change)
    }

    pub(crate) fn restart(&self, generation: u32) {
        self.sums.store((self.stamp(generation) & STAMP_MASK) << STAMP_SHIFT, Ordering::Release);
    }

    pub(crate) fn tally(&self, generation: u32) -> Tally {
        let sums = self.sums.load(Ordering::Acquire);
        if sums >> STAMP_SHIFT == self.stamp(generation) & STAMP_MASK {
            unpack(sums)
        } else {
            Tally::default()
        }
    }

    /// The results, the oldest first.
    pub(crate) fn contents(&self, generation: u32) -> Vec<Mark> {
        let (stamp, size) = (self.stamp(generation), self.size.load(Ordering::Relaxed));
        let (ring, next) = (self.ring(size), self.cursor.load(Ordering::Relaxed));
        let places = (next.saturating_sub(size)..next).map(|at| usize::try_from(at % size).unwrap_or(0));
        places.filter_map(|at| Mark::unpack(ring[at].load(Ordering::Acquire), stamp)).collect()
    }
}

/// What a call adds to the sums.
fn gain_of(mark: Mark) -> u64 {
    1 + if mark.failed { FAILURE } else { 0 } + if mark.slow { SLOW } else { 0 }
}

/// A slot holds the whole stamp, above two bits and one that says that it is taken: the ring is not cleared when the
/// circuit changes, and what is left over must never be taken for something of now.
impl Mark {
    pub(super) fn pack(self, stamp: u64) -> u64 {
        stamp << 3 | u64::from(self.failed) << 2 | u64::from(self.slow) << 1 | 1
    }

    /// `None` for a slot that is empty or of another stamp.
    pub(super) fn unpack(slot: u64, stamp: u64) -> Option<Self> {
        let is_ours = slot & 1 == 1 && slot >> 3 == stamp;
        is_ours.then_some(Self { failed: slot & 4 != 0, slow: slot & 2 != 0 })
    }
}

fn unpack(sums: u64) -> Tally {
    Tally {
        calls: sums & SUM_MASK,
        failures: sums >> SUM_BITS & SUM_MASK,
        slow: sums >> (2 * SUM_BITS) & SUM_MASK,
    }
}
