use std::fmt;
use std::time::Duration;

use core_errors::{
    Category, Classify, Code, Delivery, Error, PolicyKind, Reason, Recovery, Rejection, Verdict,
    last_of_several,
};

/// How a call under policies failed. Flat: policies nest without errors inside errors.
///
/// As [`Error`] it keeps what it says of itself. In a box of `dyn Error` only its cause is known, and of that whether it is the last of
/// several: there an exhausted one is of the kind of its last error, and permanent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The call failed, and another attempt was not worth it.
    Failed(E),
    /// The call failed, and the attempts that might have helped were not to be had.
    Exhausted {
        /// The last error of the call itself.
        last: E,
        /// How many attempts were made.
        attempts: u32,
        /// Time since the call first had to wait, or first failed.
        elapsed: Duration,
        /// What ended it.
        why: Why,
    },
    /// A policy refused to run the call, or stopped it, and no attempt had failed before.
    Rejected(Rejection),
}

/// What ended the attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// All were made.
    Attempts,
    /// The retry budget is spent.
    BudgetExhausted,
    /// The next would have started too late for the deadline.
    DeadlineWouldExceed,
    /// A policy refused the next one, or stopped it.
    Refused(PolicyKind, Reason),
}

// === impl CallError ===

impl<E> CallError<E> {
    /// The error of the call itself, if it ran.
    #[must_use]
    pub fn inner(&self) -> Option<&E> {
        match self {
            Self::Failed(error) | Self::Exhausted { last: error, .. } => Some(error),
            Self::Rejected(_) => None,
        }
    }

    /// The same, by value.
    #[must_use]
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Failed(error) | Self::Exhausted { last: error, .. } => Some(error),
            Self::Rejected(_) => None,
        }
    }

    /// The refusal, if there was no error of the call itself.
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            _ => None,
        }
    }

    /// Whether a limit on time ended it.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Rejected(rejection) => rejection.is_timeout(),
            Self::Exhausted { why, .. } => {
                matches!(
                    why,
                    Why::DeadlineWouldExceed | Why::Refused(_, Reason::TimedOut | Reason::DeadlineExceeded)
                )
            }
            Self::Failed(_) => false,
        }
    }

    /// Changes the type of the call's own error.
    pub fn map<F>(self, f: impl FnOnce(E) -> F) -> CallError<F> {
        match self {
            Self::Failed(error) => CallError::Failed(f(error)),
            Self::Exhausted { last, attempts, elapsed, why } => {
                CallError::Exhausted { last: f(last), attempts, elapsed, why }
            }
            Self::Rejected(rejection) => CallError::Rejected(rejection),
        }
    }
}

impl<E> CallError<CallError<E>> {
    /// Undoes the nesting of policies that were put around each other by hand. What the inner one said wins.
    #[must_use]
    pub fn flatten(self) -> CallError<E> {
        match self {
            Self::Failed(inner) => inner,
            Self::Exhausted { last: CallError::Failed(last), attempts, elapsed, why } => {
                CallError::Exhausted { last, attempts, elapsed, why }
            }
            Self::Exhausted { last, .. } => last,
            Self::Rejected(rejection) => CallError::Rejected(rejection),
        }
    }
}

/// Flattens the result of policies that were nested by hand.
pub trait Flatten {
    /// The flat result.
    type Flat;

    /// See [`CallError::flatten`].
    fn flatten_error(self) -> Self::Flat;
}

impl<T, E> Flatten for Result<T, CallError<CallError<E>>> {
    type Flat = Result<T, CallError<E>>;

    fn flatten_error(self) -> Self::Flat {
        self.map_err(CallError::flatten)
    }
}

/// To a caller further out. An exhausted error is permanent: the retries were made below (rule RT-8).
impl<E: Classify> Classify for CallError<E> {
    fn recovery(&self) -> Recovery {
        match self {
            Self::Failed(error) => error.recovery(),
            Self::Exhausted { .. } => Recovery::Fatal,
            Self::Rejected(rejection) => rejection.recovery(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Failed(error) | Self::Exhausted { last: error, .. } => error.retry_after(),
            Self::Rejected(rejection) => rejection.retry_after(),
        }
    }

    fn category(&self) -> Category {
        match self {
            Self::Failed(error) | Self::Exhausted { last: error, .. } => error.category(),
            Self::Rejected(rejection) => Classify::category(rejection),
        }
    }

    fn code(&self) -> Option<Code> {
        match self {
            Self::Failed(error) | Self::Exhausted { last: error, .. } => error.code(),
            Self::Rejected(rejection) => rejection.code(),
        }
    }

    fn idempotent_only(&self) -> bool {
        match self {
            Self::Failed(error) | Self::Exhausted { last: error, .. } => error.idempotent_only(),
            Self::Rejected(rejection) => rejection.idempotent_only(),
        }
    }

    /// Of the one attempt: attempts that were made in vain are no reason to begin anew.
    fn delivery(&self) -> Delivery {
        match self {
            Self::Failed(error) => error.delivery(),
            Self::Exhausted { .. } | Self::Rejected(_) => Delivery::Unknown,
        }
    }

    /// Of the one attempt, as its delivery.
    fn forbids_retry(&self) -> bool {
        match self {
            Self::Failed(error) => error.forbids_retry(),
            Self::Exhausted { .. } | Self::Rejected(_) => false,
        }
    }

    fn verdict(&self) -> Verdict {
        match self {
            Self::Failed(error) => error.verdict(),
            Self::Exhausted { .. } => Verdict::Permanent,
            Self::Rejected(rejection) => rejection.verdict(),
        }
    }
}

impl<E> From<Rejection> for CallError<E> {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// The error of the call says what it is, as [`Classify`] does; what the policies had to say is metadata.
///
/// An error of a type that nobody taught to become an [`Error`] is [mapped](CallError::map) by [`Error::convert`] first.
impl<E: Into<Self>> From<CallError<E>> for Error {
    #[track_caller]
    fn from(error: CallError<E>) -> Self {
        match error {
            CallError::Failed(error) => error.into(),
            CallError::Exhausted { last, attempts, elapsed, why } => {
                let last: Self = last.into();
                last.with_recovery(Recovery::Fatal)
                    .with("attempts", attempts.to_string())
                    .with("elapsed", format!("{elapsed:?}"))
                    .with("gave_up", why.to_string())
            }
            CallError::Rejected(rejection) => Self::from(rejection),
        }
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Exhausted { last, attempts, elapsed, why } => {
                write!(f, "gave up after {attempts} attempts in {elapsed:?} ({why}): {last}")
            }
            Self::Rejected(rejection) => rejection.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for CallError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Its text is that of its cause, and yet the cause is named: whoever has the error in a box knows it by that only.
            Self::Failed(error) => Some(error),
            Self::Exhausted { last, .. } => Some(last_of_several(last)),
            Self::Rejected(rejection) => Some(rejection),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attempts => f.write_str("all attempts were made"),
            Self::BudgetExhausted => f.write_str("the retry budget is spent"),
            Self::DeadlineWouldExceed => f.write_str("the next attempt would be too late for the deadline"),
            Self::Refused(policy, reason) => write!(f, "{policy}: {reason}"),
        }
    }
}
