use std::ffi::OsStr;
use std::fmt;

use core_context::IdentityError;
use core_context::propagation::HeaderNameError;

/// Why a service was not set up.
///
/// Its `Debug` is for people: a `main` that returns it ends with the text and, line by line, the causes that the text leaves out.
#[derive(Clone)]
pub struct KitError(Kind);

#[derive(Clone)]
enum Kind {
    Aborts,
    Service {
        name: String,
    },
    NotText {
        variable: &'static str,
        value: String,
    },
    #[cfg(feature = "metrics")]
    Twice {
        what: &'static str,
        name: core_errors::Name,
    },
    Identity(IdentityError),
    Headers(HeaderNameError),
    #[cfg(feature = "log")]
    Log(core_log::ConfigError),
    #[cfg(feature = "health")]
    Health(core_health::ConfigError),
    #[cfg(feature = "breaker")]
    Breaker(core_breaker::ConfigError),
    #[cfg(feature = "track")]
    Track(core_track::ConfigError),
}

/// So many causes are shown.
const CAUSES_MAX: usize = 32;

// === impl KitError ===

impl KitError {
    pub(crate) const fn aborts() -> Self {
        Self(Kind::Aborts)
    }

    pub(crate) fn service(name: &str) -> Self {
        Self(Kind::Service { name: name.chars().take(80).collect() })
    }

    pub(crate) fn not_text(variable: &'static str, value: &OsStr) -> Self {
        Self(Kind::NotText { variable, value: value.to_string_lossy().chars().take(80).collect() })
    }

    #[cfg(feature = "metrics")]
    pub(crate) const fn twice(what: &'static str, name: core_errors::Name) -> Self {
        Self(Kind::Twice { what, name })
    }

    fn inner(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Aborts | Kind::Service { .. } | Kind::NotText { .. } => None,
            #[cfg(feature = "metrics")]
            Kind::Twice { .. } => None,
            Kind::Identity(error) => Some(error),
            Kind::Headers(error) => Some(error),
            #[cfg(feature = "log")]
            Kind::Log(error) => Some(error),
            #[cfg(feature = "health")]
            Kind::Health(error) => Some(error),
            #[cfg(feature = "breaker")]
            Kind::Breaker(error) => Some(error),
            #[cfg(feature = "track")]
            Kind::Track(error) => Some(error),
        }
    }
}

impl fmt::Display for KitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Aborts => f.write_str(
                "this program is built with panic = \"abort\", and one panic would end it: build it with \"unwind\", the \
                 default, so that a panic costs one call",
            ),
            Kind::Service { name } => write!(
                f,
                "{name:?} cannot name a service: use 1 to 63 letters, digits, `_`, `.` and `-`, as in \"orders\""
            ),
            Kind::NotText { variable, value } => {
                write!(f, "{variable} is not UTF-8: it reads {value:?}; set it to text, or unset it")
            }
            #[cfg(feature = "metrics")]
            Kind::Twice { what, name } => write!(
                f,
                "two {what} are called {name:?}, and their metrics could not be told apart: give one of them another name, or \
                 leave it out"
            ),
            _ => self.inner().map_or(Ok(()), |error| write!(f, "{error}")),
        }
    }
}

impl fmt::Debug for KitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for_people(self, f)
    }
}

impl std::error::Error for KitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // `Display` shows the inner error itself: its cause comes next.
        self.inner().and_then(std::error::Error::source)
    }
}

/// The text, and line by line the causes that it leaves out.
fn for_people(error: &(dyn std::error::Error + 'static), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{error}")?;
    // A chain that never ends is somebody's bug, and this is no place to hang.
    for (at, cause) in
        std::iter::successors(error.source(), |cause| cause.source()).take(CAUSES_MAX).enumerate()
    {
        let before = if at == 0 { "\n\nCaused by:\n" } else { "\n" };
        write!(f, "{before}    {cause}")?;
    }
    Ok(())
}

macro_rules! from {
    ($($(#[$when:meta])? $variant:ident($type:ty)),+ $(,)?) => { $(
        $(#[$when])?
        impl From<$type> for KitError {
            fn from(error: $type) -> Self {
                Self(Kind::$variant(error))
            }
        }
    )+ };
}

from!(
    Identity(IdentityError),
    Headers(HeaderNameError),
    #[cfg(feature = "log")]
    Log(core_log::ConfigError),
    #[cfg(feature = "health")]
    Health(core_health::ConfigError),
    #[cfg(feature = "breaker")]
    Breaker(core_breaker::ConfigError),
    #[cfg(feature = "track")]
    Track(core_track::ConfigError),
);

#[cfg(test)]
mod tests;
