use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use core_errors::{Name, NameError};
use core_policy::{Keyed, Rng};
use core_time::Clock;

use super::event::{OutlierEvent, Subscriber};
use super::rules::{ConsecutiveFailures, FailurePercentage, OutlierRules, SuccessRate};
use super::set::Outliers;
use crate::error::{ConfigError, Kind};

/// Says what makes an outlier and what becomes of it. Made by [`Outliers::builder`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone)]
pub struct OutliersBuilder {
    name: Result<Name, NameError>,
    pub(super) settings: Settings,
    keys: Keyed,
    clock: Clock,
    seed: Option<u64>,
    subscribers: Vec<Subscriber>,
    /// What was set that cannot be changed while hosts are watched.
    pub(super) fixed: Option<&'static str>,
}

/// What can be changed while hosts are watched.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settings {
    rules: OutlierRules,
    ejection_max: Option<Duration>,
}

/// What there is once everything was checked.
pub(super) struct Checked {
    pub(super) name: Name,
    pub(super) rules: OutlierRules,
    pub(super) settings: Settings,
    pub(super) keys: Keyed,
    pub(super) clock: Clock,
    pub(super) rng: Rng,
    pub(super) subscribers: Box<[Subscriber]>,
}

/// More hosts than most upstreams have.
const HOSTS: usize = 1_024;

const SUBSCRIBERS_MAX: u64 = 32;

// === impl OutliersBuilder ===

impl OutliersBuilder {
    pub(super) fn of(settings: Settings) -> Self {
        Self {
            name: Ok(Name::UNNAMED),
            settings,
            keys: Keyed::max(HOSTS),
            clock: Clock::system(),
            seed: None,
            subscribers: Vec::new(),
            fixed: None,
        }
    }

    /// Names the upstream in refusals, events and snapshots. Default: `unnamed`. A text that cannot be a name is refused by
    /// [`build`](Self::build).
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Name::new(name.as_ref());
        self.fixed = Some("the name");
        self
    }

    /// How many hosts there may be, and for how long one is kept that nobody asks for and that is not ejected. Default: 1024, and
    /// 10 minutes. The clock in it is not used.
    pub fn hosts(mut self, keys: Keyed) -> Self {
        self.keys = keys;
        self.fixed = Some("the room for hosts");
        self
    }

    /// Failures in a row, or `None` for never by these. Default: 5.
    pub fn consecutive(mut self, rule: impl Into<Option<ConsecutiveFailures>>) -> Self {
        self.settings.rules.consecutive = rule.into();
        self
    }

    /// The share of successes beside that of the other hosts, or `None` for never by that. Default: 1.9 standard deviations under the
    /// mean of at least 5 hosts with 100 calls each.
    pub fn success_rate(mut self, rule: impl Into<Option<SuccessRate>>) -> Self {
        self.settings.rules.success_rate = rule.into();
        self
    }

    /// The share of failures whatever others do, or `None` for never by that. Default: 85 % of 50 calls or more, where at least 5
    /// hosts have had as many.
    pub fn failure_percentage(mut self, rule: impl Into<Option<FailurePercentage>>) -> Self {
        self.settings.rules.failure_percentage = rule.into();
        self
    }

    /// The time from one sweep to the next. Default: 10 s.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.settings.rules.interval = interval;
        self
    }

    /// How long a host is ejected the first time; the n-th time in a row it is n times as long. Default: 30 s.
    pub fn ejection(mut self, time: Duration) -> Self {
        self.settings.rules.ejection = time;
        self
    }

    /// The time grows up to this. Default: 300 s, or [`ejection`](Self::ejection) if that is longer.
    pub fn ejection_max(mut self, time: Duration) -> Self {
        self.settings.ejection_max = Some(time);
        self
    }

    /// Adds up to so much to each ejection, drawn at random, so that hosts do not return together. Default: none.
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.settings.rules.jitter = jitter;
        self
    }

    /// The share of the hosts that may be ejected at once, `0 < share ≤ 1`. One host may be, whatever the share. Default: 0.1.
    pub fn max_ejected(mut self, share: f64) -> Self {
        self.settings.rules.max_ejected = share;
        self
    }

    /// Ignores ejections while a smaller share of the hosts than this is in service; 0 for never. Default: 0.5.
    pub fn panic_under(mut self, share: f64) -> Self {
        self.settings.rules.panic_under = share;
        self
    }

    /// Whether a panic of the call counts as a failure. Default: yes. The panic goes on either way.
    pub fn count_panics(mut self, on: bool) -> Self {
        self.settings.rules.count_panics = on;
        self
    }

    /// Calls `subscriber` for each host that is ejected, returned, or found and not ejected: once each, in order, on the thread that did
    /// it or is delivering already, and outside any lock. Up to 32 subscribers.
    ///
    /// A subscriber that blocks holds up later events and the call that delivers, nothing else; 64 events wait at most,
    /// and [`OutlierEvent::lost`] counts those that were dropped. A panic of a subscriber is caught. A call delivers 128 events at most,
    /// also where subscribers cause more; what is left is told with the next, before it, or else by whoever drops the last of the set.
    pub fn on_event(mut self, subscriber: impl Fn(&OutlierEvent) + Send + Sync + 'static) -> Self {
        self.subscribers.push(Arc::new(subscriber));
        self.fixed = Some("who is told of events");
        self
    }

    /// Reads time from `clock`. Default: the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self.fixed = Some("the clock");
        self
    }

    /// Makes what is drawn at random the same in every run. Default: seeded by the operating system.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self.fixed = Some("the seed");
        self
    }

    /// Checks everything and makes the set, which knows no host yet.
    ///
    /// # Errors
    /// If no host could ever be ejected, if a number is out of range, if hosts are forgotten sooner than they are looked at, or if the
    /// name cannot be a name. The error says what would be right.
    pub fn build<K: Hash + Eq + Send + Sync + 'static>(self) -> Result<Outliers<K>, ConfigError> {
        Outliers::new(self.checked()?)
    }

    fn checked(self) -> Result<Checked, ConfigError> {
        let name = self.name?;
        let rules = self.settings.checked(&self.keys)?;
        let subscribers = self.subscribers.len() as u64;
        if subscribers > SUBSCRIBERS_MAX {
            let what = "the number of subscribers";
            return Err(ConfigError(Kind::TooMany { what, value: subscribers, max: SUBSCRIBERS_MAX }));
        }
        Ok(Checked {
            name,
            rules,
            settings: self.settings,
            rng: self.seed.map_or_else(Rng::from_entropy, Rng::from_seed),
            keys: self.keys.clock(self.clock.clone()),
            clock: self.clock,
            subscribers: self.subscribers.into(),
        })
    }
}

// === impl Settings ===

impl Settings {
    /// What they come to for so many hosts, if they make sense.
    pub(super) fn checked(&self, keys: &Keyed) -> Result<OutlierRules, ConfigError> {
        keys.check().map_err(|error| ConfigError(Kind::Keyed(error)))?;
        let mut rules = self.rules;
        rules.ejection_max = self.ejection_max.unwrap_or_else(|| rules.ejection_max.max(rules.ejection));
        if rules.consecutive.is_none() && rules.success_rate.is_none() && rules.failure_percentage.is_none() {
            return Err(ConfigError(Kind::NoOutlierRule));
        }
        let consecutive = rules.consecutive.map_or(1, |rule| rule.failures);
        not_zero("the number of consecutive failures", consecutive == 0)?;
        let enforced = [
            rules.consecutive.map(|rule| rule.enforce),
            rules.success_rate.map(|rule| rule.enforce),
            rules.failure_percentage.map(|rule| rule.enforce),
        ];
        enforced.into_iter().flatten().try_for_each(|share| within("the share that is enforced", share))?;
        if let Some(rule) = rules.success_rate {
            minimums("success_rate", rule.min_hosts, rule.min_calls, keys)?;
            deviations(rule, keys)?;
        }
        if let Some(rule) = rules.failure_percentage {
            minimums("failure_percentage", rule.min_hosts, rule.min_calls, keys)?;
            over_zero("the share of failures", rule.threshold)?;
        }
        over_zero("max_ejected", rules.max_ejected)?;
        within("panic_under", rules.panic_under)?;
        not_zero("the interval", rules.interval.is_zero())?;
        not_zero("the time of an ejection", rules.ejection.is_zero())?;
        if rules.ejection_max < rules.ejection {
            return Err(ConfigError(Kind::EjectionOrder));
        }
        if keys.idle_time() < rules.interval {
            return Err(ConfigError(Kind::IdleUnderInterval {
                idle: keys.idle_time(),
                interval: rules.interval,
            }));
        }
        Ok(rules)
    }
}

fn not_zero(what: &'static str, is_zero: bool) -> Result<(), ConfigError> {
    if is_zero { Err(ConfigError(Kind::Zero { what })) } else { Ok(()) }
}

/// A NaN is not in the range either.
fn over_zero(what: &'static str, value: f64) -> Result<(), ConfigError> {
    if value > 0.0 && value <= 1.0 {
        Ok(())
    } else {
        Err(ConfigError(Kind::Share { what, value, over: "over 0" }))
    }
}

fn within(what: &'static str, value: f64) -> Result<(), ConfigError> {
    let is_share = (0.0..=1.0).contains(&value);
    if is_share { Ok(()) } else { Err(ConfigError(Kind::Share { what, value, over: "at least 0" })) }
}

fn minimums(rule: &'static str, hosts: u32, calls: u32, keys: &Keyed) -> Result<(), ConfigError> {
    not_zero("min_hosts", hosts == 0)?;
    not_zero("min_calls", calls == 0)?;
    let room = keys.keys();
    if hosts as usize > room { Err(ConfigError(Kind::HostsOverRoom { rule, hosts, room })) } else { Ok(()) }
}

/// Of n values, none lies further from their mean than √(n−1) standard deviations.
#[expect(clippy::cast_precision_loss, reason = "there are at most 2^24 hosts")]
fn deviations(rule: SuccessRate, keys: &Keyed) -> Result<(), ConfigError> {
    let stdevs = rule.stdevs;
    let furthest = ((keys.keys() - 1) as f64).sqrt();
    if stdevs > 0.0 && stdevs < furthest {
        Ok(())
    } else {
        Err(ConfigError(Kind::Stdevs { stdevs, furthest }))
    }
}

impl fmt::Debug for OutliersBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutliersBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}
