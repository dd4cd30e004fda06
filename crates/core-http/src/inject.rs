//! Contexts into the headers of requests that go out: shared by the layers and by the middleware of reqwest.

use std::sync::Arc;
use std::time::Duration;

use core_context::propagation::{ATTEMPT, TIMEOUT};
use core_context::{Context, Propagation};
use core_errors::{Code, Error};
use core_time::Clock;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};

/// Which attempt of a call a request is, counted from 1: put it into the extensions of the request, and the callee learns of it.
///
/// ```
/// use core_http::AttemptNumber;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(AttemptNumber(2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptNumber(pub u32);

/// How a client writes contexts. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Injector(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    propagation: Propagation,
    clock: Clock,
    correlation_id: HeaderName,
    request_id: HeaderName,
}

/// The deadline has passed before the request was sent.
const TOO_LATE: Code = Code::new("DEADLINE_EXCEEDED");

/// Made once: a name that is looked up by its text is parsed first.
static STANDARD: [HeaderName; 6] = [
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
    HeaderName::from_static(TIMEOUT),
    HeaderName::from_static(ATTEMPT),
    HeaderName::from_static("grpc-timeout"),
];

// === impl Injector ===

impl Injector {
    pub(crate) fn propagation(&mut self, propagation: Propagation) {
        let inner = Arc::make_mut(&mut self.0);
        let names = propagation.header_names();
        // A name that is none keeps the header that it would replace; `HeaderNames::from_env` refuses it earlier.
        if let Ok(name) = HeaderName::try_from(names.correlation_id.as_str()) {
            inner.correlation_id = name;
        }
        if let Ok(name) = HeaderName::try_from(names.request_id.as_str()) {
            inner.request_id = name;
        }
        inner.propagation = propagation;
    }

    pub(crate) fn clock(&mut self, clock: Clock) {
        Arc::make_mut(&mut self.0).clock = clock;
    }

    /// How long the callee has, if the current context says so.
    ///
    /// # Errors
    /// If it has no time at all: nobody waits for the answer.
    pub(crate) fn remaining(&self) -> Result<Option<Duration>, Error> {
        match Context::current_deadline() {
            None => Ok(None),
            Some(deadline) => match self.0.clock.reached(deadline) {
                Err(left) => Ok(Some(left)),
                Ok(_) => Err(Error::timeout("the time had run out before the request was sent")
                    .with_code(TOO_LATE)
                    .with_idempotent_only(false)),
            },
        }
    }

    /// Writes the current context. Whatever the request had under these names goes: a stranger's `tracestate` must not go along with
    /// our trace. Without a context nothing is touched.
    pub(crate) fn write(&self, headers: &mut HeaderMap, extensions: &Extensions) {
        let Some(context) = Context::current() else { return };
        let Inner { propagation, clock, correlation_id, request_id } = &*self.0;
        let attempt = extensions.get::<AttemptNumber>().map(|attempt| attempt.0);
        let mut written = [false; STANDARD.len() + 2];
        propagation.inject_attempt(&context, attempt, clock, |name, value| {
            let ids = || usize::from(name != propagation.header_names().correlation_id);
            let at = STANDARD.iter().position(|known| known.as_str() == name);
            let at = at.unwrap_or_else(|| STANDARD.len() + ids());
            let name =
                STANDARD.get(at).unwrap_or(if at == STANDARD.len() { correlation_id } else { request_id });
            // Our types hold nothing that a header cannot, so this does not fail.
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
                written[at] = true;
            }
        });
        let names = || STANDARD.iter().chain([correlation_id, request_id]).zip(written);
        let others = || names().filter(|(_, written)| !written).map(|(name, _)| name);
        if headers.keys_len() <= KEYS_FEW && !headers.keys().any(|name| others().any(|other| other == name)) {
            return;
        }
        // Two of them may be called the same.
        for name in others().filter(|other| !names().any(|(name, written)| written && name == *other)) {
            headers.remove(name);
        }
    }
}

/// Among so few headers it is faster to see that none has to go than to look for each.
const KEYS_FEW: usize = 8;

impl Default for Injector {
    fn default() -> Self {
        Self(Arc::new(Inner {
            propagation: Propagation::trusted(),
            clock: Clock::system(),
            correlation_id: HeaderName::from_static("x-correlation-id"),
            request_id: HeaderName::from_static("x-request-id"),
        }))
    }
}
