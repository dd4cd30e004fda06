use std::fmt;
use std::time::Duration;

/// Why a tracker was not built.
#[derive(Clone, PartialEq)]
pub struct ConfigError(Kind);

#[derive(Clone, PartialEq)]
enum Kind {
    Rate(f64),
    Zero(&'static str),
    Twice(&'static str),
    Windows(Duration, Duration),
    Names(usize, usize),
    Global,
}

// === impl ConfigError ===

impl ConfigError {
    pub(crate) fn rate(rate: f64) -> Self {
        Self(Kind::Rate(rate))
    }

    pub(crate) fn zero(what: &'static str) -> Self {
        Self(Kind::Zero(what))
    }

    pub(crate) fn twice(operation: &'static str) -> Self {
        Self(Kind::Twice(operation))
    }

    pub(crate) fn windows(short: Duration, long: Duration) -> Self {
        Self(Kind::Windows(short, long))
    }

    pub(crate) fn names(names: usize, bound: usize) -> Self {
        Self(Kind::Names(names, bound))
    }

    pub(crate) fn global() -> Self {
        Self(Kind::Global)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Rate(rate) => {
                write!(f, "sample_rate is {rate}: it is a share from 0 to 1, as 0.1 for 10 %")
            }
            Kind::Zero(what) => write!(f, "{what} is zero: it has to be longer"),
            Kind::Twice(operation) => write!(f, "{operation} has two sample rates: it takes one"),
            Kind::Windows(short, long) => {
                write!(f, "window_short is {short:?} and window {long:?}: the short one is shorter")
            }
            Kind::Names(names, bound) => {
                write!(f, "stage_names_max is {names}: it is from 1 to {bound}")
            }
            Kind::Global => f.write_str("the process has a tracker already"),
        }
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigError({self})")
    }
}

impl std::error::Error for ConfigError {}
