use std::time::Duration;

use crate::{Category, Classify, Recovery};

/// What one attempt came to. Judged once; retry, breaker, budget, limiter and health all read the same verdict.
///
/// A hint is the time after which the callee asked to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It worked.
    Success,
    /// It failed and may work at once.
    Retriable,
    /// It failed and may work after a delay.
    Transient(Option<Duration>),
    /// The callee is overloaded: it may work after a delay, and less load would help.
    Overload(Option<Duration>),
    /// It failed and will fail again.
    Permanent,
    /// It says nothing about the callee: the request was wrong, the caller went away, a policy of ours refused.
    Ignore,
}

// === impl Verdict ===

impl Verdict {
    /// The verdict that `error` classifies itself as.
    #[must_use]
    #[inline]
    pub fn of_error<E: Classify + ?Sized>(error: &E) -> Self {
        error.verdict()
    }

    /// The verdict on a result whose success needs no look.
    #[must_use]
    #[inline]
    pub fn of<T, E: Classify>(result: &Result<T, E>) -> Self {
        match result {
            Ok(_) => Self::Success,
            Err(error) => error.verdict(),
        }
    }

    /// The verdict on an attempt that failed with an error of that class.
    ///
    /// A cancelled call says nothing about the callee, and a rate limit or an exhausted resource is an overload.
    #[must_use]
    pub const fn of_class(recovery: Recovery, category: Category, hint: Option<Duration>) -> Self {
        match (recovery, category) {
            (_, Category::Cancelled) | (Recovery::InvalidInput, _) => Self::Ignore,
            (Recovery::Transient, Category::RateLimit | Category::ResourceExhausted) => Self::Overload(hint),
            (Recovery::Transient, _) => Self::Transient(hint),
            (Recovery::Retriable, _) => Self::Retriable,
            (Recovery::Fatal | Recovery::Unknown, _) => Self::Permanent,
        }
    }

    /// Whether it tells of a failure of the callee: it counts against a breaker.
    #[must_use]
    #[inline]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Retriable | Self::Transient(_) | Self::Overload(_) | Self::Permanent)
    }

    /// Whether trying again may help.
    #[must_use]
    #[inline]
    pub const fn is_retriable(self) -> bool {
        matches!(self, Self::Retriable | Self::Transient(_) | Self::Overload(_))
    }

    /// The time after which the callee asked to be tried again.
    #[must_use]
    #[inline]
    pub const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Transient(hint) | Self::Overload(hint) => hint,
            _ => None,
        }
    }
}

impl From<Recovery> for Verdict {
    /// A recovery class without a hint. [`Recovery::InvalidInput`] is the caller's fault and says nothing about the
    /// callee; [`Recovery::Unknown`] is a failure that is not worth another try.
    fn from(recovery: Recovery) -> Self {
        Self::of_class(recovery, Category::Unknown, None)
    }
}
