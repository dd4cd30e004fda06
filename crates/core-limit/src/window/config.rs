use std::time::Duration;

use core_errors::{Name, NameError};
use core_time::Clock;

use super::counter::{Counter, LIMIT_MAX};
use super::policy::SlidingWindow;
use crate::error::{ConfigError, Kind};

/// Says how often in which window. Made by [`SlidingWindow::per`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone, Debug)]
pub struct Builder {
    name: Result<Name, NameError>,
    limit: u64,
    window: Duration,
    clock: Clock,
}

const WINDOW_MIN: Duration = Duration::from_millis(100);
const WINDOW_MAX: Duration = Duration::from_secs(31 * 86_400);

// === impl Builder ===

impl Builder {
    pub(super) fn new(limit: u64, window: Duration) -> Self {
        Self { name: Ok(Name::UNNAMED), limit, window, clock: Clock::system() }
    }

    /// Names the limit in refusals. Default: `unnamed`. A text that cannot be a name is refused by [`build`](Self::build).
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
    /// If the limit is zero or above 1 048 575, the window is shorter than 100 ms or longer than 31 days, or the name cannot
    /// be a name.
    pub fn build(self) -> Result<SlidingWindow, ConfigError> {
        let Self { name, limit, window, clock } = self;
        let name = name?;
        check(limit)?;
        if !(WINDOW_MIN..=WINDOW_MAX).contains(&window) {
            return Err(ConfigError(Kind::SlidingWindow(window)));
        }
        let counter = Counter::new(limit, window, clock.now_coarse());
        Ok(SlidingWindow::new(name, window, counter, clock))
    }
}

pub(super) fn check(limit: u64) -> Result<(), ConfigError> {
    match limit {
        0 => Err(ConfigError(Kind::Zero { what: "the limit" })),
        1..=LIMIT_MAX => Ok(()),
        _ => Err(ConfigError(Kind::TooManyInWindow { limit, max: LIMIT_MAX })),
    }
}
