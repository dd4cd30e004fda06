use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::key::Key;
use crate::value::Value;

/// What every line of a part of the program says beside its own: a component, an operation, fields.
///
/// The macros of this crate take it as `logger: log`. Making a child copies the list of fields; a clone is a reference count, and
/// a line that is not written costs nothing of it.
///
/// ```
/// use core_log::{Logger, info};
///
/// let log = Logger::component("raft").with("node", 7);
/// info!(logger: log, term = 3, "elected");
/// let append = log.op("append");
/// info!(logger: append, entries = 12, "appended");      // component, operation, node and entries
/// ```
#[derive(Clone)]
pub struct Logger(Arc<Bound>);

/// What a [`Logger`] is among the fields of an event.
#[doc(hidden)]
#[derive(Clone)]
pub struct Bound {
    fields: Vec<(Key, FieldValue)>,
    /// Whether there were more than are kept.
    full: bool,
}

/// A value that a logger, or a wide event, keeps.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FieldValue {
    /// Text.
    Text(Cow<'static, str>),
    /// A whole number.
    I64(i64),
    /// A whole number that is not negative.
    U64(u64),
    /// A number.
    F64(f64),
    /// Yes or no.
    Bool(bool),
}

/// The most fields of one logger or wide event. What is more is not taken, and the line says that it is not all.
pub(crate) const FIELDS_MAX: usize = 64;

// === impl Logger ===

impl Logger {
    /// A logger for a part of the program.
    pub fn component(name: impl Into<Cow<'static, str>>) -> Self {
        Self::empty().with("component", FieldValue::Text(name.into()))
    }

    /// A logger that adds nothing yet.
    #[must_use]
    pub fn empty() -> Self {
        Self(Arc::new(Bound::new()))
    }

    /// A child that says which operation its lines are about.
    #[must_use]
    pub fn op(&self, operation: impl Into<Cow<'static, str>>) -> Self {
        self.with("operation", FieldValue::Text(operation.into()))
    }

    /// A child with a field more, or another value of one that is there. After 64 fields nothing is added.
    #[must_use]
    pub fn with(&self, key: &'static str, value: impl Into<FieldValue>) -> Self {
        let mut bound = Bound::clone(&self.0);
        bound.set(key, value.into());
        Self(Arc::new(bound))
    }

    pub(crate) fn of(bound: Bound) -> Self {
        Self(Arc::new(bound))
    }

    /// For the macros.
    #[doc(hidden)]
    #[must_use]
    pub fn bound(&self) -> &(dyn Error + 'static) {
        &*self.0
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logger({})", self.0)
    }
}

// === impl Bound ===

impl Bound {
    pub(crate) fn new() -> Self {
        Self { fields: Vec::new(), full: false }
    }

    pub(crate) fn set(&mut self, name: &'static str, value: FieldValue) {
        let key = Key::new(name);
        if let Some((_, known)) = self.fields.iter_mut().find(|(known, _)| *known == key) {
            *known = value;
        } else if self.fields.len() < FIELDS_MAX {
            self.fields.push((key, value));
        } else {
            self.full = true;
        }
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static str, Value<'_>)> {
        self.fields.iter().map(|(key, value)| (key.name(), value.as_value()))
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full
    }
}

/// What other layers show of it.
impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (key, value)) in self.fields.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            write!(f, "{space}{}={value}", key.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Only an error can be handed to a layer as what it is.
impl Error for Bound {}

// === impl FieldValue ===

impl FieldValue {
    fn as_value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Str(text),
            Self::I64(value) => Value::I64(*value),
            Self::U64(value) => Value::U64(*value),
            Self::F64(value) => Value::F64(*value),
            Self::Bool(value) => Value::Bool(*value),
        }
    }
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::I64(value) => value.fmt(f),
            Self::U64(value) => value.fmt(f),
            Self::F64(value) => value.fmt(f),
            Self::Bool(value) => value.fmt(f),
        }
    }
}

macro_rules! from {
    ($($type:ty => $kind:ident),+ $(,)?) => {$(
        impl From<$type> for FieldValue {
            fn from(value: $type) -> Self {
                Self::$kind(value.into())
            }
        }
    )+};
}

from!(&'static str => Text, String => Text, Cow<'static, str> => Text, bool => Bool, f64 => F64, f32 => F64);
from!(i64 => I64, i32 => I64, i16 => I64, u64 => U64, u32 => U64, u16 => U64, u8 => U64);

impl From<usize> for FieldValue {
    fn from(value: usize) -> Self {
        Self::U64(value as u64)
    }
}
