use std::time::Duration;

use crate::error::ConfigError;

/// When a check runs and how many results it takes to change one's mind. What is not set is taken from the
/// [`Builder`](crate::Builder).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// From the end of a run to the next one; varied by ±10 %.
    pub interval: Option<Duration>,
    /// How long a run may take.
    pub timeout: Option<Duration>,
    /// Successes in a row that make an unhealthy check healthy.
    pub rise: Option<u32>,
    /// Failures in a row that make a healthy check unhealthy.
    pub fall: Option<u32>,
}

/// A schedule with everything set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) rise: u32,
    pub(crate) fall: u32,
}

/// A result counts for three intervals: what is looked at less often than once a day is not watched.
const INTERVAL_MAX: Duration = Duration::from_hours(24);

/// So long a check that hangs would be taken for one that is at work.
const TIMEOUT_MAX: Duration = Duration::from_hours(1);

// === impl Timing ===

impl Timing {
    pub(crate) const DEFAULT: Self =
        Self { interval: Duration::from_secs(10), timeout: Duration::from_secs(2), rise: 1, fall: 3 };

    /// What a check asks for, over what holds for all.
    pub(crate) fn with(self, own: Schedule) -> Self {
        Self {
            interval: own.interval.unwrap_or(self.interval),
            timeout: own.timeout.unwrap_or(self.timeout),
            rise: own.rise.unwrap_or(self.rise),
            fall: own.fall.unwrap_or(self.fall),
        }
    }

    /// Whether it makes sense. The bounds keep all that is calculated from them far from any overflow.
    pub(crate) fn check(&self, name: &str) -> Result<(), ConfigError> {
        let refuse = |what| Err(ConfigError::schedule(name, what));
        match self {
            Self { interval, .. } if interval.is_zero() => {
                refuse("its interval is zero: it would run without pause")
            }
            Self { timeout, .. } if timeout.is_zero() => {
                refuse("its timeout is zero: it could never succeed")
            }
            Self { interval, .. } if *interval > INTERVAL_MAX => refuse(
                "its interval is more than a day: its result would say nothing of now; a minute is long already",
            ),
            Self { timeout, .. } if *timeout > TIMEOUT_MAX => refuse(
                "its timeout is more than an hour: what hangs would be seen too late; ten seconds are long already",
            ),
            Self { rise: 0, .. } => refuse("its rise is zero: it takes at least one success to be healthy"),
            Self { fall: 0, .. } => refuse("its fall is zero: it takes at least one failure to be unhealthy"),
            _ => Ok(()),
        }
    }

    /// A result that is older says nothing any more.
    pub(crate) fn stale_after(&self) -> Duration {
        self.interval.saturating_mul(3).saturating_add(self.timeout)
    }
}
