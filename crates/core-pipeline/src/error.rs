use std::fmt;
use std::time::Duration;

use core_errors::NameError;
use core_policy::KeyedError;

/// Why a pipeline was not built, or not changed.
#[derive(Clone, PartialEq)]
pub struct ConfigError(pub(crate) Kind);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Name(NameError),
    Retry(core_retry::ConfigError),
    Breaker(core_breaker::ConfigError),
    Limit(core_limit::ConfigError),
    Timeout(core_timeout::ConfigError),
    AttemptOverTotal { attempt: Duration, total: Duration },
    WaitOverTotal { whose: &'static str, wait: Duration, total: Duration },
    WindowUnderAttempts { window: Duration, attempt: Duration },
    LeaseUnderAttempt { lease: Duration, takes: Duration },
    SlowOverAttempt { over: Duration, attempt: Duration, limit: &'static str },
    RateUnderMinCalls { most: u64, needed: u32, window: Duration },
    RetryNeverFits { delay: Duration, total: Duration },
    RetryWithoutTime { delay: Duration, least: Duration, total: Duration },
    HedgesOverTotal { after: Duration, least: Duration, total: Duration },
    HedgeAfterAttempt { delay: Duration, attempt: Duration },
    HedgeWithoutSlot { slots: u32, attempts: u32 },
    HedgeOfUnrepeatable,
    NotThere { what: &'static str },
    Busy,
    IdleUnderOpen { idle: Duration, open: Duration },
    IdleUnderRate { idle: Duration, full: Duration },
    Keyed(KeyedError),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Name(error) => error.fmt(f),
            Kind::Retry(error) => write!(f, "retry: {error}"),
            Kind::Breaker(error) => write!(f, "breaker: {error}"),
            Kind::Limit(error) => write!(f, "limit: {error}"),
            Kind::Timeout(error) => write!(f, "timeout: {error}"),
            Kind::AttemptOverTotal { attempt, total } => write!(
                f,
                "an attempt may take {attempt:?} but the whole call only {total:?}: the attempt timeout would never fire; \
                 make it shorter than the deadline"
            ),
            Kind::WaitOverTotal { whose, wait, total } => write!(
                f,
                "a call may wait {wait:?} for {whose} but takes {total:?} in all: make max_wait shorter \
                 than the deadline"
            ),
            Kind::WindowUnderAttempts { window, attempt } => write!(
                f,
                "the window of the breaker is {window:?} and an attempt may take {attempt:?}: timeouts would leave the \
                 window before they can trip it; make the window at least twice the attempt timeout"
            ),
            Kind::LeaseUnderAttempt { lease, takes } => write!(
                f,
                "the permit of a probe is taken back after {lease:?} and an attempt may take {takes:?} with its waits: its answer \
                 would not count, and more probes would run than there may be; make probe_lease as long as that, or leave it out"
            ),
            Kind::SlowOverAttempt { over, attempt, limit } => write!(
                f,
                "a call is slow when it takes over {over:?} and an attempt is cut off after {attempt:?}: none would ever be slow; \
                 make slow_over shorter than that, or the {limit} longer"
            ),
            Kind::RateUnderMinCalls { most, needed, window } => write!(
                f,
                "the breaker opens by {needed} calls or failures in {window:?} at the soonest and the rate limit lets {most} \
                 through in that time: it would never open; make the window longer, min_calls fewer, or add or_consecutive"
            ),
            Kind::RetryNeverFits { delay, total } => write!(
                f,
                "the first retry waits {delay:?} and the whole call takes {total:?}: it would never be made; \
                 make the deadline longer or the delay shorter"
            ),
            Kind::RetryWithoutTime { delay, least, total } => write!(
                f,
                "the first retry waits {delay:?} and needs {least:?} of min_attempt_time, and the whole call takes {total:?}: it would \
                 never be made; make the deadline longer, the delay shorter or the least time less"
            ),
            Kind::HedgesOverTotal { after, least, total } => {
                write!(f, "the last hedge is due {after:?} after the first attempt")?;
                if !least.is_zero() {
                    write!(f, ", needs {least:?} of min_attempt_time")?;
                }
                write!(
                    f,
                    " and the whole call takes {total:?}: it would never be made; make the delay shorter, or the hedges fewer"
                )
            }
            Kind::HedgeAfterAttempt { delay, attempt } => write!(
                f,
                "a hedge is due after {delay:?} and an attempt takes {attempt:?} at most: it would only be made after a failure; make \
                 the delay shorter, or say Hedge::on_failure()"
            ),
            Kind::HedgeWithoutSlot { slots, attempts } => write!(
                f,
                "a call may have {attempts} attempts at once and the bulkhead has {slots} slots: the last hedge would only be made after a \
                 failure; give it more slots, or say Hedge::on_failure()"
            ),
            Kind::NotThere { what } => write!(
                f,
                "there is no {what} to be changed: a running pipeline gets no other policies; build another pipeline that has it"
            ),
            Kind::Busy => f.write_str("another thread is changing it in this moment: try again when that is done"),
            Kind::IdleUnderOpen { idle, open } => write!(
                f,
                "a key is forgotten after {idle:?}, and a circuit may stay open for {open:?}: it would be forgotten while it is open; \
                 make the idle time at least as long"
            ),
            Kind::IdleUnderRate { idle, full } => write!(
                f,
                "a key is forgotten after {idle:?}, and its rate takes {full:?} to give back what was used: what it used would be there at \
                 once; make the idle time at least as long"
            ),
            Kind::Keyed(error) => write!(f, "keys: {error}"),
            Kind::HedgeOfUnrepeatable => f.write_str(
                "the retry says that calls must not take effect twice: none would be hedged; leave the hedge out",
            ),
        }
    }
}

/// The text as well: it is what `unwrap` shows, and what a `main` ends with.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigError({self})")
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Name(error) => Some(error),
            Kind::Retry(error) => Some(error),
            Kind::Breaker(error) => Some(error),
            Kind::Limit(error) => Some(error),
            Kind::Timeout(error) => Some(error),
            Kind::Keyed(error) => Some(error),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($variant:ident($type:ty)),+ $(,)?) => { $(
        impl From<$type> for ConfigError {
            fn from(error: $type) -> Self {
                Self(Kind::$variant(error))
            }
        }
    )+ };
}

from!(
    Name(NameError),
    Retry(core_retry::ConfigError),
    Breaker(core_breaker::ConfigError),
    Limit(core_limit::ConfigError),
    Timeout(core_timeout::ConfigError),
);
