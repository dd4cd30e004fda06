use std::time::Duration;

use core_errors::{Name, NameError};
use core_time::Clock;

use super::engine::Engine;
use super::flights::Flights;
use super::policy::{Adaptive, Algorithm, Rules};
use crate::Criticality;
use crate::criticality::{COUNT, Shares, index};
use crate::error::{ConfigError, Kind};
use crate::importance::Importance;

/// Says how a limit is found out. Made by [`Adaptive::gradient`], [`Adaptive::vegas`] or [`Adaptive::aimd`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone, Debug)]
pub struct Builder {
    name: Result<Name, NameError>,
    algorithm: Algorithm,
    initial: u32,
    min: u32,
    max: u32,
    sample_every: Duration,
    window: Duration,
    shares: [Option<f64>; COUNT],
    partitions: Vec<(Result<Name, NameError>, f64)>,
    importance: Importance,
    clock: Clock,
}

/// More calls at once than this are no limit.
const LIMIT_MAX: u32 = 1_000_000;

const PARTITIONS_MAX: usize = 64;

/// Readings of two threads differ by a kernel tick; a clock that goes back does so by more than this second.
const JUMP: u64 = 1_000_000_000;

/// A limit that looks at calls more seldom learns nothing.
const TIME_MAX: Duration = Duration::from_secs(3_600);

// === impl Builder ===

impl Builder {
    pub(super) fn new(algorithm: Algorithm, min: u32, max: u32) -> Self {
        Self {
            name: Ok(Name::UNNAMED),
            algorithm,
            initial: 20,
            min,
            max,
            sample_every: Duration::from_millis(1),
            window: Duration::from_millis(100),
            shares: [None; COUNT],
            partitions: Vec::new(),
            importance: Importance::default(),
            clock: Clock::system(),
        }
    }

    /// Begins with so many. Default: 20.
    pub fn initial(mut self, limit: u32) -> Self {
        self.initial = limit;
        self
    }

    /// Never allows fewer. Default: 20, with Vegas 1. With fewer than 20 a few slow calls close the door.
    pub fn min(mut self, limit: u32) -> Self {
        self.min = limit;
        self
    }

    /// Never allows more. Default: 200, with Vegas 1 000.
    pub fn max(mut self, limit: u32) -> Self {
        self.max = limit;
        self
    }

    /// Measures one call in this time, and lets others go unmeasured, which is cheaper; zero measures each. Drops always
    /// count; that a call took longer than AIMD allows is told of others to within a [tick](core_time::Clock::tick). Up to an
    /// hour. Default: 1 ms.
    pub fn sample_every(mut self, time: Duration) -> Self {
        self.sample_every = time;
        self
    }

    /// Looks at the calls of such a while together, of ten at least: by their average, since calls differ. Zero looks at each by
    /// itself. No effect on AIMD, which goes by the slowest. Up to an hour. Default: 100 ms.
    pub fn window(mut self, len: Duration) -> Self {
        self.window = len;
        self
    }

    /// Admits calls of `criticality`, and of less, only while less than this share of the limit is in flight, 0 to 1.
    /// That holds for calls of a [`partition`](Self::partition), too: what is its own is for those that may fill all of the limit.
    /// A share is rounded down, but to one call at least; a share of 0 is none. While only such calls come, which cannot fill the
    /// limit, it rises again to what it [began](Self::initial) with, and no further. Default: all of it is open to all.
    pub fn share(mut self, criticality: Criticality, share: f64) -> Self {
        self.shares[index(criticality)] = Some(share);
        self
    }

    /// Keeps a share of the limit for calls of a partition, see [`Adaptive::partition`]. What others leave is open to it,
    /// too, as what it leaves is to others; when the limit is reached, its own share is there for it still, so that for a
    /// time as much more than the limit may be in flight. Calls with a [`share`](Self::share) of less than 1 have no part in
    /// that. Up to 64, and 1 in all.
    pub fn partition(mut self, name: impl AsRef<str>, share: f64) -> Self {
        self.partitions.push((Name::new(name.as_ref()), share));
        self
    }

    /// Goes by how important each call is according to its [`Context`](core_context::Context), be it that of another service whose
    /// request is being served; where that says nothing it is critical. A handle [with a criticality](Adaptive::with_criticality)
    /// of its own goes by that. Default: off. It costs a few nanoseconds for each call.
    #[cfg(feature = "context")]
    pub fn by_context(mut self) -> Self {
        self.importance = Importance::by_context();
        self
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
    /// If `min` is zero, `min`, `initial` and `max` are not in this order, `max` is above a million, a time is over an hour, a share is
    /// not from 0 to 1 or larger than that of what is more important, partitions are there twice, are too many or share more than there
    /// is, or a name cannot be a name.
    pub fn build(self) -> Result<Adaptive, ConfigError> {
        let Self { name, algorithm, initial, min, max, sample_every, window, shares, .. } = self;
        let Self { partitions, importance, clock, .. } = self;
        let name = name?;
        if min == 0 {
            return Err(ConfigError(Kind::Zero { what: "the smallest limit" }));
        }
        if max > LIMIT_MAX {
            return Err(ConfigError(Kind::TooMany { what: "the largest limit", value: max, max: LIMIT_MAX }));
        }
        if !(min..=max).contains(&initial) {
            return Err(ConfigError(Kind::LimitOrder { min, initial, max }));
        }
        if matches!(algorithm, Algorithm::Aimd { timeout } if timeout.is_zero()) {
            return Err(ConfigError(Kind::Zero { what: "the time that counts as a drop" }));
        }
        for (what, time) in
            [("the time between two calls that are measured", sample_every), ("the window", window)]
        {
            if time > TIME_MAX {
                return Err(ConfigError(Kind::TimeTooLong { what, time, max: TIME_MAX }));
            }
        }
        let shares = Shares::checked(shares)?;
        let partitions = check_partitions(partitions)?;
        let flights = Flights::new(initial, shares, partitions.iter().map(|(_, share)| *share));
        let engine = Engine::new(algorithm, [min, initial, max], window);
        let names = partitions.into_iter().map(|(name, _)| name).collect();
        // It was checked: an hour at most.
        let sample_every = u64::try_from(sample_every.as_nanos()).unwrap_or(u64::MAX);
        let sample_slack = sample_every + JUMP;
        let rules = Rules { name, algorithm, sample_every, sample_slack, names, clock };
        Ok(Adaptive::new(rules, importance, flights, engine))
    }
}

fn check_partitions(
    partitions: Vec<(Result<Name, NameError>, f64)>,
) -> Result<Vec<(Name, f64)>, ConfigError> {
    let mut checked: Vec<(Name, f64)> = Vec::new();
    if partitions.len() > PARTITIONS_MAX {
        let value = u32::try_from(partitions.len()).unwrap_or(u32::MAX);
        return Err(ConfigError(Kind::TooMany { what: "the number of partitions", value, max: 64 }));
    }
    for (name, share) in partitions {
        let name = name?;
        // A NaN is in no range.
        if !(share > 0.0 && share <= 1.0) {
            return Err(ConfigError(Kind::PartitionShare(share)));
        }
        if checked.iter().any(|(known, _)| *known == name) {
            return Err(ConfigError(Kind::PartitionTwice(name)));
        }
        checked.push((name, share));
    }
    let sum: f64 = checked.iter().map(|(_, share)| share).sum();
    // A little more than 1 is how three thirds add up.
    if sum > 1.000_001 {
        return Err(ConfigError(Kind::Partitions { sum }));
    }
    Ok(checked)
}
