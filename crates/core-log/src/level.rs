use std::fmt;
use std::str::FromStr;

use crate::error::ConfigError;

/// How much a line matters: the five levels of tracing, and four that an event asks for with its field `severity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Each step, for whoever looks for a fault.
    Trace,
    /// What happens inside.
    Debug,
    /// What the service does.
    Info,
    /// What an operator wants to have seen: a start, a change of settings.
    Notice,
    /// Something is not as it should be, and the work goes on.
    Warn,
    /// Something failed.
    Error,
    /// The service, or a part of it, does not do its work. `FATAL` is this.
    Critical,
    /// Somebody has to act now.
    Alert,
    /// Nothing works.
    Emergency,
}

// === impl Level ===

impl Level {
    /// The name in upper case: `WARN`, `CRITICAL`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Notice => "NOTICE",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
            Self::Alert => "ALERT",
            Self::Emergency => "EMERGENCY",
        }
    }

    pub(crate) fn of(level: tracing::Level) -> Self {
        match level {
            tracing::Level::TRACE => Self::Trace,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::INFO => Self::Info,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::ERROR => Self::Error,
        }
    }

    /// The level of that name, in all usual spellings.
    pub(crate) fn named(text: &str) -> Option<Self> {
        const NAMES: [(&str, Level); 15] = [
            ("trace", Level::Trace),
            ("debug", Level::Debug),
            ("info", Level::Info),
            ("notice", Level::Notice),
            ("warn", Level::Warn),
            ("warning", Level::Warn),
            ("error", Level::Error),
            ("err", Level::Error),
            ("critical", Level::Critical),
            ("crit", Level::Critical),
            ("fatal", Level::Critical),
            ("alert", Level::Alert),
            ("emergency", Level::Emergency),
            ("emerg", Level::Emergency),
            ("panic", Level::Emergency),
        ];
        NAMES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)).map(|(_, level)| *level)
    }

    /// What a field `severity` asks for. `TRACE` to `INFO` are not among it: an event of those levels says so itself.
    pub(crate) fn asked(text: &str) -> Option<Self> {
        Self::named(text).filter(|level| *level >= Self::Notice)
    }
}

impl FromStr for Level {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        Self::named(text.trim()).ok_or_else(|| ConfigError::level(text))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
