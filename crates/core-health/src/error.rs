use std::fmt;

use crate::CHECKS_MAX;

/// Why health was not set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Name { name: String },
    Twice { name: String },
    TooMany { count: usize },
    Schedule { name: String, what: &'static str },
}

// === impl ConfigError ===

impl ConfigError {
    pub(crate) fn name(name: &str) -> Self {
        Self(Kind::Name { name: name.chars().take(80).collect() })
    }

    pub(crate) fn twice(name: &str) -> Self {
        Self(Kind::Twice { name: name.to_owned() })
    }

    pub(crate) fn too_many(count: usize) -> Self {
        Self(Kind::TooMany { count })
    }

    pub(crate) fn schedule(name: &str, what: &'static str) -> Self {
        Self(Kind::Schedule { name: name.to_owned(), what })
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Name { name } => write!(
                f,
                "{name:?} cannot name a health check: a name has 1 to 63 of a–z, 0–9, `_`, `.`, `-` and starts with a letter \
                 or digit"
            ),
            Kind::Twice { name } => {
                write!(f, "two health checks are named {name:?}: give each a name of its own")
            }
            Kind::TooMany { count } => {
                write!(
                    f,
                    "{count} health checks are too many: probes have to stay small, so {CHECKS_MAX} is the most"
                )
            }
            Kind::Schedule { name, what } => write!(f, "health check {name:?}: {what}"),
        }
    }
}

impl std::error::Error for ConfigError {}
