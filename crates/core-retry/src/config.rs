mod checks;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use core_errors::{Category, CategorySet, Name, NameError};
use core_policy::Rng;
use core_time::Clock;

use crate::backoff::{Backoff, Growth, Jitter};
use crate::budget::Budget;
use crate::error::{ConfigError, Kind};
use crate::event::{Event, Subscribers};
use crate::policy::Retry;
use crate::rules::Rules;

/// Says what is retried, when and how often. Made by [`Retry::exponential`] and its sisters.
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone, Debug)]
pub struct Builder {
    name: Result<Name, NameError>,
    backoff: Backoff,
    attempts: u32,
    budget: Option<Budget>,
    min_attempt_time: Duration,
    retry_after_max: Duration,
    retry_refusals: bool,
    is_idempotent: bool,
    only_on: Option<CategorySet>,
    never_on: CategorySet,
    subscribers: Subscribers,
    clock: Clock,
    seed: Option<u64>,
    key: Option<Arc<str>>,
    chosen: Chosen,
    /// What was set that a running retry cannot change.
    pub(crate) fixed: Option<&'static str>,
}

/// What was said of delays and is not the default: growths that have no use for it refuse it.
#[derive(Clone, Copy, Debug, Default)]
struct Chosen {
    jitter: bool,
    factor: bool,
}

// === impl Builder ===

impl Builder {
    pub(crate) fn new(growth: Growth, base: Duration, max: Duration) -> Self {
        Self {
            name: Ok(Name::UNNAMED),
            backoff: Backoff { growth, jitter: Jitter::Full, base, max },
            attempts: 3,
            budget: None,
            min_attempt_time: Duration::ZERO,
            retry_after_max: Duration::from_secs(300),
            retry_refusals: false,
            is_idempotent: true,
            only_on: None,
            never_on: CategorySet::EMPTY,
            subscribers: Subscribers::default(),
            clock: Clock::system(),
            seed: None,
            key: None,
            chosen: Chosen::default(),
            fixed: None,
        }
    }

    /// What a running retry goes by, to be changed.
    pub(crate) fn of(rules: Rules) -> Self {
        let Rules { attempts, backoff, min_attempt_time, retry_after_max, .. } = rules;
        let Rules { retry_refusals, is_idempotent, only_on, never_on, .. } = rules;
        let start = Self::new(backoff.growth, backoff.base, backoff.max);
        Self {
            backoff,
            attempts: attempts.get(),
            min_attempt_time,
            retry_after_max,
            retry_refusals,
            is_idempotent,
            only_on,
            never_on,
            ..start
        }
    }

    /// Names the retry in snapshots. Default: `unnamed`. A text that cannot be a name is refused by
    /// [`build`](Self::build).
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Name::new(name.as_ref());
        self.fixed = Some("name");
        self
    }

    /// Calls so many times in all; 1 never retries. Default: 3.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Makes each exponential delay so many times the one before. Default: 2. Other growths have none, and are not built with one.
    pub fn factor(mut self, factor: f64) -> Self {
        self.chosen.factor = true;
        if let Growth::Exponential { .. } = self.backoff.growth {
            self.backoff.growth = Growth::Exponential { factor };
        }
        self
    }

    /// Draws each delay between zero and its value. This is the default: it spreads callers best.
    pub fn full_jitter(self) -> Self {
        self.jitter(Jitter::Full)
    }

    /// Draws each delay from its upper half.
    pub fn equal_jitter(self) -> Self {
        self.jitter(Jitter::Equal)
    }

    /// Keeps to the exact delays. Callers that failed together come back together.
    pub fn no_jitter(self) -> Self {
        self.jitter(Jitter::None)
    }

    /// Spreads delays in this way. Default: [`Jitter::Full`]. Decorrelated and smooth delays are drawn at random already, and are not built with any
    /// other.
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.chosen.jitter = true;
        self.backoff.jitter = jitter;
        if self.backoff.growth == Growth::Fixed {
            // Whoever wants one delay has named no cap, and that delay as the cap would cut off what jitter adds.
            self.backoff.max = jitter.longest(self.backoff.base);
        }
        self
    }

    /// Retries only while the budget allows. Default: no budget, but the policies with names have one of their own. Share one among all
    /// calls to a service.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.budget = Some(budget.clone());
        self.fixed = Some("budget");
        self
    }

    /// Retries whatever share of the calls fails, as [`Retry::exponential`] and its sisters do from the start. For policies with names.
    pub fn no_budget(mut self) -> Self {
        self.budget = None;
        self.fixed = Some("budget");
        self
    }

    /// Does not start an attempt that has less time than this before the deadline (rule RT-5). Default: zero.
    pub fn min_attempt_time(mut self, time: Duration) -> Self {
        self.min_attempt_time = time;
        self
    }

    /// Takes no notice of a callee that asks for a longer pause than this (rule RT-4). Default: 300 s.
    pub fn retry_after_max(mut self, pause: Duration) -> Self {
        self.retry_after_max = pause;
        self
    }

    /// Retries refusals of policies further in, such as an open circuit, when they tell how soon it is worth it and that is
    /// before the deadline (rule RT-7). Default: off.
    pub fn retry_refusals(mut self, on: bool) -> Self {
        self.retry_refusals = on;
        self
    }

    /// Says that a call must not take effect twice (rule RT-11): retried is only what certainly had none, such as a connection
    /// that was refused. A failure whose judge does not say what it was is not. Default: calls may be made twice.
    pub fn not_idempotent(mut self) -> Self {
        self.is_idempotent = false;
        self.fixed = Some("idempotency");
        self
    }

    /// Retries only failures of these kinds, and only those of them that may pass. A failure whose judge does not say what it was
    /// is not retried. Default: all that may pass.
    pub fn only_on(mut self, categories: &[Category]) -> Self {
        self.only_on = Some(CategorySet::of(categories));
        self
    }

    /// Does not retry failures of these kinds. Default: none.
    pub fn never_on(mut self, categories: &[Category]) -> Self {
        self.never_on = CategorySet::of(categories);
        self
    }

    /// Calls `subscriber` before each retry, on the thread of the call, before it sleeps. A panic of it is caught. Up to 32
    /// subscribers. It sees what kind of error it was; for the error itself see [`Retry::notify`].
    pub fn on_retry(mut self, subscriber: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.subscribers.on_retry(subscriber);
        self.fixed = Some("subscribers");
        self
    }

    /// Calls `subscriber` when attempts, budget or time are used up. A panic of it is caught. Up to 32 subscribers.
    pub fn on_give_up(mut self, subscriber: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.subscribers.on_give_up(subscriber);
        self.fixed = Some("subscribers");
        self
    }

    /// Reads time from `clock`. Default: the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self.fixed = Some("clock");
        self
    }

    /// Makes the jitter the same in every run. Default: seeded by the operating system.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self.fixed = Some("seed");
        self
    }

    /// The same for one of many that are made from it: with its key in events, and with a seed, if it has one, of its own. For maps of
    /// pipelines.
    #[doc(hidden)]
    pub fn for_key(mut self, key: Arc<str>, salt: u64) -> Self {
        self.key = Some(key);
        self.seed = self.seed.map(|seed| seed ^ salt);
        self
    }

    /// The delays, unchecked.
    #[must_use]
    pub fn backoff(&self) -> &Backoff {
        &self.backoff
    }

    /// Calls in all, unchecked.
    #[must_use]
    pub fn total_attempts(&self) -> u32 {
        self.attempts
    }

    /// The least time that an attempt must have before the deadline, unchecked.
    #[must_use]
    pub fn least_attempt_time(&self) -> Duration {
        self.min_attempt_time
    }

    /// Checks everything and makes the retry.
    ///
    /// # Errors
    /// If there are no attempts, the delays run backwards, a number is out of range, something was chosen that could have no effect (delays
    /// that begin at zero and are to grow, jitter with nothing to spread or no room under the longest delay, a factor where nothing is
    /// multiplied), the budget could never allow a retry, or the name cannot be a name.
    pub fn build(self) -> Result<Retry, ConfigError> {
        let rules = self.rules()?;
        let name = self.name?;
        if self.subscribers.len_max() > Subscribers::MAX {
            return Err(ConfigError(Kind::Subscribers { max: Subscribers::MAX }));
        }
        if let Some(budget) = &self.budget {
            rules.check_budget(budget)?;
        }
        let rng = self.seed.map_or_else(Rng::from_entropy, Rng::from_seed);
        Ok(Retry::new((name, self.key), rules, self.budget, self.subscribers, self.clock, rng))
    }

    /// The checked form of what can be changed while calls go on.
    pub(crate) fn rules(&self) -> Result<Rules, ConfigError> {
        let attempts = NonZeroU32::new(self.attempts).ok_or(ConfigError(Kind::NoAttempts))?;
        self.check_delays()?;
        let is_left = |only: CategorySet| {
            Category::all().any(|category| only.contains(category) && !self.never_on.contains(category))
        };
        if self.only_on.is_some_and(|only| !is_left(only)) {
            return Err(ConfigError(Kind::OnNothing));
        }
        Ok(Rules {
            attempts,
            backoff: self.backoff,
            min_attempt_time: self.min_attempt_time,
            retry_after_max: self.retry_after_max,
            retry_refusals: self.retry_refusals,
            is_idempotent: self.is_idempotent,
            only_on: self.only_on,
            never_on: self.never_on,
        })
    }
}
