use std::time::Duration;

use core_errors::{Name, NameError, PolicyKind};
use core_time::Clock;

use crate::error::{ConfigError, Kind};
use crate::policy::Timeout;

/// Says what is bounded and by how much. Made by [`Timeout::attempt`] or [`Timeout::total`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone, Debug)]
pub struct Builder {
    name: Result<Name, NameError>,
    kind: PolicyKind,
    limit: Duration,
    clock: Clock,
    #[cfg(feature = "context")]
    keeps_context: bool,
}

// === impl Builder ===

impl Builder {
    pub(crate) fn new(kind: PolicyKind, limit: Duration) -> Self {
        Self {
            name: Ok(Name::UNNAMED),
            kind,
            limit,
            clock: Clock::system(),
            #[cfg(feature = "context")]
            keeps_context: false,
        }
    }

    /// Names the timeout in refusals. Default: `unnamed`. A text that cannot be a name is refused by
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

    /// Keeps to the deadline of the current `core_context::Context`, too, as a pipeline does: what begins after that is refused, and what
    /// runs is stopped when it comes. Default: it does not look, and costs nothing.
    #[cfg(feature = "context")]
    pub fn within_context(mut self) -> Self {
        self.keeps_context = true;
        self
    }

    /// The limit, unchecked.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Checks everything and makes the timeout.
    ///
    /// # Errors
    /// If the limit is zero or longer than a day, or the name cannot be a name.
    pub fn build(self) -> Result<Timeout, ConfigError> {
        let name = self.name?;
        check(self.limit)?;
        #[cfg(feature = "context")]
        let keeps_context = self.keeps_context;
        #[cfg(not(feature = "context"))]
        let keeps_context = false;
        Ok(Timeout::new(name, self.kind, self.limit, self.clock, keeps_context))
    }
}

/// Whoever waits for longer than a day does not wait for an answer: this is a unit that was mixed up, or no limit at all.
pub(crate) const LIMIT_MAX: Duration = Duration::from_secs(24 * 3_600);

pub(crate) fn check(limit: Duration) -> Result<(), ConfigError> {
    if limit.is_zero() {
        return Err(ConfigError(Kind::Zero));
    }
    if limit > LIMIT_MAX {
        return Err(ConfigError(Kind::NoLimit { limit, max: LIMIT_MAX }));
    }
    Ok(())
}
