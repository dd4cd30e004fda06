use std::fmt;

/// A value that does not show itself: `Debug` and `Display` say `[REDACTED]`, in a log and everywhere else.
///
/// ```
/// use core_log::Sensitive;
///
/// let password = Sensitive::new("hunter2");
/// assert_eq!(format!("{password} {password:?}"), "[REDACTED] [REDACTED]");
/// assert_eq!(*password.expose(), "hunter2");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sensitive<T>(T);

// === impl Sensitive ===

impl<T> Sensitive<T> {
    /// Hides a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value: a word to look for where secrets are used.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value, not hidden any more.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

impl<T> fmt::Display for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}
