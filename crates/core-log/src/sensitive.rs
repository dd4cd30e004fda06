use std::fmt;

/// A value that does not show itself: `Debug` and `Display` say `[REDACTED]`, in a log and everywhere else.
///
/// With the feature `serde` it is written as that text too, and read as the value that it holds: a setting can be one, and a copy
/// of the settings gives nothing away.
///
/// What the crates `secrecy` and `data_privacy` hide is hidden here too: their `Debug` says so. `Sensitive<SecretString>` can be written by
/// serde, and [`Redaction::mark`](crate::Redaction::mark) says which secret it is.
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

const HIDDEN: &str = "[REDACTED]";

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl<T> fmt::Display for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[cfg(feature = "serde")]
impl<T> serde::Serialize for Sensitive<T> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(HIDDEN)
    }
}

#[cfg(feature = "serde")]
impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Sensitive<T> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::deserialize(from).map(Self)
    }
}
