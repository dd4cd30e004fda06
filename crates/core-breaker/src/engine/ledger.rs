use std::time::Duration;

use core_errors::Cause;
use core_time::Instant;

use crate::event::Outbox;
use crate::round::Round;

/// What only the thread that changes something touches.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(super) round: Round,
    pub(super) next_probe: u32,
    /// Reopenings since the circuit was last closed (rule CB-29).
    pub(super) reopened: u32,
    /// The open time of the rule that opened it: what the times of reopenings grow from.
    pub(super) base: Duration,
    pub(super) opened: u64,
    /// How often probes closed it.
    pub(super) recovered: u64,
    /// The last failure that was recorded as a cause.
    pub(super) last_cause: Option<Cause>,
    /// Until when failures are taken for the one that was counted last (rule CB-11).
    pub(super) lumped_until: Instant,
    pub(super) isolation: Isolation,
    pub(crate) outbox: Outbox,
}

/// Handles that hold a circuit open.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Isolation {
    /// How many there are.
    pub(super) handles: u32,
    /// Raised when the handles there are lose their meaning, since an operator did something else.
    pub(super) epoch: u64,
    /// Whether it was open for them, and not for an operator who had forced it before.
    pub(super) has_opened: bool,
}

// === impl Ledger ===

impl Ledger {
    pub(super) fn new(base: Duration) -> Self {
        Self {
            round: Round::default(),
            next_probe: 0,
            reopened: 0,
            base,
            opened: 0,
            recovered: 0,
            last_cause: None,
            lumped_until: Instant::ORIGIN,
            isolation: Isolation::default(),
            outbox: Outbox::default(),
        }
    }

    pub(crate) fn opened(&self) -> u64 {
        self.opened
    }

    pub(crate) fn recovered(&self) -> u64 {
        self.recovered
    }

    pub(crate) fn last_cause(&self) -> Option<Cause> {
        self.last_cause
    }

    /// How many handles hold it open.
    pub(crate) fn isolations(&self) -> u32 {
        self.isolation.handles
    }

    /// Whether a failure of `now` counts, and is not one with the last that did.
    pub(super) fn is_apart(&mut self, now: Instant, lumping: Duration) -> bool {
        let is_apart = now >= self.lumped_until;
        if is_apart {
            self.lumped_until = now + lumping;
        }
        is_apart
    }
}
