use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use super::{Mark, Tally};
use crate::sync::AtomicU64;

/// The last N calls (rule W-4).
///
/// The rule itself needs one shared word: which call is the Nth last is a fact about all threads together. A result takes
/// its place in the sequence with one compare-and-swap, which also says how many calls there are. That is all that a
/// success costs which takes the place of another: what it would write to its slot is there already, and no sum changes.
/// Any other result exchanges what is in its slot and changes the sums by the difference, in one step.
///
/// Places, slots and sums carry a stamp of the generation and of the shape, so a result of an earlier one changes
/// nothing. The sums carry only its low bits, which is enough: they are begun anew with each.
///
/// What results write stands at the front, and what they only read on other lines of cache: but for the rings of a window of one
/// or two calls.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct CountWindow {
    /// The stamp, whether each place was taken once, and the place of the next result.
    head: AtomicU64,
    /// The low bits of the stamp; slow calls and failures, each counted from [`NONE`].
    bad: AtomicU64,
    /// One ring for each power of two, made when a window first needs it.
    rings: [OnceLock<Box<[AtomicU64]>>; RINGS],
    /// How often the size was changed, and the size: one word, so that they belong together.
    shape: AtomicU64,
}

/// A shape at a moment.
#[derive(Clone, Copy, Debug)]
struct Shape {
    version: u64,
    size: u64,
}

/// A place and a sum have 18 bits.
pub(crate) const SIZE_MAX: u32 = 200_000;

/// 2^18 is over `SIZE_MAX`.
const RINGS: usize = 19;

const BITS: u32 = 18;
const MASK: u64 = (1 << BITS) - 1;

const FULL: u64 = 1 << BITS;
const HEAD_SHIFT: u32 = BITS + 1;

const FAILURE: u64 = 1;
const SLOW: u64 = 1 << BITS;
const BAD_SHIFT: u32 = 2 * BITS;
const BAD_MASK: u64 = (1 << BAD_SHIFT) - 1;

/// What a sum of nothing is. A result may leave the sums before whoever brought it has added it there: each thread
/// between the two steps may take one off.
const NONE: u64 = 1 << 14;
const NONE_BAD: u64 = NONE << BITS | NONE;

/// A sum never runs into the one beside it.
const _: () = assert!(SIZE_MAX as u64 + 2 * NONE <= MASK);

// === impl CountWindow ===

impl CountWindow {
    pub(crate) fn new(size: u32) -> Self {
        Self {
            head: AtomicU64::new(0),
            bad: AtomicU64::new(NONE_BAD),
            rings: Default::default(),
            shape: AtomicU64::new(u64::from(size)),
        }
    }

    /// Takes another size, and holds nothing then. There is one writer at a time.
    pub(crate) fn reshape(&self, size: u32, generation: u32) {
        let size = u64::from(size);
        self.ring(size);
        let version = self.shape().version + 1;
        self.shape.store(version << BITS | size, Ordering::Release);
        self.restart(generation);
    }

    #[inline]
    fn shape(&self) -> Shape {
        let shape = self.shape.load(Ordering::Acquire);
        Shape { version: shape >> BITS, size: shape & MASK }
    }

    #[inline]
    fn ring(&self, size: u64) -> &[AtomicU64] {
        let capacity = size.next_power_of_two();
        let class = capacity.trailing_zeros() as usize;
        self.rings[class].get_or_init(|| (0..capacity).map(|_| AtomicU64::new(0)).collect())
    }

    /// Counts a result of `generation`. The tally, if there is a failure or a slow call in the window: without one no
    /// rate can be reached.
    #[inline]
    pub(crate) fn record(&self, generation: u32, mark: Mark) -> Option<Tally> {
        let shape = self.shape();
        let stamp = shape.stamp(generation);
        let place = self.take_place(stamp, shape.size)?;
        let slot = self.ring(shape.size).get(place)?;
        // To swap a value for the same changes nothing, so that it is there is all that need be seen.
        let bad = if slot.load(Ordering::Acquire) == mark.pack(stamp) {
            self.bad.load(Ordering::Acquire)
        } else {
            self.replace(slot, mark, stamp)?
        };
        if bad & BAD_MASK == NONE_BAD { None } else { self.tally_with(shape, stamp, bad) }
    }

    /// The place of the next result, if the sequence is that of the stamp.
    #[inline]
    fn take_place(&self, stamp: u64, size: u64) -> Option<usize> {
        let next = |head: u64| {
            let after = (head & MASK) + 1;
            let after = if after < size { head + 1 } else { head & !MASK | FULL };
            (head >> HEAD_SHIFT == stamp).then_some(after)
        };
        let head = self.head.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).ok()?;
        usize::try_from(head & MASK).ok()
    }

    /// Puts a result into its slot, and the difference that it makes into the sums. What they are then, if they are of the
    /// stamp.
    fn replace(&self, slot: &AtomicU64, mark: Mark, stamp: u64) -> Option<u64> {
        // A later stamp may have begun since the place was taken. What it has put here is in its sums, and has to be here when it
        // leaves them: the slot is read before the head, so that what comes after that is another value than was read.
        let put = |_| self.is_of(stamp).then(|| mark.pack(stamp));
        let left = slot.fetch_update(Ordering::AcqRel, Ordering::Acquire, put).ok()?;
        let left = Mark::unpack(left, stamp);
        // What belongs to an earlier stamp was never in these sums.
        let (gain, loss) = (weight_of(mark), left.map_or(0, weight_of));
        if gain == loss {
            return Some(self.bad.load(Ordering::Acquire));
        }
        let change =
            |bad: u64| (bad >> BAD_SHIFT == low(stamp)).then(|| bad.wrapping_add(gain).wrapping_sub(loss));
        self.bad.fetch_update(Ordering::AcqRel, Ordering::Acquire, change).ok().and_then(change)
    }

    /// The tally with these sums. The calls are looked up after them: who is in the sums took a place before.
    #[cold]
    fn tally_with(&self, shape: Shape, stamp: u64, bad: u64) -> Option<Tally> {
        let head = self.head.load(Ordering::Acquire);
        let is_ours = head >> HEAD_SHIFT == stamp && bad >> BAD_SHIFT == low(stamp);
        let calls = if head & FULL == 0 { head & MASK } else { shape.size };
        let sum = |bits: u64| (bits & MASK).saturating_sub(NONE).min(calls);
        is_ours.then(|| Tally { calls, failures: sum(bad), slow: sum(bad >> BITS) })
    }

    /// Whether places are taken under this stamp.
    fn is_of(&self, stamp: u64) -> bool {
        self.head.load(Ordering::Acquire) >> HEAD_SHIFT == stamp
    }

    pub(crate) fn restart(&self, generation: u32) {
        let stamp = self.shape().stamp(generation);
        self.head.store(stamp << HEAD_SHIFT, Ordering::Release);
        self.bad.store(low(stamp) << BAD_SHIFT | NONE_BAD, Ordering::Release);
    }

    pub(crate) fn tally(&self, generation: u32) -> Tally {
        let shape = self.shape();
        let bad = self.bad.load(Ordering::Acquire);
        self.tally_with(shape, shape.stamp(generation), bad).unwrap_or_default()
    }

    /// The results, the oldest first.
    pub(crate) fn contents(&self, generation: u32) -> Vec<Mark> {
        let shape = self.shape();
        let stamp = shape.stamp(generation);
        let next = self.head.load(Ordering::Acquire) & MASK;
        // What was never taken in this generation is of another stamp.
        let places = (next..shape.size).chain(0..next.min(shape.size));
        let slots = places.filter_map(|place| self.ring(shape.size).get(usize::try_from(place).ok()?));
        slots.filter_map(|slot| Mark::unpack(slot.load(Ordering::Acquire), stamp)).collect()
    }
}

// === impl Shape ===

impl Shape {
    /// Whom a result belongs to: a generation, in a shape. Both only grow, so none that was superseded has the sum of the
    /// one that counts; a generation begins again after 2^28, with the stamps of then.
    #[inline]
    fn stamp(self, generation: u32) -> u64 {
        (u64::from(generation) + self.version) & (u64::MAX >> HEAD_SHIFT)
    }
}

/// As much of a stamp as there is room for beside the sums.
fn low(stamp: u64) -> u64 {
    stamp & (u64::MAX >> BAD_SHIFT)
}

/// What a result adds to the sums.
fn weight_of(mark: Mark) -> u64 {
    (if mark.failed { FAILURE } else { 0 }) + if mark.slow { SLOW } else { 0 }
}

/// A slot holds the whole stamp, above two bits and one that says that it is taken: the ring is not cleared when the
/// circuit changes, and what is left over must never be taken for something of now.
impl Mark {
    #[inline]
    pub(super) fn pack(self, stamp: u64) -> u64 {
        stamp << 3 | u64::from(self.failed) << 2 | u64::from(self.slow) << 1 | 1
    }

    /// `None` for a slot that is empty or of another stamp.
    pub(super) fn unpack(slot: u64, stamp: u64) -> Option<Self> {
        let is_ours = slot & 1 == 1 && slot >> 3 == stamp;
        is_ours.then_some(Self { failed: slot & 4 != 0, slow: slot & 2 != 0 })
    }
}
