use std::sync::Arc;
use std::task::{self, Poll};

use core_context::Context;
use core_context::headers::{HeaderNames, inject};
use core_time::Clock;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use tower_layer::Layer;
use tower_service::Service;

/// Writes the current context into each request: `traceparent` with a span of its own, `tracestate`, the correlation id, and what is left
/// of the time in `x-request-timeout-ms`. Headers that the request has already are replaced; without a context nothing is written.
#[derive(Clone, Debug, Default)]
pub struct InjectLayer(Arc<Config>);

#[derive(Clone, Debug, Default)]
struct Config {
    names: HeaderNames,
    clock: Clock,
}

/// A client that says for whom it calls. Made by [`InjectLayer`].
#[derive(Clone, Debug)]
pub struct Inject<S> {
    inner: S,
    config: Arc<Config>,
}

// === impl InjectLayer ===

impl InjectLayer {
    /// With the usual header names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes other headers. Default: `x-correlation-id`.
    #[must_use]
    pub fn header_names(mut self, names: HeaderNames) -> Self {
        Arc::make_mut(&mut self.0).names = names;
        self
    }

    /// Reads time from `clock`. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        Arc::make_mut(&mut self.0).clock = clock;
        self
    }
}

impl<S> Layer<S> for InjectLayer {
    type Service = Inject<S>;

    fn layer(&self, inner: S) -> Inject<S> {
        Inject { inner, config: Arc::clone(&self.0) }
    }
}

// === impl Inject ===

impl<S, B> Service<Request<B>> for Inject<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if let Some(context) = Context::current() {
            write(&context, &self.config, request.headers_mut());
        }
        self.inner.call(request)
    }
}

fn write(context: &Context, config: &Config, headers: &mut HeaderMap) {
    inject(context, &config.names, &config.clock, |name, value| {
        // Both come from our own types, which hold nothing that a header cannot.
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            headers.insert(name, value);
        }
    });
}
