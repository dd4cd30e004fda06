//! Contexts in the headers of requests: read with [`extract`], written with [`inject`].

use std::fmt;
use std::time::Duration;

use core_time::Clock;

use crate::context::{Builder, Context};
use crate::ids::{CorrelationId, TraceId};
use crate::w3c::{TraceContext, tracestate_of};

/// Headers of a request, as far as a context needs them.
pub trait Headers {
    /// All values of a header, in order. The name is in lower case.
    fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]>;
}

/// What the headers are called. Lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderNames {
    /// Default `x-correlation-id`; `GENESIS_CORRELATION_ID_HEADER`.
    pub correlation_id: String,
    /// A second place to look for a trace id, 32 hexadecimal digits. Default `x-trace-id`; `GENESIS_TRACE_ID_HEADER`.
    pub trace_id: String,
}

/// Whether a caller's word is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Its trace goes on, and its deadline holds. For callers inside the house.
    Trusted,
    /// A new trace is begun, so that nobody outside decides what is sampled and paid for; its deadline and a well-formed
    /// correlation id hold. The default.
    #[default]
    Untrusted,
}

/// A name that no header can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderNameError {
    variable: &'static str,
    value: String,
}

/// The remaining time of the caller, in milliseconds.
pub const TIMEOUT: &str = "x-request-timeout-ms";

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// A caller that gives itself longer than a day means no limit.
const TIMEOUT_MAX_MS: u64 = 86_400_000;

/// Reads a context. Whatever is wrong in the headers is as if it were not there: a request is never refused for it.
///
/// The work is bounded by the length of the headers that are looked at, and none is longer than a few kilobytes before it
/// is dropped.
pub fn extract(headers: &impl Headers, names: &HeaderNames, trust: Trust, clock: &Clock) -> Builder {
    let mut builder = Context::builder().trace(trace(headers, names, trust));
    if let Some(id) = only(headers, &names.correlation_id).and_then(|id| CorrelationId::from_bytes(id).ok()) {
        builder = builder.correlation_id(id);
    }
    if let Some(budget) = only(headers, TIMEOUT).and_then(parse_timeout) {
        builder = builder.deadline_in(budget, clock);
    }
    builder
}

/// Writes a context for a callee: the trace in a new span, the correlation id, and what is left of the time.
pub fn inject(context: &Context, names: &HeaderNames, clock: &Clock, mut put: impl FnMut(&str, &str)) {
    if let Some(trace) = context.trace() {
        put(TRACEPARENT, trace.child().to_traceparent().as_str());
        if let Some(state) = &trace.state {
            put(TRACESTATE, state);
        }
    }
    put(&names.correlation_id, context.correlation_id().as_str());
    if let Some(left) = context.remaining(clock) {
        // Rounded down: a callee that thinks it has longer works for nobody.
        put(TIMEOUT, &left.as_millis().min(u128::from(TIMEOUT_MAX_MS)).to_string());
    }
}

fn trace(headers: &impl Headers, names: &HeaderNames, trust: Trust) -> TraceContext {
    if trust == Trust::Untrusted {
        return TraceContext::generate(false);
    }
    if let Some(parsed) = only(headers, TRACEPARENT).and_then(|header| TraceContext::parse(header).ok()) {
        // A bad tracestate never affects the trace.
        let state = tracestate_of(headers.get_all(TRACESTATE)).ok().flatten();
        return TraceContext { state, ..parsed.child() };
    }
    match only(headers, &names.trace_id).and_then(parse_trace_id) {
        Some(trace_id) => TraceContext { trace_id, ..TraceContext::generate(false) },
        None => TraceContext::generate(false),
    }
}

/// The value of a header that is there once. Twice is as good as not at all: nobody knows which one was meant.
fn only<'a>(headers: &'a impl Headers, name: &'a str) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name);
    let first = values.next()?;
    if values.next().is_some() { None } else { Some(first) }
}

fn parse_timeout(header: &[u8]) -> Option<Duration> {
    let text = header.trim_ascii();
    if text.is_empty() || text.len() > 12 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let millis = text.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
    (millis <= TIMEOUT_MAX_MS).then(|| Duration::from_millis(millis))
}

fn parse_trace_id(header: &[u8]) -> Option<TraceId> {
    // The same digits as in a traceparent, so the same parser reads them.
    if header.len() != 32 {
        return None;
    }
    let text = [b"00-", header, b"-0000000000000001-00"].concat();
    TraceContext::parse(&text).ok().map(|trace| trace.trace_id)
}

// === impl HeaderNames ===

impl HeaderNames {
    /// What the environment says.
    ///
    /// # Errors
    /// If a variable holds something that is no header name.
    pub fn from_env() -> Result<Self, HeaderNameError> {
        Self::from_lookup(|key| std::env::var(key).ok())
    }

    /// What `lookup` says of each variable. Empty values count as absent.
    ///
    /// # Errors
    /// If a variable holds something that is no header name.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, HeaderNameError> {
        let get = |variable, default: &str| match lookup(variable).filter(|value| !value.is_empty()) {
            None => Ok(default.to_owned()),
            Some(value) if is_token(&value) => Ok(value.to_ascii_lowercase()),
            Some(value) => Err(HeaderNameError { variable, value: value.chars().take(80).collect() }),
        };
        let default = Self::default();
        Ok(Self {
            correlation_id: get("GENESIS_CORRELATION_ID_HEADER", &default.correlation_id)?,
            trace_id: get("GENESIS_TRACE_ID_HEADER", &default.trace_id)?,
        })
    }
}

impl Default for HeaderNames {
    fn default() -> Self {
        Self { correlation_id: "x-correlation-id".to_owned(), trace_id: "x-trace-id".to_owned() }
    }
}

fn is_token(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

impl fmt::Display for HeaderNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, value } = self;
        write!(
            f,
            "{variable} is {value:?}, which no header can be called: use letters, digits and dashes, 64 at most"
        )
    }
}

impl std::error::Error for HeaderNameError {}
