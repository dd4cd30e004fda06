use std::time::Duration;

use core_errors::Cause;
use core_time::Instant;

use crate::event::Outbox;
use crate::round::Round;
use crate::rules::Rule;
use crate::word::Phase;

/// What only the thread that changes something touches.
#[derive(Debug)]
#[cfg_attr(genesis_mutant, derive(Clone))]
pub(crate) struct Ledger {
    pub(super) round: Round,
    pub(super) next_probe: u32,
    /// Reopenings since the circuit was last closed (rule CB-29).
    pub(super) reopened: u32,
    /// The open time of the rule that opened it: what the times of reopenings grow from.
    pub(super) base: Duration,
    /// That rule, where it was one.
    pub(super) opened_by: Option<Rule>,
    /// Whether an operator has opened it for a time: the fleet has no say in that.
    pub(super) is_operators: bool,
    pub(super) opened: u64,
    /// How often probes closed it.
    pub(super) recovered: u64,
    /// The last failure that was recorded as a cause.
    pub(super) last_cause: Option<Cause>,
    /// Until when failures are taken for the one that was counted last (rule CB-11).
    pub(super) lumped_until: Instant,
    /// The generation of which a thread asks how long to open after it, and then looks again. Others leave that one to it.
    pub(super) asking: Option<u32>,
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
    /// The state to go back to, if it is open for them and not for an operator who had forced it before.
    pub(super) under: Option<Under>,
}

/// What an isolated circuit is when the isolation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Under {
    Closed,
    Shadow,
    Disabled,
    ForcedClosed,
}

// === impl Under ===

impl Under {
    /// What an operator chose stays; whatever the rules made of it begins anew.
    pub(super) fn of(phase: Phase) -> Self {
        match phase {
            Phase::Shadow => Self::Shadow,
            Phase::Disabled => Self::Disabled,
            Phase::ForcedClosed => Self::ForcedClosed,
            _ => Self::Closed,
        }
    }
}

// === impl Ledger ===

impl Ledger {
    pub(super) fn new(base: Duration) -> Self {
        Self {
            round: Round::default(),
            next_probe: 0,
            reopened: 0,
            base,
            opened_by: None,
            is_operators: false,
            opened: 0,
            recovered: 0,
            last_cause: None,
            lumped_until: Instant::ORIGIN,
            asking: None,
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

    /// Whether an operator has opened it for a time.
    pub(crate) fn is_operators(&self) -> bool {
        self.is_operators
    }

    pub(crate) fn last_cause(&self) -> Option<Cause> {
        self.last_cause
    }

    /// How many handles hold it open.
    pub(crate) fn isolations(&self) -> u32 {
        self.isolation.handles
    }

    /// Whether a thread asks how long to open after this generation.
    pub(super) fn is_asked(&self, generation: u32) -> bool {
        self.asking == Some(generation)
    }

    /// It has its answer. By now somebody may ask for a later generation.
    pub(super) fn was_told(&mut self, generation: u32) {
        self.asking = self.asking.filter(|asking| *asking != generation);
    }

    /// Whether a failure of `now` counts, and is not one with the last that did.
    pub(super) fn is_apart(&mut self, now: Instant, lumping: Duration) -> bool {
        // Further away than it can be, if the clock went back: then it is not known to be one with it (rule W-5).
        let is_apart = now >= self.lumped_until || self.lumped_until - now > lumping;
        if is_apart {
            self.lumped_until = now + lumping;
        }
        is_apart
    }
}
