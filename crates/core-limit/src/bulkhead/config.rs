use std::time::Duration;

use core_errors::{Name, NameError};
use core_time::Clock;

use super::policy::Bulkhead;
use crate::Criticality;
use crate::criticality::{COUNT, Shares, index};
use crate::error::{ConfigError, Kind};
use crate::importance::Importance;

/// Says how many at once, and how many may wait how long. Made by [`Bulkhead::max`], or from a number.
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone, Debug)]
pub struct Builder {
    name: Result<Name, NameError>,
    max: u32,
    queue: Option<u32>,
    max_wait: Duration,
    is_lifo: bool,
    shares: [Option<f64>; COUNT],
    importance: Importance,
    clock: Clock,
}

/// What a bulkhead is, checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) max: u32,
    pub(super) queue: u32,
    pub(super) max_wait: Duration,
    pub(super) is_lifo: bool,
    pub(super) shares: Shares,
}

/// More calls at once than this are no bulkhead.
const SLOTS_MAX: u32 = 1_000_000;

/// Who waits for longer should be in a queue that survives a restart.
const WAIT_MAX: Duration = Duration::from_secs(86_400);

// === impl Builder ===

impl Builder {
    pub(crate) fn new(max: u32) -> Self {
        Self {
            name: Ok(Name::UNNAMED),
            max,
            queue: None,
            max_wait: Duration::ZERO,
            is_lifo: false,
            shares: [None; COUNT],
            importance: Importance::default(),
            clock: Clock::system(),
        }
    }

    /// Has so many slots, in place of the number that it was made with.
    pub fn slots(mut self, max: u32) -> Self {
        self.max = max;
        self
    }

    /// Lets a call wait so long for a slot, up to a day. Default: not at all. Waiting calls are served in the order in which they came.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// Lets so many calls wait. Default: as many as there are slots, if [`max_wait`](Self::max_wait) is set.
    pub fn queue(mut self, places: u32) -> Self {
        self.queue = Some(places);
        self
    }

    /// Serves who came last first, of those that are equally important. Default: who came first. When there is more to do
    /// than can be done, those who came last are the ones whose callers still wait; those who came first go unserved.
    pub fn lifo(mut self) -> Self {
        self.is_lifo = true;
        self
    }

    /// Admits calls of `criticality`, and of less, only while less than this share of the slots is in use, 0 to 1; others
    /// are shed at once and never wait. A share is rounded down, but to one slot at least; a share of 0 is none. Default: all slots
    /// are open to all, and importance only decides about who waits.
    pub fn share(mut self, criticality: Criticality, share: f64) -> Self {
        self.shares[index(criticality)] = Some(share);
        self
    }

    /// Goes by how important each call is according to its [`Context`](core_context::Context), be it that of another service whose
    /// request is being served; where that says nothing it is critical. A handle [with a criticality](Bulkhead::with_criticality)
    /// of its own goes by that. Default: off. It costs a few nanoseconds for each call.
    #[cfg(feature = "context")]
    pub fn by_context(mut self) -> Self {
        self.importance = Importance::by_context();
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

    /// How many slots, unchecked.
    #[must_use]
    pub fn max(&self) -> u32 {
        self.max
    }

    /// How long a call may wait, unchecked.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.max_wait
    }

    /// Checks everything and makes the bulkhead.
    ///
    /// # Errors
    /// If there are no slots or more than a million, if calls may wait but nowhere or not at all or for more than a day, a share is not from 0 to
    /// 1, less important calls would have a larger share or the most important ones less than all, or the name cannot be a name.
    pub fn build(self) -> Result<Bulkhead, ConfigError> {
        let name = self.name?;
        check_max(self.max)?;
        if self.max_wait > WAIT_MAX {
            return Err(ConfigError(Kind::WaitTooLong { wait: self.max_wait, max: WAIT_MAX }));
        }
        let queue = match (self.queue, self.max_wait.is_zero()) {
            (Some(1..), true) => return Err(ConfigError(Kind::QueueWithoutWait)),
            (Some(0), false) => return Err(ConfigError(Kind::WaitWithoutQueue)),
            (places, false) => places.unwrap_or(self.max),
            (_, true) => 0,
        };
        if queue > SLOTS_MAX {
            return Err(ConfigError(Kind::TooMany { what: "the queue", value: queue, max: SLOTS_MAX }));
        }
        let shares = Shares::checked(self.shares)?;
        let Self { max, max_wait, is_lifo, importance, clock, .. } = self;
        Ok(Bulkhead::new(name, Rules { max, queue, max_wait, is_lifo, shares }, importance, clock))
    }
}

pub(super) fn check_max(max: u32) -> Result<(), ConfigError> {
    let what = "the number of slots";
    match max {
        0 => Err(ConfigError(Kind::Zero { what })),
        1..=SLOTS_MAX => Ok(()),
        _ => Err(ConfigError(Kind::TooMany { what, value: max, max: SLOTS_MAX })),
    }
}

/// So many at once, and nobody waits.
impl From<u32> for Builder {
    fn from(max: u32) -> Self {
        Self::new(max)
    }
}
