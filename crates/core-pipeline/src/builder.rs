use std::sync::Arc;
use std::time::Duration;

use core_breaker::Breaker;
use core_errors::{Name, NameError};
use core_limit::{Bulkhead, RateLimit};
use core_policy::Stack;
use core_retry::Retry;
use core_time::Clock;
use core_timeout::Timeout;

use crate::checks;
use crate::error::ConfigError;
use crate::pipeline::{Chain, Pipeline};

/// Says which policies a pipeline has, and how they are set. Made by [`Pipeline::named`].
///
/// The order of the calls does not matter. Name and clock are those of the pipeline for all its policies.
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone, Debug)]
pub struct Builder {
    name: Result<Name, NameError>,
    clock: Option<Clock>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) retry: Option<core_retry::Builder>,
    pub(crate) breaker: Option<core_breaker::Builder>,
    pub(crate) limit: Option<core_limit::RateBuilder>,
    pub(crate) bulkhead: Option<core_limit::BulkheadBuilder>,
    pub(crate) attempt_timeout: Option<Duration>,
}

// === impl Builder ===

impl Builder {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: Name::new(name),
            clock: None,
            deadline: None,
            retry: None,
            breaker: None,
            limit: None,
            bulkhead: None,
            attempt_timeout: None,
        }
    }

    /// Names the pipeline, in place of the name that it was made with.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Name::new(name.as_ref());
        self
    }

    /// Bounds the whole call: all attempts, and all waits before and between them. Default: only by the caller's deadline.
    pub fn deadline(mut self, total: Duration) -> Self {
        self.deadline = Some(total);
        self
    }

    /// Retries, as in `Retry::exponential(ms(50)..secs(1)).attempts(4)`. Default: none.
    pub fn retry(mut self, retry: core_retry::Builder) -> Self {
        self.retry = Some(retry);
        self
    }

    /// A circuit breaker, as in `Breaker::rate(0.5).window(secs(10))`. Default: none.
    pub fn breaker(mut self, breaker: core_breaker::Builder) -> Self {
        self.breaker = Some(breaker);
        self
    }

    /// A rate limit on attempts, as in `Rate::per_second(500).burst(50)`. Default: none.
    pub fn limit(mut self, rate: core_limit::RateBuilder) -> Self {
        self.limit = Some(rate);
        self
    }

    /// A bulkhead: a number of slots, or `Bulkhead::max(64).max_wait(ms(10))`. Default: none.
    pub fn bulkhead(mut self, slots: impl Into<core_limit::BulkheadBuilder>) -> Self {
        self.bulkhead = Some(slots.into());
        self
    }

    /// Bounds each attempt, from the moment it first has to wait. Default: none.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = Some(limit);
        self
    }

    /// Reads time from `clock`. Default: the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The same for one of many keys: without the state of another, with the key in events, and with seeds of its own.
    pub(crate) fn for_key(mut self, key: &Arc<str>, salt: u64) -> Self {
        self.breaker = self.breaker.map(|breaker| breaker.for_key(Arc::clone(key), salt));
        self.retry = self.retry.map(|retry| retry.for_key(Arc::clone(key), salt));
        self
    }

    /// Checks everything and makes the pipeline.
    ///
    /// # Errors
    /// If a policy cannot be built, or policies contradict each other; see [`ConfigError`], which says what would be right.
    pub fn build(self) -> Result<Pipeline, ConfigError> {
        let name = self.name.clone()?;
        checks::check(&self)?;
        let plan = self.clone();
        let clock = self.clock.unwrap_or_default();
        let text = name.as_str();
        let deadline =
            self.deadline.map(|total| Timeout::total(total).name(text).clock(clock.clone()).build());
        let retry: Option<Result<Retry, _>> =
            self.retry.map(|retry| retry.name(text).clock(clock.clone()).build());
        let breaker: Option<Result<Breaker, _>> =
            self.breaker.map(|breaker| breaker.name(text).clock(clock.clone()).build());
        let limit: Option<Result<RateLimit, _>> =
            self.limit.map(|rate| rate.name(text).clock(clock.clone()).build());
        let bulkhead: Option<Result<Bulkhead, _>> =
            self.bulkhead.map(|slots| slots.name(text).clock(clock.clone()).build());
        let attempt =
            self.attempt_timeout.map(|limit| Timeout::attempt(limit).name(text).clock(clock.clone()).build());

        let inner = Stack::new(bulkhead.transpose()?, attempt.transpose()?);
        let inner = Stack::new(limit.transpose()?, inner);
        let inner = Stack::new(breaker.transpose()?, inner);
        let inner = Stack::new(retry.transpose()?, inner);
        let chain: Chain = Stack::new(deadline.transpose()?, inner);
        Ok(Pipeline::new(name, clock, chain, plan))
    }
}
