//! What a refusal says: to a policy further out, to a client, to whoever reads a log.

use std::fmt;
use std::time::Duration;

use super::{Reason, Rejection};
use crate::{Category, Classify, Code, Recovery, Verdict};

// === impl Rejection ===

impl Rejection {
    /// What a client may be told.
    pub(crate) const fn public_message(&self) -> &'static str {
        match self.reason {
            Reason::TimedOut | Reason::DeadlineExceeded => "no answer within the time allowed",
            Reason::RateLimited => "too many requests",
            Reason::Impossible => "the request is larger than the limit allows",
            _ => "the service cannot answer now",
        }
    }
}

/// To a caller further out. A limit on time that was passed may be tried again, unless attempts were made in vain already (rule
/// RT-8); a refusal was made to keep load away, so it is permanent to a retry around it and says nothing about the callee to
/// a breaker around it.
impl Classify for Rejection {
    fn recovery(&self) -> Recovery {
        match self.reason {
            Reason::Impossible => Recovery::InvalidInput,
            Reason::TimedOut if self.attempts().is_some() => Recovery::Fatal,
            _ => Recovery::Transient,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        self.retry_after()
    }

    fn category(&self) -> Category {
        match self.reason {
            Reason::TimedOut | Reason::DeadlineExceeded => Category::Timeout,
            Reason::RateLimited => Category::RateLimit,
            Reason::Impossible => Category::Validation,
            Reason::BulkheadFull
            | Reason::QueueTimeout
            | Reason::LimitReached
            | Reason::Shed
            | Reason::TooManyKeys => Category::ResourceExhausted,
            Reason::CircuitOpen
            | Reason::ForcedOpen
            | Reason::HalfOpenFull
            | Reason::RampUp
            | Reason::HostEjected
            | Reason::BudgetExhausted
            | Reason::Throttled
            | Reason::ShutDown => Category::Unavailable,
        }
    }

    fn code(&self) -> Option<Code> {
        Some(self.reason.code())
    }

    fn verdict(&self) -> Verdict {
        match self.reason {
            Reason::TimedOut if self.attempts().is_some() => Verdict::Permanent,
            Reason::TimedOut => Verdict::Transient(None),
            _ => Verdict::Ignore,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`: {}", self.policy, self.name, self.reason)?;
        match (self.limit(), self.elapsed()) {
            (Some(limit), Some(elapsed)) => write!(f, " (limit {limit:?}, {elapsed:?} gone by)")?,
            (Some(limit), None) => write!(f, " (limit {limit:?})")?,
            _ => {}
        }
        if let Some(attempts) = self.attempts() {
            write!(f, ", after {attempts} attempts")?;
        }
        if let Some(cause) = self.cause() {
            write!(f, ", last failure: {}", cause.category)?;
            if let Some(code) = cause.code {
                write!(f, " {code}")?;
            }
        }
        if let Some(after) = self.retry_after() {
            write!(f, ", worth trying again in {after:?}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rejection({self})")
    }
}

impl std::error::Error for Rejection {}
