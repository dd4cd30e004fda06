//! How a refusal is kept: all of it in 56 bytes. Who refuses and why is in `reason`, what led to it in `cause`, and what others make of it in
//! `told`.

mod cause;
mod reason;
mod told;

use std::time::Duration;

use crate::{Category, Code, Name};

pub use cause::Cause;
pub use reason::{PolicyKind, Reason};

/// A policy's refusal to run a call, or to go on with it: who, why, and when it is worth coming back.
///
/// 56 bytes, no allocation, no drop: a refusal must not cost more than the call it saves.
#[derive(Clone, PartialEq, Eq)]
pub struct Rejection {
    name: Name,
    code: Option<Code>,
    /// Nanoseconds; [`NONE`] stands for none, as it does below. Half the size of an `Option<Duration>`.
    retry_after: u64,
    limit: u64,
    elapsed: u64,
    /// Of a breaker the generation, of others the attempts that were made; 0 stands for none.
    number: u32,
    policy: PolicyKind,
    reason: Reason,
    category: Option<Category>,
}

/// No sequence of equal bytes: of those a compiler makes one wide store for several fields, which a narrower copy then waits for.
const NONE: u64 = u64::MAX - 1;

// === impl Rejection ===

impl Rejection {
    /// A refusal.
    #[must_use]
    #[inline]
    pub const fn new(policy: PolicyKind, name: Name, reason: Reason) -> Self {
        Self {
            name,
            code: None,
            retry_after: NONE,
            limit: NONE,
            elapsed: NONE,
            number: 0,
            policy,
            reason,
            category: None,
        }
    }

    /// Says when it is worth coming back.
    #[must_use]
    #[inline]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = nanos(after);
        self
    }

    /// The same in nanoseconds, for engines that count in them.
    #[must_use]
    #[inline]
    pub const fn with_retry_after_nanos(mut self, after: u64) -> Self {
        self.retry_after = if after >= NONE { NONE - 1 } else { after };
        self
    }

    /// Says which limit was passed, and after how long.
    #[must_use]
    #[inline]
    pub fn with_limit(mut self, limit: Duration, elapsed: Duration) -> Self {
        self.limit = nanos(limit);
        self.elapsed = nanos(elapsed);
        self
    }

    /// Says in which generation of the circuit, if a breaker refused.
    #[must_use]
    #[inline]
    pub const fn with_generation(mut self, generation: u32) -> Self {
        if self.is_of_breaker() {
            self.number = generation;
        }
        self
    }

    /// Says that so many attempts were made, and that those who made them have given up. Not of a breaker, which made none.
    #[must_use]
    #[inline]
    pub const fn with_attempts(mut self, attempts: u32) -> Self {
        if !self.is_of_breaker() {
            self.number = attempts;
        }
        self
    }

    /// Says which failure led to it.
    #[must_use]
    #[inline]
    pub fn with_cause(mut self, cause: Option<Cause>) -> Self {
        self.category = cause.map(|cause| cause.category);
        self.code = cause.and_then(|cause| cause.code);
        self
    }

    /// Which policy refused.
    #[must_use]
    pub const fn policy(&self) -> PolicyKind {
        self.policy
    }

    /// The name of that policy.
    #[must_use]
    pub const fn name(&self) -> Name {
        self.name
    }

    /// Why it refused.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// When it is worth coming back: from now, never negative.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        duration(self.retry_after)
    }

    /// The limit that was passed.
    #[must_use]
    pub const fn limit(&self) -> Option<Duration> {
        duration(self.limit)
    }

    /// The time that had gone by.
    #[must_use]
    pub const fn elapsed(&self) -> Option<Duration> {
        duration(self.elapsed)
    }

    /// The generation of the circuit that refused; 0 for other policies.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        if self.is_of_breaker() { self.number } else { 0 }
    }

    /// How many attempts were made before whoever made them gave up. `None` if nobody would have made more than one.
    #[must_use]
    pub const fn attempts(&self) -> Option<u32> {
        if self.is_of_breaker() || self.number == 0 { None } else { Some(self.number) }
    }

    const fn is_of_breaker(&self) -> bool {
        matches!(self.policy, PolicyKind::Breaker)
    }

    /// The last failure before the refusal.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        self.category.map(|category| Cause::new(category, self.code))
    }

    /// Whether a limit on time was passed, rather than the call refused.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self.reason, Reason::TimedOut | Reason::DeadlineExceeded)
    }
}

#[inline]
fn nanos(duration: Duration) -> u64 {
    let nanos = duration.as_secs().saturating_mul(1_000_000_000);
    nanos.saturating_add(u64::from(duration.subsec_nanos())).min(NONE - 1)
}

const fn duration(nanos: u64) -> Option<Duration> {
    if nanos == NONE { None } else { Some(Duration::from_nanos(nanos)) }
}
