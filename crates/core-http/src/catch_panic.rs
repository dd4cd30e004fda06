//! A handler that panics answers.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{self, Poll};

use core_errors::Error;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::problem;

/// Makes a problem response of a panic: status 500 with the correlation id, and the text of the panic in the log only. A panic while
/// a request is dropped, since its client has gone away, is logged and goes no further.
///
/// It belongs inside [`ContextLayer`](crate::ContextLayer), so that answer and log know the context. What a handler left half done when it
/// panicked is not repaired: shared state must survive that, as it must survive a handler that is dropped.
#[derive(Clone, Copy, Debug, Default)]
pub struct CatchPanicLayer;

/// A service that answers when it panics. Made by [`CatchPanicLayer`].
#[derive(Clone, Debug)]
pub struct CatchPanic<S> {
    inner: S,
}

pin_project! {
    /// The answer of a [`CatchPanic`].
    #[must_use = "futures do nothing unless polled"]
    #[project = CatchPanicFutureProj]
    #[derive(Debug)]
    pub struct CatchPanicFuture<F, B> {
        #[pin]
        inner: Option<F>,
        answer: Option<Response<B>>,
    }

    impl<F, B> PinnedDrop for CatchPanicFuture<F, B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // A client that goes away must not end the connection on which others wait.
            if let Err(thrown) = catch_unwind(AssertUnwindSafe(|| this.inner.set(None))) {
                report(thrown);
            }
        }
    }
}

// === impl CatchPanicLayer ===

impl CatchPanicLayer {
    /// The layer.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for CatchPanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> CatchPanic<S> {
        CatchPanic { inner }
    }
}

// === impl CatchPanic ===

impl<S, A, B> Service<Request<A>> for CatchPanic<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: From<String>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = CatchPanicFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        // A service may do work, and panic, before there is a future.
        match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(inner) => CatchPanicFuture { inner: Some(inner), answer: None },
            Err(thrown) => CatchPanicFuture { inner: None, answer: Some(answer(thrown)) },
        }
    }
}

// === impl CatchPanicFuture ===

impl<F, B, E> Future for CatchPanicFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: From<String>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(answer) = this.answer.take() {
            return Poll::Ready(Ok(answer));
        }
        let inner = this.inner.as_mut().as_pin_mut().expect("not polled after it was ready");
        match catch_unwind(AssertUnwindSafe(|| inner.poll(cx))) {
            Ok(polled) => polled,
            Err(thrown) => {
                // What has panicked is not polled again; its drop may panic as well.
                let _ = catch_unwind(AssertUnwindSafe(|| this.inner.set(None)));
                Poll::Ready(Ok(answer(thrown)))
            }
        }
    }
}

#[cold]
fn answer<B: From<String>>(thrown: Box<dyn Any + Send>) -> Response<B> {
    problem::respond(&report(thrown))
}

/// What was thrown, as an error that is in the log already.
#[cold]
fn report(thrown: Box<dyn Any + Send>) -> Error {
    let error = Error::from_panic(&*thrown);
    // What was thrown is dropped here, and that may panic, too.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(thrown)));
    let internal = error.internal_message();
    tracing::error!(error = &error as &(dyn std::error::Error + 'static), internal, "a handler panicked");
    error
}
