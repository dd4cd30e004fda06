use std::fmt;

use core_errors::NameError;

/// Why a breaker was not built, or not changed.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigError(pub(crate) Kind);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Name(NameError),
    NoRule,
    Rate { what: &'static str, value: f64 },
    Zero { what: &'static str },
    TooMany { what: &'static str, value: u64, max: u64 },
    NeverCloses { probes: u32, successes: u32 },
    SlowWithoutRate,
    OpenOrder,
    BucketsTooFine,
    Reason { len: usize },
    Unknown { name: String },
    Duplicate { name: String },
    Full { max: usize },
}

// === impl ConfigError ===

impl ConfigError {
    /// Whether a registry does not know the name.
    #[must_use]
    pub fn is_unknown_name(&self) -> bool {
        matches!(self.0, Kind::Unknown { .. })
    }
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
            Kind::NoRule => f.write_str(
                "the breaker can never open: give it a failure rate, a slow-call rate, or a number of consecutive failures",
            ),
            Kind::Rate { what, value } => {
                write!(f, "{what} is {value}: it must be over 0 and at most 1 (1 trips when every call fails)")
            }
            Kind::Zero { what } => write!(f, "{what} is zero: it must be at least 1"),
            Kind::TooMany { what, value, max } => write!(f, "{what} is {value}: it must be at most {max}"),
            Kind::NeverCloses { probes, successes } => write!(
                f,
                "the breaker can never close: a half-open round has {probes} probes, and {successes} must succeed; \
                 allow as many probes as must succeed, or more"
            ),
            Kind::SlowWithoutRate => f.write_str(
                "a slow-call rate needs to know what is slow: set slow_over as well",
            ),
            Kind::OpenOrder => f.write_str("open_max is shorter than open_for: it must be as long, or longer"),
            Kind::BucketsTooFine => {
                f.write_str("the window has more buckets than nanoseconds: make it longer or take fewer buckets")
            }
            Kind::Reason { len } => {
                write!(f, "the reason has {len} bytes: say in 1 to 500 why the breaker is forced")
            }
            Kind::Unknown { name } => write!(f, "no breaker is called {name:?}; none was created"),
            Kind::Duplicate { name } => write!(f, "another breaker is called {name:?} already"),
            Kind::Full { max } => write!(f, "the registry holds {max} breakers, which is its limit"),
        }
    }
}

impl std::error::Error for ConfigError {}
