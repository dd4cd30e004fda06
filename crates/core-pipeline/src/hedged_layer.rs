//! Hedged pipelines for tower.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use core_policy::tower::{CallAgain, take_ready};
use core_policy::{CallError, Classify, Op};
use tower_layer::Layer;
use tower_service::Service;

use crate::hedged::HedgedPipeline;

/// Puts a hedged pipeline around a service whose requests can be cloned. Made by [`HedgedPipeline::layer`]. All clones of the service share
/// the pipeline.
///
/// **Readiness.** `poll_ready` is the inner service's. The instance that was ready gets the first attempt; every other attempt goes to a
/// clone that is asked for its own readiness first, under the attempt timeout.
///
/// # Cost
/// Two allocations for each request, which is boxed: its future outlives the service that made it.
#[derive(Clone, Debug)]
pub struct HedgedLayer(HedgedPipeline);

/// A service under a hedged pipeline. Made by [`HedgedLayer`].
#[derive(Clone, Debug)]
pub struct HedgedService<S> {
    inner: S,
    hedged: HedgedPipeline,
}

// === impl HedgedLayer ===

impl HedgedPipeline {
    /// A layer that puts this pipeline around a service. Requests that must not take effect twice belong to
    /// [the pipeline without the hedge](Self::pipeline).
    #[must_use]
    pub fn layer(&self) -> HedgedLayer {
        HedgedLayer(self.clone())
    }
}

impl<S> Layer<S> for HedgedLayer {
    type Service = HedgedService<S>;

    fn layer(&self, inner: S) -> HedgedService<S> {
        HedgedService { inner, hedged: self.0.clone() }
    }
}

// === impl HedgedService ===

impl<S, R> Service<R> for HedgedService<S>
where
    S: Service<R, Response: Send, Error: Classify + Send, Future: Send> + Clone + Send + 'static,
    R: Clone + Send + 'static,
{
    type Response = S::Response;
    type Error = CallError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(CallError::Failed)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let ready = take_ready(&mut self.inner);
        // Of this request alone: nobody waits for it.
        let again = Arc::new(Mutex::new(CallAgain::new(ready, self.inner.clone(), request)));
        let hedged = self.hedged.clone();
        let attempt = move |attempt| again.lock().unwrap_or_else(PoisonError::into_inner).attempt(attempt);
        Box::pin(async move { hedged.call(attempt).await })
    }
}
