use std::fmt;
use std::sync::Arc;

use core_errors::{PolicyKind, Reason, Rejection, Verdict};
use core_policy::{Admit, Cx, Next, Permit, Policy, Role};
use core_time::Clock;

use super::health::{Count, Ejection, Health};
use super::inner::Inner;
use super::snapshot::HostSnapshot;
use crate::outcome::Outcome;

/// One host of an upstream: a policy that reports what calls to it come to, and refuses them while it is ejected. Made by
/// [`Outliers::host`](crate::Outliers::host); cheap to clone, and the host is known as long as somebody holds one.
///
/// # Cancel safety
/// A dropped call counts as neither success nor failure.
#[derive(Clone)]
pub struct Host {
    health: Arc<Health>,
    set: Arc<Inner>,
}

/// What a host remembers of a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostState {
    is_running: bool,
}

// === impl Host ===

impl Host {
    pub(super) fn new(health: Arc<Health>, set: Arc<Inner>) -> Self {
        Self { health, set }
    }

    /// The key of the host, as text.
    #[must_use]
    pub fn key(&self) -> &str {
        self.health.key()
    }

    /// Whether it is ejected. One load; it changes nothing, so a host whose time is over is ejected until a call or a sweep comes.
    #[must_use]
    #[inline]
    pub fn is_ejected(&self) -> bool {
        self.health.is_ejected()
    }

    /// Whether calls pass: it is not ejected, or so few hosts are in service that ejections are ignored. For whoever chooses among
    /// handles; by keys, [`Outliers::choose`](crate::Outliers::choose).
    #[must_use]
    #[inline]
    pub fn is_usable(&self) -> bool {
        !self.is_ejected() || self.set.ignores(&self.health)
    }

    /// Asks to make a call whose outcome will be recorded by hand: for streams and callbacks.
    ///
    /// # Errors
    /// The refusal, while the host is ejected.
    pub fn acquire(&self) -> Result<Permit<&Self>, Rejection> {
        Permit::acquire(self)
    }

    /// All there is to know about it. Changes nothing.
    #[must_use]
    pub fn snapshot(&self) -> HostSnapshot {
        HostSnapshot::of(&self.set.engine, &self.health, self.set.clock.now())
    }

    /// The refusal, if it is ejected still.
    #[cold]
    fn refusal(&self) -> Option<Rejection> {
        let engine = &self.set.engine;
        let due = engine.due();
        // A timer may have said that the sweep has come at which it returns; the coarse time must not say otherwise.
        let now = match self.set.clock.reached(due) {
            Ok(now) => {
                self.set.sweep(now);
                now
            }
            Err(left) => due - left,
        };
        let ejection = self.health.ejection()?;
        if self.set.ignores(&self.health) {
            return None;
        }
        self.health.count(Count::Rejected);
        let rejection = Rejection::new(PolicyKind::Outlier, engine.name(), Reason::HostEjected);
        Some(match ejection {
            Ejection::Forced => rejection,
            Ejection::Until(until) => rejection.with_retry_after(engine.returns_at(until) - now),
        })
    }

    /// Records what was no success.
    #[cold]
    fn record_rest(&self, outcome: &core_policy::Outcome<'_>) {
        match Outcome::came(outcome, || self.set.engine.count_panics()) {
            Outcome::Success => self.health.succeeded(),
            Outcome::Ignored => self.health.count(Count::Ignored),
            Outcome::Inconclusive => self.health.count(Count::Inconclusive),
            Outcome::Failure { .. } => {
                let failures = self.health.failed();
                if self.set.engine.is_run(failures) && !self.health.is_ejected() {
                    self.set.found_run(&self.health);
                }
            }
        }
    }
}

impl Policy for Host {
    type State = HostState;

    #[inline]
    fn clock(&self) -> &Clock {
        &self.set.clock
    }

    #[inline]
    fn begin(&self) -> HostState {
        HostState { is_running: false }
    }

    #[inline]
    fn admit(&self, state: &mut HostState, cx: &mut Cx<'_>) -> Admit {
        let now = cx.now();
        if now >= self.set.engine.due() {
            self.set.sweep_in_passing(now);
        }
        if self.health.is_ejected()
            && let Some(rejection) = self.refusal()
        {
            return Admit::Refuse(rejection);
        }
        state.is_running = true;
        Admit::Run
    }

    #[inline]
    fn settle(&self, state: &mut HostState, outcome: &core_policy::Outcome<'_>, _: &mut Cx<'_>) -> Next {
        if !std::mem::take(&mut state.is_running) {
            return Next::Finish;
        }
        if let core_policy::Outcome::Judged(Verdict::Success, _) = outcome {
            self.health.succeeded();
        } else {
            self.record_rest(outcome);
        }
        Next::Finish
    }

    #[inline]
    fn abandon(&self, state: &mut HostState) {
        if std::mem::take(&mut state.is_running) {
            self.health.count(Count::Inconclusive);
        }
    }

    fn roles(&self) -> Vec<Role> {
        vec![Role::new(PolicyKind::Outlier)]
    }
}

core_policy::policy_methods!(Host, once);
core_policy::policy_layer!(Host, once);

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("name", &self.set.engine.name())
            .field("key", &self.key())
            .field("is_ejected", &self.is_ejected())
            .finish_non_exhaustive()
    }
}
