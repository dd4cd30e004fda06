//! Contexts in the headers of requests: read and written by a [`Propagation`], one for each listener and each client.

mod formats;
mod found;
mod headers;
mod timeout;

use std::sync::Arc;
use std::time::Duration;

use core_errors::Criticality;
use core_time::{Clock, ms};

use crate::baggage::Baggage;
use crate::context::{Builder, Context};
use crate::hex;
use crate::ids::{CorrelationId, TraceId};
use crate::w3c::{TraceContext, TraceFlags, TraceState};

use formats::Slot;
use found::Found;
pub use headers::{HeaderNameError, HeaderNames, Headers};
pub use timeout::{parse_grpc, parse_millis};

/// Whether a caller's word is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Its trace goes on, with its baggage, and its deadline holds. For callers inside the house.
    Trusted,
    /// A new trace is begun, so that nobody outside decides what is sampled and paid for; the ids of the caller's are kept beside
    /// it ([`Context::remote`]). Of its baggage only what is [allowed](Propagation::allow_baggage) stays. Its deadline holds, and
    /// so does a well-formed correlation id. Which attempt it is, and how important, it cannot say: it would decide how often we try, and
    /// who has to stand back for it. The default.
    #[default]
    Untrusted,
}

/// How contexts get into headers and out of them.
///
/// Whatever is wrong in the headers is as if it were not there: a request is never refused for it, and what is wrong is not
/// logged either. Each header is looked at once, whatever their number, and none of more than a few kilobytes is read to its end.
///
/// | header | read | written |
/// |---|---|---|
/// | `traceparent`, `tracestate` | W3C Trace Context, level 2 | yes, in a new span |
/// | `baggage` | W3C Baggage | yes |
/// | `x-correlation-id` | 1 to 128 of `A-Z a-z 0-9 . _ : -` | yes |
/// | `x-request-id` | where there is no correlation id | the id of our request |
/// | `x-trace-id` | where there is no `traceparent` | no |
/// | `x-request-timeout-ms` | up to a day | what is left, less a margin |
/// | `x-request-attempt` | 1 to 1000, of callers that are trusted | of our attempt, where it is not the first |
/// | `x-request-criticality` | of callers that are trusted | where the context has one |
/// | `grpc-timeout` | with [`grpc`](Self::grpc) | with [`grpc`](Self::grpc) |
/// | `b3`, `x-b3-*` | with [`b3`](Self::b3), without `traceparent` | no |
/// | `x-cloud-trace-context` | with [`google_cloud`](Self::google_cloud), without `traceparent` | no |
#[derive(Clone, Debug, Default)]
pub struct Propagation {
    names: HeaderNames,
    trust: Trust,
    baggage: Vec<String>,
    b3: bool,
    google_cloud: bool,
    grpc: bool,
    margin: Option<Duration>,
}

/// A header that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `traceparent`.
    TraceParent,
    /// `tracestate`.
    TraceState,
    /// The correlation id.
    CorrelationId,
    /// The id of the request.
    RequestId,
    /// `baggage`.
    Baggage,
    /// [`TIMEOUT`].
    Timeout,
    /// `grpc-timeout`.
    GrpcTimeout,
    /// [`ATTEMPT`].
    Attempt,
    /// [`CRITICALITY`].
    Criticality,
}

// === impl Field ===

impl Field {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::TraceParent,
        Self::TraceState,
        Self::CorrelationId,
        Self::RequestId,
        Self::Baggage,
        Self::Timeout,
        Self::GrpcTimeout,
        Self::Attempt,
        Self::Criticality,
    ];

    /// What it is called unless somebody chose otherwise. Lower case.
    #[must_use]
    pub const fn usual_name(self) -> &'static str {
        match self {
            Self::TraceParent => TRACEPARENT,
            Self::TraceState => TRACESTATE,
            Self::CorrelationId => headers::CORRELATION_ID,
            Self::RequestId => headers::REQUEST_ID,
            Self::Baggage => BAGGAGE,
            Self::Timeout => TIMEOUT,
            Self::GrpcTimeout => GRPC_TIMEOUT,
            Self::Attempt => ATTEMPT,
            Self::Criticality => CRITICALITY,
        }
    }
}

/// The remaining time of the caller, in milliseconds.
pub const TIMEOUT: &str = "x-request-timeout-ms";

/// Which attempt of the caller a request is, counted from 1.
pub const ATTEMPT: &str = "x-request-attempt";

/// How important a request is: [`Criticality::as_str`].
pub const CRITICALITY: &str = "x-request-criticality";

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const BAGGAGE: &str = "baggage";
const GRPC_TIMEOUT: &str = "grpc-timeout";

/// Traces in the words of others.
const OF_OTHERS: [&str; 7] = [
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-flags",
    "x-cloud-trace-context",
];

/// So much of the time that is left is kept for the way back, a tenth of it at most.
const MARGIN: Duration = ms(5);

/// A caller that says it has tried more often is not believed.
const ATTEMPT_MAX: u32 = 1_000;

// === impl Propagation ===

impl Propagation {
    /// For callers from anywhere: see [`Trust::Untrusted`].
    #[must_use]
    pub fn untrusted() -> Self {
        Self::default()
    }

    /// For callers inside the house: see [`Trust::Trusted`].
    #[must_use]
    pub fn trusted() -> Self {
        Self { trust: Trust::Trusted, ..Self::default() }
    }

    /// Says whether callers are trusted.
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// Looks for other headers. Default: `x-correlation-id`, `x-trace-id` and `x-request-id`.
    #[must_use]
    pub fn names(mut self, names: HeaderNames) -> Self {
        self.names = names;
        self
    }

    /// Lets these keys of a stranger's baggage through. Default: none.
    #[must_use]
    pub fn allow_baggage<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.baggage.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Reads B3, of one header or of several, where there is no `traceparent`. Default: no.
    #[must_use]
    pub fn b3(mut self) -> Self {
        self.b3 = true;
        self
    }

    /// Reads `x-cloud-trace-context`, as load balancers of Google Cloud send it, where there is no `traceparent`. Default: no.
    #[must_use]
    pub fn google_cloud(mut self) -> Self {
        self.google_cloud = true;
        self
    }

    /// Reads and writes `grpc-timeout`. Default: no.
    #[must_use]
    pub fn grpc(mut self) -> Self {
        self.grpc = true;
        self
    }

    /// Keeps so much of the time that is left for the way back: the callee gets less. Default: 5 ms, or a tenth of what is left where
    /// that is less.
    #[must_use]
    pub fn margin(mut self, margin: Duration) -> Self {
        self.margin = Some(margin);
        self
    }

    /// What the headers are called.
    #[must_use]
    pub fn header_names(&self) -> &HeaderNames {
        &self.names
    }

    /// Reads a context. Nothing in the headers makes it fail.
    pub fn extract(&self, headers: &(impl Headers + ?Sized), clock: &Clock) -> Builder {
        let found = Found::of(headers, self);
        let mut builder = Context::builder();
        let parts = builder.parts_mut();
        let caller = self.caller_of(headers, &found);
        match (caller, self.trust) {
            (Some(caller), Trust::Trusted) => parts.trace = Some(caller.into_child()),
            (Some(caller), Trust::Untrusted) => {
                parts.trace = Some(TraceContext::generate(false));
                parts.remote = Some(Arc::new(caller));
            }
            (None, _) => parts.trace = Some(self.begun(&found)),
        }
        parts.baggage = self.baggage_of(headers, &found).filter(|baggage| !baggage.is_empty());
        let budget = found.timeout.only().and_then(parse_millis);
        let of_grpc = found.grpc_timeout.only().and_then(parse_grpc);
        let budget = [budget, of_grpc].into_iter().flatten().min();
        parts.deadline = budget.map(|budget| clock.now() + budget);
        let counts = |_: &&[u8]| self.trust == Trust::Trusted;
        parts.attempt = found.attempt.only().filter(counts).and_then(parse_attempt).unwrap_or(1);
        parts.criticality = found.criticality.only().filter(counts).and_then(parse_criticality);
        let id = found.correlation_id.only().and_then(|id| CorrelationId::from_bytes(id).ok());
        builder.set_id(id.or_else(|| CorrelationId::from_bytes(found.request_id.only()?).ok()));
        builder
    }

    /// Writes a context for a callee: the trace in a new span, the ids, the baggage, and what is left of the time.
    pub fn inject(&self, context: &Context, clock: &Clock, put: impl FnMut(&str, &str)) {
        self.inject_attempt(context, None, clock, put);
    }

    /// The same for a request that is attempt number `attempt` of this caller.
    pub fn inject_attempt(
        &self,
        context: &Context,
        attempt: Option<u32>,
        clock: &Clock,
        mut put: impl FnMut(&str, &str),
    ) {
        self.inject_fields(context, attempt, clock, |field, value| {
            // All of it is ASCII.
            put(self.name_of(field), std::str::from_utf8(value).unwrap_or_default());
        });
    }

    /// The same, for whoever has the names of the headers at hand.
    pub fn inject_fields(
        &self,
        context: &Context,
        attempt: Option<u32>,
        clock: &Clock,
        mut put: impl FnMut(Field, &[u8]),
    ) {
        if let Some(trace) = context.trace() {
            put(Field::TraceParent, trace.to_child_traceparent().as_bytes());
            if let Some(state) = &trace.state {
                put(Field::TraceState, state.as_str().as_bytes());
            }
        }
        let correlation_id = context.correlation_id();
        put(Field::CorrelationId, correlation_id.as_bytes());
        // Where both are called the same, the id that goes through all services has the header.
        if !self.names.request_id.eq_ignore_ascii_case(&self.names.correlation_id) {
            let id = context.request().map_or(correlation_id, |request| &request.id);
            put(Field::RequestId, id.as_bytes());
        }
        if let Some(baggage) = context.baggage() {
            put(Field::Baggage, baggage.as_str().as_bytes());
        }
        if let Some(left) = context.remaining(clock) {
            let margin = self.margin.unwrap_or_else(|| MARGIN.min(left / 10));
            // Zero would be refused at once: it is said only when nobody waits any more.
            let least = if left.is_zero() { left } else { ms(1) };
            let left = left.saturating_sub(margin).max(least);
            put(Field::Timeout, timeout::Text::millis(left).as_bytes());
            if self.grpc {
                put(Field::GrpcTimeout, timeout::Text::grpc(left).as_bytes());
            }
        }
        if let Some(attempt) = attempt.filter(|attempt| *attempt > 1) {
            let attempt = attempt.min(ATTEMPT_MAX).into();
            put(Field::Attempt, timeout::Text::number(attempt, None).as_bytes());
        }
        if let Some(criticality) = context.criticality() {
            put(Field::Criticality, criticality.as_str().as_bytes());
        }
    }

    /// What a header is called. Lower case, unless somebody chose otherwise.
    #[must_use]
    pub fn name_of(&self, field: Field) -> &str {
        match field {
            Field::CorrelationId => &self.names.correlation_id,
            Field::RequestId => &self.names.request_id,
            field => field.usual_name(),
        }
    }

    /// The names of all headers that [`inject`](Self::inject) may write: what a client removes from a request first, so that nothing
    /// of a stranger's goes along with what is ours.
    pub fn written(&self) -> impl Iterator<Item = &str> {
        Field::ALL.into_iter().map(|field| self.name_of(field))
    }

    /// The names of all headers that may be read and are never written: what a client removes from a request, too, since they would speak of
    /// another trace than ours.
    pub fn never_written(&self) -> impl Iterator<Item = &str> {
        let of_others = OF_OTHERS.into_iter().chain([self.names.trace_id.as_str()]);
        of_others.filter(|name| !self.written().any(|ours| ours.eq_ignore_ascii_case(name)))
    }

    /// Where the caller is in its trace.
    fn caller_of(&self, headers: &(impl Headers + ?Sized), found: &Found<'_>) -> Option<TraceContext> {
        let w3c = found.traceparent.only().and_then(|header| TraceContext::parse(header).ok());
        if let Some(mut caller) = w3c {
            // A bad tracestate never affects the trace.
            caller.state = match found.tracestate {
                Slot::None => None,
                Slot::One(header) => TraceState::parse([header]).ok().flatten(),
                Slot::Many => TraceState::parse(all(headers, TRACESTATE)).ok().flatten(),
            };
            return Some(caller);
        }
        let b3 = || if self.b3 { found.b3.parse() } else { None };
        let google = || found.google_cloud.only().filter(|_| self.google_cloud).and_then(formats::google);
        b3().or_else(google)
    }

    /// A trace that begins here, perhaps under an id that the caller chose.
    fn begun(&self, found: &Found<'_>) -> TraceContext {
        let begun = TraceContext::generate(false);
        let is_known = self.trust == Trust::Trusted;
        match found.trace_id.only().filter(|_| is_known).and_then(parse_trace_id) {
            // Nobody says how random it is.
            Some(trace_id) => {
                let flags = TraceFlags { random: false, ..begun.flags };
                TraceContext { trace_id, flags, ..begun }
            }
            None => begun,
        }
    }

    fn baggage_of(&self, headers: &(impl Headers + ?Sized), found: &Found<'_>) -> Option<Baggage> {
        if self.trust == Trust::Untrusted && self.baggage.is_empty() {
            return None;
        }
        let baggage = match found.baggage {
            Slot::None => return None,
            Slot::One(header) => Baggage::parse([header]),
            Slot::Many => Baggage::parse(all(headers, BAGGAGE)),
        }?;
        match self.trust {
            Trust::Trusted => Some(baggage),
            Trust::Untrusted => baggage.filtered(|key| self.baggage.iter().any(|allowed| allowed == key)),
        }
    }
}

/// All values of a header, in order.
fn all<'h>(headers: &'h (impl Headers + ?Sized), name: &str) -> impl Iterator<Item = &'h [u8]> {
    headers.entries().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn parse_attempt(header: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(header).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
    text.parse().ok().filter(|attempt| (1..=ATTEMPT_MAX).contains(attempt))
}

fn parse_criticality(header: &[u8]) -> Option<Criticality> {
    std::str::from_utf8(header).ok()?.parse().ok()
}

fn parse_trace_id(header: &[u8]) -> Option<TraceId> {
    if header.len() == 32 { TraceId::from_u128(hex::read(header)?) } else { None }
}
