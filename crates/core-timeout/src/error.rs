use std::fmt;

use core_errors::NameError;

/// Why a timeout was not built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub(crate) Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Name(NameError),
    Zero,
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
            Kind::Zero => f.write_str(
                "the limit is zero: nothing could ever run; leave the timeout out, or give it time",
            ),
        }
    }
}

impl std::error::Error for ConfigError {}
