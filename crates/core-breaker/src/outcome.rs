use std::time::Duration;

use core_errors::{Cause, Reason, Verdict};
use core_policy::Outcome as Came;

use crate::engine::{PANICKED, TIMED_OUT};

/// What a call came to, as a breaker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It worked.
    Success,
    /// It failed.
    Failure {
        /// What it was, if it is known.
        cause: Option<Cause>,
        /// After what time the callee asked to be tried again.
        hint: Option<Duration>,
    },
    /// It ended and says nothing about the callee. It is not in the denominator of any rate.
    Ignored,
    /// It did not end, or never ran: dropped, or refused by a policy further in (rule CB-25).
    Inconclusive,
}

// === impl Outcome ===

impl Outcome {
    pub(crate) fn of(verdict: Verdict, cause: Option<Cause>) -> Self {
        match verdict {
            Verdict::Success => Self::Success,
            Verdict::Ignore => Self::Ignored,
            _ => Self::Failure { cause, hint: verdict.retry_after() },
        }
    }

    /// What came of an attempt; whether a panic counts is for the rules to say.
    pub(crate) fn came(outcome: &Came<'_>, count_panics: impl FnOnce() -> bool) -> Self {
        match outcome {
            Came::Judged(verdict, cause) => Self::of(*verdict, *cause),
            // A limit of ours on time that passed while the callee was at work is the callee's failure. The caller's own
            // deadline, and refusals of other policies, say nothing about it (rule PL-3).
            Came::Refused(rejection) if rejection.reason() == Reason::TimedOut => Self::failed(TIMED_OUT),
            Came::Refused(_) => Self::Inconclusive,
            Came::Panicked if count_panics() => Self::failed(PANICKED),
            Came::Panicked => Self::Ignored,
        }
    }

    /// A failure that brings no hint.
    pub(crate) const fn failed(cause: Cause) -> Self {
        Self::Failure { cause: Some(cause), hint: None }
    }
}
