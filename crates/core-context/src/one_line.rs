use std::error::Error;
use std::fmt::{self, Write as _};

/// The id of an operation of which the log has one line: the first and the last at once.
///
/// Recorded as an error (`execution_id = &id as &dyn Error`), because only an error reaches a subscriber as what it is, it is text to
/// all of them; `core-log` tells Cloud Logging besides that the line is a whole operation. It is what `core-track` has in its canonical
/// lines, and of use to who writes such a line without it.
#[derive(Clone, PartialEq, Eq)]
pub struct OneLine(Box<str>);

// === impl OneLine ===

impl OneLine {
    /// The operation of that id.
    #[must_use]
    pub fn new(id: impl Into<Box<str>>) -> Self {
        Self(id.into())
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0
    }
}

/// Without control characters: subscribers show errors as they are, and an id is the caller's.
impl fmt::Display for OneLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if c.is_control() { write!(f, "{}", c.escape_default()) } else { f.write_char(c) }
        })
    }
}

/// As text is shown: some subscribers ask for this of an error.
impl fmt::Debug for OneLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error for OneLine {}
