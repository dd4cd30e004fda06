use std::ffi::OsStr;
use std::fmt;
use std::time::Duration;

/// Why the log was not set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Level { part: String },
    Format { text: String },
    NotText { variable: String, value: String },
    Project { text: Option<String> },
    Switch { variable: &'static str, value: String },
    Queue { text: String },
    Hash,
    Only { name: Option<String>, why: &'static str },
    Time { time: Duration },
    Overrides,
    Sampling,
    Thread,
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

    pub(crate) fn project(text: Option<&str>) -> Self {
        Self(Kind::Project { text: text.map(shorten) })
    }

    pub(crate) fn switch(variable: &'static str, value: &str) -> Self {
        Self(Kind::Switch { variable, value: shorten(value) })
    }

    pub(crate) fn queue(text: &str) -> Self {
        Self(Kind::Queue { text: shorten(text) })
    }

    pub(crate) const fn hash() -> Self {
        Self(Kind::Hash)
    }

    pub(crate) fn only(name: Option<&str>, why: &'static str) -> Self {
        Self(Kind::Only { name: name.map(shorten), why })
    }

    pub(crate) const fn time(time: Duration) -> Self {
        Self(Kind::Time { time })
    }

    pub(crate) const fn overrides() -> Self {
        Self(Kind::Overrides)
    }

    pub(crate) const fn sampling() -> Self {
        Self(Kind::Sampling)
    }

    pub(crate) const fn thread() -> Self {
        Self(Kind::Thread)
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
            Kind::Format { text } => write!(f, "log format {text:?} is not known: it is `json`, `gcp`, `streambus`, `ecs`, `otel` or `console`"),
            Kind::NotText { variable, value } => {
                write!(f, "{variable} is not UTF-8: it reads {value:?}; set it to text, or unset it")
            }
            Kind::Project { text: None } => f.write_str(
                "log format \"gcp\" needs the id of the project, for links to traces: set GENESIS_LOG_PROJECT or \
                 GOOGLE_CLOUD_PROJECT, or call `Builder::project`",
            ),
            Kind::Project { text: Some(text) } => write!(
                f,
                "{text:?} is not the id of a project: it has lower-case letters, digits, `-`, `.` and `:`, as in `my-project-7`"
            ),
            Kind::Switch { variable, value } => {
                write!(f, "{variable} reads {value:?}: it takes `true` or `false`")
            }
            Kind::Queue { text } => write!(
                f,
                "{text:?} makes no queue: its size is `off` or 128k to 1024m, and what happens when it is full is `block` (for 1 ms to \
                 60 s), `drop-newest` or `drop-below-<level>`"
            ),
            Kind::Hash => f.write_str(
                "redaction by hash needs a key of 16 bytes at least: call `Redaction::hash_key` (feature `hash`)",
            ),
            Kind::Only { name: None, why } => write!(f, "the list of `Redaction::only` makes no sense: {why}"),
            Kind::Only { name: Some(name), why } => {
                write!(f, "the list of `Redaction::only` makes no sense: {name:?} {why}")
            }
            Kind::Time { time } => {
                write!(f, "levels cannot hold for {time:?}: a while is 1 s to 24 h, and longer is a setting")
            }
            Kind::Overrides => f.write_str("16 levels hold for a while already: end them first, or wait until one is over"),
            Kind::Sampling => f.write_str("sampling writes one line a second at least: `first` is 1 or more"),
            Kind::Thread => f.write_str("the operating system has no thread for the queue of the log"),
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
