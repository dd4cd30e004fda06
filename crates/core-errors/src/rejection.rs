use std::fmt;
use std::time::Duration;

use crate::{Category, Classify, Code, Delivery, Name, Recovery, Verdict};

/// A policy's refusal to run a call, or to go on with it: who, why, and when it is worth coming back.
///
/// 64 bytes, no allocation, no drop: a refusal must not cost more than the call it saves.
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

/// Which policy refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PolicyKind {
    /// Retry, for itself or its budget.
    Retry,
    /// Hedge.
    Hedge,
    /// Circuit breaker.
    Breaker,
    /// Outlier detection, among the hosts of one upstream.
    Outlier,
    /// Rate limit.
    RateLimit,
    /// Throttle of a client.
    Throttle,
    /// Bulkhead, or executor.
    Bulkhead,
    /// Adaptive limit on concurrent calls.
    Adaptive,
    /// Limit on one attempt.
    Timeout,
    /// Limit on the whole call.
    Deadline,
}

/// Why it refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The circuit is open.
    CircuitOpen,
    /// The circuit is held open by an operator.
    ForcedOpen,
    /// The circuit is half open and all its probes are out.
    HalfOpenFull,
    /// The circuit has closed a short while ago and admits a growing share of the calls; this one is not in it.
    RampUp,
    /// The host does worse than the others of its upstream, or an operator took it out.
    HostEjected,
    /// The limit of the policy passed before an answer came.
    TimedOut,
    /// The caller's own deadline passed.
    DeadlineExceeded,
    /// More calls than the rate allows.
    RateLimited,
    /// The callee refuses too much: the call was held back.
    Throttled,
    /// The request is larger than the limit can ever admit.
    Impossible,
    /// All slots, and all places to wait for one, are taken.
    BulkheadFull,
    /// No slot became free in the time allowed for waiting.
    QueueTimeout,
    /// As many calls run as the callee can take.
    LimitReached,
    /// There was room only for what is more important.
    Shed,
    /// There is room for no other key, since all are in use.
    TooManyKeys,
    /// The executor takes no more jobs.
    ShutDown,
    /// The retry budget is spent.
    BudgetExhausted,
}

/// What a failure was, as far as policies remember it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cause {
    /// Its kind.
    pub category: Category,
    /// Its stable name.
    pub code: Option<Code>,
    /// Whether the call may have taken effect although it failed.
    pub idempotent_only: bool,
    /// How far the request came.
    pub delivery: Delivery,
    /// Whether the callee asked not to be tried again.
    pub forbids_retry: bool,
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

// === impl Cause ===

impl Cause {
    /// A failure of that kind.
    #[must_use]
    #[inline]
    pub const fn new(category: Category, code: Option<Code>) -> Self {
        let idempotent_only = category.idempotent_only();
        Self { category, code, idempotent_only, delivery: Delivery::Unknown, forbids_retry: false }
    }

    /// What an error says of itself.
    #[must_use]
    pub fn of<E: Classify + ?Sized>(error: &E) -> Self {
        Self {
            category: error.category(),
            code: error.code(),
            idempotent_only: error.idempotent_only(),
            delivery: error.delivery(),
            forbids_retry: error.forbids_retry(),
        }
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

// === impl PolicyKind ===

impl PolicyKind {
    /// The text used in logs and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Breaker => "breaker",
            Self::Outlier => "outlier",
            Self::RateLimit => "rate_limit",
            Self::Throttle => "throttle",
            Self::Bulkhead => "bulkhead",
            Self::Adaptive => "adaptive",
            Self::Timeout => "timeout",
            Self::Deadline => "deadline",
            Self::Hedge => "hedge",
        }
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Reason ===

impl Reason {
    /// The stable name, for metrics, logs and clients.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::CircuitOpen => const { Code::new("CIRCUIT_OPEN") },
            Self::ForcedOpen => const { Code::new("CIRCUIT_FORCED_OPEN") },
            Self::HalfOpenFull => const { Code::new("CIRCUIT_HALF_OPEN_FULL") },
            Self::RampUp => const { Code::new("CIRCUIT_RAMP_UP") },
            Self::HostEjected => const { Code::new("HOST_EJECTED") },
            Self::TimedOut => const { Code::new("TIMED_OUT") },
            Self::DeadlineExceeded => const { Code::new("DEADLINE_EXCEEDED") },
            Self::RateLimited => const { Code::new("RATE_LIMITED") },
            Self::Throttled => const { Code::new("CLIENT_THROTTLED") },
            Self::Impossible => const { Code::new("LIMIT_IMPOSSIBLE") },
            Self::BulkheadFull => const { Code::new("BULKHEAD_FULL") },
            Self::QueueTimeout => const { Code::new("BULKHEAD_QUEUE_TIMEOUT") },
            Self::LimitReached => const { Code::new("CONCURRENCY_LIMIT_REACHED") },
            Self::Shed => const { Code::new("LOAD_SHED") },
            Self::TooManyKeys => const { Code::new("TOO_MANY_KEYS") },
            Self::ShutDown => const { Code::new("EXECUTOR_SHUT_DOWN") },
            Self::BudgetExhausted => const { Code::new("RETRY_BUDGET_EXHAUSTED") },
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CircuitOpen => "the circuit is open",
            Self::ForcedOpen => "the circuit is held open by an operator",
            Self::HalfOpenFull => "the circuit is half open and all probes are out",
            Self::RampUp => "the circuit closed a short while ago and admits calls bit by bit",
            Self::HostEjected => "the host is ejected",
            Self::TimedOut => "timed out",
            Self::DeadlineExceeded => "the caller's deadline has passed",
            Self::RateLimited => "over the rate limit",
            Self::Throttled => "held back, since the callee refuses too much",
            Self::Impossible => "asks for more than the limit can ever admit",
            Self::BulkheadFull => "all slots are taken",
            Self::QueueTimeout => "no slot became free in time",
            Self::LimitReached => "as many calls run as the callee can take",
            Self::Shed => "shed, since there is room only for what is more important",
            Self::TooManyKeys => "there is room for no other key",
            Self::ShutDown => "the executor takes no more jobs",
            Self::BudgetExhausted => "the retry budget is spent",
        })
    }
}
