//! Traces in the headers of others: B3 and Google Cloud. Read only, and only where somebody asks for it.

use crate::hex;
use crate::ids::{SpanId, TraceId};
use crate::w3c::{TraceContext, TraceFlags};

/// A header that is there once, more often, or not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Slot<'h> {
    #[default]
    None,
    One(&'h [u8]),
    /// Nobody knows which one was meant.
    Many,
}

/// The headers of B3 as they are when there are several.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct B3<'h> {
    pub(super) single: Slot<'h>,
    pub(super) trace_id: Slot<'h>,
    pub(super) span_id: Slot<'h>,
    pub(super) sampled: Slot<'h>,
    pub(super) flags: Slot<'h>,
}

// === impl Slot ===

impl<'h> Slot<'h> {
    pub(super) fn see(&mut self, value: &'h [u8]) {
        *self = if matches!(self, Self::None) { Self::One(value) } else { Self::Many };
    }

    /// The value of a header that is there once. Twice is as good as not at all.
    pub(super) fn only(self) -> Option<&'h [u8]> {
        if let Self::One(value) = self { Some(value) } else { None }
    }
}

// === impl B3 ===

impl B3<'_> {
    /// Of the single header first, as the specification of B3 has it.
    pub(super) fn parse(&self) -> Option<TraceContext> {
        let single = self.single.only().and_then(parse_single);
        single.or_else(|| {
            let sampled = self.sampled.only().is_some_and(|value| matches!(value, b"1" | b"true"));
            let is_debug = self.flags.only().is_some_and(|value| value == b"1");
            trace(self.trace_id.only()?, self.span_id.only()?, sampled || is_debug)
        })
    }
}

/// `{trace}-{span}-{sampled}-{parent}`, the last two optional.
fn parse_single(value: &[u8]) -> Option<TraceContext> {
    let mut parts = value.split(|byte| *byte == b'-');
    let (trace_id, span_id) = (parts.next()?, parts.next()?);
    let sampled = match parts.next() {
        None | Some(b"0") => false,
        Some(b"1" | b"d") => true,
        Some(_) => return None,
    };
    let parent_is_right = parts.next().is_none_or(|parent| parent.len() == 16 && hex::read(parent).is_some());
    if !parent_is_right || parts.next().is_some() {
        return None;
    }
    trace(trace_id, span_id, sampled)
}

/// `{32 digits}/{span in decimal};o={0 or 1}`, the last two optional.
pub(super) fn google(value: &[u8]) -> Option<TraceContext> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= 80)?;
    let (ids, options) = text.split_once(';').unwrap_or((text, ""));
    let (trace_id, span_id) = ids.split_once('/').map_or((ids, None), |(trace, span)| (trace, Some(span)));
    // Two bits, of which the second asks for stack traces.
    let sampled = match options {
        "" | "o=0" | "o=2" => false,
        "o=1" | "o=3" => true,
        _ => return None,
    };
    let is_number = |span: &&str| !span.is_empty() && span.bytes().all(|b| b.is_ascii_digit());
    // Whoever begins a trace has no span yet, and says so with a zero or not at all.
    let span_id = match span_id {
        None => None,
        Some(span) => SpanId::from_u64(Some(span).filter(is_number)?.parse().ok()?),
    };
    let span_id = span_id.unwrap_or_else(SpanId::generate);
    let trace_id = trace_id.as_bytes();
    if trace_id.len() != 32 {
        return None;
    }
    Some(position(TraceId::from_u128(hex::read(trace_id)?)?, span_id, sampled))
}

/// A trace id of 16 digits is the right half of one of 32.
fn trace(trace_id: &[u8], span_id: &[u8], sampled: bool) -> Option<TraceContext> {
    if !matches!(trace_id.len(), 16 | 32) || span_id.len() != 16 {
        return None;
    }
    let span_id = SpanId::from_u64(u64::try_from(hex::read(span_id)?).ok()?)?;
    Some(position(TraceId::from_u128(hex::read(trace_id)?)?, span_id, sampled))
}

fn position(trace_id: TraceId, span_id: SpanId, sampled: bool) -> TraceContext {
    // Nobody says how random it is.
    let flags = TraceFlags { sampled, random: false };
    TraceContext { trace_id, span_id, parent_id: None, flags, state: None }
}
