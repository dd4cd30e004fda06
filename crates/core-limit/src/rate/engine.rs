use std::time::Duration;

use core_time::Instant;

use super::config::Checked;
use super::cycles::Cycles;
use super::gcra::{Gcra, Refused, Reserved, Taken};
use crate::error::{ConfigError, Kind};

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
    /// The engine of a rate, with reservations up to `max_wait` ahead.
    pub(crate) fn new(rate: Checked, max_wait: Duration, epoch: Instant) -> Self {
        let Checked { count, period, burst, is_bursty } = rate;
        if is_bursty {
            Self::Cycles(Cycles::new(count, period, epoch))
        } else {
            Self::Gcra(Gcra::new(count, period, burst, max_wait, epoch))
        }
    }

    /// Changes the rate, or nothing (rule RL-8).
    pub(crate) fn change(&self, rate: Checked, now: Instant) -> Result<(), ConfigError> {
        let Checked { count, period, burst, is_bursty } = rate;
        match self {
            Self::Gcra(_) if is_bursty => return Err(ConfigError(Kind::OtherAlgorithm)),
            Self::Cycles(_) if !is_bursty => return Err(ConfigError(Kind::OtherAlgorithm)),
            Self::Cycles(cycles) if cycles.period() != period => {
                return Err(ConfigError(Kind::OtherPeriod { period: cycles.period(), other: period }));
            }
            Self::Gcra(gcra) if !gcra.can_be(count, period) => {
                return Err(ConfigError(Kind::TooOdd { count, period }));
            }
            Self::Gcra(gcra) => gcra.change(count, period, burst, now),
            Self::Cycles(cycles) => {
                cycles.follow(count, now, 0);
            }
        }
        Ok(())
    }

    /// Changes the rate to one that it need not [fit](Self::change): by whole units of the rate it was made with then, which is never
    /// faster than asked for. The algorithm, and the period of bursts, must be the same, or nothing changes.
    ///
    /// A smaller bucket cuts off what was used beyond it. A word for that comes back, which is zero if nothing was, and goes in as `before`
    /// with later changes: a larger bucket takes it up again.
    pub(crate) fn follow(&self, rate: Checked, now: Instant, before: u64) -> u64 {
        match self {
            Self::Gcra(gcra) => gcra.follow(rate.count, rate.period, rate.burst, now, before),
            Self::Cycles(cycles) => cycles.follow(rate.count, now, before),
        }
    }

    /// Another one in which as much was used.
    pub(crate) fn copy(&self) -> Self {
        match self {
            Self::Gcra(gcra) => Self::Gcra(gcra.copy()),
            Self::Cycles(cycles) => Self::Cycles(cycles.copy()),
        }
    }

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

    /// Whether all that may be used at once is there, and nothing was taken ahead: a new one would be no different.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.peek(now).remaining >= self.burst()
    }

    pub(crate) fn balance(&self, now: Instant) -> i64 {
        either!(self, engine => engine.balance(now))
    }

    /// The most that is ever admitted at once.
    pub(crate) fn burst(&self) -> u64 {
        either!(self, engine => engine.burst())
    }

    /// The time in which a full bucket empties, or a period begins anew.
    pub(crate) fn tolerance(&self) -> Duration {
        match self {
            Self::Gcra(gcra) => gcra.tolerance(),
            Self::Cycles(cycles) => cycles.period(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_small_since_every_key_has_one() {
        assert_eq!(size_of::<Engine>(), 48);
    }
}
