use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use core_errors::{Name, NameError};
use core_policy::Rng;
use core_time::Clock;

use crate::breaker::Breaker;
use crate::error::{ConfigError, Kind};
use crate::event::{Event, Subscriber};
use crate::rules::Rules;
use crate::window::{BUCKETS_MAX, SIZE_MAX, Span};

/// Says what trips a breaker, for how long, and what closes it. Made by [`Breaker::rate`] or [`Breaker::consecutive`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone)]
pub struct Builder {
    name: Result<Name, NameError>,
    rules: Rules,
    lease: Option<Duration>,
    open_max: Option<Duration>,
    inconclusive_max: Option<u32>,
    slow_rate: Option<f64>,
    clock: Clock,
    seed: Option<u64>,
    subscribers: Vec<Subscriber>,
}

const SUBSCRIBERS_MAX: usize = 32;
const PROBES_MAX: u32 = 1_000;

// === impl Builder ===

impl Builder {
    pub(crate) fn new(failure_rate: Option<f64>, consecutive: Option<u32>) -> Self {
        Self {
            name: Ok(Name::UNNAMED),
            rules: Rules {
                consecutive,
                failure_rate,
                slow_rate: None,
                slow_over: None,
                span: Span::Time { len: Duration::from_secs(30), buckets: 10 },
                min_calls: 20,
                open_for: Duration::from_secs(5),
                open_max: Duration::from_secs(60),
                jitter: true,
                probes: 3,
                successes: 2,
                lease: Duration::from_secs(30),
                lease_by_caller: true,
                inconclusive_max: 6,
                count_panics: true,
            },
            lease: None,
            open_max: None,
            inconclusive_max: None,
            slow_rate: None,
            clock: Clock::system(),
            seed: None,
            subscribers: Vec::new(),
        }
    }

    /// Names the breaker in refusals, events and snapshots. Default: `unnamed`. A text that cannot be a name is refused by
    /// [`build`](Self::build).
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Name::new(name.as_ref());
        self
    }

    /// Trips after this many failures in a row as well. Any success starts the count anew. Default: off.
    pub fn or_consecutive(mut self, failures: u32) -> Self {
        self.rules.consecutive = Some(failures);
        self
    }

    /// Trips when this share of the calls in the window failed as well: at it or over it. Default: off.
    pub fn or_rate(mut self, rate: f64) -> Self {
        self.rules.failure_rate = Some(rate);
        self
    }

    /// Takes rates over the last `len`. Default: 30 s.
    ///
    /// Windows under 200 ms have one bucket (rule W-3), others ten unless [`buckets`](Self::buckets) says otherwise.
    pub fn window(mut self, len: Duration) -> Self {
        let buckets = if len < Duration::from_millis(200) { 1 } else { 10 };
        self.rules.span = Span::Time { len, buckets };
        self
    }

    /// Lets results leave a time window in this many steps, 1 to 32. Default: 10. Set the window first.
    pub fn buckets(mut self, buckets: u32) -> Self {
        if let Span::Time { len, .. } = self.rules.span {
            self.rules.span = Span::Time { len, buckets };
        }
        self
    }

    /// Takes rates over the last `size` calls instead, up to 200 000.
    ///
    /// Which call is the Nth last is a fact about all threads together: this window has one shared word that every call
    /// writes. A time window has none.
    pub fn window_of_calls(mut self, size: u32) -> Self {
        self.rules.span = Span::Calls { size };
        self
    }

    /// With fewer calls in the window there is no rate. Default: 20. A window of fewer calls counts as full.
    pub fn min_calls(mut self, calls: u32) -> Self {
        self.rules.min_calls = calls;
        self
    }

    /// Calls that take longer than this are slow, whether they fail or not. They trip the breaker at the rate of
    /// [`slow_rate`](Self::slow_rate), or else at the failure rate. Default: off.
    ///
    /// Durations of 100 ms and more are measured with the coarse clock: to within its [tick](Clock::tick). Time in a queue of ours, as
    /// that of a bulkhead, does not count.
    pub fn slow_over(mut self, duration: Duration) -> Self {
        self.rules.slow_over = Some(duration);
        self
    }

    /// Trips when this share of the calls in the window was slow. Default: the failure rate, if
    /// [`slow_over`](Self::slow_over) is set.
    pub fn slow_rate(mut self, rate: f64) -> Self {
        self.slow_rate = Some(rate);
        self
    }

    /// Stays open for this long, the first time. Default: 5 s.
    ///
    /// Each time in a row that the probes fail doubles it, up to [`open_max`](Self::open_max).
    pub fn open_for(mut self, duration: Duration) -> Self {
        self.rules.open_for = duration;
        self
    }

    /// Stays open for no longer than this. Default: 60 s, or [`open_for`](Self::open_for) if that is longer.
    pub fn open_max(mut self, duration: Duration) -> Self {
        self.open_max = Some(duration);
        self
    }

    /// Draws each open time from its upper half, so that a fleet does not probe in step (rule CB-30). Default: on.
    pub fn jitter(mut self, on: bool) -> Self {
        self.rules.jitter = on;
        self
    }

    /// Lets this many probes through in a half-open round, outstanding and used together. Default: 3.
    pub fn probes(mut self, probes: u32) -> Self {
        self.rules.probes = probes;
        self
    }

    /// Closes after this many probes of a round succeeded. Default: 2. It opens again as soon as too many failed for that.
    pub fn successes(mut self, successes: u32) -> Self {
        self.rules.successes = successes;
        self
    }

    /// Takes the permit of a probe back that has not answered for this long (rule CB-26). Default: the longest open time, at
    /// least 30 s, and until the deadline of whoever makes the call.
    pub fn probe_lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// Opens again after this many probes of a round ended without an answer (rule CB-25). Default: twice the probes.
    pub fn inconclusive_max(mut self, probes: u32) -> Self {
        self.inconclusive_max = Some(probes);
        self
    }

    /// Whether a panic of the call counts as a failure (rule CB-37). Default: yes. The panic goes on either way.
    pub fn count_panics(mut self, on: bool) -> Self {
        self.rules.count_panics = on;
        self
    }

    /// Calls `subscriber` for each change of state: once each, in order, on the thread that made the change or is
    /// delivering already, and outside any lock. Up to 32 subscribers.
    ///
    /// A subscriber that blocks holds up later events and the call that delivers, nothing else; 64 events wait at most,
    /// and [`Event::lost`] counts those that were dropped. A panic of a subscriber is caught.
    pub fn on_change(mut self, subscriber: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.subscribers.push(Arc::new(subscriber));
        self
    }

    /// Reads time from `clock`. Default: the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the jitter of open times the same in every run. Default: seeded by the operating system.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The rules as they stand, unchecked: for whoever checks them against other policies.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Checks everything and makes the breaker.
    ///
    /// # Errors
    /// If it could never open or never close, if a number is out of range, or the name cannot be a name. The error says
    /// what would be right.
    pub fn build(self) -> Result<Breaker, ConfigError> {
        let name = self.name.clone()?;
        let rules = self.checked()?;
        let rng = self.seed.map_or_else(Rng::from_entropy, Rng::from_seed);
        Ok(Breaker::new(name, rules, rng, self.clock, self.subscribers))
    }

    fn checked(&self) -> Result<Rules, ConfigError> {
        let mut rules = self.rules;
        rules.slow_rate = match (self.slow_rate, rules.slow_over) {
            (Some(_), None) => return Err(ConfigError(Kind::SlowWithoutRate)),
            (rate, Some(_)) => rate.or(rules.failure_rate).or(Some(1.0)),
            (None, None) => None,
        };
        rules.open_max = self.open_max.unwrap_or_else(|| rules.open_max.max(rules.open_for));
        rules.lease_by_caller = self.lease.is_none();
        rules.lease = self.lease.unwrap_or_else(|| rules.open_max.max(Duration::from_secs(30)));
        rules.inconclusive_max = self.inconclusive_max.unwrap_or_else(|| rules.probes.saturating_mul(2));
        check_opening(&rules)?;
        check_closing(&rules)?;
        at_most("the number of subscribers", self.subscribers.len() as u64, SUBSCRIBERS_MAX as u64)?;
        Ok(rules)
    }
}

fn check_opening(rules: &Rules) -> Result<(), ConfigError> {
    if !rules.needs_window() && rules.consecutive.is_none() {
        return Err(ConfigError(Kind::NoRule));
    }
    if let Some(failures) = rules.consecutive {
        not_zero("the number of consecutive failures", failures)?;
    }
    for (what, rate) in [("the failure rate", rules.failure_rate), ("the slow-call rate", rules.slow_rate)] {
        // A NaN is not in the range either.
        if let Some(value) = rate.filter(|rate| !(*rate > 0.0 && *rate <= 1.0)) {
            return Err(ConfigError(Kind::Rate { what, value }));
        }
    }
    not_zero("min_calls", rules.min_calls)?;
    match rules.span {
        Span::Calls { size } => {
            not_zero("the window", size)?;
            at_most("the window of calls", size.into(), SIZE_MAX.into())
        }
        Span::Time { len, buckets } => {
            not_zero_time("the window", len)?;
            not_zero("the number of buckets", buckets)?;
            at_most("the number of buckets", buckets.into(), BUCKETS_MAX.into())?;
            if len.as_nanos() < u128::from(buckets) { Err(ConfigError(Kind::BucketsTooFine)) } else { Ok(()) }
        }
    }
}

fn check_closing(rules: &Rules) -> Result<(), ConfigError> {
    not_zero_time("open_for", rules.open_for)?;
    not_zero_time("the lease of a probe", rules.lease)?;
    not_zero("the number of probes", rules.probes)?;
    at_most("the number of probes", rules.probes.into(), PROBES_MAX.into())?;
    not_zero("the number of successes", rules.successes)?;
    not_zero("inconclusive_max", rules.inconclusive_max)?;
    if rules.successes > rules.probes {
        return Err(ConfigError(Kind::NeverCloses { probes: rules.probes, successes: rules.successes }));
    }
    if rules.open_max < rules.open_for { Err(ConfigError(Kind::OpenOrder)) } else { Ok(()) }
}

fn not_zero(what: &'static str, value: u32) -> Result<(), ConfigError> {
    if value == 0 { Err(ConfigError(Kind::Zero { what })) } else { Ok(()) }
}

fn not_zero_time(what: &'static str, value: Duration) -> Result<(), ConfigError> {
    if value.is_zero() { Err(ConfigError(Kind::Zero { what })) } else { Ok(()) }
}

fn at_most(what: &'static str, value: u64, max: u64) -> Result<(), ConfigError> {
    if value > max { Err(ConfigError(Kind::TooMany { what, value, max })) } else { Ok(()) }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
