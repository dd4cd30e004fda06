use std::fmt;
use std::time::Duration;

use core_errors::{Name, NameError};
use core_policy::KeyedError;

use crate::Criticality;

/// Why a limit was not built.
#[derive(Clone, PartialEq)]
pub struct ConfigError(pub(crate) Kind);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Name(NameError),
    Zero {
        what: &'static str,
    },
    TooFast {
        count: u64,
        period: Duration,
    },
    TooOdd {
        count: u64,
        period: Duration,
    },
    TooLong {
        what: &'static str,
    },
    TooMany {
        what: &'static str,
        value: u32,
        max: u32,
    },
    QueueWithoutWait,
    Outside {
        what: &'static str,
        value: f64,
        min: f64,
        max: f64,
    },
    Window(Duration),
    WaitWithoutQueue,
    WaitTooLong {
        wait: Duration,
        max: Duration,
    },
    BurstOfBursty,
    TooBursty {
        count: u64,
        period: Duration,
    },
    OtherAlgorithm,
    #[cfg(feature = "executor")]
    TooManyFor {
        what: &'static str,
        value: usize,
        max: usize,
    },
    #[cfg(feature = "executor")]
    NoThread(std::io::ErrorKind),
    LimitOrder {
        min: u32,
        initial: u32,
        max: u32,
    },
    PartitionTwice(Name),
    PartitionShare(f64),
    TimeTooLong {
        what: &'static str,
        time: Duration,
        max: Duration,
    },
    Partitions {
        sum: f64,
    },
    Shares {
        criticality: Criticality,
        share: f64,
    },
    TooManyTiers {
        tiers: usize,
        max: usize,
    },
    TierTwice(Name),
    OtherTier(Name),
    KeysDoNotWait,
    IdleTooShort {
        idle: Duration,
        full: Duration,
    },
    Keys(KeyedError),
    SlidingWindow(Duration),
    TooManyInWindow {
        limit: u64,
        max: u64,
    },
    OtherPeriod {
        period: Duration,
        other: Duration,
    },
}

impl From<NameError> for ConfigError {
    fn from(error: NameError) -> Self {
        Self(Kind::Name(error))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Name(error) => error.fmt(f),
            Kind::Zero { what } => {
                write!(f, "{what} is zero: nothing could ever pass; it must be at least 1")
            }
            Kind::TooFast { count, period } => write!(
                f,
                "{count} in {period:?} is more than one in a nanosecond: allow at most {} in that time",
                period.as_nanos()
            ),
            Kind::TooOdd { count, period } => write!(
                f,
                "{count} in {period:?} cannot be kept to within 1 %: a call would be a fraction of a nanosecond; take a rounder \
                 number, or fewer in a shorter time"
            ),
            Kind::TooLong { what } => write!(f, "{what} is longer than 100 years"),
            Kind::TooMany { what, value, max } => write!(f, "{what} is {value}: it must be at most {max}"),
            Kind::Outside { what, value, min, max } => {
                write!(f, "{what} is {value}: it must be {min} to {max}")
            }
            Kind::Window(window) => write!(f, "the window is {window:?}: it must be 100 ms to one hour"),
            Kind::QueueWithoutWait => f.write_str("a queue needs a max_wait: nothing waits for ever"),
            Kind::WaitTooLong { wait, max } => {
                write!(f, "the max_wait is {wait:?}: it must be at most {max:?}")
            }
            Kind::BurstOfBursty => f.write_str(
                "a bursty limit has no burst: a whole period may come at once; leave out one of the two",
            ),
            Kind::TooBursty { count, period } => write!(
                f,
                "{count} in {period:?} is no bursty limit: it must be at most 1000000, in 1 ms or more; leave out bursty"
            ),
            Kind::SlidingWindow(window) => {
                write!(f, "the window is {window:?}: it must be 100 ms to 31 days")
            }
            Kind::TooManyInWindow { limit, max } => {
                write!(f, "the limit is {limit}: a window that slides counts up to {max}; take a Rate")
            }
            Kind::TooManyTiers { tiers, max } => {
                write!(f, "there are {tiers} tiers: there may be {max} with the default one")
            }
            Kind::TierTwice(name) => write!(f, "the tier `{name}` is there twice: say its rate once"),
            Kind::OtherTier(name) => {
                write!(f, "the tier is one of another limit: take one that `tier` of `{name}` has found")
            }
            Kind::KeysDoNotWait => {
                f.write_str("the limit of a key has no max_wait: nobody waits there; leave it out")
            }
            Kind::IdleTooShort { idle, full } => write!(
                f,
                "keys are forgotten after {idle:?}, and what one used is there again after {full:?} only: \
                 let them be idle for that long"
            ),
            Kind::Keys(error) => write!(f, "the keys: {error}"),
            Kind::Shares { criticality: Criticality::CriticalPlus, share } => {
                write!(f, "the share of critical_plus is {share}: all slots are open to it, so it must be 1")
            }
            Kind::Shares { criticality, share } => write!(
                f,
                "the share of {} is {share}: it must be no more than that of what is more important",
                criticality.as_str()
            ),
            Kind::LimitOrder { min, initial, max } => write!(
                f,
                "the limit begins with {initial}, and is to stay from {min} to {max}: it must begin there, and that must be a range"
            ),
            Kind::PartitionTwice(name) => {
                write!(f, "the partition `{name}` is there twice: say its share once")
            }
            Kind::PartitionShare(share) => {
                write!(f, "the share of a partition is {share}: it must be over 0 and at most 1")
            }
            Kind::TimeTooLong { what, time, max } => {
                write!(f, "{what} is {time:?}: it must be at most {max:?}")
            }
            Kind::Partitions { sum } => {
                write!(f, "partitions have {sum} of the limit as their own: it must be no more than 1 in all")
            }
            #[cfg(feature = "executor")]
            Kind::TooManyFor { what, value, max } => write!(f, "{what} is {value}: it must be at most {max}"),
            #[cfg(feature = "executor")]
            Kind::NoThread(error) => {
                write!(
                    f,
                    "the operating system has no thread to give ({error}): take fewer, or raise its limit"
                )
            }
            Kind::OtherAlgorithm => f.write_str(
                "a limit that is bursty stays so, and one that is not does not become so: make another limit",
            ),
            Kind::OtherPeriod { period, other } => write!(
                f,
                "the period of a bursty limit stays {period:?} and cannot become {other:?}: make another limit"
            ),
            Kind::WaitWithoutQueue => f.write_str("a max_wait needs a queue: say how many may wait"),
        }
    }
}

/// The text as well: it is what `unwrap` shows, and what a `main` ends with.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigError({self})")
    }
}

impl std::error::Error for ConfigError {}
