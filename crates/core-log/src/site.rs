//! What is known of a callsite before it logs: its place and its keys, rendered once for each thread.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use tracing::Metadata;

use crate::key::Key;
use crate::level::Level;
use crate::pen::Rule;
use crate::redact::Redaction;
use crate::sampling::Count;
use crate::schema::Schema;
use crate::text::{self, Escaped};
use crate::value::quoted;

/// A callsite of an event or a span, for one log.
pub(crate) struct Site {
    /// In quotes.
    pub(crate) target: String,
    /// Unless the event says another.
    pub(crate) level: Level,
    /// What follows the time in a line of that level.
    pub(crate) head: String,
    /// In quotes.
    pub(crate) file: String,
    /// In digits; empty if it is not known.
    pub(crate) line: String,
    /// In quotes.
    pub(crate) module: String,
    /// `,"file":"…","line":7`, or nothing if it is not known.
    pub(crate) place: String,
    pub(crate) slots: Box<[Slot]>,
    /// Whether a logger may be among the fields.
    pub(crate) has_logger: bool,
    /// Whether an event may say its level itself.
    pub(crate) has_severity: bool,
}

/// A field of a callsite.
pub(crate) struct Slot {
    pub(crate) key: Key,
    pub(crate) role: Role,
    pub(crate) rule: Rule,
    /// `,"amount":`, or nothing if the name is too long for any line.
    pub(crate) json: String,
}

/// What a field is in a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Message,
    /// It may say the level.
    Severity,
    /// A field like any other.
    Field,
    /// Beside the fields.
    Lifted(Lift),
}

/// What a schema has beside the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lift {
    /// As a member of that name.
    Text,
    /// A chain of errors in one text.
    Chain,
    /// As ECS has it: `error.message`, `error.type`.
    Ecs,
    /// As attributes of OpenTelemetry, which stand among the fields: `exception.message`, `exception.type`.
    Otel,
}

/// The callsites that a thread has seen.
#[derive(Default)]
pub(crate) struct Sites {
    sites: HashMap<(usize, usize), Rc<Site>, BuildHasherDefault<Mix>>,
    counts: HashMap<(usize, usize), Arc<Count>, BuildHasherDefault<Mix>>,
}

/// More than programs have; where code makes callsites without end, they are forgotten.
const SITES_MAX: usize = 16 * 1024;

/// The most of a name, a file or a target.
const NAME_MAX: usize = 1024;

// === impl Sites ===

impl Sites {
    /// The callsite for the log of that number.
    pub(crate) fn get<F: Schema>(
        &mut self,
        log: usize,
        metadata: &'static Metadata<'static>,
        policy: &Redaction,
    ) -> Rc<Site> {
        let address = std::ptr::from_ref(metadata).addr();
        if let Some(known) = self.sites.get(&(log, address)) {
            return Rc::clone(known);
        }
        if self.sites.len() >= SITES_MAX {
            self.sites.clear();
        }
        let site = Rc::new(Site::new::<F>(metadata, policy));
        self.sites.insert((log, address), Rc::clone(&site));
        site
    }
}

impl Sites {
    /// What that place wrote, asked for once.
    pub(crate) fn count(&mut self, place: (usize, usize), ask: impl FnOnce() -> Arc<Count>) -> &Count {
        if self.counts.len() >= SITES_MAX {
            self.counts.clear();
        }
        self.counts.entry(place).or_insert_with(ask)
    }
}

// === impl Site ===

impl Site {
    /// Where the log itself speaks.
    pub(crate) fn own<F: Schema>() -> Self {
        let target = quote(env!("CARGO_CRATE_NAME"));
        Self {
            level: Level::Warn,
            head: head::<F>(Level::Warn, &target),
            target,
            file: quote(""),
            line: String::new(),
            module: quote(env!("CARGO_CRATE_NAME")),
            place: String::new(),
            slots: Box::default(),
            has_logger: false,
            has_severity: false,
        }
    }

    fn new<F: Schema>(metadata: &'static Metadata<'static>, policy: &Redaction) -> Self {
        let slots = metadata.fields().iter().map(|field| {
            let (key, role) = F::slot(field.name());
            let of_event = role == Role::Message && metadata.is_event();
            Slot {
                key,
                role,
                rule: if of_event { Rule::message(policy) } else { Rule::new(policy, field.name()) },
                json: json_key::<F>(key),
            }
        });
        let file = quote(metadata.file().unwrap_or_default());
        let line = metadata.line().map(|line| line.to_string()).unwrap_or_default();
        let place = if line.is_empty() { String::new() } else { format!(",\"file\":{file},\"line\":{line}") };
        let (level, target) = (Level::of(*metadata.level()), quote(metadata.target()));
        Self {
            level,
            head: head::<F>(level, &target),
            target,
            file,
            line,
            place,
            module: quote(metadata.module_path().unwrap_or_else(|| metadata.target())),
            slots: slots.collect(),
            has_logger: metadata.fields().field("logger").is_some(),
            has_severity: metadata.fields().field("severity").is_some(),
        }
    }
}

fn head<F: Schema>(level: Level, target: &str) -> String {
    let mut out = String::new();
    F::push_level(&mut out, level, target);
    out
}

/// `,"amount":`. Nothing if the name is too long for a line: half of it would be another.
fn json_key<F: Schema>(key: Key) -> String {
    let mut out = String::new();
    if !F::push_key(&mut out, key) {
        out.clear();
    }
    out
}

/// Whether a line has room for a name: half of it would be another.
pub(crate) fn fits<F: Schema>(key: Key) -> bool {
    // No character takes more than six in a text.
    key.prefix().len() + key.name().len() <= NAME_MAX / 6 || !json_key::<F>(key).is_empty()
}

/// Appends a key. A name in quotes may be any text: `info!("odd \" name" = 1)`. Says whether all of it fitted.
pub(crate) fn push_key(out: &mut String, key: Key) -> bool {
    push_name(out, ",\"", key, "\":")
}

/// Appends the name of a field between two others. Says whether all of it fitted.
pub(crate) fn push_name(out: &mut String, before: &str, key: Key, after: &str) -> bool {
    out.push_str(before);
    let end = out.len() + NAME_MAX;
    let mut text = Escaped::new(out, end, text::Rule::Json);
    text.push(key.prefix());
    text.push(key.name());
    let fits = !text.cut;
    out.push_str(after);
    fits
}

fn quote(text: &str) -> String {
    let mut out = String::new();
    quoted(&mut out, NAME_MAX, |out| out.push(text));
    out
}

/// Addresses and small numbers are all it hashes.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, value: usize) {
        self.0 = (self.0.rotate_left(23) ^ value as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
