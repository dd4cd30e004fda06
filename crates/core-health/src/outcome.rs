use std::borrow::Cow;
use std::fmt;

/// How something is.
///
/// There is no order on it: which status is worse depends on who asks. See the table in the crate's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// All is well.
    Healthy,
    /// It works, and gives less than it should.
    Degraded,
    /// It does not work.
    Unhealthy,
    /// Nobody knows: no result yet, or one that is too old.
    Unknown,
}

/// What one run of a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckOutcome {
    pub(crate) status: Status,
    pub(crate) code: Option<Code>,
    pub(crate) text: Cow<'static, str>,
}

/// Why a check is not healthy, as a word that may be shown to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The check says so.
    Failed,
    /// The check gave no answer within its deadline.
    Timeout,
    /// The check does not stop although its deadline has passed.
    Stuck,
    /// The check panicked.
    Panicked,
    /// The last result is too old.
    Stale,
    /// A word of your own.
    Custom(&'static str),
}

// === impl Status ===

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Degraded, Self::Unhealthy, Self::Unknown];

    /// The word in bodies and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl CheckOutcome ===

impl CheckOutcome {
    /// All is well.
    #[must_use]
    pub const fn healthy() -> Self {
        Self { status: Status::Healthy, code: None, text: Cow::Borrowed("") }
    }

    /// It works, and gives less than it should. The text goes to the log.
    pub fn degraded(text: impl Into<Cow<'static, str>>) -> Self {
        Self { status: Status::Degraded, code: Some(Code::Failed), text: text.into() }
    }

    /// It does not work. The text goes to the log.
    pub fn unhealthy(text: impl Into<Cow<'static, str>>) -> Self {
        Self { status: Status::Unhealthy, code: Some(Code::Failed), text: text.into() }
    }

    pub(crate) fn unknown(code: Code, text: &'static str) -> Self {
        Self { status: Status::Unknown, code: Some(code), text: text.into() }
    }

    /// Says why in a word that may be shown to anybody. Default: [`Code::Failed`].
    #[must_use]
    pub const fn with_code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }

    /// How it is.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Why, if it is not healthy.
    #[must_use]
    pub const fn code(&self) -> Option<Code> {
        self.code
    }

    /// Why, for the log.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// `Ok` is healthy; an error is unhealthy, with its message and causes for the log.
impl<T, E: std::error::Error> From<Result<T, E>> for CheckOutcome {
    fn from(result: Result<T, E>) -> Self {
        let Err(error) = result else { return Self::healthy() };
        let mut text = error.to_string();
        let mut cause = error.source();
        // Bounded, should a chain bite its own tail.
        for _ in 0..16 {
            let Some(next) = cause else { break };
            text.push_str(": ");
            text.push_str(&next.to_string());
            cause = next.source();
        }
        Self::unhealthy(text)
    }
}

// === impl Code ===

impl Code {
    /// The word in bodies and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Stuck => "stuck",
            Self::Panicked => "panicked",
            Self::Stale => "stale",
            Self::Custom(word) => word,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
