//! A line for machines in the making: the fields, each once, in the bounds of a line.

use std::panic::Location;
use std::sync::atomic::Ordering;

use core_context::Context;
use tracing::field::Field;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::chain;
use crate::event;
use crate::key::Key;
use crate::level::Level;
use crate::lifted;
use crate::logger::Bound;
use crate::moment::Moment;
use crate::pen::{self, Ink, Pen};
use crate::redact::{Action, Redaction};
use crate::schema::{Schema, Who};
use crate::scope::{Fields, Operation, SpanFields};
use crate::scratch::{Buffers, Scratch};
use crate::site::{self, Lift, Role, Site, Slot};
use crate::stage::{StageId, StageMark};
use crate::stamp::Stamp;
use crate::text::{Escaped, Rule, VALUE_MAX};
use crate::value::{Each, Value, quoted};

/// The most of one line, in bytes. What collects lines cuts or drops longer ones: 256 KB is the bound of Cloud Logging, and
/// some shippers stop at 64 KiB.
pub(crate) const LINE_MAX: usize = 64 * 1024;

/// Where the fields end: the rest of the line is for the ids and for who writes. A value that begins before ends there, up to
/// a mark and the closing brackets of an error.
pub(crate) const FIELDS_END: usize = LINE_MAX - 6 * 1024;

/// The most of an id that stands beside the fields.
const OPERATION_ID_MAX: usize = 1024;

/// What the head and the tail of a line are made of.
pub(crate) struct Facts<'a> {
    pub(crate) level: Level,
    pub(crate) site: &'a Site,
    /// The innermost.
    pub(crate) span: Option<&'static str>,
    pub(crate) context: Option<&'a Context>,
    pub(crate) who: &'a Who,
}

/// A line in the making.
pub(crate) struct Line<'a> {
    pub(crate) buffers: &'a mut Buffers,
    pub(crate) moment: Moment,
    pub(crate) truncated: bool,
    /// Whether it has a message.
    pub(crate) said: bool,
    /// Where the container of the fields begins, in schemas that have one.
    inside: Option<usize>,
    /// The stage that ends with it.
    ends: Option<StageId>,
    /// Whether it is known of which run of a stage it is.
    in_operation: bool,
    /// Where the first error of ours was made.
    pub(crate) failed_at: Option<&'static Location<'static>>,
}

/// Writes the line of an event, with its line break.
pub(crate) fn write<F: Schema, S>(
    scratch: &mut Scratch,
    event: &Event<'_>,
    ctx: &layer::Context<'_, S>,
    who: &Who,
) -> Level
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Scratch { line, stamp, sites, ink, .. } = scratch;
    let site = sites.get::<F>(who.log, event.metadata(), &who.redaction);
    let context = Context::current();
    let level = if site.has_severity { event::level(event) } else { site.level };
    let span = ctx.event_span(event);
    let name = span.as_ref().map(SpanRef::name);
    let facts = Facts { level, site: &site, span: name, context: context.as_ref(), who };
    let mut line = Line::new(line, who);
    F::head(&mut line, &facts, stamp);
    event.record(&mut Each(|field: &Field, value: Value<'_>| {
        if let Some(slot) = site.slots.get(field.index()) {
            let pen = &mut Pen { policy: &who.redaction, ink, rule: slot.rule };
            if let Value::Operation(_) = value
                && F::HAS_OPERATIONS
                && matches!(slot.rule.action, Action::Keep | Action::Hash)
            {
                line.whole_operation(value, who, pen);
            }
            line.slot::<F>(slot, value, pen);
            pen.leave(field.name());
        }
    }));
    if site.has_logger {
        event.record(&mut Each(|_: &Field, value: Value<'_>| {
            if let Some(bound) = value.as_bound() {
                line.bound::<F>(bound, &who.redaction, ink);
            }
        }));
    }
    let mut next = span;
    while let Some(span) = next {
        if let Some(SpanFields { fields, operation, .. }) = span.extensions().get::<SpanFields<F>>() {
            line.span::<F>(fields);
            if let Some(operation) = operation {
                line.operation(operation, who);
            }
        }
        next = span.parent();
    }
    F::tail(&mut line, &facts, ink);
    F::end(&mut line);
    level
}

/// Writes a line of the log itself: a warning.
pub(crate) fn own<F: Schema>(
    buffers: &mut Buffers,
    stamp: &mut Stamp,
    who: &Who,
    message: &str,
    fields: &[(&'static str, Value<'_>)],
) {
    let site = Site::own::<F>();
    let facts = Facts { level: Level::Warn, site: &site, span: None, context: None, who };
    buffers.suppressed = 0;
    let mut line = Line::new(buffers, who);
    F::head(&mut line, &facts, stamp);
    let mut ink = Ink::default();
    let pen = &mut facts.pen(&mut ink);
    line.message::<F>(Value::Str(message), pen);
    for (key, value) in fields {
        line.named::<F>(Key::new(key), *value, pen);
    }
    F::tail(&mut line, &facts, &mut ink);
    F::end(&mut line);
}

/// Renders a field of a span.
pub(crate) fn render<F: Schema>(fields: &mut Fields, slot: &Slot, value: Value<'_>, pen: &mut Pen<'_>) {
    if pen.drops() {
        return;
    }
    match slot.role {
        Role::Lifted(lift) => {
            fields.render(slot.key, lift != Lift::Otel, |out, end| {
                lifted::write(out, end, slot.key, lift, value, pen)
            });
        }
        _ if slot.json.is_empty() => fields.full = true,
        _ => fields.render(F::span_key(slot.key), false, |out, end| {
            if slot.role == Role::Field {
                out.push_str(&slot.json);
            } else {
                F::push_key(out, F::span_key(slot.key));
            }
            F::push_value(out, end, value, pen)
        }),
    }
}

// === impl Facts ===

impl Facts<'_> {
    /// For what is not a field.
    pub(crate) fn pen<'a>(&'a self, ink: &'a mut Ink) -> Pen<'a> {
        Pen { policy: &self.who.redaction, ink, rule: pen::Rule::TEXT }
    }
}

// === impl Line ===

impl<'a> Line<'a> {
    fn new(buffers: &'a mut Buffers, who: &Who) -> Self {
        Self {
            buffers,
            moment: if who.turn.is_some() { Moment::numbered() } else { Moment::now() },
            truncated: false,
            said: false,
            inside: None,
            ends: None,
            in_operation: false,
            failed_at: None,
        }
    }
}

impl Line<'_> {
    /// `{"time":"<now>","level":"<name>"`, with keys and name of the schema.
    pub(crate) fn begin<F: Schema>(&mut self, time: &str, stamp: &mut Stamp, facts: &Facts<'_>) {
        let out = &mut self.buffers.out;
        out.push_str(time);
        stamp.write(out, self.moment.at);
        self.level::<F>(facts);
    }

    /// What follows the time. It is ready, unless the event says a level of its own.
    pub(crate) fn level<F: Schema>(&mut self, facts: &Facts<'_>) {
        if facts.level == facts.site.level {
            self.push(&facts.site.head);
        } else {
            F::push_level(&mut self.buffers.out, facts.level, &facts.site.target);
        }
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.buffers.out.push_str(text);
    }

    /// A member of the schema, which has a bound of its own.
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        let out = &mut self.buffers.out;
        out.push_str(key);
        let end = value_end(out);
        self.truncated |= quoted(out, end, |out| out.push(text));
    }

    fn slot<F: Schema>(&mut self, slot: &Slot, value: Value<'_>, pen: &mut Pen<'_>) {
        if pen.drops() {
            return;
        }
        if let Value::Error(error) = value
            && self.failed_at.is_none()
        {
            self.failed_at = chain::location(error);
        }
        if let Value::Stage(StageMark { id, ends: true }) = value {
            self.ends = Some(id);
        }
        if value.as_bound().is_some() {
            // It loses against what the event says itself.
            return;
        }
        match slot.role {
            Role::Message if !self.said => self.message::<F>(value, pen),
            Role::Severity if matches!(value, Value::Str(text) if Level::asked(text).is_some()) => {}
            Role::Lifted(lift) => self.lifted::<F>(slot.key, lift, value, pen),
            Role::Message => {}
            Role::Field | Role::Severity => {
                self.field::<F>(slot.key, &slot.json, 0, |out, end| F::push_value(out, end, value, pen));
            }
        }
    }

    /// What a logger brings.
    fn bound<F: Schema>(&mut self, bound: &Bound, policy: &Redaction, ink: &mut Ink) {
        self.truncated |= bound.is_full();
        for (name, value) in bound.fields() {
            let pen = &mut Pen { policy, ink, rule: pen::Rule::new(policy, name) };
            match F::slot(name) {
                _ if pen.drops() => {}
                (key, Role::Lifted(lift)) => self.lifted::<F>(key, lift, value, pen),
                (key, role) => {
                    let key = if role == Role::Message { F::span_key(key) } else { key };
                    self.named::<F>(key, value, pen);
                }
            }
            pen.leave(name);
        }
    }

    /// A field whose key was not rendered before.
    fn named<F: Schema>(&mut self, key: Key, value: Value<'_>, pen: &mut Pen<'_>) {
        if !site::fits::<F>(key) {
            self.truncated = true;
            return;
        }
        self.field::<F>(key, "", key.name().len(), |out, end| {
            F::push_key(out, key);
            F::push_value(out, end, value, pen)
        });
    }

    fn message<F: Schema>(&mut self, value: Value<'_>, pen: &mut Pen<'_>) {
        self.said = true;
        let room = self.end().saturating_sub(self.buffers.out.len());
        // The fields may have begun.
        let out = if self.inside.is_some() { &mut self.buffers.lifted } else { &mut self.buffers.out };
        out.push_str(F::MESSAGE[0]);
        let end = out.len() + room.min(VALUE_MAX);
        let mut text = Escaped::new(out, end, Rule::Json);
        value.write_message(&mut text, pen);
        self.truncated |= text.cut;
        out.push_str(F::MESSAGE[1]);
    }

    /// A field of so many bytes at least, unless the line has one of that name. A value is written until the line is `end` bytes
    /// long.
    pub(crate) fn field<F: Schema>(
        &mut self,
        key: Key,
        json: &str,
        len: usize,
        write: impl FnOnce(&mut String, usize) -> bool,
    ) {
        if self.buffers.keys.has(key) {
            return;
        }
        self.open::<F>();
        let end = self.end();
        let Buffers { out, keys, .. } = &mut *self.buffers;
        if json.is_empty() && len == 0 || out.len() + json.len() + len > end {
            self.truncated = true;
            return;
        }
        keys.add(key);
        out.push_str(json);
        let end = end.min(out.len() + VALUE_MAX);
        self.truncated |= write(out, end);
    }

    fn span<F: Schema>(&mut self, fields: &Fields) {
        self.truncated |= fields.full;
        if let Some((text, mask)) = fields.whole()
            && self.buffers.keys.has_none(mask)
            && self.buffers.out.len() + text.len() <= self.end()
        {
            self.open::<F>();
            self.buffers.out.push_str(text);
            fields.iter().for_each(|field| self.buffers.keys.add(field.key));
            return;
        }
        for field in fields.iter() {
            if !field.lifted {
                self.field::<F>(field.key, "", field.text.len(), |out, _| {
                    out.push_str(field.text);
                    field.cut
                });
            } else if !self.buffers.keys.has(field.key) {
                self.buffers.keys.add(field.key);
                if self.buffers.out.len() + field.text.len() <= self.end() {
                    self.buffers.lifted.push_str(field.text);
                    self.truncated |= field.cut;
                } else {
                    self.truncated = true;
                }
            }
        }
    }

    /// Which operation the line is all of. One whose id is not shown is none: all of them would be one.
    fn whole_operation(&mut self, id: Value<'_>, who: &Who, pen: &mut Pen<'_>) {
        if std::mem::replace(&mut self.in_operation, true) {
            return;
        }
        let out = &mut self.buffers.lifted;
        out.push_str(",\"logging.googleapis.com/operation\":{\"id\":");
        let end = out.len() + OPERATION_ID_MAX;
        self.truncated |= id.write_json(out, end, pen);
        out.push_str(",\"producer\":");
        out.push_str(&who.service);
        out.push_str(",\"first\":true,\"last\":true}");
    }

    /// Of which run of a stage the line is: of the innermost.
    fn operation(&mut self, operation: &Operation, who: &Who) {
        if std::mem::replace(&mut self.in_operation, true) {
            return;
        }
        let out = &mut self.buffers.lifted;
        out.push_str(",\"logging.googleapis.com/operation\":{\"id\":\"");
        out.push_str(operation.id.as_str());
        out.push_str("\",\"producer\":");
        out.push_str(&who.service);
        // Lines of several threads may be written at once: one of them is the first.
        if !operation.has_begun.swap(true, Ordering::Relaxed) {
            out.push_str(",\"first\":true");
        }
        if self.ends == Some(operation.stage) {
            out.push_str(",\"last\":true");
        }
        out.push('}');
    }

    /// Closes the container of the fields, if the schema has one, after opening it if there was none.
    pub(crate) fn close<F: Schema>(&mut self) {
        self.open::<F>();
        if let Some(start) = self.inside.take() {
            // Each field brings a comma.
            if self.buffers.out[start..].starts_with(',') {
                self.buffers.out.remove(start);
            }
            self.push(F::CLOSES);
        }
        let Buffers { out, lifted, .. } = &mut *self.buffers;
        out.push_str(lifted);
    }

    pub(crate) fn open<F: Schema>(&mut self) {
        if !F::OPENS.is_empty() && self.inside.is_none() {
            self.push(F::OPENS);
            self.inside = Some(self.buffers.out.len());
        }
    }

    /// Where the fields end.
    pub(crate) fn end(&self) -> usize {
        FIELDS_END.saturating_sub(self.buffers.lifted.len())
    }
}

/// Where a value ends that begins here.
pub(crate) fn value_end(out: &str) -> usize {
    FIELDS_END.min(out.len() + VALUE_MAX)
}
