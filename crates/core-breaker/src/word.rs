use std::sync::OnceLock;

use core_errors::{Category, Cause, Code};

use crate::State;

/// The one word that holds the truth about a circuit: state, generation, and what the state needs at hand.
///
/// ```text
/// 63          32 31           4 3   0
/// |  payload    |  generation  | phase |
/// ```
/// The payload is the number of consecutive failures while calls pass, and the kind and name of the last failure while open. While
/// half open these stand above the number of free probes. Every change of state raises the generation, so that a result of an earlier one can be told
/// by one compare (rule CB-27). After 2^28 changes it begins again with 0: a call would have to run
/// through exactly as many to be taken for one of now, and with a change a millisecond that is three days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u64);

/// What callers need to know of a circuit: its state, whether it has just closed, and how much there is to a success. One bit, the
/// highest, says whether all calls pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open = 0,
    HalfOpen = 1,
    ForcedOpen = 2,
    /// Closed, and a growing share of the calls is admitted (rule CB-38).
    RampUp = 3,
    Disabled = 8,
    Shadow = 9,
    ForcedClosed = 10,
    Closed = 14,
    /// Closed, and by these rules a success does nothing but end a run of failures: there is no window, no average, and
    /// nobody asks what is slow.
    Plain = 15,
}

const PHASE_BITS: u32 = 4;
const PHASE_MASK: u64 = (1 << PHASE_BITS) - 1;
const GENERATION_BITS: u32 = 28;
const GENERATION_MASK: u64 = (1 << GENERATION_BITS) - 1;
const PAYLOAD_SHIFT: u32 = PHASE_BITS + GENERATION_BITS;

/// Of a phase in which all calls pass, so that no time is needed to say so.
const PASSES: u64 = 8;

// === impl Phase ===

impl Phase {
    pub(crate) const fn state(self) -> State {
        match self {
            Self::Closed | Self::RampUp | Self::Plain => State::Closed,
            Self::Open => State::Open,
            Self::HalfOpen => State::HalfOpen,
            Self::ForcedOpen => State::ForcedOpen,
            Self::Disabled => State::Disabled,
            Self::Shadow => State::Shadow,
            Self::ForcedClosed => State::ForcedClosed,
        }
    }

    /// Whether calls pass and their results are counted.
    pub(crate) const fn counts(self) -> bool {
        matches!(self, Self::Closed | Self::RampUp | Self::Plain | Self::Shadow | Self::ForcedClosed)
    }
}

// === impl Word ===

impl Word {
    /// The first generation is 1: tickets and windows that were never used have 0.
    pub(crate) const FIRST: Self = Self::new(Phase::Closed, 1, 0);

    pub(crate) const fn new(phase: Phase, generation: u32, payload: u32) -> Self {
        Self(
            phase as u64
                | (generation as u64 & GENERATION_MASK) << PHASE_BITS
                | (payload as u64) << PAYLOAD_SHIFT,
        )
    }

    #[inline]
    pub(crate) const fn phase(self) -> Phase {
        match self.0 & PHASE_MASK {
            0 => Phase::Open,
            1 => Phase::HalfOpen,
            2 => Phase::ForcedOpen,
            3 => Phase::RampUp,
            8 => Phase::Disabled,
            9 => Phase::Shadow,
            10 => Phase::ForcedClosed,
            14 => Phase::Closed,
            _ => Phase::Plain,
        }
    }

    /// Whether it is in that phase: one compare, where to find out which it is takes several.
    #[inline]
    pub(crate) const fn is(self, phase: Phase) -> bool {
        self.0 & PHASE_MASK == phase as u64
    }

    /// Whether all calls pass, so that no time is needed to say so.
    #[inline]
    pub(crate) const fn passes(self) -> bool {
        self.0 & PASSES != 0
    }

    pub(crate) const fn state(self) -> State {
        self.phase().state()
    }

    #[inline]
    pub(crate) const fn generation(self) -> u32 {
        ((self.0 >> PHASE_BITS) & GENERATION_MASK) as u32
    }

    #[inline]
    pub(crate) const fn payload(self) -> u32 {
        (self.0 >> PAYLOAD_SHIFT) as u32
    }

    /// Of a circuit that is half open: how many probes are free.
    pub(crate) const fn free_probes(self) -> u32 {
        self.payload() & PROBES_MASK
    }

    pub(crate) const fn with_free_probes(self, free: u32) -> Self {
        self.with_payload(self.payload() & !PROBES_MASK | free)
    }

    /// Of a circuit that is open or half open: what was packed of the failure.
    #[inline]
    pub(crate) const fn cause(self) -> u32 {
        if self.is(Phase::Open) {
            self.payload()
        } else if self.is(Phase::HalfOpen) {
            self.payload() >> PROBES_BITS
        } else {
            0
        }
    }

    #[inline]
    pub(crate) const fn with_payload(self, payload: u32) -> Self {
        Self::new(self.phase(), self.generation(), payload)
    }

    /// The same generation, in another phase of the same state.
    pub(crate) const fn with_phase(self, phase: Phase) -> Self {
        Self::new(phase, self.generation(), self.payload())
    }

    /// How many generations it is after an earlier one.
    pub(crate) const fn generations_since(self, earlier: u32) -> u32 {
        Self::new(self.phase(), self.generation().wrapping_sub(earlier), 0).generation()
    }

    /// The word of the next generation, in `phase`.
    pub(crate) const fn next(self, phase: Phase, payload: u32) -> Self {
        Self::new(phase, self.generation().wrapping_add(1), payload)
    }
}

/// The names of the failures that opened a circuit. Whose name comes after 15 others is remembered by its kind alone.
#[derive(Debug, Default)]
pub(crate) struct Codes([OnceLock<Code>; 15]);

// === impl Codes ===

impl Codes {
    /// The place of a name, counted from 1; 0 if there is none.
    fn place(&self, code: Code) -> u32 {
        let is_there = |slot: &&OnceLock<Code>| *slot.get_or_init(|| code) == code;
        let place = (1..).zip(&self.0).find(|(_, slot)| is_there(slot));
        place.map_or(0, |(place, _)| place)
    }

    fn at(&self, place: u32) -> Option<Code> {
        self.0.get((place as usize).checked_sub(1)?)?.get().copied()
    }
}

const CATEGORY_BITS: u32 = 8;

/// Free probes are fewer: 1 000 at most.
const PROBES_BITS: u32 = 16;
const PROBES_MASK: u32 = (1 << PROBES_BITS) - 1;

/// What is packed of a failure has room above the free probes: its kind, and one of 15 names.
const _: () = assert!(CATEGORY_BITS + 4 <= u32::BITS - PROBES_BITS);

/// The payload of a circuit that is half open.
pub(crate) const fn pack_round(free: u32, cause: u32) -> u32 {
    cause << PROBES_BITS | free
}

/// The payload that tells of a failure: its kind, counted from 1, and the place of its name.
pub(crate) fn pack_cause(cause: Option<Cause>, codes: &Codes) -> u32 {
    let Some(cause) = cause else { return 0 };
    (cause.category as u32 + 1) | (cause.code.map_or(0, |code| codes.place(code)) << CATEGORY_BITS)
}

#[inline]
pub(crate) fn unpack_cause<'a>(payload: u32, codes: impl FnOnce() -> Option<&'a Codes>) -> Option<Cause> {
    let category = payload & ((1 << CATEGORY_BITS) - 1);
    let category = Category::nth((category as usize).checked_sub(1)?)?;
    let place = payload >> CATEGORY_BITS;
    Some(Cause::new(category, if place == 0 { None } else { named(place, codes) }))
}

#[cold]
fn named<'a>(place: u32, codes: impl FnOnce() -> Option<&'a Codes>) -> Option<Code> {
    codes()?.at(place)
}

#[cfg(test)]
mod tests;
