//! The fields of a span, rendered when they are recorded.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

use core_context::CorrelationId;
use smallvec::SmallVec;

use crate::key::Key;
use crate::stage::StageId;
use crate::text::VALUE_MAX;

/// Fields, ready to be copied into lines of one form.
#[derive(Default)]
pub(crate) struct Fields {
    /// As many as most spans have stand here without memory of their own.
    entries: SmallVec<[Entry; 4]>,
    text: String,
    /// The bits of all keys.
    mask: u64,
    /// Whether the text is not just all entries, one after the other, each a field.
    mixed: bool,
    /// Whether a value is less than was recorded.
    cut: bool,
    /// Whether a field was left out for lack of room.
    pub(crate) full: bool,
}

/// One field.
#[derive(Clone, Copy)]
struct Entry {
    key: Key,
    /// Where its text begins and ends: the text of a span is not much longer than a line.
    start: u32,
    end: u32,
    lifted: bool,
    /// Whether the value is less than was recorded.
    cut: bool,
}

/// A field as it was rendered.
pub(crate) struct Rendered<'a> {
    pub(crate) key: Key,
    pub(crate) text: &'a str,
    /// Whether it stands beside the fields.
    pub(crate) lifted: bool,
    pub(crate) cut: bool,
}

/// The fields of one span, in one form. A span may keep several of these, if there are several logs.
pub(crate) struct SpanFields<F> {
    pub(crate) fields: Fields,
    /// The run of a stage that the span is. Most are none, and are moved about.
    pub(crate) operation: Option<Box<Operation>>,
    form: PhantomData<fn(F)>,
}

/// One run of a stage.
pub(crate) struct Operation {
    pub(crate) stage: StageId,
    pub(crate) id: CorrelationId,
    /// Whether a line of it was written.
    pub(crate) has_begun: AtomicBool,
}

/// As much as a line holds: a span that is recorded into again and again must not grow for ever.
const TEXT_MAX: usize = 64 * 1024;

// === impl Fields ===

impl Fields {
    /// Appends a field: `write` writes until the text has so many bytes, and says whether it had to cut. It runs the `Debug` of
    /// others, which may log: nothing may be locked.
    pub(crate) fn render(&mut self, key: Key, lifted: bool, write: impl FnOnce(&mut String, usize) -> bool) {
        let start = self.text.len();
        if start > TEXT_MAX {
            self.full = true;
            return;
        }
        let cut = write(&mut self.text, start + VALUE_MAX);
        self.push(Entry::new(key, start..self.text.len(), lifted, cut));
    }

    /// Takes over what was rendered elsewhere; a field that is there already gets its new value.
    pub(crate) fn merge(&mut self, new: &Self) {
        self.full |= new.full;
        self.text.reserve(new.text.len());
        for entry in &new.entries {
            self.set(entry, entry.of(&new.text));
        }
    }

    fn merged(mut self, new: &Self) -> Self {
        self.merge(new);
        self
    }

    /// Whether no field is there twice, so that merging it into nothing would change nothing.
    fn is_simple(&self) -> bool {
        !self.mixed && self.text.len() <= TEXT_MAX
    }

    fn copy(&self) -> Self {
        Self { entries: SmallVec::from_slice(&self.entries), text: self.text.clone(), ..*self }
    }

    /// In the order in which they were first recorded.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Rendered<'_>> {
        self.entries.iter().map(|entry| Rendered {
            key: entry.key,
            text: entry.of(&self.text),
            lifted: entry.lifted,
            cut: entry.cut,
        })
    }

    /// All fields as one text, if that is what they are, and the bits of their keys.
    pub(crate) fn whole(&self) -> Option<(&str, u64)> {
        (!self.mixed && !self.cut && !self.full).then_some((&*self.text, self.mask))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && !self.full
    }

    /// Empties it, and keeps memory for the next.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.text.clear();
        self.text.shrink_to(TEXT_MAX);
        (self.mask, self.mixed, self.cut, self.full) = (0, false, false, false);
    }

    fn set(&mut self, new: &Entry, text: &str) {
        let known = self.entries.iter().position(|entry| entry.key == new.key);
        if self.text.len() + text.len() > TEXT_MAX {
            // The value that is replaced need not be kept.
            if let Some(known) = known {
                (self.entries[known].start, self.entries[known].end) = (0, 0);
            }
            self.compact();
        }
        if self.text.len() + text.len() > TEXT_MAX {
            self.full = true;
            self.entries.retain(|entry| entry.key != new.key);
            return;
        }
        let start = self.text.len();
        self.text.push_str(text);
        let entry = Entry::new(new.key, start..self.text.len(), new.lifted, new.cut);
        match known {
            Some(known) => {
                self.mixed = true;
                self.entries[known] = entry;
            }
            None => self.push(entry),
        }
    }

    fn push(&mut self, entry: Entry) {
        // The same key twice in one record: the line sorts that out.
        self.mixed |= entry.lifted || (self.mask & entry.key.bit() != 0 && self.has(entry.key));
        self.mask |= entry.key.bit();
        self.cut |= entry.cut;
        self.entries.push(entry);
    }

    fn has(&self, key: Key) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Drops the text of values that were replaced.
    fn compact(&mut self) {
        let mut text = String::new();
        for entry in &mut self.entries {
            let start = text.len();
            text.push_str(entry.of(&self.text));
            *entry = Entry::new(entry.key, start..text.len(), entry.lifted, entry.cut);
        }
        self.text = text;
    }
}

// === impl Entry ===

impl Entry {
    fn new(key: Key, at: Range<usize>, lifted: bool, cut: bool) -> Self {
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { key, start: short(at.start), end: short(at.end), lifted, cut }
    }

    /// Its text, of that of all.
    fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

// === impl Operation ===

impl Operation {
    pub(crate) fn of(stage: StageId) -> Self {
        Self { stage, id: CorrelationId::generate(), has_begun: AtomicBool::new(false) }
    }
}

// === impl SpanFields ===

impl<F> SpanFields<F> {
    /// The first fields of a span.
    pub(crate) fn of(fields: &Fields) -> Self {
        let fields = if fields.is_simple() { fields.copy() } else { Fields::default().merged(fields) };
        Self { fields, operation: None, form: PhantomData }
    }
}
