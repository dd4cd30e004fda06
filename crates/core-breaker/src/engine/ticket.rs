use std::num::NonZeroU64;

use core_time::Instant;

use crate::word::{Phase, Word};

/// The right to make one call: the word of a plain circuit of its generation, with the number of the probe for a payload, 0 for none.
/// So a ticket of a plain circuit with no failure in a row is its word. Never zero, so that having no ticket is one word too.
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
    #[inline]
    pub(crate) fn new(word: Word, probe: u32) -> Self {
        // Where its phase has one bit already, this adds nothing.
        Self(NonZeroU64::MIN | Word::new(Phase::Plain, word.generation(), probe).0)
    }

    /// Whether the circuit is plain, has no failure in a row, and is of the ticket's generation.
    #[inline]
    pub(super) fn is_plain(self, word: Word) -> bool {
        // A probe's number is no payload of a plain circuit: none is plain in the generation of a half-open one.
        self.0.get() == word.0
    }

    #[inline]
    pub(super) fn generation(self) -> u32 {
        Word(self.0.get()).generation()
    }

    #[inline]
    pub(super) fn probe(self) -> u32 {
        Word(self.0.get()).payload()
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
