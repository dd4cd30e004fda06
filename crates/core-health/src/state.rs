//! What is known of one check. Pure: results and time go in, a change comes out.

use core_time::Instant;

use crate::outcome::{CheckOutcome, Code, Status};
use crate::schedule::Timing;

/// What hangs on a check. See the table in the crate's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Decides whether the process should be restarted.
    Liveness,
    /// Something of this instance: decides over readiness.
    Local,
    /// Shared with others: degrades the report, and start-up waits for it.
    Dependency,
    /// Shared with others, and decides over readiness all the same.
    Gating,
    /// Degrades the report.
    Optional,
}

/// What is known of one check.
#[derive(Clone, Debug)]
pub(crate) struct CheckState {
    pub(crate) role: Role,
    pub(crate) timing: Timing,
    /// After damping.
    status: Status,
    code: Option<Code>,
    since: Instant,
    last_run: Option<Instant>,
    bad_row: u32,
    good_row: u32,
}

/// How a check stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) role: Role,
    pub(crate) status: Status,
    pub(crate) code: Option<Code>,
    /// Whether there never was a result.
    pub(crate) pending: bool,
    pub(crate) since: Instant,
    pub(crate) last_run: Option<Instant>,
    pub(crate) bad_row: u32,
}

/// A check is seen as another than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) from: Status,
    pub(crate) to: Status,
}

// === impl CheckState ===

impl CheckState {
    pub(crate) fn new(role: Role, timing: Timing, now: Instant) -> Self {
        Self {
            role,
            timing,
            status: Status::Unknown,
            code: None,
            since: now,
            last_run: None,
            bad_row: 0,
            good_row: 0,
        }
    }

    /// Takes in a result.
    pub(crate) fn record(&mut self, outcome: &CheckOutcome, now: Instant) -> Option<Change> {
        let first = self.last_run.is_none();
        self.last_run = Some(now);
        let to = match outcome.status {
            Status::Unknown => Status::Unknown,
            Status::Unhealthy => {
                self.bad_row = self.bad_row.saturating_add(1);
                self.good_row = 0;
                let enough = first || self.status == Status::Unknown || self.bad_row >= self.timing.fall;
                if enough { Status::Unhealthy } else { self.status }
            }
            good => {
                self.good_row = self.good_row.saturating_add(1);
                self.bad_row = 0;
                let enough = self.status != Status::Unhealthy || self.good_row >= self.timing.rise;
                if enough { good } else { self.status }
            }
        };
        // A code belongs to the status that is shown: a failure that is damped away does not show its own.
        if to == outcome.status {
            self.code = outcome.code;
        }
        let from = std::mem::replace(&mut self.status, to);
        if from != to {
            self.since = now;
        }
        (from != to).then_some(Change { from, to })
    }

    /// How it stands now: a result that is too old counts as none.
    pub(crate) fn at(&self, now: Instant) -> Standing {
        let stale = self.stale_at().is_some_and(|at| at <= now);
        Standing {
            role: self.role,
            status: if stale { Status::Unknown } else { self.status },
            code: if stale { Some(Code::Stale) } else { self.code },
            pending: self.last_run.is_none(),
            since: self.since,
            last_run: self.last_run,
            bad_row: self.bad_row,
        }
    }

    /// When the last result will be too old.
    pub(crate) fn stale_at(&self) -> Option<Instant> {
        self.last_run.map(|at| at + self.timing.stale_after())
    }
}

#[cfg(test)]
mod tests;
