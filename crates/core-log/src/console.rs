//! The line for people.

use core_context::Context;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer;
use tracing_subscriber::registry::LookupSpan;

use crate::event;
use crate::json::LINE_MAX;
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

/// Writes the line of an event, with its line break.
pub(crate) fn write<S>(scratch: &mut Scratch, event: &Event<'_>, ctx: &layer::Context<'_, S>, colour: bool)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let level = event::level(event);
    let paint = Paint::new(level, colour);
    head(scratch, level, event.metadata().target(), paint);
    event.record(&mut Each(|key, value: Value<'_>| {
        if key == "message" {
            scratch.out.push(' ');
            value.write_message(&mut Escaped::new(&mut scratch.out, Rule::Console));
        }
    }));
    event.record(&mut Each(|key, value: Value<'_>| match key {
        "message" => {}
        "severity" if matches!(value, Value::Str(_)) => {}
        key => field(scratch, key, paint, |out| value.write_console(out)),
    }));
    for span in ctx.event_scope(event).into_iter().flatten() {
        if let Some(fields) = span.extensions().get::<SpanFields<Console>>() {
            for (key, text) in fields.iter() {
                field(scratch, key, paint, |out| out.push_str(text));
            }
        }
    }
    if let Some(context) = Context::current() {
        let id = context.correlation_id();
        field(scratch, "correlation_id", paint, |out| out.push_str(id.as_str()));
    }
    scratch.out.push('\n');
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
    Escaped::new(out, Rule::Console).push(target);
    out.push(':');
    out.push_str(paint.off);
}

/// A field, unless the line has one of that name.
fn field(scratch: &mut Scratch, name: &'static str, paint: Paint, write: impl FnOnce(&mut String)) {
    let Scratch { out, keys, .. } = scratch;
    let key = Key { name, renamed: false };
    if out.len() > LINE_MAX || keys.iter().any(|known| known.is(key)) {
        return;
    }
    keys.push(key);
    out.push(' ');
    out.push_str(paint.dim);
    Escaped::new(out, Rule::Console).push(name);
    out.push('=');
    out.push_str(paint.off);
    write(out);
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
