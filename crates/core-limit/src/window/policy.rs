use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use core_errors::{Name, PolicyKind, Rejection};
use core_policy::{Admit, Counters, Cx, Next, Outcome, Policy, Role};
use core_time::{Clock, Instant};

use super::config::{self, Builder};
use super::counter::Counter;
use crate::error::ConfigError;
use crate::rate::{RateStats, Refused, Taken};

/// A rate limit that counts over a window that slides. Cheap to clone; clones share the count.
///
/// Reach for it where a contract says "so many in an hour" and a client may spend them when it likes: a
/// [`RateLimit`](crate::RateLimit) would have it wait for each, or let twice as many through in one hour. It assumes that
/// the calls of the last window came evenly; where they did not it is off by a few per cent. Nobody waits and nothing is
/// reserved.
///
/// ```
/// use core_limit::SlidingWindow;
/// use core_time::{ManualClock, secs};
///
/// let time = ManualClock::new();
/// let limit = SlidingWindow::per(100, secs(60)).name("api").clock(time.clock()).build()?;
/// assert_eq!(limit.take_at_most(150), 100);
/// time.advance(secs(90));                              // half of the last window still counts
/// assert_eq!(limit.peek().remaining, 50);
/// # Ok::<(), core_limit::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct SlidingWindow(Arc<Inner>);

struct Inner {
    name: Name,
    window: Duration,
    counter: Counter,
    clock: Clock,
    exact: bool,
    counts: Counters<2>,
}

const ALLOWED: usize = 0;
const REFUSED: usize = 1;

/// In longer windows a kernel tick moves the count by less than one in a hundred.
const COARSE_FROM: Duration = Duration::from_secs(1);

// === impl SlidingWindow ===

impl SlidingWindow {
    /// So many in each `window`, wherever it begins.
    pub fn per(limit: u64, window: Duration) -> Builder {
        Builder::new(limit, window)
    }

    pub(super) fn new(name: Name, window: Duration, counter: Counter, clock: Clock) -> Self {
        let exact = window < COARSE_FROM;
        Self(Arc::new(Inner { name, window, counter, clock, exact, counts: Counters::new() }))
    }

    /// Takes one.
    ///
    /// # Errors
    /// The refusal, which says after how long it would be admitted if nobody else came. A refusal counts nothing.
    #[inline]
    pub fn check(&self) -> Result<(), Rejection> {
        self.take(1).map(drop)
    }

    /// Takes `n` at once, or nothing. Zero takes nothing and always succeeds.
    ///
    /// # Errors
    /// The refusal; [`Reason::Impossible`](core_errors::Reason::Impossible) if `n` is more than the limit (rule RL-10).
    #[inline]
    pub fn take(&self, n: u64) -> Result<Taken, Rejection> {
        self.take_at(n, if self.0.exact { self.0.clock.now() } else { self.0.clock.now_coarse() })
    }

    /// Takes as many as there are, up to `n`. How many.
    #[must_use = "only so many were granted"]
    pub fn take_at_most(&self, n: u64) -> u64 {
        let granted = self.0.counter.take_at_most(n, self.0.clock.now());
        self.0.counts.add(ALLOWED, granted);
        self.0.counts.add(REFUSED, (n - granted).min(self.0.counter.limit()));
        granted
    }

    /// What would be admitted now. Changes nothing.
    #[must_use]
    pub fn peek(&self) -> Taken {
        self.0.counter.peek(self.0.clock.now())
    }

    /// Changes the limit, at once and without stopping anybody (rule RL-8). What was counted stays counted.
    ///
    /// # Errors
    /// If it is zero, or above 1 048 575. Then nothing has changed.
    pub fn set_limit(&self, limit: u64) -> Result<(), ConfigError> {
        config::check(limit)?;
        self.0.counter.set_limit(limit);
        Ok(())
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.0.name
    }

    /// How many in how long.
    #[must_use]
    pub fn limit(&self) -> (u64, Duration) {
        (self.0.counter.limit(), self.0.window)
    }

    /// What it has counted.
    #[must_use]
    pub fn stats(&self) -> RateStats {
        RateStats {
            allowed: self.0.counts.get(ALLOWED),
            refused: self.0.counts.get(REFUSED),
            ..RateStats::default()
        }
    }

    #[inline]
    fn take_at(&self, n: u64, now: Instant) -> Result<Taken, Rejection> {
        match self.0.counter.take(n, now) {
            Ok(taken) => {
                self.0.counts.add(ALLOWED, n);
                Ok(taken)
            }
            Err(refused) if self.0.exact || !refused.is_within(self.0.clock.tick()) => {
                Err(self.rejection(n, refused))
            }
            Err(_) => self.ask_again(n),
        }
    }

    /// The answer depends on less than a tick: asks the exact clock.
    #[cold]
    fn ask_again(&self, n: u64) -> Result<Taken, Rejection> {
        match self.0.counter.take(n, self.0.clock.now()) {
            Ok(taken) => {
                self.0.counts.add(ALLOWED, n);
                Ok(taken)
            }
            Err(refused) => Err(self.rejection(n, refused)),
        }
    }

    #[inline]
    fn rejection(&self, n: u64, refused: Refused) -> Rejection {
        self.0.counts.add(REFUSED, n.min(self.0.counter.limit()));
        refused.rejection(self.0.name)
    }
}

impl fmt::Debug for SlidingWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlidingWindow")
            .field("name", &self.name())
            .field("limit", &self.limit())
            .finish_non_exhaustive()
    }
}

impl Policy for SlidingWindow {
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
        match self.take_at(1, now) {
            Ok(_) => Admit::Run,
            Err(rejection) => Admit::Refuse(rejection),
        }
    }

    #[inline]
    fn settle(&self, (): &mut (), _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        Next::Finish
    }

    fn abandon(&self, (): &mut ()) {}

    fn roles(&self) -> Vec<Role> {
        vec![Role::new(PolicyKind::RateLimit)]
    }
}

core_policy::policy_methods!(SlidingWindow, once);
core_policy::policy_layer!(SlidingWindow, once);
