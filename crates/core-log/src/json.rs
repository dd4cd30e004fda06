//! The line for machines.

use core_context::Context;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer;
use tracing_subscriber::registry::LookupSpan;

use crate::event;
use crate::scope::{Json, SpanFields};
use crate::scratch::{Key, Scratch};
use crate::stamp;
use crate::text::{Escaped, Rule};
use crate::value::{Each, Value};

/// The most of one line that is written, in bytes; what comes after is left out, whole fields at a time.
pub(crate) const LINE_MAX: usize = 240 * 1024;

/// What the schema writes itself. A field of such a name is renamed.
const RESERVED: [&str; 9] =
    ["timestamp", "level", "target", "span", "message", "service", "environment", "version", "truncated"];

/// A line in the making.
struct Line<'a> {
    scratch: &'a mut Scratch,
    truncated: bool,
}

/// Writes the line of an event, with its line break.
pub(crate) fn write<S>(scratch: &mut Scratch, event: &Event<'_>, ctx: &layer::Context<'_, S>, identity: &str)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut line = Line { scratch, truncated: false };
    line.head(event);
    if let Some(span) = ctx.event_span(event) {
        line.text("span", span.name());
    }
    line.event(event);
    for span in ctx.event_scope(event).into_iter().flatten() {
        if let Some(fields) = span.extensions().get::<SpanFields<Json>>() {
            line.truncated |= fields.cut;
            for (key, json) in fields.iter() {
                line.field(key, json.len(), |out| {
                    out.push_str(json);
                    false
                });
            }
        }
    }
    if let Some(context) = Context::current() {
        line.context(&context);
    }
    line.scratch.out.push_str(identity);
    if line.truncated {
        line.scratch.out.push_str(",\"truncated\":true");
    }
    line.scratch.out.push_str("}\n");
}

/// The members that say which service writes, made once.
pub(crate) fn identity(service: &str, environment: &str, version: &str) -> String {
    let mut out = String::new();
    for (key, value) in [("service", service), ("environment", environment), ("version", version)] {
        out.push_str(",\"");
        out.push_str(key);
        out.push_str("\":");
        Value::Str(value).write_json(&mut out);
    }
    out
}

// === impl Line ===

impl Line<'_> {
    fn head(&mut self, event: &Event<'_>) {
        let Scratch { out, stamp, .. } = &mut *self.scratch;
        out.push_str("{\"timestamp\":\"");
        stamp.write(out, stamp::wall());
        out.push_str("\",\"level\":\"");
        out.push_str(event::level(event));
        out.push('"');
        self.text("target", event.metadata().target());
    }

    /// A member of the schema.
    fn text(&mut self, key: &str, text: &str) {
        let out = &mut self.scratch.out;
        out.push_str(",\"");
        out.push_str(key);
        out.push_str("\":");
        self.truncated |= Value::Str(text).write_json(out);
    }

    fn event(&mut self, event: &Event<'_>) {
        let mut has_message = false;
        event.record(&mut Each(|key, value: Value<'_>| match key {
            "message" if !has_message => {
                has_message = true;
                self.message(value);
            }
            // It was read for the level.
            "severity" if matches!(value, Value::Str(_)) => {}
            key => self.field(key, 0, |out| value.write_json(out)),
        }));
    }

    fn message(&mut self, value: Value<'_>) {
        let out = &mut self.scratch.out;
        out.push_str(",\"message\":\"");
        let mut text = Escaped::new(out, Rule::Json);
        value.write_message(&mut text);
        self.truncated |= text.cut;
        out.push('"');
    }

    /// A field, unless the line has one of that name.
    fn field(&mut self, name: &'static str, len: usize, write: impl FnOnce(&mut String) -> bool) {
        let Scratch { out, keys, .. } = &mut *self.scratch;
        if out.len() + len > LINE_MAX {
            self.truncated = true;
            return;
        }
        let key = Key { name, renamed: RESERVED.contains(&name) };
        if keys.iter().any(|known| known.is(key)) {
            return;
        }
        keys.push(key);
        out.push_str(if key.renamed { ",\"field_" } else { ",\"" });
        // A name in quotes may be any text: `info!("odd \" name" = 1)`.
        Escaped::new(out, Rule::Json).push(name);
        out.push_str("\":");
        self.truncated |= write(out);
    }

    fn context(&mut self, context: &Context) {
        let Scratch { out, keys, .. } = &mut *self.scratch;
        let ours = context.log_keys();
        let taken = |name| keys.iter().any(|known| known.is(Key { name, renamed: false }));
        if !ours.iter().any(|name| taken(name)) {
            out.push(',');
            out.push_str(context.log_fragment());
            return;
        }
        for name in ours {
            if let Some(value) = context.log_value(name) {
                self.field(name, 0, |out| Value::Str(&value).write_json(out));
            }
        }
    }
}
