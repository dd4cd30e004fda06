use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use core_errors::{Cause, Name};
use core_time::Instant;

use crate::State;
use crate::snapshot::Totals;
use crate::window::Tally;

/// A change of state, or in shadow one that would have come. Each is published once, in order, outside any lock (rule CB-35).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// Which breaker.
    pub name: Name,
    /// Whose breaker, where there is one for each key: the key as text, at most 128 bytes of it.
    pub key: Option<Arc<str>>,
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// The generation after.
    pub generation: u32,
    /// When.
    pub at: Instant,
    /// What did it.
    pub trigger: Trigger,
    /// The failure that did it, if one did.
    pub cause: Option<Cause>,
    /// For how long it opened, if it did; in shadow, for how long it would have by the rule, without jitter.
    pub open_for: Option<Duration>,
    /// Nothing changed: the circuit is in shadow, and would have opened. Told once for each time that a rule begins to hold.
    pub would_open: bool,
    /// How many events before this one were dropped because subscribers did not keep up.
    pub lost: u64,
    /// What had been counted since the breaker was made, when this was told.
    pub totals: Totals,
}

/// What changed the state.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Trigger {
    /// Failures in a row.
    Consecutive {
        /// How many.
        failures: u32,
    },
    /// So many failures in the window.
    Failures {
        /// What the window held.
        tally: Tally,
    },
    /// Too many of the calls in the window failed.
    FailureRate {
        /// What the window held.
        tally: Tally,
    },
    /// Too many of the calls in the window were slow.
    SlowRate {
        /// What the window held.
        tally: Tally,
    },
    /// Too few successes on the moving average.
    Average {
        /// The average.
        success_rate: f64,
        /// How many calls are in it.
        calls: u64,
    },
    /// Enough other instances of the fleet have opened theirs.
    FleetOpened {
        /// How many.
        instances: u32,
    },
    /// Another instance of the fleet has found the callee well.
    FleetRecovered,
    /// The open time was over, and a call came.
    OpenTimeOver,
    /// Enough probes succeeded.
    ProbesSucceeded,
    /// Too many probes failed for enough to succeed.
    ProbesFailed,
    /// Too many probes ended without an answer.
    ProbesInconclusive,
    /// The last handle that isolated it was dropped.
    IsolationEnded,
    /// An operator, who gave a reason.
    Operator {
        /// The reason.
        reason: Arc<str>,
    },
}

pub(crate) type Subscriber = Arc<dyn Fn(&Event) + Send + Sync>;

/// Events that wait to be delivered. One thread delivers at a time, so that they arrive in order; others leave theirs to
/// it. None delivers for ever: what subscribers cause themselves may have no end.
#[cfg_attr(genesis_mutant, derive(Clone))]
pub(crate) struct Outbox<E = Event> {
    waiting: VecDeque<E>,
    lost: u64,
    /// How many more whoever has the right to deliver may, if somebody has it.
    delivering: Option<usize>,
}

/// An event that can say how many before it were dropped.
pub(crate) trait Tells {
    /// So many were.
    fn after_loss(&mut self, lost: u64);
}

/// Transitions are rare; a subscriber that lags this far behind has lost the thread.
const OUTBOX_MAX: usize = 64;

/// How many one call delivers: all that waited when it came, and as many again that came meanwhile.
const TURN_MAX: usize = 2 * OUTBOX_MAX;

// === impl Outbox ===

impl<E: Tells> Outbox<E> {
    pub(crate) fn push(&mut self, event: E) {
        if self.waiting.len() == OUTBOX_MAX {
            self.waiting.pop_front();
            self.lost += 1;
        }
        self.waiting.push_back(event);
    }

    /// Whether there is something to deliver.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The right to deliver, if nobody has it and there is something to deliver.
    pub(crate) fn start(&mut self) -> bool {
        let may = !self.waiting.is_empty() && self.delivering.is_none();
        if may {
            self.delivering = Some(TURN_MAX);
        }
        may
    }

    /// The next event for whoever has the right, which ends with the last, or with as many as one may deliver. What is left
    /// then is for whoever comes next.
    pub(crate) fn next(&mut self) -> Option<E> {
        self.delivering = self.delivering.and_then(|left| left.checked_sub(1));
        let event = self.delivering.and_then(|_| self.waiting.pop_front());
        let Some(mut event) = event else {
            self.delivering = None;
            return None;
        };
        event.after_loss(std::mem::take(&mut self.lost));
        Some(event)
    }
}

impl Tells for Event {
    fn after_loss(&mut self, lost: u64) {
        self.lost = lost;
    }
}

impl<E> Default for Outbox<E> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), lost: 0, delivering: None }
    }
}

impl<E> fmt::Debug for Outbox<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("waiting", &self.waiting.len())
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

// === impl Trigger ===

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consecutive { failures } => write!(f, "{failures} failures in a row"),
            Self::Failures { tally } => write!(f, "{} failures", tally.failures),
            Self::FailureRate { tally } => write!(f, "{} of {} calls failed", tally.failures, tally.calls),
            Self::SlowRate { tally } => write!(f, "{} of {} calls were slow", tally.slow, tally.calls),
            Self::Average { success_rate, calls } => {
                write!(f, "{:.1} % successes on the average of {calls} calls", success_rate * 100.0)
            }
            Self::FleetOpened { instances } => write!(f, "{instances} other instances have opened theirs"),
            Self::FleetRecovered => f.write_str("another instance has found the callee well"),
            Self::OpenTimeOver => f.write_str("the open time is over"),
            Self::ProbesSucceeded => f.write_str("enough probes succeeded"),
            Self::ProbesFailed => f.write_str("too many probes failed"),
            Self::ProbesInconclusive => f.write_str("too many probes ended without an answer"),
            Self::IsolationEnded => f.write_str("the last isolation ended"),
            Self::Operator { reason } => write!(f, "an operator: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests;
