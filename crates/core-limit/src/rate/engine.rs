use std::time::Duration;

use core_time::Instant;

use super::cycles::Cycles;
use super::gcra::{Gcra, Refused, Reserved, Taken};

/// Which of the two ways to count.
#[derive(Debug)]
pub(crate) enum Engine {
    /// Evenly, with a burst.
    Gcra(Gcra),
    /// All of a period at its start.
    Cycles(Cycles),
}

macro_rules! either {
    ($self:ident, $engine:ident => $what:expr) => {
        match $self {
            Self::Gcra($engine) => $what,
            Self::Cycles($engine) => $what,
        }
    };
}

// === impl Engine ===

impl Engine {
    #[inline]
    pub(crate) fn take_one(&self, now: Instant) -> Result<(), Refused> {
        match self {
            Self::Gcra(gcra) => gcra.take_one(now),
            Self::Cycles(cycles) => cycles.take(1, now).map(drop),
        }
    }

    #[inline]
    pub(crate) fn take(&self, n: u64, now: Instant) -> Result<Taken, Refused> {
        either!(self, engine => engine.take(n, now))
    }

    pub(crate) fn take_at_most(&self, n: u64, now: Instant) -> u64 {
        either!(self, engine => engine.take_at_most(n, now))
    }

    pub(crate) fn reserve(&self, n: u64, now: Instant, max_wait: Duration) -> Result<Reserved, Refused> {
        either!(self, engine => engine.reserve(n, now, max_wait))
    }

    pub(crate) fn cancel(&self, before: u64, after: u64) -> bool {
        either!(self, engine => engine.cancel(before, after))
    }

    pub(crate) fn give_back(&self, n: u64, now: Instant) {
        either!(self, engine => engine.give_back(n, now));
    }

    pub(crate) fn charge(&self, n: u64, now: Instant) {
        either!(self, engine => engine.charge(n, now));
    }

    pub(crate) fn penalise(&self, time: Duration, now: Instant) {
        either!(self, engine => engine.penalise(time, now));
    }

    pub(crate) fn peek(&self, now: Instant) -> Taken {
        either!(self, engine => engine.peek(now))
    }

    pub(crate) fn balance(&self, now: Instant) -> i64 {
        either!(self, engine => engine.balance(now))
    }

    /// The time in which a full bucket empties, or a period begins anew.
    pub(crate) fn tolerance(&self) -> Duration {
        match self {
            Self::Gcra(gcra) => gcra.tolerance(),
            Self::Cycles(cycles) => cycles.period(),
        }
    }
}
