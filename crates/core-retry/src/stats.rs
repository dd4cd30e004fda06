use core_policy::Counters;

/// What a retry has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Calls whose last attempt succeeded.
    pub succeeded: u64,
    /// Calls that failed in a way that was not worth another attempt.
    pub failed: u64,
    /// Attempts after the first.
    pub retries: u64,
    /// Calls that made all attempts in vain.
    pub out_of_attempts: u64,
    /// Calls that the budget stopped.
    pub out_of_budget: u64,
    /// Calls that the deadline stopped.
    pub out_of_time: u64,
    /// Requests for a pause that were too long to be followed.
    pub hints_discarded: u64,
    /// Of the attempts after the first, those that were made anew because nothing had happened.
    pub transparent: u64,
}

#[derive(Clone, Copy)]
pub(crate) enum Count {
    Succeeded,
    Failed,
    Retries,
    OutOfAttempts,
    OutOfBudget,
    OutOfTime,
    HintsDiscarded,
    Transparent,
}

pub(crate) const COUNTS: usize = 8;

// === impl Stats ===

impl Stats {
    pub(crate) fn read(counts: &Counters<COUNTS>) -> Self {
        let get = |count| counts.get(count as usize);
        Self {
            succeeded: get(Count::Succeeded),
            failed: get(Count::Failed),
            retries: get(Count::Retries),
            out_of_attempts: get(Count::OutOfAttempts),
            out_of_budget: get(Count::OutOfBudget),
            out_of_time: get(Count::OutOfTime),
            hints_discarded: get(Count::HintsDiscarded),
            transparent: get(Count::Transparent),
        }
    }
}
