//! Events, written down.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use core_context::Context;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Writes events of ours down: the level, the correlation id of the context, the fields.
#[derive(Clone)]
pub(crate) struct Seen {
    lines: Arc<Mutex<Vec<String>>>,
    max: Level,
}

struct Fields<'s>(&'s mut String);

// === impl Seen ===

impl Seen {
    /// Down to a level.
    pub(crate) fn down_to(max: Level) -> Self {
        Self { lines: Arc::default(), max }
    }

    /// What was written since this was last asked.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().expect("no panic in here"))
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a text takes all");
    }
}

impl Subscriber for Seen {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "core_track" && *metadata.level() <= self.max
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = event.metadata().level().to_string();
        if let Some(id) = Context::current_correlation_id() {
            write!(text, " of={id}").expect("a text takes all");
        }
        event.record(&mut Fields(&mut text));
        self.lines.lock().expect("no panic in here").push(text);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
