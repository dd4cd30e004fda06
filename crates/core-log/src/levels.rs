use std::fmt;
use std::str::FromStr;

use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::error::ConfigError;
use crate::level::Level;

/// Which events are written: a level for all, and others for some targets.
///
/// Reads `info`, or `info,hyper=warn,orders::pay=trace`: the longest target that an event's target starts with decides.
/// The names are those that [`Level`] reads, in any case, and `off` or `none`. `notice` is as `info` here, and `critical` and what is above
/// it as `error`. Without a level for all, targets that are not named are off. 16 KiB at most.
#[derive(Clone, PartialEq)]
pub struct Levels {
    text: String,
    targets: Targets,
}

/// Each event of a callsite that is not known yet is held against all of it.
const TEXT_MAX: usize = 16 * 1024;

// === impl Levels ===

impl Levels {
    pub(crate) fn targets(&self) -> &Targets {
        &self.targets
    }

    /// The text it was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Default for Levels {
    /// `info`.
    fn default() -> Self {
        Self { text: "info".to_owned(), targets: Targets::new().with_default(LevelFilter::INFO) }
    }
}

impl FromStr for Levels {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        if text.len() > TEXT_MAX {
            return Err(ConfigError::level(text));
        }
        let mut targets = Targets::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            targets = match part.split_once('=') {
                Some((target, name)) if is_target(target.trim()) => {
                    targets.with_target(target.trim(), level(name)?)
                }
                Some(_) => return Err(ConfigError::level(part)),
                None => targets.with_default(level(part)?),
            };
        }
        if text.split(',').all(|part| part.trim().is_empty()) {
            return Err(ConfigError::level(text));
        }
        Ok(Self { text: text.trim().to_owned(), targets })
    }
}

impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Levels({})", self.text)
    }
}

fn level(name: &str) -> Result<LevelFilter, ConfigError> {
    let name = name.trim();
    if ["off", "none"].iter().any(|off| name.eq_ignore_ascii_case(off)) {
        return Ok(LevelFilter::OFF);
    }
    Ok(match Level::named(name).ok_or_else(|| ConfigError::level(name))? {
        Level::Trace => LevelFilter::TRACE,
        Level::Debug => LevelFilter::DEBUG,
        Level::Info | Level::Notice => LevelFilter::INFO,
        Level::Warn => LevelFilter::WARN,
        Level::Error | Level::Critical | Level::Alert | Level::Emergency => LevelFilter::ERROR,
    })
}

fn is_target(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'-' | b'.');
    !text.is_empty() && text.bytes().all(fits)
}
