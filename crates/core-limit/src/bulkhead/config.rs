use std::time::Duration;

use core_errors::{Name, NameError};
use core_time::Clock;

use super::policy::Bulkhead;
use crate::error::{ConfigError, Kind};

/// Says how many at once, and how many may wait how long. Made by [`Bulkhead::max`], or from a number.
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone, Debug)]
pub struct Builder {
    name: Result<Name, NameError>,
    max: u32,
    queue: Option<u32>,
    max_wait: Duration,
    clock: Clock,
}

/// More calls at once than this are no bulkhead.
const SLOTS_MAX: u32 = 1_000_000;

// === impl Builder ===

impl Builder {
    pub(crate) fn new(max: u32) -> Self {
        Self { name: Ok(Name::UNNAMED), max, queue: None, max_wait: Duration::ZERO, clock: Clock::system() }
    }

    /// Lets a call wait so long for a slot. Default: not at all. Waiting calls are served in the order in which they came.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// Lets so many calls wait. Default: as many as there are slots, if [`max_wait`](Self::max_wait) is set.
    pub fn queue(mut self, places: u32) -> Self {
        self.queue = Some(places);
        self
    }

    /// Names the bulkhead in refusals. Default: `unnamed`. A text that cannot be a name is refused by
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

    /// Checks everything and makes the bulkhead.
    ///
    /// # Errors
    /// If there are no slots or more than a million, if calls may wait but nowhere or not at all, or the name cannot be a
    /// name.
    pub fn build(self) -> Result<Bulkhead, ConfigError> {
        let name = self.name?;
        if self.max == 0 {
            return Err(ConfigError(Kind::Zero { what: "the number of slots" }));
        }
        let queue = match (self.queue, self.max_wait.is_zero()) {
            (Some(1..), true) => return Err(ConfigError(Kind::QueueWithoutWait)),
            (Some(0), false) => return Err(ConfigError(Kind::WaitWithoutQueue)),
            (places, false) => places.unwrap_or(self.max),
            (_, true) => 0,
        };
        for (what, value) in [("the number of slots", self.max), ("the queue", queue)] {
            if value > SLOTS_MAX {
                return Err(ConfigError(Kind::TooMany { what, value, max: SLOTS_MAX }));
            }
        }
        Ok(Bulkhead::new(name, self.max, queue, self.max_wait, self.clock))
    }
}

/// So many at once, and nobody waits.
impl From<u32> for Builder {
    fn from(max: u32) -> Self {
        Self::new(max)
    }
}
