//! The line for people.

use core_context::Context;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer;
use tracing_subscriber::registry::LookupSpan;

use crate::event;
use crate::json::{FIELDS_END, LINE_MAX, value_end};
use crate::scope::{Console, SpanFields};
use crate::scratch::{Key, Scratch};
use crate::stamp;
use crate::text::{Escaped, Rule};
use crate::value::{Each, Value};

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
    paint: Paint,
    truncated: bool,
}

/// Writes the line of an event, with its line break.
pub(crate) fn write<S>(scratch: &mut Scratch, event: &Event<'_>, ctx: &layer::Context<'_, S>, colour: bool)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let level = event::level(event);
    let paint = Paint::new(level, colour);
    head(scratch, level, event.metadata().target(), paint);
    let mut line = Line { scratch, paint, truncated: false };
    event.record(&mut Each(|key, value: Value<'_>| {
        if key == "message" {
            line.message(value);
        }
    }));
    event.record(&mut Each(|key, value: Value<'_>| {
        if key != "message" && value.is_field(key) {
            line.field(key, 0, |out, end| value.write_console(out, end));
        }
    }));
    for span in ctx.event_scope(event).into_iter().flatten() {
        if let Some(SpanFields { fields, .. }) = span.extensions().get::<SpanFields<Console>>() {
            line.truncated |= fields.full;
            for (key, text, cut) in fields.iter() {
                line.field(key, text.len(), |out, _| {
                    out.push_str(text);
                    cut
                });
            }
        }
    }
    if let Some(context) = Context::current() {
        let id = context.correlation_id();
        line.last("correlation_id", id.as_str());
    }
    if line.truncated {
        line.last("truncated", "true");
    }
    line.scratch.out.push('\n');
}

fn head(scratch: &mut Scratch, level: &str, target: &str, paint: Paint) {
    let Scratch { out, stamp, .. } = scratch;
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
        let out = &mut self.scratch.out;
        out.push(' ');
        let end = value_end(out);
        let mut text = Escaped::new(out, end, Rule::Console);
        value.write_message(&mut text);
        self.truncated |= text.cut;
    }

    /// A field of so many bytes at least, unless the line has one of that name. A value is written until the line is `end` bytes
    /// long.
    fn field(&mut self, name: &'static str, len: usize, write: impl FnOnce(&mut String, usize) -> bool) {
        let key = Key { name, renamed: false };
        if self.scratch.keys.iter().any(|known| known.is(key)) {
            return;
        }
        let start = self.scratch.out.len();
        let fits = self.name(name);
        let out = &mut self.scratch.out;
        if !fits || out.len() + len > FIELDS_END {
            out.truncate(start);
            self.truncated = true;
            return;
        }
        self.scratch.keys.push(key);
        let end = value_end(out);
        self.truncated |= write(out, end);
    }

    /// What is short, and fits after all fields, unless the line has a field of that name.
    fn last(&mut self, name: &'static str, text: &str) {
        if !self.scratch.keys.iter().any(|known| known.is(Key { name, renamed: false })) {
            self.name(name);
            self.scratch.out.push_str(text);
        }
    }

    /// Whether all of it fitted.
    fn name(&mut self, name: &str) -> bool {
        let (out, paint) = (&mut self.scratch.out, self.paint);
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
    fn new(level: &str, colour: bool) -> Self {
        if !colour {
            return Self { dim: "", level: "", off: "" };
        }
        let level = match level {
            "TRACE" | "DEBUG" => "\x1b[34m",
            "INFO" | "NOTICE" => "\x1b[32m",
            "WARN" => "\x1b[33m",
            _ => "\x1b[1;31m",
        };
        Self { dim: "\x1b[2m", level, off: "\x1b[0m" }
    }
}
