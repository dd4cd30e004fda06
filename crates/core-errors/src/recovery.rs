use std::fmt;

/// What helps against a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Recovery {
    /// The same request may succeed at once, perhaps elsewhere: not the leader, stale connection.
    Retriable,
    /// The same request may succeed after a delay: timeout, reset, overload.
    Transient,
    /// Trying again cannot help: corruption, a bug, a wrong configuration.
    Fatal,
    /// The caller must change the request.
    InvalidInput,
    /// Nothing is known. Treated as a failure of the callee that is not worth another try.
    Unknown,
}

// === impl Recovery ===

impl Recovery {
    /// Whether trying again may help.
    #[must_use]
    pub const fn is_retriable(self) -> bool {
        matches!(self, Self::Retriable | Self::Transient)
    }

    /// Reads the text of [`as_str`](Self::as_str). A word of a newer peer is none of ours.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Retriable, Self::Transient, Self::Fatal, Self::InvalidInput, Self::Unknown];
        all.into_iter().find(|recovery| recovery.as_str() == name)
    }

    /// The text used in logs and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retriable => "retriable",
            Self::Transient => "transient",
            Self::Fatal => "fatal",
            Self::InvalidInput => "invalid_input",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
