//! The fields of a span, rendered when they are recorded.

use std::marker::PhantomData;
use std::ops::Range;

use crate::value::Value;

/// The fields of one span, ready to be copied into lines of one form.
pub(crate) struct SpanFields<F> {
    entries: Vec<(&'static str, Range<usize>)>,
    text: String,
    pub(crate) cut: bool,
    form: PhantomData<fn(F)>,
}

/// How a value is written. A span may keep its fields in several forms, if there are several logs.
pub(crate) trait Form: 'static {
    /// Appends a value, and says whether it was cut.
    fn write(value: Value<'_>, out: &mut String) -> bool;
}

/// The form for machines.
pub(crate) enum Json {}

/// The form for people.
pub(crate) enum Console {}

/// A span that is recorded into again and again must not grow for ever.
const TEXT_MAX: usize = 64 * 1024;

// === impl SpanFields ===

impl<F: Form> SpanFields<F> {
    /// Adds a field, or replaces its value.
    pub(crate) fn set(&mut self, key: &'static str, value: Value<'_>) {
        if self.text.len() > TEXT_MAX {
            self.compact();
        }
        if self.text.len() > TEXT_MAX {
            self.cut = true;
            return;
        }
        let start = self.text.len();
        self.cut |= F::write(value, &mut self.text);
        let range = start..self.text.len();
        match self.entries.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = range,
            None => self.entries.push((key, range)),
        }
    }

    /// The fields, in the order in which they were first recorded.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.entries.iter().map(|(key, range)| (*key, &self.text[range.clone()]))
    }

    /// Drops the text of values that were replaced.
    fn compact(&mut self) {
        let mut text = String::new();
        for (_, range) in &mut self.entries {
            let start = text.len();
            text.push_str(&self.text[range.clone()]);
            *range = start..text.len();
        }
        self.text = text;
    }
}

impl<F> Default for SpanFields<F> {
    fn default() -> Self {
        Self { entries: Vec::new(), text: String::new(), cut: false, form: PhantomData }
    }
}

// === impl Form ===

impl Form for Json {
    fn write(value: Value<'_>, out: &mut String) -> bool {
        value.write_json(out)
    }
}

impl Form for Console {
    fn write(value: Value<'_>, out: &mut String) -> bool {
        value.write_console(out);
        false
    }
}
