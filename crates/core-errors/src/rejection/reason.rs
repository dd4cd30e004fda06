//! Who refuses, and why.

use std::fmt;

use crate::Code;

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
