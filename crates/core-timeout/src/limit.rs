use std::time::Duration;

use core_errors::{Name, PolicyKind, Reason, Rejection};
use core_policy::{Admit, AtMostOnce, Cx, Next, Outcome, Policy, Role};
use core_time::{Clock, Instant};

use crate::exceeded;
use crate::policy::nanos;

/// How long one operation may take, from the moment at which it begins: what [`Timeouts::run`](crate::Timeouts::run) runs a future under.
///
/// The [`Deadline`](crate::Deadline) of the operation, but for when that is known.
#[derive(Clone, Debug)]
pub struct Limit {
    name: Name,
    clock: Clock,
    /// In nanoseconds: a word less than a `Duration`.
    nanos: u64,
}

/// When a call under a [`Limit`] began and when it ends.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    since: Instant,
    ends: Instant,
}

// === impl Limit ===

impl Limit {
    pub(crate) fn new(name: Name, clock: Clock, limit: Duration) -> Self {
        Self { name, clock, nanos: nanos(limit) }
    }
}

impl Policy for Limit {
    type State = Span;

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn begin(&self) -> Span {
        Span { since: Instant::NEVER, ends: Instant::NEVER }
    }

    fn admit(&self, state: &mut Span, cx: &mut Cx<'_>) -> Admit {
        let since = cx.clock().now();
        *state = Span { since, ends: since + Duration::from_nanos(self.nanos) };
        cx.end_by(state.ends);
        Admit::Run
    }

    fn settle(&self, _: &mut Span, _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        Next::Finish
    }

    fn abandon(&self, _: &mut Span) {}

    fn cutoff(&self, state: &mut Span, _: &mut Cx<'_>) -> Option<Instant> {
        Some(state.ends)
    }

    fn expire(&self, state: &mut Span, cx: &mut Cx<'_>) -> Option<Rejection> {
        let now = cx.clock().now();
        (now >= state.ends).then(|| {
            exceeded::count(self.name);
            let rejection = Rejection::new(PolicyKind::Deadline, self.name, Reason::DeadlineExceeded);
            rejection.with_limit(state.ends - state.since, now - state.since)
        })
    }

    fn roles(&self) -> Vec<Role> {
        vec![Role::new(PolicyKind::Deadline)]
    }
}

impl AtMostOnce for Limit {}
