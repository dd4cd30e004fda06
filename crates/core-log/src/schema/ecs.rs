use super::Schema;
use crate::level::Level;
use crate::line::{Facts, Line};
use crate::pen::Ink;
use crate::site::{Lift, Role};
use crate::stamp::Stamp;

/// The Elastic Common Schema, with dots in its keys.
pub(crate) enum Ecs {}

/// What the schema has at its top: objects, which a plain value must not take the place of.
const ROOTS: [&str; 47] = [
    "@timestamp",
    "agent",
    "client",
    "cloud",
    "container",
    "data_stream",
    "destination",
    "device",
    "dll",
    "dns",
    "ecs",
    "email",
    "event",
    "faas",
    "file",
    "gen_ai",
    "group",
    "hash",
    "host",
    "http",
    "interface",
    "labels",
    "log",
    "message",
    "network",
    "observer",
    "orchestrator",
    "organization",
    "os",
    "package",
    "process",
    "registry",
    "related",
    "rule",
    "server",
    "service",
    "source",
    "span",
    "tags",
    "threat",
    "tls",
    "trace",
    "transaction",
    "url",
    "user",
    "user_agent",
    "volume",
];

// === impl Schema ===

impl Schema for Ecs {
    fn is_reserved(name: &str) -> bool {
        ROOTS.contains(&name)
            || matches!(
                name,
                "log.level"
                    | "log.logger"
                    | "ecs.version"
                    | "service.name"
                    | "service.environment"
                    | "service.version"
                    | "trace.id"
                    | "span.id"
                    | "span.name"
                    | "error.message"
                    | "error.type"
                    | "error.code"
                    | "error.stack_trace"
                    | "event.sequence"
                    | "truncated"
                    | "suppressed"
            )
            || name.starts_with("log.origin.")
            || name.starts_with("labels.")
    }

    fn special(name: &str) -> Option<Role> {
        (name == "error").then_some(Role::Lifted(Lift::Ecs))
    }

    fn push_level(out: &mut String, level: Level, target: &str) {
        out.push_str("\",\"log.level\":\"");
        out.push_str(match level {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Notice => "notice",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Critical => "critical",
            Level::Alert => "alert",
            Level::Emergency => "emergency",
        });
        out.push_str("\",\"log.logger\":");
        out.push_str(target);
    }

    fn head(line: &mut Line<'_>, facts: &Facts<'_>, stamp: &mut Stamp) {
        line.begin::<Self>("{\"@timestamp\":\"", stamp, facts);
    }

    fn tail(line: &mut Line<'_>, facts: &Facts<'_>, ink: &mut Ink) {
        line.close::<Self>();
        if let Some(span) = facts.span {
            line.text(",\"span.name\":", span);
        }
        if let Some(context) = facts.context {
            if let Some(trace) = context.trace() {
                line.push(",\"trace.id\":\"");
                line.push(str::from_utf8(&trace.trace_id.to_hex()).unwrap_or_default());
                line.push("\",\"span.id\":\"");
                line.push(str::from_utf8(&trace.span_id.to_hex()).unwrap_or_default());
                line.push("\"");
            }
            line.push(",\"labels\":{");
            let start = line.buffers.out.len();
            line.labels(context, &mut facts.pen(ink));
            if line.buffers.out[start..].starts_with(',') {
                line.buffers.out.remove(start);
            }
            line.push("}");
        }
        if facts.who.source && !facts.site.line.is_empty() {
            line.push(",\"log.origin.file.name\":");
            line.push(&facts.site.file);
            line.push(",\"log.origin.file.line\":");
            line.push(&facts.site.line);
        }
        line.turn(facts.who);
        line.push(&facts.who.tail);
        line.push(",\"ecs.version\":\"8.11.0\"");
    }
}
