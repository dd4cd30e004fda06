//! W3C Trace Context, level 2, strictly.

mod traceparent;
mod tracestate;

use crate::ids::{SpanId, TraceId};

pub use traceparent::{TraceParentError, TraceParentText};
pub use tracestate::{TraceState, TraceStateError};

/// A position in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The span of this service, or of the caller where it was just read.
    pub span_id: SpanId,
    /// The span that this one is in, where that is known.
    pub parent_id: Option<SpanId>,
    /// What the caller says about the trace.
    pub flags: TraceFlags,
    /// What vendors say about it: checked, and handed on as it is.
    pub state: Option<TraceState>,
}

/// The flags that level 2 knows; all others are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceFlags {
    /// The caller may have recorded the trace.
    pub sampled: bool,
    /// At least the right 56 bits of the trace id are random.
    pub random: bool,
}

/// Without the spaces and tabs around it: what HTTP calls optional whitespace, and nothing else.
pub(crate) fn trim_blanks(text: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = text.iter().position(|byte| !is_blank(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_blank(byte)).map_or(start, |at| at + 1);
    &text[start..end]
}

// === impl TraceContext ===

impl TraceContext {
    /// A new trace, with random ids that say so.
    #[must_use]
    pub fn generate(sampled: bool) -> Self {
        let flags = TraceFlags { sampled, random: true };
        Self {
            trace_id: TraceId::generate(),
            span_id: SpanId::generate(),
            parent_id: None,
            flags,
            state: None,
        }
    }

    /// The same trace in a new span inside this one: what an outgoing request carries.
    #[must_use]
    pub fn child(&self) -> Self {
        self.clone().into_child()
    }

    pub(crate) fn into_child(self) -> Self {
        Self { span_id: SpanId::generate(), parent_id: Some(self.span_id), ..self }
    }
}

// === impl TraceFlags ===

impl TraceFlags {
    const SAMPLED: u8 = 1;
    const RANDOM: u8 = 2;

    pub(crate) fn from_bits(bits: u8) -> Self {
        Self { sampled: bits & Self::SAMPLED != 0, random: bits & Self::RANDOM != 0 }
    }

    pub(crate) fn bits(self) -> u8 {
        (u8::from(self.sampled) * Self::SAMPLED) | (u8::from(self.random) * Self::RANDOM)
    }
}
