use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// The name of a policy or of what it guards, such as `payments`.
///
/// It is a word wide and free to copy, because refusals carry it and a refusal must cost nothing. For that, the text of
/// each distinct name is kept for the life of the process; no more than [`Name::MAX_DISTINCT`] are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name(&'static &'static str);

/// Why a text cannot be a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameError {
    text: String,
    kind: NameErrorKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum NameErrorKind {
    Length,
    Character(char),
    Full,
}

static NAMES: Mutex<BTreeMap<&'static str, &'static &'static str>> = Mutex::new(BTreeMap::new());

// === impl Name ===

impl Name {
    /// How many distinct names a process may have: 65 536. Names are for things a person configured, not for keys
    /// that come from users.
    pub const MAX_DISTINCT: usize = 65_536;

    /// The longest name: 128 bytes.
    pub const MAX_LEN: usize = 128;

    /// The name of a policy that was not given one.
    pub const UNNAMED: Self = Self(&"unnamed");

    /// Keeps `text` as a name. The same text gives the same name.
    ///
    /// # Errors
    /// If it is empty, longer than [`Name::MAX_LEN`], has a control character (it would break log lines), or the process
    /// has [`Name::MAX_DISTINCT`] names already.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let refuse = |kind| Err(NameError { text: text.chars().take(40).collect(), kind });
        if text.is_empty() || text.len() > Self::MAX_LEN {
            return refuse(NameErrorKind::Length);
        }
        if let Some(bad) = text.chars().find(|c| c.is_control()) {
            return refuse(NameErrorKind::Character(bad));
        }
        if text == Self::UNNAMED.as_str() {
            return Ok(Self::UNNAMED);
        }
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.get(text) {
            return Ok(Self(known));
        }
        if names.len() >= Self::MAX_DISTINCT {
            return refuse(NameErrorKind::Full);
        }
        let kept: &'static str = Box::leak(Box::from(text));
        let kept: &'static &'static str = Box::leak(Box::new(kept));
        names.insert(*kept, kept);
        Ok(Self(kept))
    }

    /// The text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl Default for Name {
    fn default() -> Self {
        Self::UNNAMED
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

// === impl NameError ===

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} cannot be a name: ", self.text)?;
        match self.kind {
            NameErrorKind::Length => write!(f, "it must have 1 to {} bytes", Name::MAX_LEN),
            NameErrorKind::Character(bad) => write!(f, "it contains the control character {bad:?}"),
            NameErrorKind::Full => write!(
                f,
                "the process has {} names already; name the thing a person configured, not each key",
                Name::MAX_DISTINCT
            ),
        }
    }
}

impl std::error::Error for NameError {}
