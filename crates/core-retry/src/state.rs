use core_time::Instant;

use crate::budget::Paid;

/// What a retry remembers of a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallState {
    pub(crate) attempts: u32,
    /// What follows is in one word, which is set to zero in one step.
    ///
    /// Bits 0 to 15: delays since the callee last asked for a pause, after which they begin anew. 16 to 19: what was taken from the
    /// budget for the retry that was decided on last. 20: the budget counts the call as in flight. 21: the callee refused a request
    /// unprocessed. 22 to 31: attempts that were made anew because nothing had happened.
    pub(crate) word: u32,
    /// In nanoseconds: a word that is zero is stored as it is, and a `Duration` in parts.
    pub(crate) previous: u64,
    /// When the retry that was paid for starts.
    pub(crate) next_at: Option<Instant>,
}

// === impl CallState ===

impl CallState {
    const STEP: u32 = 0xFFFF;
    const PAID: u32 = 0xF << Self::PAID_AT;
    const PAID_AT: u32 = 16;
    pub(crate) const IN_FLIGHT: u32 = 1 << 20;
    pub(crate) const REFUSED: u32 = 1 << 21;
    const TRANSPARENT_AT: u32 = 22;
    const TRANSPARENT_MAX: u32 = u32::MAX >> Self::TRANSPARENT_AT;

    #[expect(clippy::cast_possible_truncation, reason = "the low half")]
    pub(crate) fn step(&self) -> u16 {
        self.word as u16
    }

    pub(crate) fn set_step(&mut self, step: u16) {
        self.word = self.word & !Self::STEP | u32::from(step);
    }

    pub(crate) fn paid(&self) -> Paid {
        Paid::of(((self.word & Self::PAID) >> Self::PAID_AT) as u16)
    }

    pub(crate) fn set_paid(&mut self, paid: Paid) {
        let units = u32::from(paid.units()) << Self::PAID_AT & Self::PAID;
        self.word = self.word & !Self::PAID | units;
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        self.word & Self::IN_FLIGHT != 0
    }

    pub(crate) fn was_refused(&self) -> bool {
        self.word & Self::REFUSED != 0
    }

    pub(crate) fn transparent(&self) -> u32 {
        self.word >> Self::TRANSPARENT_AT
    }

    /// Saturates.
    pub(crate) fn set_transparent(&mut self, count: u32) {
        let low = self.word & ((1 << Self::TRANSPARENT_AT) - 1);
        self.word = count.min(Self::TRANSPARENT_MAX) << Self::TRANSPARENT_AT | low;
    }

    pub(crate) fn take_paid(&mut self) -> Paid {
        let paid = self.paid();
        self.set_paid(Paid::NOTHING);
        paid
    }
}

#[cfg(all(test, not(genesis_loom)))]
mod tests;
