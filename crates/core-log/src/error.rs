use std::ffi::OsStr;
use std::fmt;

/// Why the log was not set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Level { part: String },
    Format { text: String },
    NotText { variable: String, value: String },
    Installed,
}

// === impl ConfigError ===

impl ConfigError {
    pub(crate) fn level(part: &str) -> Self {
        Self(Kind::Level { part: shorten(part) })
    }

    pub(crate) fn format(text: &str) -> Self {
        Self(Kind::Format { text: shorten(text) })
    }

    pub(crate) fn not_text(variable: &str, value: &OsStr) -> Self {
        Self(Kind::NotText { variable: variable.to_owned(), value: shorten(&value.to_string_lossy()) })
    }

    pub(crate) const fn installed() -> Self {
        Self(Kind::Installed)
    }

    /// Whether the process has a subscriber already.
    #[must_use]
    pub fn is_installed_already(&self) -> bool {
        self.0 == Kind::Installed
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Level { part } => write!(
                f,
                "log level {part:?} is not understood: it takes trace, debug, info, warn, error, critical or off, alone or \
                 for a target, as in `info,hyper=warn`"
            ),
            Kind::Format { text } => write!(f, "log format {text:?} is not known: it is `json` or `console`"),
            Kind::NotText { variable, value } => {
                write!(f, "{variable} is not UTF-8: it reads {value:?}; set it to text, or unset it")
            }
            Kind::Installed => f.write_str(
                "the process has a tracing subscriber already: install the log once, first thing in main, or add the layer \
                 of `Log::builder()…layer()` to the subscriber that is there",
            ),
        }
    }
}

impl std::error::Error for ConfigError {}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}
