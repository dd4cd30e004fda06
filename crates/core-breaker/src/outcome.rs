use core_errors::{Cause, Verdict};

/// What a call came to, as a breaker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It worked.
    Success,
    /// It failed; what it was, if it is known.
    Failure(Option<Cause>),
    /// It ended and says nothing about the callee. It is not in the denominator of any rate.
    Ignored,
    /// It did not end, or never ran: dropped, or refused by a policy further in (rule CB-25).
    Inconclusive,
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Success => Self::Success,
            Verdict::Ignore => Self::Ignored,
            _ => Self::Failure(None),
        }
    }
}
