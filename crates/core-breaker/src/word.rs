use core_errors::{Category, Cause};

use crate::State;

/// The one word that holds the truth about a circuit: state, generation, and what the state needs at hand.
///
/// ```text
/// 63          32 31           3 2   0
/// |  payload    |  generation  | state |
/// ```
/// The payload is the number of consecutive failures while closed, of free probes while half open, and the kind of the
/// last failure while open. Every change of state raises the generation, so that a result of an earlier one can be told
/// by one compare (rule CB-27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u64);

const STATE_BITS: u32 = 3;
pub(crate) const GENERATION_BITS: u32 = 29;
const GENERATION_MASK: u64 = (1 << GENERATION_BITS) - 1;
const PAYLOAD_SHIFT: u32 = STATE_BITS + GENERATION_BITS;

// === impl Word ===

impl Word {
    /// The first generation is 1: tickets and windows that were never used have 0.
    pub(crate) const FIRST: Self = Self::new(State::Closed, 1, 0);

    pub(crate) const fn new(state: State, generation: u32, payload: u32) -> Self {
        Self(
            state as u64
                | (generation as u64 & GENERATION_MASK) << STATE_BITS
                | (payload as u64) << PAYLOAD_SHIFT,
        )
    }

    #[inline]
    pub(crate) const fn state(self) -> State {
        State::from_bits(self.0 & ((1 << STATE_BITS) - 1))
    }

    #[inline]
    pub(crate) const fn generation(self) -> u32 {
        ((self.0 >> STATE_BITS) & GENERATION_MASK) as u32
    }

    #[inline]
    pub(crate) const fn payload(self) -> u32 {
        (self.0 >> PAYLOAD_SHIFT) as u32
    }

    #[inline]
    pub(crate) const fn with_payload(self, payload: u32) -> Self {
        Self::new(self.state(), self.generation(), payload)
    }

    /// The word of the next generation, in `state`.
    pub(crate) const fn next(self, state: State, payload: u32) -> Self {
        Self::new(state, self.generation().wrapping_add(1), payload)
    }
}

/// What the payload says about the last failure: which entry of [`Category::all`], counted from 1.
#[expect(clippy::cast_possible_truncation, reason = "there are not 2^32 categories")]
pub(crate) fn pack_category(cause: Option<Cause>) -> u32 {
    cause.and_then(|cause| Category::all().position(|c| c == cause.category)).map_or(0, |at| at as u32 + 1)
}

#[inline]
pub(crate) fn unpack_category(payload: u32) -> Option<Category> {
    Category::nth((payload as usize).checked_sub(1)?)
}
