//! The line for people: what happened first, then what is known of it, and errors in full below.

use std::fmt::Write;

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
use crate::redact::{Action, Redaction};
use crate::schema::Who;
use crate::scope::{Fields, SpanFields};
use crate::scratch::{Buffers, Scratch};
use crate::stamp;
use crate::text::{Escaped, Rule, VALUE_MAX};
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
                let name = field.key.name();
                // It was written as a duration if it has a unit now.
                let unit = field.text.ends_with(['s', 'm']).then(|| name.strip_suffix("_ms")).flatten();
                line.field(field.key, unit.unwrap_or(name), field.text.len(), false, |out, _| {
                    out.push_str(field.text);
                    field.cut
                });
            }
        }
    }
    if let Some(context) = Context::current() {
        let id = context.correlation_id();
        line.id("correlation_id", id.as_str());
    }
    let suppressed = line.scratch.line.suppressed;
    if suppressed > 0 {
        line.last("suppressed", itoa::Buffer::new().format(suppressed));
    }
    if line.truncated {
        line.last("truncated", "true");
    }
    line.end();
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
    line.end();
}

/// Renders a field of a span.
pub(crate) fn render(fields: &mut Fields, name: &'static str, value: Value<'_>, pen: &mut Pen<'_>) {
    if !pen.drops() {
        fields.render(Key::new(name), false, |out, end| write_value(out, end, name, value, pen));
    }
}

fn head(scratch: &mut Scratch, level: Level, target: &str, paint: Paint) {
    let Scratch { line, stamp, .. } = scratch;
    let out = &mut line.out;
    let level = label(level);
    out.push_str(paint.dim);
    stamp.write_clock(out, stamp::wall());
    out.push_str(paint.off);
    out.push(' ');
    out.push_str(paint.level);
    pad(out, 5_usize.saturating_sub(level.len()));
    out.push_str(level);
    out.push_str(paint.off);
    out.push(' ');
    out.push_str(paint.dim);
    let start = out.len();
    let end = value_end(out);
    Escaped::new(out, end, Rule::Console).push(target);
    out.push(':');
    let width = out[start..].chars().count();
    out.push_str(paint.off);
    pad(out, TARGET_WIDTH.saturating_sub(width));
}

/// So wide are times, levels and most targets, that messages begin in one column.
const TARGET_WIDTH: usize = 16;

/// More of an id is only in the way: so much is enough to search for.
const ID_WIDTH: usize = 8;

fn pad(out: &mut String, width: usize) {
    out.extend(std::iter::repeat_n(' ', width));
}

/// Five letters at most.
fn label(level: Level) -> &'static str {
    match level {
        Level::Notice => "NOTE",
        Level::Critical => "CRIT",
        Level::Emergency => "EMERG",
        other => other.as_str(),
    }
}

/// How many milliseconds a field says that something took, and its name without the unit.
fn duration<'n>(name: &'n str, value: Value<'_>) -> Option<(&'n str, f64)> {
    let name = name.strip_suffix("_ms").filter(|name| !name.is_empty())?;
    #[expect(clippy::cast_precision_loss, reason = "it is rounded for people")]
    let ms = match value {
        Value::F64(ms) => ms,
        Value::U64(ms) => ms as f64,
        Value::I64(ms) => ms as f64,
        _ => return None,
    };
    (ms.is_finite() && ms >= 0.0).then_some((name, ms))
}

/// `850µs`, `12.3ms`, `1.23s`, `2m03s`, `1h02m`.
fn push_duration(out: &mut String, ms: f64) {
    let seconds = ms / 1_000.0;
    // Writing to a string does not fail.
    let _ = match ms {
        0.0..1.0 => write!(out, "{:.0}µs", ms * 1_000.0),
        1.0..10.0 => write!(out, "{ms:.2}ms"),
        10.0..100.0 => write!(out, "{ms:.1}ms"),
        100.0..999.5 => write!(out, "{ms:.0}ms"),
        999.5..59_995.0 => write!(out, "{seconds:.2}s"),
        59_995.0..3_599_500.0 => {
            let seconds = seconds.round();
            write!(out, "{:.0}m{:02.0}s", (seconds / 60.0).floor(), seconds % 60.0)
        }
        _ => {
            let minutes = (seconds / 60.0).round();
            write!(out, "{:.0}h{:02.0}m", (minutes / 60.0).floor(), minutes % 60.0)
        }
    };
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
            let shown = shown_name(name, value, pen);
            let is_error = matches!(value, Value::Error(_));
            self.field(Key::new(name), shown, 0, is_error, |out, end| {
                write_value(out, end, name, value, pen)
            });
        }
        pen.leave(name);
        self.scratch.ink = ink;
    }

    /// A field of so many bytes at least, unless the line has one of that name. A value is written until the line is `end` bytes
    /// long; what has several lines, or is an error, stands below.
    fn field(
        &mut self,
        key: Key,
        shown: &str,
        len: usize,
        is_error: bool,
        write: impl FnOnce(&mut String, usize) -> bool,
    ) {
        if self.scratch.line.keys.has(key) {
            return;
        }
        let start = self.scratch.line.out.len();
        let fits = self.name(shown);
        let Buffers { out, lifted, keys, .. } = &mut self.scratch.line;
        let room = FIELDS_END.saturating_sub(out.len() + lifted.len());
        if !fits || len > room || room == 0 {
            out.truncate(start);
            self.truncated = true;
            return;
        }
        keys.add(key);
        let value = out.len();
        let end = value + room.min(VALUE_MAX);
        self.truncated |= write(out, end);
        if is_error || out[value..].contains('\n') {
            lifted.push_str(BELOW);
            lifted.push_str(self.paint.level);
            Escaped::new(lifted, LINE_MAX, Rule::Console).push(shown);
            lifted.push(':');
            lifted.push_str(self.paint.off);
            lifted.push(' ');
            lifted.push_str(&out[value..]);
            out.truncate(start);
        }
    }

    /// What is short, and fits after all fields, unless the line has a field of that name.
    fn last(&mut self, name: &'static str, text: &str) {
        if !self.scratch.line.keys.has(Key::new(name)) {
            self.name(name);
            self.scratch.line.out.push_str(text);
        }
    }

    /// The beginning of an id, which is enough to search for, unless the line has a field of that name.
    fn id(&mut self, name: &'static str, id: &str) {
        if !self.scratch.line.keys.has(Key::new(name)) {
            let (out, paint) = (&mut self.scratch.line.out, self.paint);
            out.push(' ');
            out.push_str(paint.dim);
            out.push('#');
            out.push_str(&id[..id.floor_char_boundary(ID_WIDTH)]);
            out.push_str(paint.off);
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

    /// Ends it with what stands below, and the line break.
    fn end(&mut self) {
        let Buffers { out, lifted, .. } = &mut self.scratch.line;
        out.push_str(lifted);
        out.push('\n');
    }
}

/// Begins what stands below a line, as a line break in a text does.
const BELOW: &str = "\n             │ ";

/// The name of a field as it is shown: what is shown as a duration has its unit there.
fn shown_name(name: &'static str, value: Value<'_>, pen: &Pen<'_>) -> &'static str {
    match duration(name, value) {
        Some((name, _)) if pen.rule.action == Action::Keep => name,
        _ => name,
    }
}

fn write_value(out: &mut String, end: usize, name: &str, value: Value<'_>, pen: &mut Pen<'_>) -> bool {
    match duration(name, value) {
        Some((_, ms)) if pen.rule.action == Action::Keep => {
            push_duration(out, ms);
            false
        }
        _ => value.write_console(out, end, pen),
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
