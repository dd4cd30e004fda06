use std::time::Duration;

use core_errors::{Name, NameError};
use core_time::Clock;

use super::cycles;
use super::engine::Engine;
use super::gcra::Gcra;
use super::limit::RateLimit;
use crate::error::{ConfigError, Kind};

/// How often: the start of a [`Builder`].
#[derive(Clone, Copy, Debug)]
pub struct Rate;

/// Says how often, and how many at once. Made by [`Rate::per_second`] and its sisters.
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone, Debug)]
pub struct Builder {
    name: Result<Name, NameError>,
    count: u64,
    period: Duration,
    burst: Option<u64>,
    is_bursty: bool,
    max_wait: Duration,
    clock: Clock,
}

/// A rate, checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked {
    pub(crate) count: u64,
    pub(crate) period: Duration,
    pub(crate) burst: u64,
    pub(crate) is_bursty: bool,
}

/// Who waits for longer should be in a queue that survives a restart.
const WAIT_MAX: Duration = Duration::from_secs(86_400);

const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);

// === impl Rate ===

impl Rate {
    /// So many a second.
    pub fn per_second(count: u64) -> Builder {
        Self::per(count, Duration::from_secs(1))
    }

    /// So many a minute.
    pub fn per_minute(count: u64) -> Builder {
        Self::per(count, Duration::from_secs(60))
    }

    /// So many an hour.
    pub fn per_hour(count: u64) -> Builder {
        Self::per(count, Duration::from_secs(3_600))
    }

    /// So many in `period`.
    pub fn per(count: u64, period: Duration) -> Builder {
        Builder {
            name: Ok(Name::UNNAMED),
            count,
            period,
            burst: None,
            is_bursty: false,
            max_wait: Duration::ZERO,
            clock: Clock::system(),
        }
    }
}

// === impl Builder ===

impl Builder {
    /// Admits so many at once. Default: as many as the rate allows in its period.
    pub fn burst(mut self, burst: u64) -> Self {
        self.burst = Some(burst);
        self
    }

    /// Admits one at a time, each as long after the last as the rate says: a burst of one.
    pub fn smooth(self) -> Self {
        self.burst(1)
    }

    /// Counts by periods that begin one after the other from when the limit is made: all of a period may come at its start,
    /// and what is not used is lost with it. Two periods' worth may come at once where they meet. For callees that count so
    /// themselves; the default, which refills evenly, is kinder to all others. Up to 1 000 000 in a period of a millisecond
    /// or more.
    pub fn bursty(mut self) -> Self {
        self.is_bursty = true;
        self
    }

    /// Lets a call wait so long for its turn. Default: not at all. Who would have to wait for longer, or past the deadline,
    /// is refused at once (rule RL-6). Up to a day.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// Names the limit in refusals. Default: `unnamed`. A text that cannot be a name is refused by
    /// [`build`](Self::build).
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Name::new(name.as_ref());
        self
    }

    /// Reads time from `clock`. Default: the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How long a call may wait, unchecked.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.max_wait
    }

    /// The most that is admitted within `time`, wherever it begins, unchecked; `None` if that is no number.
    #[must_use]
    pub fn most_within(&self, time: Duration) -> Option<u64> {
        let calls =
            time.as_nanos().checked_mul(u128::from(self.count))?.checked_div(self.period.as_nanos())?;
        let at_once = match self.burst {
            // Where two periods meet.
            _ if self.is_bursty => u128::from(self.count) * 2,
            burst => u128::from(burst.unwrap_or(self.count)),
        };
        u64::try_from(calls.checked_add(at_once)?).ok()
    }

    /// Checks everything and makes the limit.
    ///
    /// # Errors
    /// If count, period or burst is zero, there is more than one call in a nanosecond, the rate cannot be kept to within 1 %
    /// since a call would be a fraction of a nanosecond, a full bucket would take more than
    /// 100 years to empty, a call may wait for more than a day, a bursty limit has a burst or is too large or too fast, or
    /// the name cannot be a name.
    pub fn build(self) -> Result<RateLimit, ConfigError> {
        let name = self.name.clone()?;
        let rate = self.check()?;
        let Self { max_wait, clock, .. } = self;
        if max_wait > WAIT_MAX {
            return Err(ConfigError(Kind::WaitTooLong { wait: max_wait, max: WAIT_MAX }));
        }
        let engine = Engine::new(rate, max_wait, clock.now_coarse());
        Ok(RateLimit::new(name, rate, engine, max_wait, clock))
    }

    pub(crate) fn name_and_clock(&self) -> (Result<Name, NameError>, Clock) {
        (self.name.clone(), self.clock.clone())
    }

    /// Checks the rate alone.
    pub(crate) fn check(&self) -> Result<Checked, ConfigError> {
        let Self { count, period, is_bursty, .. } = *self;
        let burst = self.burst.unwrap_or(count);
        for (what, is_zero) in
            [("the rate", count == 0), ("the period", period.is_zero()), ("the burst", burst == 0)]
        {
            if is_zero {
                return Err(ConfigError(Kind::Zero { what }));
            }
        }
        let full = period.as_nanos().saturating_mul(u128::from(burst)) / u128::from(count);
        if period > CENTURY || full > CENTURY.as_nanos() {
            return Err(ConfigError(Kind::TooLong { what: "the time that a full bucket takes to empty" }));
        }
        if is_bursty {
            if self.burst.is_some() {
                return Err(ConfigError(Kind::BurstOfBursty));
            }
            if count > cycles::COUNT_MAX || period < cycles::PERIOD_MIN {
                return Err(ConfigError(Kind::TooBursty { count, period }));
            }
        } else if u128::from(count) > period.as_nanos() {
            return Err(ConfigError(Kind::TooFast { count, period }));
        } else if Gcra::is_off(count, period, burst) {
            return Err(ConfigError(Kind::TooOdd { count, period }));
        }
        Ok(Checked { count, period, burst, is_bursty })
    }
}
