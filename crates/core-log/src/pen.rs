//! How values get into a line: what must not be there is taken out first.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::redact::{Action, Kind, Redaction};
use crate::text::VALUE_MAX;

/// Where values are made ready.
#[derive(Default)]
pub(crate) struct Ink {
    raw: String,
    spare: String,
    /// Whether a value was longer than is looked at.
    cut: bool,
}

/// Writes the values of one field.
pub(crate) struct Pen<'a> {
    pub(crate) policy: &'a Redaction,
    pub(crate) ink: &'a mut Ink,
    pub(crate) rule: Rule,
}

/// What is known of a field from its name.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    /// What becomes of it, if it is a secret.
    pub(crate) action: Action,
    /// Whether its digits may be a phone or a card: those of an id are not.
    pub(crate) numbers: bool,
}

/// More than a line takes of one value: a secret that begins before the cut is seen whole.
const RAW_MAX: usize = VALUE_MAX + 1024;

/// A text that takes so much and no more: what formats for ever ends.
struct Bounded<'a>(&'a mut String);

// === impl Rule ===

impl Rule {
    pub(crate) const TEXT: Self = Self { action: Action::Keep, numbers: true };

    pub(crate) fn new(policy: &Redaction, name: &str) -> Self {
        let is_id = matches!(name.rsplit(['_', '.']).next(), Some("id" | "ids"));
        Self { action: policy.of_field(name), numbers: !is_id }
    }
}

// === impl Pen ===

impl Pen<'_> {
    /// A text as it may be written.
    pub(crate) fn text<'t>(&'t mut self, text: &'t str) -> &'t str {
        let end = text.floor_char_boundary(RAW_MAX);
        self.ink.cut |= end < text.len();
        self.policy.clean(&text[..end], &mut self.ink.spare, self.rule.numbers)
    }

    /// What a value says of itself, as it may be written. Somebody else's code runs here, and may panic: then its field says so,
    /// and the line goes out.
    pub(crate) fn debug(&mut self, value: &dyn fmt::Debug) -> &str {
        let Ink { raw, spare, cut } = &mut *self.ink;
        raw.clear();
        debug(raw, value);
        *cut |= raw.len() >= RAW_MAX;
        self.policy.clean(raw, spare, self.rule.numbers)
    }

    /// Whether a value since the last question was longer than is looked at.
    pub(crate) fn was_cut(&mut self) -> bool {
        std::mem::take(&mut self.ink.cut)
    }

    /// What stands in the place of a secret.
    pub(crate) fn hidden(&mut self, write: impl FnOnce(&mut String)) -> &str {
        let Ink { raw, spare, .. } = &mut *self.ink;
        raw.clear();
        spare.clear();
        write(raw);
        self.policy.replace(Kind::Key, raw, spare);
        spare
    }
}

pub(crate) fn debug(raw: &mut String, value: &dyn fmt::Debug) {
    match catch_unwind(AssertUnwindSafe(|| fmt::write(&mut Bounded(raw), format_args!("{value:?}")))) {
        Ok(Ok(())) => {}
        Ok(Err(_)) if raw.len() >= RAW_MAX => {}
        Ok(Err(_)) => raw.push_str("<error in Debug>"),
        Err(_) => raw.push_str("<panic in Debug>"),
    }
}

impl fmt::Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = RAW_MAX.saturating_sub(self.0.len());
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() > room {
            // The last characters may be of more than one byte: it is full all the same.
            self.0.extend(std::iter::repeat_n(' ', RAW_MAX.saturating_sub(self.0.len())));
            return Err(fmt::Error);
        }
        Ok(())
    }
}
