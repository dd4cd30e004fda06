//! The builder and its checks.

mod check;
mod opening;
mod probing;
mod tripping;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use core_errors::{Name, NameError};
use core_policy::Rng;
use core_time::Clock;

use crate::average::{Average, Decay};
use crate::breaker::Breaker;
use crate::error::ConfigError;
use crate::event::{Event, Subscriber};
use crate::opening::{Hints, OpenTimes, Progression};
use crate::plan::{OpenBy, Plan};
use crate::rules::Rules;
use crate::saved::Saved;
use crate::window::Span;

/// Says what trips a breaker, for how long, and what closes it. Made by [`Breaker::rate`], [`Breaker::consecutive`],
/// [`Breaker::k_of_n`], [`Breaker::failures`] or [`Breaker::average`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone)]
pub struct Builder {
    pub(crate) name: Result<Name, NameError>,
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) seed: Option<u64>,
    pub(crate) subscribers: Vec<Subscriber>,
    pub(crate) in_shadow: bool,
    pub(crate) saved: Option<(Saved, Duration)>,
    pub(crate) key: Option<Arc<str>>,
    /// What was set that a running breaker cannot change.
    pub(crate) fixed: Option<&'static str>,
}

/// What can be changed while a breaker runs.
#[derive(Clone)]
pub(crate) struct Settings {
    rules: Rules,
    lease: Option<Duration>,
    open_max: Option<Duration>,
    hint_max: Option<Duration>,
    inconclusive_max: Option<u32>,
    slow_rate: Option<f64>,
    open_by: Option<OpenBy>,
}

// === impl Builder ===

impl Breaker {
    /// A breaker that trips when this share of the calls in a window failed: at it or over it, `0 < rate ≤ 1`.
    pub fn rate(rate: f64) -> Builder {
        Builder::new().or_rate(rate)
    }

    /// A breaker that trips after this many failures in a row. Any success starts the count anew. It keeps no window.
    pub fn consecutive(failures: u32) -> Builder {
        Builder::new().or_consecutive(failures)
    }

    /// A breaker that trips when `k` of the last `n` calls failed (rule CB-7). It does not wait until there were `n`.
    pub fn k_of_n(k: u32, n: u32) -> Builder {
        Builder::new().or_failures(k).window_of_calls(n)
    }

    /// A breaker that trips when the [window](Builder::window) holds this many failures, whatever else it holds.
    pub fn failures(failures: u32) -> Builder {
        Builder::new().or_failures(failures)
    }

    /// A breaker that trips when a moving average of successes falls below this share (rule CB-8), `0 < rate ≤ 1`.
    pub fn average(success_rate: f64, decay: Decay) -> Builder {
        Builder::new().or_average(success_rate, decay)
    }
}

impl Builder {
    fn new() -> Self {
        Self::of(Settings::default())
    }

    pub(crate) fn of(settings: Settings) -> Self {
        Self {
            name: Ok(Name::UNNAMED),
            settings,
            clock: Clock::system(),
            seed: None,
            subscribers: Vec::new(),
            in_shadow: false,
            saved: None,
            key: None,
            fixed: None,
        }
    }

    /// Names the breaker in refusals, events and snapshots. Default: `unnamed`. A text that cannot be a name is refused by
    /// [`build`](Self::build).
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Name::new(name.as_ref());
        self.fixed = Some("the name");
        self
    }

    /// Whether a panic of the call counts as a failure (rule CB-37). Default: yes. The panic goes on either way.
    pub fn count_panics(mut self, on: bool) -> Self {
        self.settings.rules.count_panics = on;
        self
    }

    /// Starts in shadow: calls pass and are counted, and an [event](Event::would_open) tells when it would have opened, for
    /// trying rules out. [`Breaker::close`] lets it act. Default: off.
    pub fn shadow(mut self) -> Self {
        self.in_shadow = true;
        self.fixed = Some("whether it starts in shadow");
        self
    }

    /// Starts with the state that another breaker had, which was saved so long ago. [`build`](Self::build) refuses nonsense.
    pub fn resume(mut self, saved: Saved, age: Duration) -> Self {
        self.saved = Some((saved, age));
        self.fixed = Some("the state it starts with");
        self
    }

    /// Calls `subscriber` for each change of state: once each, in order, on the thread that made the change or is
    /// delivering already, and outside any lock. Up to 32 subscribers.
    ///
    /// A subscriber that blocks holds up later events and the call that delivers, nothing else; 64 events wait at most,
    /// and [`Event::lost`] counts those that were dropped. A panic of a subscriber is caught.
    ///
    /// A subscriber may change the state itself: that is told after it, to all. Of two that undo each other there is no end, so a call
    /// delivers 128 events at most; what is left is told with the next change, before it, or else by whoever drops the breaker.
    pub fn on_change(mut self, subscriber: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.subscribers.push(Arc::new(subscriber));
        self.fixed = Some("who is told of changes");
        self
    }

    /// Reads time from `clock`. Default: the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self.fixed = Some("the clock");
        self
    }

    /// Makes the jitter of open times the same in every run. Default: seeded by the operating system.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self.fixed = Some("the seed");
        self
    }

    /// The rules as they stand, unchecked: for whoever checks them against other policies.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.settings.rules
    }

    /// Checks everything and makes the breaker.
    ///
    /// # Errors
    /// If it could never open or never close, if a number is out of range, if the name cannot be a name, or a state to resume
    /// makes no sense. The error says what would be right.
    pub fn build(self) -> Result<Breaker, ConfigError> {
        let name = self.name.clone()?;
        let plan = self.settings.checked()?;
        check::at_most("the number of subscribers", self.subscribers.len() as u64, SUBSCRIBERS_MAX)?;
        if let Some((saved, _)) = &self.saved {
            saved.check(name)?;
        }
        Ok(Breaker::new(name, plan, self))
    }

    /// The same for one of many that are made from it: without the state of another, with its key in events, and with a seed, if it has
    /// one, of its own. For maps of pipelines.
    #[doc(hidden)]
    pub fn for_key(mut self, key: Arc<str>, salt: u64) -> Self {
        self.saved = None;
        self.key = Some(key);
        self.seed = self.seed.map(|seed| seed ^ salt);
        self
    }

    pub(crate) fn rng(&self) -> Rng {
        self.seed.map_or_else(Rng::from_entropy, Rng::from_seed)
    }
}

const SUBSCRIBERS_MAX: u64 = 32;

// === impl Settings ===

impl Settings {
    /// What they come to, if they make sense.
    pub(crate) fn checked(&self) -> Result<Plan, ConfigError> {
        let mut rules = self.rules;
        rules.slow_rate = check::slow_rate(self.slow_rate, &rules)?;
        rules.open_max = self.open_max.unwrap_or_else(|| rules.open_max.max(rules.open_for));
        rules.hint_max = self.hint_max.unwrap_or_else(|| rules.hint_max.max(rules.open_max));
        rules.lease_by_caller = self.lease.is_none();
        rules.lease = self.lease.unwrap_or_else(|| rules.open_max.max(Duration::from_secs(30)));
        rules.inconclusive_max = self.inconclusive_max.unwrap_or_else(|| rules.probes.saturating_mul(2));
        check::opening(&rules)?;
        check::closing(&rules)?;
        Ok(Plan { rules, open_by: self.open_by.clone() })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rules: Rules {
                consecutive: None,
                failures: None,
                failure_rate: None,
                slow_rate: None,
                average: None::<Average>,
                slow_over: None,
                span: Span::Time { len: Duration::from_secs(30), buckets: 10 },
                min_calls: 20,
                lumping: None,
                open_for: Duration::from_secs(5),
                open_times: OpenTimes::default(),
                progression: Progression::Doubling,
                open_max: Duration::from_secs(60),
                jitter: true,
                hints: Hints::Extend,
                hint_max: Duration::from_secs(300),
                probes: 3,
                successes: 2,
                lease: Duration::from_secs(30),
                lease_by_caller: true,
                probe_timeout: None,
                inconclusive_max: 6,
                ramp_up: None,
                count_panics: true,
            },
            lease: None,
            open_max: None,
            hint_max: None,
            inconclusive_max: None,
            slow_rate: None,
            open_by: None,
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("rules", &self.settings.rules)
            .finish_non_exhaustive()
    }
}
