use std::fmt;

use super::{TraceContext, TraceFlags, trim_blanks};
use crate::hex;
use crate::ids::{SpanId, TraceId};

/// Why a `traceparent` is not one. The trace is then started anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceParentError {
    /// It has another length than its version requires.
    Length,
    /// A dash is missing where one must be.
    Dash,
    /// A digit is not one of `0-9a-f`. Upper case is not allowed.
    Digit,
    /// Version `ff`.
    Version,
    /// The trace id is all zeroes.
    TraceId,
    /// The parent id is all zeroes.
    ParentId,
}

/// A `traceparent` as text, without allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceParentText([u8; LEN]);

/// `00-<32>-<16>-<2>`
const LEN: usize = 55;

// === impl TraceContext ===

impl TraceContext {
    /// Reads a `traceparent`. Spaces and tabs around it are ignored.
    ///
    /// Of versions above 00 the known part is read, as the specification asks.
    ///
    /// # Errors
    /// What is wrong with it. Takes bounded time whatever the length.
    pub fn parse(header: &[u8]) -> Result<Self, TraceParentError> {
        let text = trim_blanks(header);
        let Some(known) = text.get(..LEN) else { return Err(TraceParentError::Length) };
        let version = digits(&known[..2])?;
        match (version, text.get(LEN)) {
            (0xff, _) => return Err(TraceParentError::Version),
            (0, Some(_)) => return Err(TraceParentError::Length),
            (_, Some(next)) if *next != b'-' => return Err(TraceParentError::Length),
            _ => {}
        }
        if [known[2], known[35], known[52]] != *b"---" {
            return Err(TraceParentError::Dash);
        }
        let trace_id = digits(&known[3..35])?;
        let span_id = digits(&known[36..52])?;
        let flags = digits(&known[53..])?;
        #[expect(clippy::cast_possible_truncation, reason = "16 digits are 64 bits, and 2 are 8")]
        Ok(Self {
            trace_id: TraceId::from_u128(trace_id).ok_or(TraceParentError::TraceId)?,
            span_id: SpanId::from_u64(span_id as u64).ok_or(TraceParentError::ParentId)?,
            parent_id: None,
            flags: TraceFlags::from_bits(flags as u8),
            state: None,
        })
    }

    /// The `traceparent` that tells a callee where it is: version 00.
    #[must_use]
    pub fn to_traceparent(&self) -> TraceParentText {
        self.text(self.span_id)
    }

    /// That of a new span inside this one, as each outgoing request carries it: cheaper than [`child`](Self::child).
    #[must_use]
    pub fn to_child_traceparent(&self) -> TraceParentText {
        self.text(SpanId::generate())
    }

    fn text(&self, span_id: SpanId) -> TraceParentText {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        hex::write(&mut text[3..35], self.trace_id.as_u128());
        hex::write(&mut text[36..52], span_id.as_u64().into());
        hex::write(&mut text[53..55], self.flags.bits().into());
        TraceParentText(text)
    }
}

fn digits(text: &[u8]) -> Result<u128, TraceParentError> {
    hex::read(text).ok_or(TraceParentError::Digit)
}

// === impl TraceParentText ===

impl TraceParentText {
    /// The text, as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for TraceParentText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TraceParentText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl TraceParentError ===

impl fmt::Display for TraceParentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "a traceparent has 55 characters; later versions go on with a dash",
            Self::Dash => "a traceparent has dashes after 2, 32 and 16 digits",
            Self::Digit => "a traceparent has digits 0-9 and a-f only, in lower case",
            Self::Version => "version ff of traceparent is forbidden",
            Self::TraceId => "a trace id is not all zeroes",
            Self::ParentId => "a parent id is not all zeroes",
        })
    }
}

impl std::error::Error for TraceParentError {}
