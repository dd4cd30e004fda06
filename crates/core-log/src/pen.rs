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
    /// The kinds of what was taken out of the field that is written.
    found: u8,
    /// The fields that something was taken out of, and the kinds, if that is wanted.
    pub(crate) places: Vec<(&'static str, u8)>,
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

/// The most fields of one line that are told of.
const PLACES_MAX: usize = 64;

/// A text that takes so much and no more: what formats for ever ends.
struct Bounded<'a>(&'a mut String);

// === impl Rule ===

impl Rule {
    pub(crate) const TEXT: Self = Self { action: Action::Keep, numbers: true };

    pub(crate) fn new(policy: &Redaction, name: &str) -> Self {
        let is_id = matches!(name.rsplit(['_', '.']).next(), Some("id" | "ids"));
        Self { action: policy.of_field(name), numbers: !is_id }
    }

    /// Of the message of an event.
    pub(crate) fn message(policy: &Redaction) -> Self {
        Self { action: policy.of_message(), numbers: true }
    }
}

// === impl Pen ===

impl Pen<'_> {
    /// A text as it may be written.
    pub(crate) fn text<'t>(&'t mut self, text: &'t str) -> &'t str {
        let Ink { spare, cut, found, .. } = &mut *self.ink;
        let end = text.floor_char_boundary(RAW_MAX);
        let is_cut = end < text.len();
        *cut |= is_cut;
        self.policy.clean(&text[..end], is_cut, self.rule.numbers, spare, found)
    }

    /// What a value says of itself, as it may be written. Somebody else's code runs here, and may panic: then its field says so,
    /// and the line goes out.
    pub(crate) fn debug(&mut self, value: &dyn fmt::Debug) -> &str {
        let Ink { raw, spare, cut, found, .. } = &mut *self.ink;
        raw.clear();
        debug(raw, value);
        let is_cut = raw.len() >= RAW_MAX;
        *cut |= is_cut;
        self.policy.clean(raw, is_cut, self.rule.numbers, spare, found)
    }

    /// Whether an id of a context may be written as it is. Most are seen to be in a few steps.
    pub(crate) fn is_clean(&self, id: &str) -> bool {
        !self.policy.may_clean_id(id)
    }

    /// An id of a context, as it may be written.
    pub(crate) fn id<'t>(&'t mut self, id: &'t str) -> &'t str {
        let Ink { spare, found, .. } = &mut *self.ink;
        self.policy.clean_id(id, spare, found)
    }

    /// What stands in the place of the number of a card, if it is one.
    pub(crate) fn card(&mut self, number: u64) -> Option<&str> {
        if !self.rule.numbers || !self.policy.is_card(number) {
            return None;
        }
        Some(self.instead(Kind::Card, |raw| raw.push_str(itoa::Buffer::new().format(number))))
    }

    /// Whether not even the key of the field is written.
    pub(crate) fn drops(&mut self) -> bool {
        let drops = self.rule.action == Action::Drop;
        if drops {
            self.policy.dropped();
            self.ink.found |= Kind::Key.bit();
        }
        drops
    }

    /// What is written from here on is another field: keeps what was taken out of the one of that name.
    pub(crate) fn leave(&mut self, name: &'static str) {
        if self.ink.found != 0 {
            let found = std::mem::take(&mut self.ink.found);
            if self.policy.verify && self.ink.places.len() < PLACES_MAX {
                self.ink.places.push((name, found));
            }
        }
    }

    /// Whether a value since the last question was longer than is looked at.
    pub(crate) fn was_cut(&mut self) -> bool {
        std::mem::take(&mut self.ink.cut)
    }

    /// What stands in the place of a secret.
    pub(crate) fn hidden(&mut self, write: impl FnOnce(&mut String)) -> &str {
        self.instead(Kind::Key, write)
    }

    fn instead(&mut self, kind: Kind, write: impl FnOnce(&mut String)) -> &str {
        let Ink { raw, spare, found, .. } = &mut *self.ink;
        raw.clear();
        spare.clear();
        write(raw);
        *found |= kind.bit();
        self.policy.replace(kind, raw, spare);
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
