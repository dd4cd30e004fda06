use std::fmt;
use std::str::FromStr;

use crate::error::ConfigError;

/// The shape of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// One flat JSON object, for machines.
    Json,
    /// What Google Cloud Logging reads: severity, trace, labels and source where it looks for them, errors as reported errors.
    Gcp,
    /// `component`, `operation`, `error`, `file` and `line` beside an object of all other fields; five levels, `FATAL` the last.
    StreamBus,
    /// The Elastic Common Schema, 8.11.
    Ecs,
    /// What collectors of OpenTelemetry read as it is: OTLP/JSON, one record a line, with the resource, the severity (1 to 24), the ids of
    /// the trace and the attributes that the semantic conventions have names for.
    Otel,
    /// For people: aligned, and in colour on a terminal unless `NO_COLOR` is set. What took `took_ms = 1234` reads `took=1.23s`, of a
    /// correlation id there are the first eight characters, and errors stand below their line, with their causes.
    Console,
}

// === impl Format ===

impl FromStr for Format {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "json" => Ok(Self::Json),
            "gcp" => Ok(Self::Gcp),
            "streambus" => Ok(Self::StreamBus),
            "ecs" => Ok(Self::Ecs),
            "otel" => Ok(Self::Otel),
            "console" => Ok(Self::Console),
            _ => Err(ConfigError::format(text)),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "json",
            Self::Gcp => "gcp",
            Self::StreamBus => "streambus",
            Self::Ecs => "ecs",
            Self::Otel => "otel",
            Self::Console => "console",
        })
    }
}
