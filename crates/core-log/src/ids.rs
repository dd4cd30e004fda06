//! The ids of a context in a line.

use core_context::Context;

use crate::key::Key;
use crate::line::Line;
use crate::pen::Pen;
use crate::scratch::Buffers;
use crate::value::quoted;

/// The most of the ids of a context together, and of each of them alone if they are more.
const IDS_MAX: usize = 1024;

/// What a context may bring.
const IDS: [Key; 7] = [
    Key::new("correlation_id"),
    Key::new("trace_id"),
    Key::new("span_id"),
    Key::new("request_id"),
    Key::new("user_id"),
    Key::new("tenant"),
    Key::new("remote_trace_id"),
];

/// The bits of them.
const IDS_MASK: u64 = {
    let (mut mask, mut at) = (0, 0);
    while at < IDS.len() {
        mask |= IDS[at].bit();
        at += 1;
    }
    mask
};

// === impl Line ===

impl Line<'_> {
    /// The ids of the context as attributes, apart from those of the trace, which have places of their own.
    pub(crate) fn id_pairs(&mut self, context: &Context, pen: &mut Pen<'_>) {
        let Buffers { out, keys, .. } = &mut *self.buffers;
        let mut rest = context.log_fragment();
        for name in context.log_keys() {
            let Some((value, after)) = member(rest, name) else { break };
            rest = after;
            if matches!(*name, "trace_id" | "span_id") || keys.has(Key::new(name)) {
                continue;
            }
            out.push_str(",{\"key\":\"");
            out.push_str(name);
            out.push_str("\",\"value\":{\"stringValue\":");
            let end = out.len() + IDS_MAX;
            match context.user() {
                Some(user) if *name == "user_id" => {
                    self.truncated |= quoted(out, end, |out| out.push(pen.id(&user.id)));
                }
                _ if value.len() > IDS_MAX => {
                    let value = context.log_value(name).unwrap_or_default();
                    self.truncated |= quoted(out, end, |out| out.push(&value));
                }
                // What could break a line was escaped when it was made.
                _ => out.push_str(value),
            }
            out.push_str("}}");
        }
        pen.leave("user_id");
    }

    /// The ids of the context, as members of where the line is: all of which it has no field.
    pub(crate) fn ids(&mut self, context: &Context, pen: &mut Pen<'_>) {
        let Buffers { out, keys, .. } = &mut *self.buffers;
        let ids = context.log_fragment();
        // What could break a line was escaped when it was made.
        let is_free = keys.has_none(IDS_MASK) || !IDS.iter().any(|key| keys.has(*key));
        if ids.len() <= IDS_MAX && is_free && context.user().is_none_or(|user| pen.is_clean(&user.id)) {
            out.push(',');
            out.push_str(ids);
            return;
        }
        let names = context.log_keys();
        let taken = |name: &'static str| keys.has(Key::new(name));
        for name in names.iter().filter(|name| !taken(name)) {
            let owned;
            let value = match context.user() {
                // It may be as long as a caller likes.
                Some(user) if *name == "user_id" => pen.id(&user.id),
                _ => {
                    owned = context.log_value(name).unwrap_or_default();
                    &*owned
                }
            };
            out.push_str(",\"");
            out.push_str(name);
            out.push_str("\":");
            let end = out.len() + IDS_MAX;
            self.truncated |= quoted(out, end, |out| out.push(value));
        }
        pen.leave("user_id");
    }

    /// The same where no field can stand in the way: in an object of their own.
    pub(crate) fn labels(&mut self, context: &Context, pen: &mut Pen<'_>) {
        self.buffers.keys.clear();
        self.ids(context, pen);
    }
}

/// The value in quotes of the member of that name which the text begins with, and what comes after it.
fn member<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let text = text.strip_prefix(',').unwrap_or(text);
    let value = text.strip_prefix('"')?.strip_prefix(name)?.strip_prefix("\":")?;
    let mut escaped = false;
    let is_end = |byte: &u8| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    };
    let len = value.as_bytes().get(1..)?.iter().position(is_end)? + 2;
    Some(value.split_at(len))
}
