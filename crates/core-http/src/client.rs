//! Clients that say for whom they call, and say what came of it in our words.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use core_context::Propagation;
use core_context::propagation::HeaderNames;
use core_errors::{Delivery, Error};
use core_time::Clock;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::classify::Callee;
use crate::inject::Injector;

/// Writes the current context into each request: `traceparent` with a span of its own, `tracestate`, `baggage`, the ids, what is left of the
/// time, and the [attempt](crate::AttemptNumber). Headers that the request has already under these names are replaced, and those that speak of a
/// trace in other words (`b3`, `x-b3-*`, `x-cloud-trace-context`, `x-trace-id`) are removed; without a context nothing is touched.
#[derive(Clone, Debug, Default)]
pub struct InjectLayer(Injector);

/// A client that says for whom it calls. Made by [`InjectLayer`].
#[derive(Clone, Debug)]
pub struct Inject<S> {
    inner: S,
    injector: Injector,
}

/// All that a client of another service does besides calling it: it refuses calls for which the time has run out, writes the
/// current context as [`InjectLayer`] does, and makes an [`Error`] of whatever is not a success
/// ([`check_status`](crate::check_status)).
///
/// A failure says [how far the request came](Delivery), where the client can prove it: it never left, or was refused unprocessed. A
/// retry makes such requests anew at no charge (rule RT-9). With clients of `hyper-util` and HTTP/2 that takes the features of these names. What
/// follows redirects or repeats requests belongs outside of this layer: inside, an earlier request may have been done.
///
/// ```
/// use core_errors::Category;
/// use core_http::ClientLayer;
/// use http::{Request, Response, StatusCode};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let upstream = service_fn(|_: Request<String>| async {
///     let mut busy = Response::new(String::new());
///     *busy.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
///     Ok::<_, std::io::Error>(busy)
/// });
/// let client = ServiceBuilder::new().layer(ClientLayer::new()).service(upstream);
/// let error = client.oneshot(Request::new(String::new())).await.unwrap_err();
/// assert_eq!(error.category(), Category::Unavailable);
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ClientLayer(Injector, Callee);

/// A client of another service. Made by [`ClientLayer`].
#[derive(Clone, Debug)]
pub struct Client<S> {
    inner: S,
    injector: Injector,
    callee: Callee,
}

pin_project! {
    /// The answer of a [`Client`].
    #[must_use = "futures do nothing unless polled"]
    #[project = ClientFutureProj]
    #[derive(Debug)]
    pub struct ClientFuture<F> {
        #[pin]
        inner: Option<F>,
        refused: Option<Error>,
        callee: Callee,
    }
}

macro_rules! settings {
    ($layer:ident) => {
        impl $layer {
            /// With the usual headers.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            /// Writes contexts as `propagation` has it. Default: the usual headers, with a margin of 5 ms.
            #[must_use]
            pub fn propagation(mut self, propagation: Propagation) -> Self {
                self.0.propagation(propagation);
                self
            }

            /// Writes other headers. Default: `x-correlation-id` and `x-request-id`.
            #[must_use]
            pub fn header_names(self, names: HeaderNames) -> Self {
                self.propagation(Propagation::trusted().names(names))
            }

            /// Reads time from `clock`. Default: the system's.
            #[must_use]
            pub fn clock(mut self, clock: Clock) -> Self {
                self.0.clock(clock);
                self
            }
        }
    };
}

settings!(InjectLayer);
settings!(ClientLayer);

// === impl Inject ===

impl<S> Layer<S> for InjectLayer {
    type Service = Inject<S>;

    fn layer(&self, inner: S) -> Inject<S> {
        Inject { inner, injector: self.0.clone() }
    }
}

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

    fn call(&mut self, request: Request<B>) -> S::Future {
        self.inner.call(with_context(&self.injector, request))
    }
}

fn with_context<B>(injector: &Injector, request: Request<B>) -> Request<B> {
    let (mut parts, body) = request.into_parts();
    injector.write(&mut parts.headers, &parts.extensions);
    Request::from_parts(parts, body)
}

// === impl Client ===

impl ClientLayer {
    /// For callees of the house: what they say of their failures holds, see [`Callee`]. Default: as far as it makes no retry less safe.
    #[must_use]
    pub fn trusted(mut self) -> Self {
        self.1 = Callee::Trusted;
        self
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = Client<S>;

    fn layer(&self, inner: S) -> Client<S> {
        Client { inner, injector: self.0.clone(), callee: self.1 }
    }
}

impl<S, A, B> Service<Request<A>> for Client<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Error: Into<Box<dyn StdError + Send + Sync>> + 'static,
{
    type Response = Response<B>;
    type Error = Error;
    type Future = ClientFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Error>> {
        match std::task::ready!(self.inner.poll_ready(cx)) {
            Ok(()) => Poll::Ready(Ok(())),
            // Not by `map_err`: the error would say that it was made there.
            Err(error) => Poll::Ready(Err(Error::convert(error))),
        }
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        if let Err(refused) = self.injector.in_time() {
            return ClientFuture { inner: None, refused: Some(refused), callee: self.callee };
        }
        let inner = self.inner.call(with_context(&self.injector, request));
        ClientFuture { inner: Some(inner), refused: None, callee: self.callee }
    }
}

/// What a request ended with, and how far it came.
fn undelivered(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    let error = error.into();
    let delivery = Delivery::of_transport(&*error);
    let error = Error::convert(error);
    if delivery.had_no_effect() { error.with_delivery(delivery) } else { error }
}

// === impl ClientFuture ===

impl<F, B, E> Future for ClientFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<Box<dyn StdError + Send + Sync>> + 'static,
{
    type Output = Result<Response<B>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match (this.inner.as_pin_mut(), this.refused.take()) {
            (_, Some(refused)) => Poll::Ready(Err(refused)),
            (Some(inner), None) => Poll::Ready(match std::task::ready!(inner.poll(cx)) {
                Ok(response) => this.callee.check(response),
                Err(error) => Err(undelivered(error)),
            }),
            (None, None) => panic!("polled after it was ready"),
        }
    }
}
