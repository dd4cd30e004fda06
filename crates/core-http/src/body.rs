//! Bodies that stream run in the context of their request.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll, ready};

use core_context::Context;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// Wraps the body of each response in the context that is current when the response is made: what a body does while it streams (queries,
/// calls, logs) belongs to the request, although the server polls it when the handler has long returned.
///
/// It belongs inside [`ContextLayer`](crate::ContextLayer); outside of one it changes nothing. Reach for it where bodies compute: a body
/// that is there as a whole gains nothing.
///
/// ```
/// use core_http::{ContextBodyLayer, ContextLayer};
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = ServiceBuilder::new()
///     .layer(ContextLayer::new())
///     .layer(ContextBodyLayer::new())
///     .service(service_fn(async |_: Request<String>| Ok::<_, std::io::Error>(Response::new("rows".to_owned()))));
///
/// let response = service.oneshot(Request::new(String::new())).await?;
/// let rows = http_body_util::BodyExt::collect(response.into_body()).await?.to_bytes();
/// assert_eq!(rows, "rows");
/// # Ok(()) }
/// ```
///
/// # Cost
/// For each frame two thread-local writes and a reference count. Nothing is allocated.
#[derive(Clone, Copy, Debug, Default)]
pub struct ContextBodyLayer;

/// A service whose bodies run in the context. Made by [`ContextBodyLayer`].
#[derive(Clone, Debug)]
pub struct ContextBodyService<S> {
    inner: S,
}

pin_project! {
    /// The answer of a [`ContextBodyService`].
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct ContextBodyFuture<F> {
        #[pin]
        inner: F,
    }
}

pin_project! {
    /// A body in a context: that is current whenever the body is polled, and while it is dropped.
    #[derive(Debug)]
    pub struct ContextBody<B> {
        // It is there until it is dropped.
        #[pin]
        inner: Option<B>,
        context: Option<Context>,
    }

    impl<B> PinnedDrop for ContextBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = this.context.as_ref().map(Context::enter);
            this.inner.set(None);
        }
    }
}

// === impl ContextBodyLayer ===

impl ContextBodyLayer {
    /// The layer.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for ContextBodyLayer {
    type Service = ContextBodyService<S>;

    fn layer(&self, inner: S) -> ContextBodyService<S> {
        ContextBodyService { inner }
    }
}

// === impl ContextBodyService ===

impl<S, A, B> Service<Request<A>> for ContextBodyService<S>
where
    S: Service<Request<A>, Response = Response<B>>,
{
    type Response = Response<ContextBody<B>>;
    type Error = S::Error;
    type Future = ContextBodyFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        ContextBodyFuture { inner: self.inner.call(request) }
    }
}

impl<F, B, E> Future for ContextBodyFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ContextBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.project().inner.poll(cx))?;
        Poll::Ready(Ok(response.map(ContextBody::in_current)))
    }
}

// === impl ContextBody ===

impl<B> ContextBody<B> {
    /// A body in the context that is current now; in that of whoever polls it if there is none.
    pub fn in_current(body: B) -> Self {
        Self { inner: Some(body), context: Context::current() }
    }
}

/// What a layer further out answers in place of a service, such as [`ContextLayer`](crate::ContextLayer) to a request that is too late.
impl<B: From<String>> From<String> for ContextBody<B> {
    fn from(text: String) -> Self {
        Self::in_current(B::from(text))
    }
}

impl<B: Body> Body for ContextBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let _entered = this.context.as_ref().map(Context::enter);
        this.inner.as_pin_mut().map_or(Poll::Ready(None), |inner| inner.poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
