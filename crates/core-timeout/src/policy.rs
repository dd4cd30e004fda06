use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use core_errors::{Name, PolicyKind, Reason, Rejection};
use core_policy::{Admit, Counters, Cx, Next, Outcome, Policy, Role};
use core_time::{Clock, Instant};

use crate::config::{Builder, check};
use crate::error::ConfigError;

/// A limit on time. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Timeout(Arc<Inner>);

struct Inner {
    name: Name,
    kind: PolicyKind,
    /// In nanoseconds; may change while calls go on.
    limit: AtomicU64,
    clock: Clock,
    keeps_context: bool,
    counts: Counters<2>,
}

/// What a timeout has come to since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How often it fired.
    pub fired: u64,
    /// How long the calls that it stopped had taken, all together. Begins anew after 584 years.
    pub elapsed: Duration,
}

const FIRED: usize = 0;
const ELAPSED_NS: usize = 1;

/// What a timeout remembers of a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallState {
    /// When what is limited began. Before it first had to wait, as far as a total limit knows it without a precise reading: it may
    /// have been a tick later.
    since: Option<Instant>,
    /// When it ends: known once it has had to wait.
    ends: Option<Instant>,
    /// While a total limit is in force: the deadline that is to hold again when this call is over, `NEVER` for none.
    outer: Option<Instant>,
}

// === impl Timeout ===

impl Timeout {
    /// Bounds one attempt. It does not count time that is spent waiting for admission or between attempts.
    pub fn attempt(limit: Duration) -> Builder {
        Builder::new(PolicyKind::Timeout, limit)
    }

    /// Bounds a whole call: all attempts, and all waits before and between them.
    pub fn total(limit: Duration) -> Builder {
        Builder::new(PolicyKind::Deadline, limit)
    }

    pub(crate) fn new(
        name: Name,
        kind: PolicyKind,
        limit: Duration,
        clock: Clock,
        keeps_context: bool,
    ) -> Self {
        Self(Arc::new(Inner {
            name,
            kind,
            limit: AtomicU64::new(nanos(limit)),
            clock,
            keeps_context,
            counts: Counters::new(),
        }))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.0.name
    }

    /// The limit.
    #[must_use]
    #[inline]
    pub fn limit(&self) -> Duration {
        Duration::from_nanos(self.0.limit.load(Ordering::Relaxed))
    }

    /// Changes the limit for all clones, from the next call on. Calls that wait already keep the one that they began to wait with.
    ///
    /// # Errors
    /// If it is zero or longer than a day. Then nothing has changed.
    pub fn set_limit(&self, limit: Duration) -> Result<(), ConfigError> {
        check(limit)?;
        self.0.limit.store(nanos(limit), Ordering::Relaxed);
        Ok(())
    }

    /// How often it fired.
    #[must_use]
    pub fn fired(&self) -> u64 {
        self.0.counts.get(FIRED)
    }

    /// What it has come to.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats { fired: self.fired(), elapsed: Duration::from_nanos(self.0.counts.get(ELAPSED_NS)) }
    }

    fn is_total(&self) -> bool {
        self.0.kind == PolicyKind::Deadline
    }
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("name", &self.name())
            .field("kind", &self.0.kind)
            .field("limit", &self.limit())
            .finish_non_exhaustive()
    }
}

impl Policy for Timeout {
    type State = CallState;

    #[inline]
    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    #[inline]
    fn ambient_deadline(&self) -> Option<Instant> {
        if self.0.keeps_context { current_deadline() } else { None }
    }

    #[inline]
    fn begin(&self) -> CallState {
        CallState::default()
    }

    #[inline]
    fn admit(&self, state: &mut CallState, cx: &mut Cx<'_>) -> Admit {
        if !self.is_total() {
            (state.since, state.ends) = (None, None);
            cx.limit_attempt(self.limit());
        } else if state.outer.is_none() {
            state.outer = Some(cx.deadline().unwrap_or(Instant::NEVER));
            let began = cx.now();
            state.since = Some(began);
            cx.end_by(began + self.limit());
        }
        Admit::Run
    }

    #[inline]
    fn settle(&self, state: &mut CallState, _: &Outcome<'_>, cx: &mut Cx<'_>) -> Next {
        if let Some(outer) = state.outer.take() {
            cx.reset_deadline(Some(outer).filter(|outer| *outer != Instant::NEVER));
        }
        Next::Finish
    }

    fn abandon(&self, state: &mut CallState) {
        *state = CallState::default();
    }

    fn cutoff(&self, state: &mut CallState, cx: &mut Cx<'_>) -> Option<Instant> {
        if state.ends.is_none() {
            let now = cx.now_exact();
            // Who waits at once has just begun. A blocking attempt may have taken its time before anybody had to wait, and
            // never too early means up to a tick late.
            let since = state.since.map_or(now, |began| now.min(began + cx.clock().tick()));
            (state.since, state.ends) = (Some(since), Some(since + self.limit()));
        }
        state.ends
    }

    fn expire(&self, state: &mut CallState, cx: &mut Cx<'_>) -> Option<Rejection> {
        let (now, since, ends) = (cx.clock().now(), state.since?, state.ends?);
        if now < ends {
            return None;
        }
        let elapsed = now - since;
        self.0.counts.bump(FIRED);
        self.0.counts.add(ELAPSED_NS, nanos(elapsed));
        let rejection = Rejection::new(self.0.kind, self.0.name, Reason::TimedOut);
        Some(rejection.with_limit(ends - since, elapsed))
    }

    fn roles(&self) -> Vec<Role> {
        vec![Role::new(self.0.kind)]
    }
}

#[cfg(feature = "context")]
fn current_deadline() -> Option<Instant> {
    core_context::Context::current_deadline()
}

#[cfg(not(feature = "context"))]
fn current_deadline() -> Option<Instant> {
    None
}

/// Longer limits than a u64 holds are 584 years.
pub(crate) fn nanos(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX)
}

core_policy::policy_methods!(Timeout, once);
core_policy::policy_layer!(Timeout, once);
