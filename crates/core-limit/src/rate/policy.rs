use std::sync::Arc;
use std::time::Duration;

use core_errors::{Name, PolicyKind, Reason, Rejection};
use core_policy::{Admit, Counters, Cx, Next, Outcome, Policy};
use core_time::{Clock, Instant};

use super::gcra::{Gcra, Refused, Taken};

/// A rate limit. Cheap to clone; clones share the rate.
#[derive(Clone, Debug)]
pub struct RateLimit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: Name,
    count: u64,
    period: Duration,
    burst: u64,
    gcra: Gcra,
    clock: Clock,
    /// Whether a kernel tick matters: it does where a burst is soon over.
    exact: bool,
    counts: Counters<2>,
}

/// What a rate limit has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests that were admitted.
    pub allowed: u64,
    /// Requests that were refused.
    pub refused: u64,
}

const ALLOWED: usize = 0;
const REFUSED: usize = 1;

/// A coarse clock stands still for up to 4 ms. Bursts that last this long lose no more than 4 % of their evenness by that;
/// shorter ones would be throttled by the clock instead of the limit, so they read the exact one.
const COARSE_FROM: Duration = Duration::from_millis(100);

// === impl RateLimit ===

impl RateLimit {
    pub(crate) fn new(
        name: Name,
        count: u64,
        period: Duration,
        burst: u64,
        gcra: Gcra,
        clock: Clock,
    ) -> Self {
        let exact = gcra.tolerance() < COARSE_FROM;
        Self(Arc::new(Inner { name, count, period, burst, gcra, clock, exact, counts: Counters::new() }))
    }

    /// Takes one.
    ///
    /// # Errors
    /// The refusal, which says after how long it would be admitted: never too short, too long by as much as the coarse clock
    /// lags. A refusal takes nothing.
    #[inline]
    pub fn check(&self) -> Result<(), Rejection> {
        match self.take_one(self.now()) {
            Ok(()) => Ok(()),
            Err(refused) => self.refuse(1, refused).map(drop),
        }
    }

    /// Takes `n` at once, or nothing. Zero takes nothing and always succeeds.
    ///
    /// # Errors
    /// The refusal; [`Reason::Impossible`] if `n` is more than the burst ever admits (rule RL-10).
    #[inline]
    pub fn take(&self, n: u64) -> Result<Taken, Rejection> {
        self.take_at(n, self.now())
    }

    /// Takes as many as there are, up to `n`. How many.
    #[must_use = "only so many were granted"]
    pub fn take_at_most(&self, n: u64) -> u64 {
        let granted = self.0.gcra.take_at_most(n, self.now());
        self.0.counts.add(ALLOWED, granted);
        self.0.counts.add(REFUSED, n - granted);
        granted
    }

    /// What would be admitted now. Changes nothing.
    #[must_use]
    pub fn peek(&self) -> Taken {
        self.0.gcra.peek(self.now())
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.0.name
    }

    /// How many in how long.
    #[must_use]
    pub fn rate(&self) -> (u64, Duration) {
        (self.0.count, self.0.period)
    }

    /// How many at once.
    #[must_use]
    pub fn burst(&self) -> u64 {
        self.0.burst
    }

    /// What it has counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats { allowed: self.0.counts.get(ALLOWED), refused: self.0.counts.get(REFUSED) }
    }

    #[inline]
    fn now(&self) -> Instant {
        if self.0.exact { self.0.clock.now() } else { self.0.clock.now_coarse() }
    }

    #[inline]
    fn take_at(&self, n: u64, now: Instant) -> Result<Taken, Rejection> {
        match self.0.gcra.take(n, now) {
            Ok(taken) => {
                self.0.counts.add(ALLOWED, n);
                Ok(taken)
            }
            Err(refused) => self.refuse(n, refused),
        }
    }

    #[inline]
    fn take_one(&self, now: Instant) -> Result<(), Refused> {
        self.0.gcra.take_one(now)?;
        self.0.counts.add(ALLOWED, 1);
        Ok(())
    }

    #[cold]
    fn refuse(&self, n: u64, refused: Refused) -> Result<Taken, Rejection> {
        let refused = match refused {
            // The answer depends on less than a tick: ask the exact clock.
            Refused::RetryAfter(wait) if !self.0.exact && wait <= self.0.clock.tick() => {
                match self.0.gcra.take(n, self.0.clock.now()) {
                    Ok(taken) => {
                        self.0.counts.add(ALLOWED, n);
                        return Ok(taken);
                    }
                    Err(refused) => refused,
                }
            }
            refused => refused,
        };
        self.0.counts.add(REFUSED, n);
        let rejection = |reason| Rejection::new(PolicyKind::RateLimit, self.0.name, reason);
        Err(match refused {
            Refused::RetryAfter(wait) => rejection(Reason::RateLimited).with_retry_after(wait),
            Refused::Impossible => rejection(Reason::Impossible),
        })
    }
}

impl Policy for RateLimit {
    type State = ();

    #[inline]
    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    #[inline]
    fn begin(&self) {}

    #[inline]
    fn admit(&self, (): &mut (), cx: &mut Cx<'_>) -> Admit {
        let now = if self.0.exact { self.0.clock.now() } else { cx.now() };
        match self.take_one(now) {
            Ok(()) => Admit::Run,
            Err(refused) => match self.refuse(1, refused) {
                Ok(_) => Admit::Run,
                Err(rejection) => Admit::Refuse(rejection),
            },
        }
    }

    #[inline]
    fn settle(&self, (): &mut (), _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        Next::Finish
    }

    fn abandon(&self, (): &mut ()) {}
}

core_policy::policy_methods!(RateLimit, once);
core_policy::policy_layer!(RateLimit, once);
