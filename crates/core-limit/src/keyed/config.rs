use std::hash::Hash;
use std::time::Duration;

use core_errors::{Name, NameError};
use core_policy::{Keyed, KeyedMap};
use core_time::Clock;

use super::limit::KeyedRate;
use super::tier::{Bucket, Rules};
use crate::error::{ConfigError, Kind};
use crate::rate::{COARSE_FROM, Checked, Engine, RateBuilder};

/// Says how often for each key, and for how many keys. Made by [`RateBuilder::keyed`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone, Debug)]
pub struct Builder {
    name: Result<Name, NameError>,
    keyed: Keyed,
    tiers: Vec<(Result<Name, NameError>, RateBuilder)>,
    clock: Clock,
}

/// More tiers than this are rates of single users.
const TIERS_MAX: usize = 64;

// === impl Builder ===

impl Builder {
    pub(super) fn new(
        default: RateBuilder,
        name: Result<Name, NameError>,
        clock: Clock,
        keyed: Keyed,
    ) -> Self {
        let tiers = vec![(Name::new("default"), default)];
        Self { name, keyed, tiers, clock }
    }

    /// Has another tier beside `default`: keys of it have this rate. Its name, clock and wait are not looked at. Up to 64.
    pub fn tier(mut self, name: impl AsRef<str>, rate: RateBuilder) -> Self {
        self.tiers.push((Name::new(name.as_ref()), rate));
        self
    }

    /// Checks everything and makes the limit.
    ///
    /// # Errors
    /// As for a single limit, of each tier; if a tier is there twice or there are more than 64, calls may wait, some tiers
    /// are bursty and others are not, a key would be forgotten before what it used is there again, or the settings of the
    /// keys are out of range.
    pub fn build<K: Hash + Eq>(self) -> Result<KeyedRate<K>, ConfigError> {
        let Self { name, keyed, tiers, clock } = self;
        let name = name?;
        if tiers.len() > TIERS_MAX {
            return Err(ConfigError(Kind::TooManyTiers { tiers: tiers.len(), max: TIERS_MAX }));
        }
        let mut checked: Vec<(Name, Checked)> = Vec::new();
        for (name, rate) in tiers {
            let (name, rate_checked) = (name?, rate.check()?);
            if checked.iter().any(|(known, _)| *known == name) {
                return Err(ConfigError(Kind::TierTwice(name)));
            }
            if !rate.wait().is_zero() {
                return Err(ConfigError(Kind::KeysDoNotWait));
            }
            checked.push((name, rate_checked));
        }
        let now = clock.now_coarse();
        let mut tolerance_min = Duration::MAX;
        for (_, from) in &checked {
            let engine = Engine::new(*from, Duration::ZERO, now);
            let tolerance = engine.tolerance();
            tolerance_min = tolerance_min.min(tolerance);
            if keyed.idle_time() < tolerance {
                return Err(ConfigError(Kind::IdleTooShort { idle: keyed.idle_time(), full: tolerance }));
            }
            // A key may go from any tier to any other.
            for (_, to) in &checked {
                Engine::new(*from, Duration::ZERO, now).change(*to, now)?;
            }
        }
        let numbered = (0..).zip(checked);
        let rules = numbered.map(|(tier, (name, rate))| Rules::new(tier, name, rate)).collect();
        let idle = keyed.idle_time();
        let keys: KeyedMap<K, Bucket> =
            keyed.clock(clock.clone()).build().map_err(|error| ConfigError(Kind::Keys(error)))?;
        let keys = keys.rest_if(Bucket::rests);
        Ok(KeyedRate::new(name, rules, keys, idle, clock, tolerance_min < COARSE_FROM))
    }
}

impl RateBuilder {
    /// This rate for each key, in a map of so many keys. Keys that are not in use go after their idle time, which must be as
    /// long as what a key used takes to be there again: then forgetting it changes nothing.
    ///
    /// ```
    /// use core_limit::Rate;
    /// use core_policy::{Keyed, KeyedMap};
    ///
    /// let limits = Rate::per_minute(100)
    ///     .name("api")
    ///     .keyed(Keyed::max(10_000))
    ///     .tier("premium", Rate::per_minute(1_000))
    ///     .build::<String>()?;
    /// let premium = limits.tier("premium").unwrap();
    /// assert!(limits.check("user-1").is_ok());
    /// assert_eq!(limits.take_in(premium, "user-2", 10).unwrap().remaining, 990);
    /// # Ok::<(), core_limit::ConfigError>(())
    /// ```
    pub fn keyed(self, keys: Keyed) -> Builder {
        let (name, clock) = self.name_and_clock();
        Builder::new(self, name, clock, keys)
    }
}
