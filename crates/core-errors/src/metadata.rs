use std::borrow::Cow;
use std::fmt;

/// One fact about an error.
#[derive(Clone, PartialEq)]
pub struct Metadata {
    /// What it is.
    pub key: &'static str,
    /// Its value. Code may read it whoever may see it; print [`shown`](Self::shown).
    pub value: Value,
    /// Who may see it.
    pub visibility: Visibility,
}

/// Who may see a fact about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Clients too.
    Public,
    /// Those who run the service: it is written to logs.
    Internal,
    /// Nobody: it is kept for code to read and printed as `***`.
    Sensitive,
}

/// The value of a fact. Numbers stay numbers in logs and on the wire.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Text.
    Text(Cow<'static, str>),
    /// A number that may be below zero.
    Int(i64),
    /// A number that is not below zero.
    Uint(u64),
    /// A number with a fraction. What is not finite is written as text.
    Float(f64),
    /// Yes or no.
    Bool(bool),
}

/// What stands for a value that nobody may see.
const HIDDEN: &str = "***";

// === impl Metadata ===

impl Metadata {
    /// The value as text, or `***` if it is sensitive.
    #[must_use]
    pub fn shown(&self) -> Cow<'_, str> {
        match (&self.visibility, &self.value) {
            (Visibility::Sensitive, _) => Cow::Borrowed(HIDDEN),
            (_, Value::Text(text)) => Cow::Borrowed(text),
            (_, value) => Cow::Owned(value.to_string()),
        }
    }
}

/// What nobody may see is not in it.
impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?} ({:?})", self.key, self.shown(), self.visibility)
    }
}

// === impl Value ===

impl Value {
    /// The text, if it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident),+ $(,)?) => { $(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )+ };
}

from!(
    &'static str => Text, String => Text, Cow<'static, str> => Text,
    i8 => Int, i16 => Int, i32 => Int, i64 => Int,
    u8 => Uint, u16 => Uint, u32 => Uint, u64 => Uint,
    f32 => Float, f64 => Float, bool => Bool,
);

/// No machine of ours counts further than 64 bits.
impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Uint(value as u64)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.pad(text),
            Self::Int(number) => number.fmt(f),
            Self::Uint(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Bool(truth) => truth.fmt(f),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => fmt::Debug::fmt(text, f),
            other => fmt::Display::fmt(other, f),
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Uint(number) => serializer.serialize_u64(*number),
            Self::Float(number) if number.is_finite() => serializer.serialize_f64(*number),
            // JSON has no word for it, and a null would lose which one it was.
            Self::Float(number) => serializer.collect_str(number),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
        }
    }
}
