//! Fields that stand beside the others: an error, and what a schema has a place of its own for.

use crate::chain;
use crate::key::Key;
use crate::line::Line;
use crate::pen::Pen;
use crate::redact::Action;
use crate::schema::{self, Schema};
use crate::site::{Lift, push_key};
use crate::text::VALUE_MAX;
use crate::value::Value;

// === impl Line ===

impl Line<'_> {
    pub(crate) fn lifted<F: Schema>(&mut self, key: Key, lift: Lift, value: Value<'_>, pen: &mut Pen<'_>) {
        if lift == Lift::Otel {
            self.field::<F>(key, "", key.name().len(), |out, end| write(out, end, key, lift, value, pen));
            return;
        }
        if self.buffers.keys.has(key) {
            return;
        }
        let room = self.end().saturating_sub(self.buffers.out.len());
        if room < key.name().len() {
            self.truncated = true;
            return;
        }
        self.buffers.keys.add(key);
        let lifted = &mut self.buffers.lifted;
        let end = lifted.len() + room;
        self.truncated |= write(lifted, end, key, lift, value, pen);
        let stack = Key::new("stack_trace");
        if let (Lift::Chain, Value::Error(error)) = (lift, value)
            && pen.rule.action == Action::Keep
            && !self.buffers.keys.has(stack)
            && let Some(cut) = chain::write_stack(&mut self.buffers.lifted, end, error, pen)
        {
            self.buffers.keys.add(stack);
            self.truncated |= cut;
        }
    }
}

/// Appends what stands beside the fields, with its comma.
pub(crate) fn write(
    out: &mut String,
    end: usize,
    key: Key,
    lift: Lift,
    value: Value<'_>,
    pen: &mut Pen<'_>,
) -> bool {
    let end = end.min(out.len() + VALUE_MAX);
    let shown = pen.rule.action == Action::Keep;
    match (lift, value) {
        (Lift::Otel, value) => schema::push_exception(out, end, value, pen),
        (Lift::Ecs, Value::Error(error)) if shown => chain::write_ecs(out, end, error, pen),
        (Lift::Ecs, value) => {
            out.push_str(",\"error.message\":");
            value.write_json(out, end, pen)
        }
        (Lift::Chain, Value::Error(error)) if shown => {
            push_key(out, key);
            chain::write_text(out, end, error, pen)
        }
        (Lift::Text | Lift::Chain, value) => {
            push_key(out, key);
            value.write_json(out, end, pen)
        }
    }
}
