use std::num::NonZeroU64;

use core_time::Instant;

use crate::word::{GENERATION_BITS, Word};

/// The right to make one call: the generation it is of, and the number of the probe, 0 for none. One word, never zero, so that
/// having no ticket is one word too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(NonZeroU64);

/// Why there is no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// What the circuit was.
    pub(super) word: Word,
    /// When it is worth coming back, where that is known.
    pub(super) until: Option<Instant>,
}

// === impl Ticket ===

impl Ticket {
    /// The mark of a ticket: the highest bit.
    const MARK: NonZeroU64 = NonZeroU64::MIN.saturating_add((1 << 63) - 1);

    #[inline]
    pub(crate) fn new(word: Word, probe: u32) -> Self {
        let (generation, probe) = (u64::from(word.generation()), u64::from(probe));
        Self(Self::MARK | (probe << GENERATION_BITS | generation))
    }

    #[inline]
    pub(super) fn generation(self) -> u32 {
        (self.0.get() & ((1 << GENERATION_BITS) - 1)) as u32
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the rest of the word is the mark")]
    pub(super) fn probe(self) -> u32 {
        (self.0.get() >> GENERATION_BITS) as u32
    }

    /// Whether it is the ticket of a probe.
    #[inline]
    pub(crate) fn is_probe(self) -> bool {
        self.probe() != 0
    }
}

// === impl Refused ===

impl Refused {
    /// Whether it is known when to come back.
    #[inline]
    pub(crate) fn is_certain(self) -> bool {
        self.until.is_some()
    }
}
