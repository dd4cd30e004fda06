use std::time::Duration;

use core_policy::Rng;
use core_time::Clock;

use super::Fleet;
use crate::error::{ConfigError, Kind};
use crate::share::Share;

/// Says how a [`Fleet`] exchanges reports, and what it takes to follow others.
#[must_use = "a builder does nothing until it is built"]
#[derive(Debug)]
pub struct FleetBuilder<S> {
    share: S,
    instance: String,
    settings: Settings,
    clock: Clock,
    seed: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(super) interval: Duration,
    pub(super) answer_within: Duration,
    pub(super) quorum: f64,
    pub(super) instances_min: u32,
    pub(super) traffic_min: u64,
    pub(super) failures_min: u64,
}

/// Instances that hear of each other more seldom are no fleet.
const TIME_MAX: Duration = Duration::from_secs(3_600);

// === impl FleetBuilder ===

impl<S: Share> FleetBuilder<S> {
    pub(super) fn new(share: S, instance: String) -> Self {
        let settings = Settings {
            interval: Duration::from_millis(250),
            answer_within: Duration::from_millis(200),
            quorum: 0.3,
            instances_min: 2,
            traffic_min: 10,
            failures_min: 1,
        };
        Self { share, instance, settings, clock: Clock::system(), seed: None }
    }

    /// Exchanges reports this often, a fifth earlier or later, up to an hour. Default: 250 ms.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.settings.interval = interval;
        self
    }

    /// Waits for the store this long, up to an hour. Default: 200 ms.
    pub fn answer_within(mut self, limit: Duration) -> Self {
        self.settings.answer_within = limit;
        self
    }

    /// Follows others when this share of the other instances that have traffic have opened theirs. An instance whose circuit an operator
    /// holds in a state, as forced closed or in shadow, is not counted. Default: 0.3.
    pub fn quorum(mut self, share: f64) -> Self {
        self.settings.quorum = share;
        self
    }

    /// Follows no fewer instances than this, whatever share they are. Default: 2, so that one bad instance opens nobody
    /// else's; a service of two instances needs 1.
    pub fn instances_min(mut self, instances: u32) -> Self {
        self.settings.instances_min = instances;
        self
    }

    /// An instance with fewer calls in its window has no traffic, unless it is open. Default: 10.
    pub fn traffic_min(mut self, calls: u64) -> Self {
        self.settings.traffic_min = calls;
        self
    }

    /// Follows others with so many failures of its own, or without any traffic of its own. Default: 1.
    pub fn failures_min(mut self, failures: u64) -> Self {
        self.settings.failures_min = failures;
        self
    }

    /// Reads time from `clock`. Default: the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Makes what is drawn the same in every run. Default: seeded by the operating system.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// If the instance has no name or one over 128 bytes, a time is zero or over an hour, or the quorum is not a share over 0.
    pub fn build(self) -> Result<Fleet<S>, ConfigError> {
        let Settings { interval, answer_within, quorum, .. } = self.settings;
        if self.instance.is_empty() || self.instance.len() > 128 {
            return Err(ConfigError(Kind::Instance { len: self.instance.len() }));
        }
        for (what, time) in [("the interval", interval), ("the time to wait for the store", answer_within)] {
            if time.is_zero() {
                return Err(ConfigError(Kind::Zero { what }));
            }
            if time > TIME_MAX {
                return Err(ConfigError(Kind::TooLong { what, time, max: TIME_MAX }));
            }
        }
        if self.settings.instances_min == 0 {
            return Err(ConfigError(Kind::Zero { what: "the number of instances to follow" }));
        }
        if !(quorum > 0.0 && quorum <= 1.0) {
            return Err(ConfigError(Kind::Rate { what: "the quorum", value: quorum }));
        }
        let rng = self.seed.map_or_else(Rng::from_entropy, Rng::from_seed);
        Ok(Fleet::of(self.share, self.instance, self.settings, self.clock, rng))
    }
}
