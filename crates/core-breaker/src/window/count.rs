use std::sync::atomic::{AtomicU64, Ordering};

use super::{Mark, Tally};

/// The last N calls (rule W-4).
///
/// The rule itself needs one shared word: which call is the Nth last is a fact about all threads together. A result
/// swaps its slot, and one compare-and-swap keeps the sums; both carry the generation, so a result of an earlier one
/// changes nothing. The sums carry only its low bits, which is enough: they are begun anew with each.
#[derive(Debug)]
pub(crate) struct CountWindow {
    slots: Box<[AtomicU64]>,
    cursor: AtomicU64,
    sums: AtomicU64,
}

/// The sums share a word: 18 bits each for calls, failures and slow calls, and 10 for the generation. The rest of the 18
/// bits is room for threads that are in between.
pub(crate) const SIZE_MAX: u32 = 200_000;

const SUM_BITS: u32 = 18;
const SUM_MASK: u64 = (1 << SUM_BITS) - 1;
const FAILURE: u64 = 1 << SUM_BITS;
const SLOW: u64 = 1 << (2 * SUM_BITS);
const GENERATION_SHIFT: u32 = 3 * SUM_BITS;
const GENERATION_MASK: u64 = (1 << 10) - 1;

// === impl CountWindow ===

impl CountWindow {
    pub(crate) fn new(size: u32) -> Self {
        Self {
            slots: (0..size).map(|_| AtomicU64::new(0)).collect(),
            cursor: AtomicU64::new(0),
            sums: AtomicU64::new(1 << GENERATION_SHIFT),
        }
    }

    pub(crate) fn record(&self, generation: u32, mark: Mark) -> Option<Tally> {
        let ours = u64::from(generation);
        let generation = ours & GENERATION_MASK;
        let gain = gain_of(mark);
        // First into the sums, then into the ring: whoever takes it out of the ring finds it in the sums, so that they
        // never run below zero. Meanwhile they hold a call too many for each thread that is in between.
        let entered = self.change(generation, |sums| sums + gain)?;
        let slots = u64::try_from(self.slots.len()).unwrap_or(u64::MAX);
        let at = usize::try_from(self.cursor.fetch_add(1, Ordering::Relaxed) % slots).unwrap_or(0);
        let left = Mark::unpack(self.slots[at].swap(mark.pack(ours), Ordering::AcqRel), ours);
        // What leaves the ring leaves the sums, unless it belongs to an earlier generation and was never in these.
        match left {
            None => Some(unpack(entered)),
            Some(left) => self.change(generation, |sums| sums - gain_of(left)).map(unpack),
        }
    }

    /// Changes the sums, if they are of this generation.
    fn change(&self, generation: u64, change: impl Fn(u64) -> u64) -> Option<u64> {
        let of_generation = |sums| (sums >> GENERATION_SHIFT == generation).then(|| change(sums));
        self.sums.fetch_update(Ordering::AcqRel, Ordering::Acquire, of_generation).ok().map(change)
    }

    pub(crate) fn restart(&self, generation: u32) {
        self.sums.store((u64::from(generation) & GENERATION_MASK) << GENERATION_SHIFT, Ordering::Release);
    }

    pub(crate) fn tally(&self, generation: u32) -> Tally {
        let sums = self.sums.load(Ordering::Acquire);
        if sums >> GENERATION_SHIFT == u64::from(generation) & GENERATION_MASK {
            unpack(sums)
        } else {
            Tally::default()
        }
    }
}

/// What a call adds to the sums.
fn gain_of(mark: Mark) -> u64 {
    1 + if mark.failed { FAILURE } else { 0 } + if mark.slow { SLOW } else { 0 }
}

/// A slot holds the whole generation, above two bits and one that says that it is taken: the ring is not cleared when the
/// circuit changes, and what is left over must never be taken for something of now.
impl Mark {
    fn pack(self, generation: u64) -> u64 {
        generation << 3 | u64::from(self.failed) << 2 | u64::from(self.slow) << 1 | 1
    }

    /// `None` for a slot that is empty or of another generation.
    fn unpack(slot: u64, generation: u64) -> Option<Self> {
        let is_ours = slot & 1 == 1 && slot >> 3 == generation;
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
