use std::time::Duration;

use core_errors::{Name, NameError};
use core_policy::Rng;
use core_time::Clock;

use super::engine::Rules;
use super::policy::Throttle;
use crate::error::{ConfigError, Kind};

/// Says how soon and how much a throttle holds back. Made by [`Throttle::builder`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone, Debug)]
pub struct Builder {
    name: Result<Name, NameError>,
    ratio: f64,
    aggression: f64,
    share_max: f64,
    window: Duration,
    clock: Clock,
    seed: Option<u64>,
}

// === impl Builder ===

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            name: Ok(Name::UNNAMED),
            ratio: 2.0,
            aggression: 1.0,
            share_max: 0.95,
            window: Duration::from_secs(120),
            clock: Clock::system(),
            seed: None,
        }
    }

    /// Allows so many requests for one that is accepted (`K`), before it holds back. Default: 2. Less holds back sooner, and wastes less
    /// of the callee; more notices sooner that it is well again.
    pub fn ratio(mut self, ratio: f64) -> Self {
        self.ratio = ratio;
        self
    }

    /// Holds back more of a small excess: the share is raised to the power of one over this. Default: 1.
    pub fn aggression(mut self, aggression: f64) -> Self {
        self.aggression = aggression;
        self
    }

    /// Never holds back more than this share, so that somebody notices when the callee is well again. Default: 0.95.
    pub fn share_max(mut self, share: f64) -> Self {
        self.share_max = share;
        self
    }

    /// Looks at what happened in this time; longer than the longest call takes. Default: 120 s.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Names the throttle in refusals. Default: `unnamed`. A text that cannot be a name is refused by [`build`](Self::build).
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Name::new(name.as_ref());
        self
    }

    /// Reads time from `clock`. Default: the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the choice of who is held back the same in every run, where one thread asks: it says where the choice
    /// [begins](Throttle#who-is-held-back). Default: anywhere, by the operating system.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Checks everything and makes the throttle.
    ///
    /// # Errors
    /// If a number is out of range, or the name cannot be a name.
    pub fn build(self) -> Result<Throttle, ConfigError> {
        let Self { name, ratio, aggression, share_max, window, clock, seed } = self;
        let name = name?;
        // A NaN is in no range.
        for (what, value, min, max) in [
            ("the requests for one that is accepted", ratio, 1.0, 1_000.0),
            ("the aggression", aggression, 0.1, 10.0),
            ("the largest share", share_max, 0.01, 1.0),
        ] {
            if !(min..=max).contains(&value) {
                return Err(ConfigError(Kind::Outside { what, value, min, max }));
            }
        }
        if !(Duration::from_millis(100)..=Duration::from_secs(3_600)).contains(&window) {
            return Err(ConfigError(Kind::Window(window)));
        }
        let window = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        let start = seed.map_or_else(Rng::from_entropy, Rng::from_seed).next_u64();
        Ok(Throttle::new(name, Rules { ratio, aggression, share_max, window }, clock, start))
    }
}
