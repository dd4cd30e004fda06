//! What checks have done, and probes been told, since the service was set up.

use std::sync::Arc;
use std::time::Duration;

use core_time::Instant;

use crate::health::Probe;
use crate::outcome::{CheckOutcome, Code, Status};
use crate::state::Change;

/// What checks and probes have come to. Made by [`Health::stats`](crate::Health::stats).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// The checks, in the order in which they were registered.
    pub checks: Vec<CheckStats>,
    /// The four probes.
    pub probes: Vec<ProbeStats>,
}

/// What one check has done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckStats {
    /// Its name.
    pub name: Arc<str>,
    /// From the end of a run to the next one, within ±10 %.
    pub interval: Duration,
    /// How often a run ended how, for each [`Ended`] in the order of [`Ended::ALL`].
    pub ended: [u64; Ended::ALL.len()],
    /// How many runs took how long, each count for itself: up to each of [`DURATION_ENDS`], and longer than all.
    pub durations: [u64; DURATION_ENDS.len() + 1],
    /// How long all runs took.
    pub duration_sum: Duration,
    /// How often it turned from a status to another, each by its place in [`Status::ALL`].
    pub changes: [[u64; Status::ALL.len()]; Status::ALL.len()],
    /// How long ago a run ended.
    pub since_last_run: Option<Duration>,
    /// How long ago a run found it healthy or degraded.
    pub since_last_success: Option<Duration>,
}

/// How often a probe was told what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbeStats {
    /// The probe.
    pub probe: Probe,
    /// How often it was told 200.
    pub passed: u64,
    /// How often it was told 503.
    pub failed: u64,
}

/// How a run of a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// It found all well.
    Healthy,
    /// It found that less is given than should be.
    Degraded,
    /// It found that something does not work.
    Unhealthy,
    /// It gave no answer within its deadline.
    Timeout,
    /// It panicked.
    Panicked,
    /// Nobody knows: the runtime stopped it, or it said so.
    Unknown,
}

/// The upper ends by which the durations of runs are counted, which belong to them: 1 ms to 10 s.
pub const DURATION_ENDS: [Duration; 12] = [
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// What is counted of one check.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    ended: [u64; Ended::ALL.len()],
    durations: [u64; DURATION_ENDS.len() + 1],
    duration_sum: Duration,
    changes: [[u64; Status::ALL.len()]; Status::ALL.len()],
    last_run: Option<Instant>,
    last_success: Option<Instant>,
}

// === impl Tally ===

impl Tally {
    /// Takes in a run that ended now.
    pub(crate) fn ran(&mut self, outcome: &CheckOutcome, took: Duration, now: Instant) {
        self.ended[Ended::of(outcome) as usize] += 1;
        self.durations[DURATION_ENDS.partition_point(|end| *end < took)] += 1;
        self.duration_sum = self.duration_sum.saturating_add(took);
        self.last_run = Some(now);
        if matches!(outcome.status, Status::Healthy | Status::Degraded) {
            self.last_success = Some(now);
        }
    }

    /// Takes in that it is seen as another than before.
    pub(crate) fn changed(&mut self, change: Change) {
        self.changes[change.from as usize][change.to as usize] += 1;
    }

    pub(crate) fn stats(&self, name: &Arc<str>, interval: Duration, now: Instant) -> CheckStats {
        let since = |at: Option<Instant>| at.map(|at| now.since(at));
        CheckStats {
            name: Arc::clone(name),
            interval,
            ended: self.ended,
            durations: self.durations,
            duration_sum: self.duration_sum,
            changes: self.changes,
            since_last_run: since(self.last_run),
            since_last_success: since(self.last_success),
        }
    }
}

// === impl Ended ===

impl Ended {
    /// All ways in which a run ends.
    pub const ALL: [Self; 6] =
        [Self::Healthy, Self::Degraded, Self::Unhealthy, Self::Timeout, Self::Panicked, Self::Unknown];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
            Self::Timeout => "timeout",
            Self::Panicked => "panicked",
            Self::Unknown => "unknown",
        }
    }

    fn of(outcome: &CheckOutcome) -> Self {
        match (outcome.status, outcome.code) {
            (Status::Unhealthy, Some(Code::Timeout)) => Self::Timeout,
            (Status::Unhealthy, Some(Code::Panicked)) => Self::Panicked,
            (Status::Unhealthy, _) => Self::Unhealthy,
            (Status::Healthy, _) => Self::Healthy,
            (Status::Degraded, _) => Self::Degraded,
            (Status::Unknown, _) => Self::Unknown,
        }
    }
}
