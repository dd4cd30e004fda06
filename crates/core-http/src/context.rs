use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use core_context::propagation::HeaderNames;
use core_context::{Context, Propagation, Scoped, Trust};
use core_errors::{Code, Error};
use core_time::Clock;
use http::{HeaderName, HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::header_map::HeadersOf;
use crate::problem;

/// Opens a context for each request, from its headers. See the crate's documentation.
///
/// Callers are not trusted unless [`trusted`](Self::trusted) says so: a trace is then begun anew, see [`Trust`].
#[derive(Clone, Debug)]
pub struct ContextLayer(Arc<Config>);

#[derive(Clone, Debug)]
struct Config {
    propagation: Propagation,
    clock: Clock,
    /// The header of the correlation id in answers.
    answer: HeaderName,
}

/// A service that runs in the context of its request. Made by [`ContextLayer`].
#[derive(Clone, Debug)]
pub struct ContextService<S> {
    inner: S,
    config: Arc<Config>,
}

pin_project! {
    /// The answer of a [`ContextService`].
    #[must_use = "futures do nothing unless polled"]
    #[project = ResponseProj]
    #[derive(Debug)]
    pub struct ResponseFuture<F, B> {
        #[pin]
        inner: Option<Scoped<F>>,
        refused: Option<Response<B>>,
        context: Context,
        answer: HeaderName,
    }
}

/// The caller's deadline had passed when its request came.
const TOO_LATE: Code = Code::new("DEADLINE_EXCEEDED");

// === impl ContextLayer ===

impl ContextLayer {
    /// For callers from anywhere, with the usual header names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For callers inside the house: their traces go on.
    #[must_use]
    pub fn trusted(self) -> Self {
        self.with(|config| {
            config.propagation = std::mem::take(&mut config.propagation).trust(Trust::Trusted);
        })
    }

    /// Looks for other headers. Default: `x-correlation-id`, `x-trace-id` and `x-request-id`.
    #[must_use]
    pub fn header_names(self, names: HeaderNames) -> Self {
        let propagation = self.0.propagation.clone().names(names);
        self.propagation(propagation)
    }

    /// Reads contexts as `propagation` has it: whom it trusts, which headers it knows. Default: [`Propagation::untrusted`].
    #[must_use]
    pub fn propagation(self, propagation: Propagation) -> Self {
        self.with(|config| {
            if let Ok(answer) = HeaderName::try_from(propagation.header_names().correlation_id.as_str()) {
                config.answer = answer;
            }
            config.propagation = propagation;
        })
    }

    /// Reads time from `clock`. Default: the system's.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        self.with(|config| config.clock = clock)
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl Default for ContextLayer {
    fn default() -> Self {
        Self(Arc::new(Config {
            propagation: Propagation::untrusted(),
            clock: Clock::system(),
            answer: HeaderName::from_static("x-correlation-id"),
        }))
    }
}

impl<S> Layer<S> for ContextLayer {
    type Service = ContextService<S>;

    fn layer(&self, inner: S) -> ContextService<S> {
        ContextService { inner, config: Arc::clone(&self.0) }
    }
}

// === impl ContextService ===

impl<S, A, B> Service<Request<A>> for ContextService<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: From<String>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let Config { propagation, clock, answer } = &*self.config;
        let context = propagation
            .extract(&HeadersOf(request.headers()), clock)
            .request(request.method().as_str(), request.uri().path())
            .build();
        let answer = answer.clone();
        if context.is_expired(clock) {
            let error =
                Error::timeout("the time for this request had run out when it came").with_code(TOO_LATE);
            let response = context.sync_scope(|| problem::respond(&error));
            return ResponseFuture { inner: None, refused: Some(response), context, answer };
        }
        // The service may do work in `call` already.
        let future = context.sync_scope(|| self.inner.call(request));
        ResponseFuture { inner: Some(context.scope(future)), refused: None, context, answer }
    }
}

// === impl ResponseFuture ===

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match (this.inner.as_pin_mut(), this.refused.take()) {
            (_, Some(refused)) => refused,
            (Some(inner), None) => std::task::ready!(inner.poll(cx))?,
            (None, None) => panic!("polled after it was ready"),
        };
        // Ids are made of visible characters only, so this does not fail.
        if let Ok(id) = HeaderValue::from_str(this.context.correlation_id().as_str()) {
            response.headers_mut().entry(&*this.answer).or_insert(id);
        }
        Poll::Ready(Ok(response))
    }
}
