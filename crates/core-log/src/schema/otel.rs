use std::error::Error;

use super::Schema;
use crate::chain;
use crate::key::Key;
use crate::level::Level;
use crate::line::{Facts, Line};
use crate::pen::{Ink, Pen};
use crate::redact::Action;
use crate::site::{Lift, Role, push_name};
use crate::stamp::Stamp;
use crate::value::{Value, quoted};

/// OTLP/JSON, a request of one record a line: what the specification of the OTLP file exporter calls JSON lines, and collectors
/// read as it is.
pub(crate) enum Otel {}

// === impl Schema ===

impl Schema for Otel {
    const OPENS: &'static str = ",\"attributes\":[";
    const CLOSES: &'static str = "]";
    const MESSAGE: [&'static str; 2] = [",\"body\":{\"stringValue\":\"", "\"}"];

    fn is_reserved(name: &str) -> bool {
        matches!(
            name,
            "exception.message"
                | "exception.type"
                | "exception.stacktrace"
                | "error.type"
                | "code.file.path"
                | "code.line.number"
                | "log.record.uid"
                | "span.name"
                | "truncated"
                | "suppressed"
        )
    }

    fn special(name: &str) -> Option<Role> {
        (name == "error").then_some(Role::Lifted(Lift::Otel))
    }

    fn push_key(out: &mut String, key: Key) -> bool {
        push_name(out, ",{\"key\":\"", key, "\",\"value\":")
    }

    fn push_value(out: &mut String, end: usize, value: Value<'_>, pen: &mut Pen<'_>) -> bool {
        let cut = push_any(out, end, value, pen);
        out.push('}');
        cut
    }

    fn push_level(out: &mut String, level: Level, _: &str) {
        // As the data model maps those of syslog up to an error. FATAL is CRITICAL here, and what is above it follows in the order
        // that the exporter for Cloud Logging turns back into the same names.
        out.push_str(match level {
            Level::Trace => "\",\"severityNumber\":1,\"severityText\":\"",
            Level::Debug => "\",\"severityNumber\":5,\"severityText\":\"",
            Level::Info => "\",\"severityNumber\":9,\"severityText\":\"",
            Level::Notice => "\",\"severityNumber\":10,\"severityText\":\"",
            Level::Warn => "\",\"severityNumber\":13,\"severityText\":\"",
            Level::Error => "\",\"severityNumber\":17,\"severityText\":\"",
            Level::Critical => "\",\"severityNumber\":21,\"severityText\":\"",
            Level::Alert => "\",\"severityNumber\":23,\"severityText\":\"",
            Level::Emergency => "\",\"severityNumber\":24,\"severityText\":\"",
        });
        out.push_str(level.as_str());
        out.push('"');
    }

    fn head(line: &mut Line<'_>, facts: &Facts<'_>, _: &mut Stamp) {
        // What the resource is was made once.
        line.push(&facts.who.tail);
        line.push(&facts.site.target);
        line.push("},\"logRecords\":[{\"timeUnixNano\":\"");
        let nanos = u64::try_from(line.moment.at.as_nanos()).unwrap_or_default();
        line.push(itoa::Buffer::new().format(nanos));
        line.level::<Self>(facts);
        if let Some(trace) = facts.context.and_then(|context| context.trace()) {
            line.push(",\"traceId\":\"");
            line.push(str::from_utf8(&trace.trace_id.to_hex()).unwrap_or_default());
            line.push("\",\"spanId\":\"");
            line.push(str::from_utf8(&trace.span_id.to_hex()).unwrap_or_default());
            let flags = u8::from(trace.flags.sampled) | u8::from(trace.flags.random) << 1;
            line.push("\",\"flags\":");
            line.push(itoa::Buffer::new().format(flags));
        }
    }

    fn tail(line: &mut Line<'_>, facts: &Facts<'_>, ink: &mut Ink) {
        line.open::<Self>();
        if let Some(span) = facts.span {
            line.text(",{\"key\":\"span.name\",\"value\":{\"stringValue\":", span);
            line.push("}}");
        }
        if let Some(context) = facts.context {
            line.id_pairs(context, &mut facts.pen(ink));
        }
        if facts.who.source && !facts.site.line.is_empty() {
            line.push(",{\"key\":\"code.file.path\",\"value\":{\"stringValue\":");
            line.push(&facts.site.file);
            line.push("}},{\"key\":\"code.line.number\",\"value\":{\"intValue\":\"");
            line.push(&facts.site.line);
            line.push("\"}}");
        }
        line.turn_digits(facts.who, "\"}}");
    }

    fn end(line: &mut Line<'_>) {
        if line.buffers.suppressed > 0 {
            line.push(",{\"key\":\"suppressed\",\"value\":{\"intValue\":\"");
            let suppressed = line.buffers.suppressed;
            line.push(itoa::Buffer::new().format(suppressed));
            line.push("\"}}");
        }
        if line.truncated {
            line.push(",{\"key\":\"truncated\",\"value\":{\"boolValue\":true}}");
        }
        line.close::<Self>();
        line.push("}]}]}]}\n");
    }
}

/// What a line begins with, up to the target: who writes.
pub(super) fn resource([service, environment, version]: [&str; 3]) -> String {
    let attributes = [
        ("service.name", service),
        ("service.version", version),
        ("deployment.environment.name", environment),
    ];
    let attributes =
        attributes.map(|(key, value)| format!(r#"{{"key":"{key}","value":{{"stringValue":{value}}}}}"#));
    let attributes = attributes.join(",");
    format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{attributes}]}},"scopeLogs":[{{"scope":{{"name":"#
    )
}

/// Appends an error as the attributes that the conventions have for one.
pub(crate) fn push_exception(out: &mut String, end: usize, value: Value<'_>, pen: &mut Pen<'_>) -> bool {
    const MESSAGE: &str = ",{\"key\":\"exception.message\",\"value\":";
    out.push_str(MESSAGE);
    match value {
        Value::Error(error) if pen.rule.action == Action::Keep => {
            out.push_str("{\"stringValue\":");
            let cut = chain::write_text(out, end, error, pen);
            out.push_str("}}");
            cut | push_facts(out, end, error, pen)
        }
        value => Otel::push_value(out, end, value, pen),
    }
}

/// What one of ours says beside its message.
fn push_facts(out: &mut String, end: usize, error: &(dyn Error + 'static), pen: &mut Pen<'_>) -> bool {
    let Some(error) = error.downcast_ref::<core_errors::Error>() else { return false };
    let category = error.category().as_str();
    let mut cut = false;
    let mut pair = |key, word: &str| {
        out.push_str(key);
        let end = out.len() + chain::WORD_MAX;
        cut |= quoted(out, end, |out| out.push(word));
        out.push_str("}}");
    };
    let code = error.code();
    pair(
        ",{\"key\":\"exception.type\",\"value\":{\"stringValue\":",
        code.as_ref().map_or(category, |code| code.as_str()),
    );
    pair(",{\"key\":\"error.type\",\"value\":{\"stringValue\":", category);
    let before = out.len();
    cut |= chain::backtrace(
        out,
        end,
        ",{\"key\":\"exception.stacktrace\",\"value\":{\"stringValue\":",
        error,
        pen,
    );
    if out.len() > before {
        out.push_str("}}");
    }
    cut
}

/// Appends a value with its type. Says whether it had to be cut.
fn push_any(out: &mut String, end: usize, value: Value<'_>, pen: &mut Pen<'_>) -> bool {
    let shown = pen.rule.action == Action::Keep;
    let number = match value {
        Value::I64(value) => Some(value),
        Value::U64(value) => i64::try_from(value).ok(),
        _ => None,
    };
    if let Some(number) = number.filter(|_| shown) {
        if let Some(hidden) = u64::try_from(number).ok().and_then(|number| pen.card(number)) {
            return text(out, |out| quoted(out, end, |out| out.push(hidden)));
        }
        // 64 bits are text there.
        out.push_str("{\"intValue\":\"");
        out.push_str(itoa::Buffer::new().format(number));
        out.push_str("\"}");
        return false;
    }
    match value {
        // A value without one: it is no number of JSON.
        Value::F64(value) if shown && !value.is_finite() => out.push_str("{}"),
        Value::F64(_) if shown => {
            out.push_str("{\"doubleValue\":");
            value.write_json(out, end, pen);
            out.push('}');
        }
        Value::Bool(value) if shown => {
            out.push_str(if value { "{\"boolValue\":true}" } else { "{\"boolValue\":false}" });
        }
        // More than 63 bits.
        Value::U64(value) if shown => {
            text(out, |out| quoted(out, end, |out| out.push(itoa::Buffer::new().format(value))));
        }
        Value::Error(error) if shown => return text(out, |out| chain::write_text(out, end, error, pen)),
        value => return text(out, |out| value.write_json(out, end, pen)),
    }
    false
}

fn text(out: &mut String, write: impl FnOnce(&mut String) -> bool) -> bool {
    out.push_str("{\"stringValue\":");
    let cut = write(out);
    out.push('}');
    cut
}
