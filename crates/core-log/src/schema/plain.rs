use super::Schema;
use crate::level::Level;
use crate::line::{Facts, Line};
use crate::pen::Ink;
use crate::stamp::Stamp;

/// One flat object.
pub(crate) enum Plain {}

// === impl Schema ===

impl Schema for Plain {
    fn is_reserved(name: &str) -> bool {
        matches!(
            name,
            "timestamp"
                | "level"
                | "target"
                | "span"
                | "message"
                | "file"
                | "line"
                | "service"
                | "environment"
                | "version"
                | "truncated"
                | "suppressed"
                | "seq"
        )
    }

    fn push_level(out: &mut String, level: Level, target: &str) {
        out.push_str("\",\"level\":\"");
        out.push_str(level.as_str());
        out.push_str("\",\"target\":");
        out.push_str(target);
    }

    fn head(line: &mut Line<'_>, facts: &Facts<'_>, stamp: &mut Stamp) {
        line.begin::<Self>("{\"timestamp\":\"", stamp, facts);
        if let Some(span) = facts.span {
            line.text(",\"span\":", span);
        }
    }

    fn tail(line: &mut Line<'_>, facts: &Facts<'_>, ink: &mut Ink) {
        if let Some(context) = facts.context {
            line.ids(context, &mut facts.pen(ink));
        }
        if facts.who.source {
            line.push(&facts.site.place);
        }
        line.push(&facts.who.tail);
        line.turn(facts.who);
    }
}
