//! The line for people.

use core_context::Context;
use tracing::field::Field;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer;
use tracing_subscriber::registry::LookupSpan;

use crate::event;
use crate::key::Key;
use crate::level::Level;
use crate::line::{FIELDS_END, LINE_MAX, value_end};
use crate::logger::Bound;
use crate::pen::{self, Pen};
use crate::redact::Redaction;
use crate::schema::Who;
use crate::scope::{Fields, SpanFields};
use crate::scratch::Scratch;
use crate::stamp;
use crate::text::{Escaped, Rule};
use crate::value::{Each, Value};

/// The form of the fields of spans.
pub(crate) enum Console {}

/// Codes for a terminal; empty where there is none.
#[derive(Clone, Copy)]
struct Paint {
    dim: &'static str,
    level: &'static str,
    off: &'static str,
}

/// A line in the making.
struct Line<'a> {
    scratch: &'a mut Scratch,
    policy: &'a Redaction,
    paint: Paint,
    truncated: bool,
}

/// Writes the line of an event, with its line break.
pub(crate) fn write<S>(
    scratch: &mut Scratch,
    event: &Event<'_>,
    ctx: &layer::Context<'_, S>,
    who: &Who,
    colour: bool,
) -> Level
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let level = event::level(event);
    let paint = Paint::new(level, colour);
    head(scratch, level, event.metadata().target(), paint);
    let mut line = Line { scratch, policy: &who.redaction, paint, truncated: false };
    event.record(&mut Each(|field: &Field, value: Value<'_>| {
        if field.name() == "message" {
            line.message(value);
        }
    }));
    event.record(&mut Each(|field: &Field, value: Value<'_>| {
        let name = field.name();
        if name != "message" && value.is_field(name) && value.as_bound().is_none() {
            line.value(name, value);
        }
    }));
    event.record(&mut Each(|_: &Field, value: Value<'_>| {
        for (name, value) in value.as_bound().into_iter().flat_map(Bound::fields) {
            line.value(name, value);
        }
    }));
    for span in ctx.event_scope(event).into_iter().flatten() {
        if let Some(SpanFields { fields, .. }) = span.extensions().get::<SpanFields<Console>>() {
            line.truncated |= fields.full;
            for field in fields.iter() {
                line.field(field.key, field.text.len(), |out, _| {
                    out.push_str(field.text);
                    field.cut
                });
            }
        }
    }
    if let Some(context) = Context::current() {
        let id = context.correlation_id();
        line.last("correlation_id", id.as_str());
    }
    let suppressed = line.scratch.line.suppressed;
    if suppressed > 0 {
        line.last("suppressed", itoa::Buffer::new().format(suppressed));
    }
    if line.truncated {
        line.last("truncated", "true");
    }
    line.scratch.line.out.push('\n');
    level
}

/// Writes a line of the log itself: a warning.
pub(crate) fn own(scratch: &mut Scratch, who: &Who, message: &str, fields: &[(&'static str, Value<'_>)]) {
    let paint = Paint::new(Level::Warn, false);
    head(scratch, Level::Warn, env!("CARGO_CRATE_NAME"), paint);
    let mut line = Line { scratch, policy: &who.redaction, paint, truncated: false };
    line.message(Value::Str(message));
    for (name, value) in fields {
        line.value(name, *value);
    }
    line.scratch.line.out.push('\n');
}

/// Renders a field of a span.
pub(crate) fn render(fields: &mut Fields, name: &'static str, value: Value<'_>, pen: &mut Pen<'_>) {
    if !pen.drops() {
        fields.render(Key::new(name), false, |out, end| value.write_console(out, end, pen));
    }
}

fn head(scratch: &mut Scratch, level: Level, target: &str, paint: Paint) {
    let Scratch { line, stamp, .. } = scratch;
    let out = &mut line.out;
    let level = level.as_str();
    out.push_str(paint.dim);
    stamp.write_clock(out, stamp::wall());
    out.push_str(paint.off);
    out.push(' ');
    out.push_str(paint.level);
    for _ in level.len()..5 {
        out.push(' ');
    }
    out.push_str(level);
    out.push_str(paint.off);
    out.push(' ');
    out.push_str(paint.dim);
    let end = value_end(out);
    Escaped::new(out, end, Rule::Console).push(target);
    out.push(':');
    out.push_str(paint.off);
}

// === impl Line ===

impl Line<'_> {
    fn message(&mut self, value: Value<'_>) {
        let out = &mut self.scratch.line.out;
        out.push(' ');
        let end = value_end(out);
        let mut text = Escaped::new(out, end, Rule::Console);
        let pen = &mut Pen { policy: self.policy, ink: &mut self.scratch.ink, rule: pen::Rule::TEXT };
        value.write_message(&mut text, pen);
        self.truncated |= text.cut;
        pen.leave("message");
    }

    fn value(&mut self, name: &'static str, value: Value<'_>) {
        let policy = self.policy;
        let mut ink = std::mem::take(&mut self.scratch.ink);
        let pen = &mut Pen { policy, ink: &mut ink, rule: pen::Rule::new(policy, name) };
        if !pen.drops() {
            self.field(Key::new(name), 0, |out, end| value.write_console(out, end, pen));
        }
        pen.leave(name);
        self.scratch.ink = ink;
    }

    /// A field of so many bytes at least, unless the line has one of that name. A value is written until the line is `end` bytes
    /// long.
    fn field(&mut self, key: Key, len: usize, write: impl FnOnce(&mut String, usize) -> bool) {
        if self.scratch.line.keys.has(key) {
            return;
        }
        let start = self.scratch.line.out.len();
        let fits = self.name(key.name());
        let out = &mut self.scratch.line.out;
        if !fits || out.len() + len > FIELDS_END {
            out.truncate(start);
            self.truncated = true;
            return;
        }
        let end = value_end(out);
        self.scratch.line.keys.add(key);
        let out = &mut self.scratch.line.out;
        self.truncated |= write(out, end);
    }

    /// What is short, and fits after all fields, unless the line has a field of that name.
    fn last(&mut self, name: &'static str, text: &str) {
        if !self.scratch.line.keys.has(Key::new(name)) {
            self.name(name);
            self.scratch.line.out.push_str(text);
        }
    }

    /// Whether all of it fitted.
    fn name(&mut self, name: &str) -> bool {
        let (out, paint) = (&mut self.scratch.line.out, self.paint);
        out.push(' ');
        out.push_str(paint.dim);
        let mut text = Escaped::new(out, LINE_MAX, Rule::Console);
        text.push(name);
        let fits = !text.cut;
        out.push('=');
        out.push_str(paint.off);
        fits
    }
}

// === impl Paint ===

impl Paint {
    fn new(level: Level, colour: bool) -> Self {
        if !colour {
            return Self { dim: "", level: "", off: "" };
        }
        let level = match level {
            Level::Trace | Level::Debug => "\x1b[34m",
            Level::Info => "\x1b[32m",
            Level::Notice => "\x1b[1;36m",
            Level::Warn => "\x1b[33m",
            _ => "\x1b[1;31m",
        };
        Self { dim: "\x1b[2m", level, off: "\x1b[0m" }
    }
}
