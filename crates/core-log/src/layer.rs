use std::fmt;
use std::sync::atomic::Ordering;

use core_time::Instant;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{self, Interest};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::console::Console;
use crate::error::ConfigError;
use crate::format::Format;
use crate::handle::LogHandle;
use crate::level::Level;
use crate::losses::Losses;
use crate::pen::{Pen, Rule};
use crate::redact::{Kind, Redacted};
use crate::request_level::RequestLevel;
use crate::sampling::{Count, Sampling};
use crate::schema::{Ecs, Gcp, Otel, Plain, Schema, StreamBus, Who};
use crate::scope::{Fields, Operation, SpanFields};
use crate::scratch::Scratch;
use crate::sink::Sink;
use crate::stage::StageId;
use crate::value::{Each, Value};
use crate::writer::Closer;
use crate::{console, event, last, line, schema, scratch};

/// The layer that writes lines. Made by [`Builder::layer`](crate::Builder::layer).
///
/// Its levels hold for the whole subscriber it is in: what they exclude is disabled at the callsite, for other layers too.
pub struct LogLayer {
    pub(crate) format: Format,
    pub(crate) colour: bool,
    pub(crate) who: Who,
    pub(crate) output: Output,
    pub(crate) sampling: Option<Sampling>,
    /// When seconds began to be counted.
    pub(crate) start: Instant,
    pub(crate) handle: LogHandle,
    /// Lines that were lost where there is no queue.
    pub(crate) losses: Losses,
}

/// How lines get to where they go.
pub(crate) enum Output {
    Now(Sink),
    Queued(Closer),
}

// === impl LogLayer ===

impl LogLayer {
    /// Makes this layer, alone, the log of the process. For who has more to set up, and wants to do that only when all of it
    /// is right: making the layer is what can go wrong in many ways, and changes nothing.
    ///
    /// # Errors
    /// If the process has a subscriber already.
    pub fn install(self) -> Result<LogHandle, ConfigError> {
        let handle = self.handle.clone();
        let all = tracing_subscriber::registry().with(self);
        subscriber::set_global_default(all).map_err(|_| ConfigError::installed())?;
        last::flush_on_panic();
        Ok(handle)
    }
}

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let filter = self.handle.0.filter.load();
        if filter.next_end().is_some() || RequestLevel::is_alive() {
            Interest::sometimes()
        } else if filter.enabled(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.handle.0.enabled(metadata) || RequestLevel::asks(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let asked = RequestLevel::is_alive().then_some(LevelFilter::TRACE);
        Some(asked.unwrap_or_else(|| self.handle.0.filter.load().most_verbose()))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            self.record(&span, |visit| attributes.record(visit));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            self.record(&span, |visit| values.record(visit));
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let places = scratch::with(|scratch| {
            scratch.line.suppressed = match self.admit(scratch, event) {
                Some(suppressed) => suppressed,
                None => return Vec::new(),
            };
            let level = match self.format {
                Format::Json => line::write::<Plain, _>(scratch, event, &ctx, &self.who),
                Format::Gcp => line::write::<Gcp, _>(scratch, event, &ctx, &self.who),
                Format::StreamBus => line::write::<StreamBus, _>(scratch, event, &ctx, &self.who),
                Format::Ecs => line::write::<Ecs, _>(scratch, event, &ctx, &self.who),
                Format::Otel => line::write::<Otel, _>(scratch, event, &ctx, &self.who),
                Format::Console => console::write(scratch, event, &ctx, &self.who, self.colour),
            };
            let wrote = self.emit(scratch.line.out.as_bytes(), level);
            if !wrote && scratch.line.suppressed > 0 {
                let suppressed = scratch.line.suppressed;
                self.count(scratch, event).give_back(suppressed);
            }
            std::mem::take(&mut scratch.ink.places)
        });
        self.tell(event.metadata(), places);
    }
}

impl LogLayer {
    /// Writes a line, and counts it if it is lost. Says whether it was not.
    fn emit(&self, line: &[u8], level: Level) -> bool {
        match &self.output {
            // It counts what it loses.
            Output::Queued(Closer(writer)) => writer.push(line, level),
            Output::Now(sink) => {
                self.losses.report(|lost| {
                    let mut out = Vec::new();
                    schema::lost(self.format, &self.who, &mut out, lost);
                    // There is nothing where too much is being written inside of one another.
                    !out.is_empty() && sink.write_line(&out)
                });
                let wrote = sink.write_line(line);
                if !wrote {
                    self.lose();
                }
                wrote
            }
        }
    }

    /// Counts a line that is lost, to be reported before the next.
    fn lose(&self) {
        match &self.output {
            Output::Queued(Closer(writer)) => writer.lose(),
            Output::Now(_) => {
                self.handle.0.lost.fetch_add(1, Ordering::Relaxed);
                self.losses.add(1);
            }
        }
    }

    /// Says where something was taken out, if that is wanted. `None` if there was nothing to write with.
    fn tell(&self, metadata: &'static Metadata<'static>, places: Option<Vec<(&'static str, u8)>>) {
        let Some(places) = places else { return self.lose() };
        for (key, kinds) in places {
            for kind in Kind::ALL.into_iter().filter(|kind| kinds & kind.bit() != 0) {
                let place = Redacted::at(metadata, key, kind);
                if self.who.redaction.tally.note(place) {
                    let mut out = Vec::new();
                    schema::redacted(self.format, &self.who, &mut out, &place);
                    self.emit(&out, Level::Warn);
                }
            }
        }
    }

    /// Whether an event is written, and how many of its place were left out before it.
    fn admit(&self, scratch: &mut Scratch, event: &Event<'_>) -> Option<u64> {
        let Some(sampling) = self.sampling else { return Some(0) };
        if event::level(event) >= Level::Error {
            return Some(0);
        }
        let now = self.handle.0.clock().now_coarse();
        self.count(scratch, event).admit(sampling, (now - self.start).as_secs())
    }

    fn count<'a>(&self, scratch: &'a mut Scratch, event: &Event<'_>) -> &'a Count {
        let address = std::ptr::from_ref(event.metadata()).addr();
        scratch.sites.count((self.who.log, address), || self.handle.0.counts.of(address))
    }

    fn record<S: for<'a> LookupSpan<'a>>(&self, span: &SpanRef<'_, S>, values: impl FnOnce(&mut dyn Visit)) {
        match self.format {
            Format::Json => self.record_as::<Plain, _>(span, values),
            Format::Gcp => self.record_as::<Gcp, _>(span, values),
            Format::StreamBus => self.record_as::<StreamBus, _>(span, values),
            Format::Ecs => self.record_as::<Ecs, _>(span, values),
            Format::Otel => self.record_as::<Otel, _>(span, values),
            Format::Console => {
                let places = scratch::with(|Scratch { fields, ink, .. }| {
                    let policy = &self.who.redaction;
                    values(&mut Each(|field: &Field, value: Value<'_>| {
                        let pen = &mut Pen { policy, ink, rule: Rule::new(policy, field.name()) };
                        console::render(fields, field.name(), value, pen);
                        pen.leave(field.name());
                    }));
                    keep::<Console, _>(span, fields, None);
                    std::mem::take(&mut ink.places)
                });
                self.tell(span.metadata(), places);
            }
        }
    }

    fn record_as<F: Schema, S: for<'a> LookupSpan<'a>>(
        &self,
        span: &SpanRef<'_, S>,
        values: impl FnOnce(&mut dyn Visit),
    ) {
        let places = scratch::with(|Scratch { fields, sites, ink, .. }| {
            let policy = &self.who.redaction;
            let site = sites.get::<F>(self.who.log, span.metadata(), policy);
            let mut stage = None;
            values(&mut Each(|field: &Field, value: Value<'_>| {
                if let Value::Stage(mark) = value
                    && F::HAS_OPERATIONS
                {
                    stage = Some(mark.id);
                }
                if let Some(slot) = site.slots.get(field.index()) {
                    let pen = &mut Pen { policy, ink, rule: slot.rule };
                    line::render::<F>(fields, slot, value, pen);
                    pen.leave(field.name());
                }
            }));
            keep::<F, _>(span, fields, stage);
            std::mem::take(&mut ink.places)
        });
        self.tell(span.metadata(), places);
    }
}

/// The values are rendered first, and only then is the span locked: a `Debug` among them may log inside this very span, and
/// meanwhile other threads read its fields and record into it. Of two that record the same field the later one wins.
fn keep<F: 'static, S: for<'a> LookupSpan<'a>>(
    span: &SpanRef<'_, S>,
    fields: &Fields,
    stage: Option<StageId>,
) {
    if fields.is_empty() {
        return;
    }
    let mut extensions = span.extensions_mut();
    if let Some(known) = extensions.get_mut::<SpanFields<F>>() {
        return known.fields.merge(fields);
    }
    let mut new = SpanFields::<F>::of(fields);
    new.operation = stage.map(|stage| Box::new(Operation::of(stage)));
    extensions.insert(new);
}

impl fmt::Debug for LogLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogLayer")
            .field("format", &self.format)
            .field("handle", &self.handle)
            .finish_non_exhaustive()
    }
}
