use std::fmt;
use std::str::FromStr;

use crate::error::ConfigError;

/// The shape of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// One JSON object, for machines.
    Json,
    /// Aligned, and in colour on a terminal unless `NO_COLOR` is set, for people.
    Console,
}

// === impl Format ===

impl FromStr for Format {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "json" => Ok(Self::Json),
            "console" => Ok(Self::Console),
            _ => Err(ConfigError::format(text)),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "json",
            Self::Console => "console",
        })
    }
}
