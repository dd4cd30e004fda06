use core_context::Context;

use super::Schema;
use crate::level::Level;
use crate::line::{Facts, Line};
use crate::pen::Ink;
use crate::stamp::Stamp;
use crate::value::quoted;

/// The structured form of Google Cloud Logging: what it knows is where it looks for it, all else is payload.
pub(crate) enum Gcp {}

// === impl Schema ===

impl Schema for Gcp {
    const HAS_OPERATIONS: bool = true;

    fn is_reserved(name: &str) -> bool {
        // Cloud Logging takes these out of the payload, or reads the time or an error from them.
        name.starts_with("logging.googleapis.com/")
            || matches!(
                name,
                "severity"
                    | "message"
                    | "time"
                    | "timestamp"
                    | "timestampSeconds"
                    | "timestampNanos"
                    | "timeNanos"
                    | "httpRequest"
                    | "@type"
                    | "serviceContext"
                    | "context"
                    | "stack_trace"
                    | "exception"
                    | "target"
                    | "span"
                    | "truncated"
                    | "suppressed"
            )
    }

    fn push_level(out: &mut String, level: Level, _: &str) {
        out.push_str("\",\"severity\":\"");
        out.push_str(match level {
            Level::Trace | Level::Debug => "DEBUG",
            Level::Info => "INFO",
            Level::Notice => "NOTICE",
            Level::Warn => "WARNING",
            Level::Error => "ERROR",
            Level::Critical => "CRITICAL",
            Level::Alert => "ALERT",
            Level::Emergency => "EMERGENCY",
        });
        out.push('"');
    }

    fn head(line: &mut Line<'_>, facts: &Facts<'_>, stamp: &mut Stamp) {
        line.begin::<Self>("{\"time\":\"", stamp, facts);
    }

    fn tail(line: &mut Line<'_>, facts: &Facts<'_>, ink: &mut Ink) {
        let is_report = facts.level >= Level::Error;
        if is_report && !line.said {
            // A report without a message is refused.
            line.push(",\"message\":");
            line.push(&facts.site.target);
        }
        line.push(",\"target\":");
        line.push(&facts.site.target);
        if let Some(span) = facts.span {
            line.text(",\"span\":", span);
        }
        if let Some(context) = facts.context {
            trace(line, &facts.who.traces, context);
        }
        line.turn_digits(facts.who, "\"");
        // The operation, if it is one.
        line.close::<Self>();
        line.push(",\"logging.googleapis.com/labels\":{");
        line.push(&facts.who.tail);
        if let Some(context) = facts.context {
            line.labels(context, &mut facts.pen(ink));
        }
        line.push("}");
        if facts.who.source && !facts.site.line.is_empty() {
            line.push(",\"logging.googleapis.com/sourceLocation\":{\"file\":");
            line.push(&facts.site.file);
            // 64 bits are text there.
            line.push(",\"line\":\"");
            line.push(&facts.site.line);
            line.push("\",\"function\":");
            line.push(&facts.site.module);
            line.push("}");
        }
        if is_report {
            line.push(&facts.who.failed);
            report_location(line, facts);
        }
    }
}

fn trace(line: &mut Line<'_>, traces: &str, context: &Context) {
    let Some(trace) = context.trace() else { return };
    line.push(",\"logging.googleapis.com/trace\":\"");
    line.push(traces);
    line.push(str::from_utf8(&trace.trace_id.to_hex()).unwrap_or_default());
    line.push("\",\"logging.googleapis.com/spanId\":\"");
    line.push(str::from_utf8(&trace.span_id.to_hex()).unwrap_or_default());
    line.push("\",\"logging.googleapis.com/trace_sampled\":");
    line.push(if trace.flags.sampled { "true" } else { "false" });
}

/// Where the error was made; where it was logged if that is not known.
fn report_location(line: &mut Line<'_>, facts: &Facts<'_>) {
    line.push(",\"context\":{\"reportLocation\":{\"filePath\":");
    if let Some(at) = line.failed_at {
        let out = &mut line.buffers.out;
        let end = out.len() + 1024;
        quoted(out, end, |out| out.push(at.file()));
        out.push_str(",\"lineNumber\":");
        out.push_str(itoa::Buffer::new().format(at.line()));
    } else {
        line.push(&facts.site.file);
        line.push(",\"lineNumber\":");
        line.push(if facts.site.line.is_empty() { "0" } else { &facts.site.line });
    }
    line.push(",\"functionName\":");
    line.push(&facts.site.module);
    line.push("}}");
}
