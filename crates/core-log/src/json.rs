//! The line for machines.

use core_context::Context;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer;
use tracing_subscriber::registry::LookupSpan;

use crate::event;
use crate::scope::{Json, SpanFields};
use crate::scratch::{Key, Scratch};
use crate::stamp;
use crate::text::{Escaped, Rule, VALUE_MAX, has_no_separator};
use crate::value::{Each, Value};

/// The most of one line, in bytes. What collects lines cuts or drops longer ones: 256 KB is the bound of Cloud Logging, and
/// some shippers stop at 64 KiB.
pub(crate) const LINE_MAX: usize = 64 * 1024;

/// Where the fields end: the rest of the line is for the ids and for who writes. A value that begins before ends there, up to
/// a mark and the closing brackets of an error.
pub(crate) const FIELDS_END: usize = LINE_MAX - 4 * 1024;

/// The most of the ids of a context together, and of each of them alone if they are more.
const IDS_MAX: usize = 1024;

/// The most of the name of a service, of an environment and of a version.
const NAME_MAX: usize = 256;

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
        if let Some(SpanFields { fields, .. }) = span.extensions().get::<SpanFields<Json>>() {
            line.truncated |= fields.full;
            for (key, json, cut) in fields.iter() {
                line.field(key, json.len(), |out, _| {
                    out.push_str(json);
                    cut
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
        let end = out.len() + NAME_MAX;
        Value::Str(value).write_json(&mut out, end);
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
        let end = value_end(out);
        self.truncated |= Value::Str(text).write_json(out, end);
    }

    fn event(&mut self, event: &Event<'_>) {
        let mut has_message = false;
        event.record(&mut Each(|key, value: Value<'_>| match key {
            "message" if !has_message => {
                has_message = true;
                self.message(value);
            }
            key if value.is_field(key) => self.field(key, 0, |out, end| value.write_json(out, end)),
            _ => {}
        }));
    }

    fn message(&mut self, value: Value<'_>) {
        let out = &mut self.scratch.out;
        out.push_str(",\"message\":\"");
        let end = value_end(out);
        let mut text = Escaped::new(out, end, Rule::Json);
        value.write_message(&mut text);
        self.truncated |= text.cut;
        out.push('"');
    }

    /// A field of so many bytes at least, unless the line has one of that name. A value is written until the line is `end` bytes
    /// long.
    fn field(&mut self, name: &'static str, len: usize, write: impl FnOnce(&mut String, usize) -> bool) {
        let Scratch { out, keys, .. } = &mut *self.scratch;
        let key = Key { name, renamed: RESERVED.contains(&name) };
        if keys.iter().any(|known| known.is(key)) {
            return;
        }
        let start = out.len();
        out.push_str(if key.renamed { ",\"field_" } else { ",\"" });
        // A name in quotes may be any text: `info!("odd \" name" = 1)`.
        let mut text = Escaped::new(out, FIELDS_END, Rule::Json);
        text.push(name);
        if text.cut || out.len() + len > FIELDS_END {
            // Half of a name, or of a value that is ready, would be another.
            out.truncate(start);
            self.truncated = true;
            return;
        }
        keys.push(key);
        out.push_str("\":");
        let end = value_end(out);
        self.truncated |= write(out, end);
    }

    fn context(&mut self, context: &Context) {
        let Scratch { out, keys, .. } = &mut *self.scratch;
        let taken = |name| keys.iter().any(|known| known.is(Key { name, renamed: false }));
        let (ids, names) = (context.log_fragment(), context.log_keys());
        if ids.len() <= IDS_MAX && has_no_separator(ids) && !names.iter().any(|name| taken(name)) {
            out.push(',');
            out.push_str(ids);
            return;
        }
        for name in names.iter().filter(|name| !taken(name)) {
            let owned;
            let value = match context.user() {
                // It may be as long as a caller likes.
                Some(user) if *name == "user_id" => &*user.id,
                _ => {
                    owned = context.log_value(name).unwrap_or_default();
                    &*owned
                }
            };
            out.push_str(",\"");
            out.push_str(name);
            out.push_str("\":");
            let end = out.len() + IDS_MAX;
            self.truncated |= Value::Str(value).write_json(out, end);
        }
    }
}

/// Where a value ends that begins here.
pub(crate) fn value_end(out: &str) -> usize {
    FIELDS_END.min(out.len() + VALUE_MAX)
}
