use std::time::Duration;

use core_errors::{Name, NameError};
use core_time::Clock;

use super::gcra::Gcra;
use super::policy::RateLimit;
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
    clock: Clock,
}

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
        Builder { name: Ok(Name::UNNAMED), count, period, burst: None, clock: Clock::system() }
    }
}

// === impl Builder ===

impl Builder {
    /// Admits so many at once. Default: as many as the rate allows in its period.
    pub fn burst(mut self, burst: u64) -> Self {
        self.burst = Some(burst);
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

    /// Checks everything and makes the limit.
    ///
    /// # Errors
    /// If count, period or burst is zero, there is more than one call in a nanosecond, the rate cannot be kept to within 1 % since
    /// a call would be a fraction of a nanosecond, a full bucket would take more than
    /// 100 years to empty, or the name cannot be a name.
    pub fn build(self) -> Result<RateLimit, ConfigError> {
        let Self { name, count, period, burst, clock } = self;
        let name = name?;
        let burst = burst.unwrap_or(count);
        for (what, is_zero) in
            [("the rate", count == 0), ("the period", period.is_zero()), ("the burst", burst == 0)]
        {
            if is_zero {
                return Err(ConfigError(Kind::Zero { what }));
            }
        }
        if u128::from(count) > period.as_nanos() {
            return Err(ConfigError(Kind::TooFast { count, period }));
        }
        if Gcra::is_off(count, period, burst) {
            return Err(ConfigError(Kind::TooOdd { count, period }));
        }
        let full = period.as_nanos().saturating_mul(u128::from(burst)) / u128::from(count);
        if period > CENTURY || full > CENTURY.as_nanos() {
            return Err(ConfigError(Kind::TooLong { what: "the time that a full bucket takes to empty" }));
        }
        let gcra = Gcra::new(count, period, burst, clock.now_coarse());
        Ok(RateLimit::new(name, count, period, burst, gcra, clock))
    }
}
