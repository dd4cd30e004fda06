use std::time::Duration;

use core_errors::{Cause, Verdict};

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

    /// A failure that brings no hint.
    pub(crate) const fn failed(cause: Cause) -> Self {
        Self::Failure { cause: Some(cause), hint: None }
    }
}
