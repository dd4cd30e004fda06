use std::borrow::Cow;

use core_errors::{Category, Code, Name, PolicyKind};

/// What may be the value of a label.
///
/// There is no implementation for `String`, floats and large numbers on purpose: each value is a series for the life of the
/// process, so it has to come from a small set. For enums of your own there is `#[derive(LabelValue)]`, by the feature `derive`. A text
/// that is known only at run time, and one of a few, can be a [`Name`], of which a process has a bounded number.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a label",
    label = "each value would be a series for the life of the process",
    note = "a label takes what comes from a small set: `&'static str`, `bool`, `u8`, `u16`, `Category`, `Code`, `Name` or an enum with \
            `#[derive(LabelValue)]`; a text that is one of a few can become a `core_errors::Name`"
)]
pub trait LabelValue {
    /// The text. It is asked for once for each series.
    fn text(&self) -> Cow<'_, str>;

    /// How many values there are, where each has a number; 0 otherwise.
    #[doc(hidden)]
    const COUNT: usize = 0;

    /// The number of this one, below [`COUNT`](Self::COUNT).
    #[doc(hidden)]
    fn number(&self) -> usize {
        0
    }
}

// === impl LabelValue ===

impl LabelValue for &'static str {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl LabelValue for bool {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(if *self { "true" } else { "false" })
    }

    const COUNT: usize = 2;

    #[inline]
    fn number(&self) -> usize {
        usize::from(*self)
    }
}

impl LabelValue for u8 {
    fn text(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}

/// For the status of an answer.
impl LabelValue for u16 {
    fn text(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}

impl LabelValue for Category {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.as_str())
    }

    const COUNT: usize = Self::Unknown as usize + 1;

    #[inline]
    fn number(&self) -> usize {
        *self as usize
    }
}

impl LabelValue for Code {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.as_str())
    }
}

/// Names of policies, which are few and kept for ever anyway.
impl LabelValue for Name {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.as_str())
    }
}

impl LabelValue for PolicyKind {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.as_str())
    }

    const COUNT: usize = Self::Deadline as usize + 1;

    #[inline]
    fn number(&self) -> usize {
        *self as usize
    }
}

/// Absent: an empty value, which Prometheus takes for no label.
impl<V: LabelValue> LabelValue for Option<V> {
    fn text(&self) -> Cow<'_, str> {
        self.as_ref().map_or(Cow::Borrowed(""), LabelValue::text)
    }

    const COUNT: usize = if V::COUNT == 0 { 0 } else { V::COUNT + 1 };

    #[inline]
    fn number(&self) -> usize {
        self.as_ref().map_or(0, |value| value.number() + 1)
    }
}
