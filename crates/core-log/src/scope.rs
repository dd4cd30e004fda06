//! The fields of a span, rendered when they are recorded.

use std::marker::PhantomData;
use std::ops::Range;

use crate::text::VALUE_MAX;
use crate::value::Value;

/// Fields, ready to be copied into lines of one form.
#[derive(Default)]
pub(crate) struct Fields {
    entries: Vec<Entry>,
    text: String,
    /// Whether a field was left out for lack of room.
    pub(crate) full: bool,
}

#[derive(Clone)]
struct Entry {
    key: &'static str,
    at: Range<usize>,
    /// Whether the value is less than was recorded.
    cut: bool,
}

/// The fields of one span, in one form. A span may keep several of these, if there are several logs.
pub(crate) struct SpanFields<F> {
    pub(crate) fields: Fields,
    form: PhantomData<fn(F)>,
}

/// How a value is written.
pub(crate) trait Form: 'static {
    /// Appends a value until `out` is `end` bytes long, and says whether it was cut.
    fn write(value: Value<'_>, out: &mut String, end: usize) -> bool;
}

/// The form for machines.
pub(crate) enum Json {}

/// The form for people.
pub(crate) enum Console {}

/// As much as a line holds: a span that is recorded into again and again must not grow for ever.
const TEXT_MAX: usize = 64 * 1024;

// === impl Fields ===

impl Fields {
    /// Appends a field. Runs the `Debug` of others, which may log: nothing may be locked.
    pub(crate) fn render<F: Form>(&mut self, key: &'static str, value: Value<'_>) {
        let start = self.text.len();
        if start > TEXT_MAX {
            self.full = true;
            return;
        }
        let cut = F::write(value, &mut self.text, start + VALUE_MAX);
        self.entries.push(Entry { key, at: start..self.text.len(), cut });
    }

    /// Takes over what was rendered elsewhere; a field that is there already gets its new value.
    pub(crate) fn merge(&mut self, new: &Self) {
        self.full |= new.full;
        self.entries.reserve(new.entries.len());
        self.text.reserve(new.text.len());
        for entry in &new.entries {
            self.set(entry.key, &new.text[entry.at.clone()], entry.cut);
        }
    }

    fn set(&mut self, key: &'static str, text: &str, cut: bool) {
        let known = self.entries.iter().position(|entry| entry.key == key);
        if self.text.len() + text.len() > TEXT_MAX {
            // The value that is replaced need not be kept.
            if let Some(known) = known {
                self.entries[known].at = 0..0;
            }
            self.compact();
        }
        if self.text.len() + text.len() > TEXT_MAX {
            self.full = true;
            self.entries.retain(|entry| entry.key != key);
            return;
        }
        let start = self.text.len();
        self.text.push_str(text);
        let entry = Entry { key, at: start..self.text.len(), cut };
        match known {
            Some(known) => self.entries[known] = entry,
            None => self.entries.push(entry),
        }
    }

    /// Key, text, and whether that was cut, in the order in which they were first recorded.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &str, bool)> {
        self.entries.iter().map(|entry| (entry.key, &self.text[entry.at.clone()], entry.cut))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && !self.full
    }

    /// Empties it, and keeps memory for the next.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.text.clear();
        self.text.shrink_to(TEXT_MAX);
        self.full = false;
    }

    /// Drops the text of values that were replaced.
    fn compact(&mut self) {
        let mut text = String::new();
        for Entry { at, .. } in &mut self.entries {
            let start = text.len();
            text.push_str(&self.text[at.clone()]);
            *at = start..text.len();
        }
        self.text = text;
    }
}

// === impl SpanFields ===

impl<F> SpanFields<F> {
    /// The first fields of a span.
    pub(crate) fn of(fields: &Fields) -> Self {
        let mut this = Self { fields: Fields::default(), form: PhantomData };
        this.fields.merge(fields);
        this
    }
}

// === impl Form ===

impl Form for Json {
    fn write(value: Value<'_>, out: &mut String, end: usize) -> bool {
        value.write_json(out, end)
    }
}

impl Form for Console {
    fn write(value: Value<'_>, out: &mut String, end: usize) -> bool {
        value.write_console(out, end)
    }
}
