use super::Schema;
use crate::level::Level;
use crate::line::{Facts, Line};
use crate::pen::Ink;
use crate::site::{Lift, Role};
use crate::stamp::Stamp;

/// Component, operation and error beside an object of all other fields.
pub(crate) enum StreamBus {}

// === impl Schema ===

impl Schema for StreamBus {
    const OPENS: &'static str = ",\"fields\":{";

    fn is_reserved(name: &str) -> bool {
        // The fields are in an object with what else the house says of a line.
        matches!(
            name,
            "target" | "span" | "message" | "service" | "environment" | "version" | "suppressed" | "seq"
        )
    }

    fn special(name: &str) -> Option<Role> {
        match name {
            "component" | "operation" | "stack_trace" => Some(Role::Lifted(Lift::Text)),
            "error" => Some(Role::Lifted(Lift::Chain)),
            _ => None,
        }
    }

    fn push_level(out: &mut String, level: Level, _: &str) {
        out.push_str(match level {
            Level::Trace | Level::Debug => "\",\"level\":\"DEBUG\"",
            Level::Info | Level::Notice => "\",\"level\":\"INFO\"",
            Level::Warn => "\",\"level\":\"WARN\"",
            Level::Error => "\",\"level\":\"ERROR\"",
            Level::Critical | Level::Alert | Level::Emergency => "\",\"level\":\"FATAL\"",
        });
    }

    fn head(line: &mut Line<'_>, facts: &Facts<'_>, stamp: &mut Stamp) {
        line.begin::<Self>("{\"timestamp\":\"", stamp, facts);
    }

    fn tail(line: &mut Line<'_>, facts: &Facts<'_>, ink: &mut Ink) {
        line.open::<Self>();
        line.push(",\"target\":");
        line.push(&facts.site.target);
        if let Some(span) = facts.span {
            line.text(",\"span\":", span);
        }
        if let Some(context) = facts.context {
            line.ids(context, &mut facts.pen(ink));
        }
        line.push(&facts.who.tail);
        line.turn(facts.who);
        line.close::<Self>();
        if facts.who.source {
            line.push(&facts.site.place);
        }
    }
}
