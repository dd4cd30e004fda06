use std::sync::OnceLock;

use core_errors::{Category, Cause, Code};

use crate::State;

/// The one word that holds the truth about a circuit: state, generation, and what the state needs at hand.
///
/// ```text
/// 63          32 31           3 2   0
/// |  payload    |  generation  | state |
/// ```
/// The payload is the number of consecutive failures while calls pass, and the kind and name of the last failure while open. While
/// half open these stand above the number of free probes. Every change of state raises the generation, so that a result of an earlier one can be told
/// by one compare (rule CB-27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u64);

/// What callers need to know of a circuit: its state, whether it has just closed, and how much there is to a success. In this
/// order, so that one bit says whether all calls pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    HalfOpen,
    ForcedOpen,
    /// Closed, and a growing share of the calls is admitted (rule CB-38).
    RampUp,
    Disabled,
    Shadow,
    Closed,
    /// Closed, and by these rules a success does nothing but end a run of failures: there is no window, no average, and
    /// nobody asks what is slow.
    Plain,
}

const STATE_BITS: u32 = 3;
const GENERATION_BITS: u32 = 29;
const GENERATION_MASK: u64 = (1 << GENERATION_BITS) - 1;
const PAYLOAD_SHIFT: u32 = STATE_BITS + GENERATION_BITS;

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
        }
    }

    /// Whether all calls pass, so that no time is needed to say so.
    #[inline]
    pub(crate) const fn passes(self) -> bool {
        self as u64 & Self::Disabled as u64 != 0
    }

    /// Whether calls pass and their results are counted.
    pub(crate) const fn counts(self) -> bool {
        matches!(self, Self::Closed | Self::RampUp | Self::Plain | Self::Shadow)
    }
}

// === impl Word ===

impl Word {
    /// The first generation is 1: tickets and windows that were never used have 0.
    pub(crate) const FIRST: Self = Self::new(Phase::Closed, 1, 0);

    pub(crate) const fn new(phase: Phase, generation: u32, payload: u32) -> Self {
        Self(
            phase as u64
                | (generation as u64 & GENERATION_MASK) << STATE_BITS
                | (payload as u64) << PAYLOAD_SHIFT,
        )
    }

    #[inline]
    pub(crate) const fn phase(self) -> Phase {
        match self.0 & ((1 << STATE_BITS) - 1) {
            0 => Phase::Open,
            1 => Phase::HalfOpen,
            2 => Phase::ForcedOpen,
            3 => Phase::RampUp,
            4 => Phase::Disabled,
            5 => Phase::Shadow,
            6 => Phase::Closed,
            _ => Phase::Plain,
        }
    }

    pub(crate) const fn state(self) -> State {
        self.phase().state()
    }

    #[inline]
    pub(crate) const fn generation(self) -> u32 {
        ((self.0 >> STATE_BITS) & GENERATION_MASK) as u32
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
        match self.phase() {
            Phase::Open => self.payload(),
            Phase::HalfOpen => self.payload() >> PROBES_BITS,
            _ => 0,
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
