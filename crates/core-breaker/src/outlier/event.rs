use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use core_errors::Name;
use core_time::Instant;

use crate::event::Tells;

/// Something became of a host. Each event is published once, in order, outside any lock.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OutlierEvent {
    /// Which upstream.
    pub name: Name,
    /// Which of its hosts.
    pub host: Arc<str>,
    /// When; of what a sweep did, the moment it was due.
    pub at: Instant,
    /// What.
    pub change: HostChange,
    /// How many hosts are known.
    pub hosts: usize,
    /// How many of them are ejected after this.
    pub ejected: usize,
    /// How many events before this one were dropped because subscribers did not keep up.
    pub lost: u64,
}

/// What became of a host.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum HostChange {
    /// It gets no calls.
    Ejected {
        /// Why.
        finding: Finding,
        /// For how long at least; until an operator returns it, if there is no time.
        time: Option<Duration>,
        /// For the how manieth time in a row.
        times: u32,
    },
    /// It gets calls again.
    Returned {
        /// The operator's reason, if one returned it.
        reason: Option<Arc<str>>,
    },
    /// It was found, and not ejected.
    Spared {
        /// Why it was found.
        finding: Finding,
        /// Why it stays.
        why: Spared,
    },
}

/// Why a host that was found was not ejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spared {
    /// As many hosts are ejected as may be.
    MaxEjected,
    /// The rule is enforced for a share of those that are found, and the draw was for this one.
    NotEnforced,
}

/// Why a host is an outlier.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// It failed so often in a row.
    ConsecutiveFailures {
        /// How often.
        failures: u64,
    },
    /// It did worse than the others.
    SuccessRate {
        /// Its share of successes in the interval.
        success_rate: f64,
        /// The mean of all hosts that were compared.
        mean: f64,
        /// Under what it is an outlier.
        threshold: f64,
        /// How many calls it had.
        calls: u64,
    },
    /// It failed too much.
    FailurePercentage {
        /// How many calls failed in the interval.
        failures: u64,
        /// How many calls it had.
        calls: u64,
    },
    /// An operator, who gave a reason.
    Operator {
        /// The reason.
        reason: Arc<str>,
    },
}

pub(super) type Subscriber = Arc<dyn Fn(&OutlierEvent) + Send + Sync>;

impl Tells for OutlierEvent {
    fn after_loss(&mut self, lost: u64) {
        self.lost = lost;
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConsecutiveFailures { failures } => write!(f, "{failures} failures in a row"),
            Self::SuccessRate { success_rate, mean, threshold, calls } => write!(
                f,
                "{:.1} % of {calls} calls succeeded, {:.1} % on the mean of all hosts, and under {:.1} % is an outlier",
                success_rate * 100.0,
                mean * 100.0,
                threshold * 100.0
            ),
            Self::FailurePercentage { failures, calls } => write!(f, "{failures} of {calls} calls failed"),
            Self::Operator { reason } => write!(f, "an operator: {reason}"),
        }
    }
}
