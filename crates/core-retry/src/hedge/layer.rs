//! Hedges for tower.

use std::task::{Context, Poll};

use core_policy::tower::{CallAgain, ReadyCall, take_ready};
use core_policy::{ByClass, CallError, Classify, Judge};
use tower_layer::Layer;
use tower_service::Service;

use super::call::Hedged;
use super::policy::Hedge;

/// Puts a hedge around a service whose requests can be cloned. All clones of the service share the hedge.
///
/// As with `tower::hedge`, the request goes to a clone of the service for each hedge. Unlike there, the hedge has a budget, a failure that may
/// pass brings the next forward instead of ending the call. Requests that must not take effect twice are kept away from it: there is no
/// filter, since what tells them apart is known where services are put together.
///
/// **Readiness.** `poll_ready` is the inner service's. The instance that was ready gets the first attempt; a hedge goes to a clone that is
/// asked for its own readiness first, and waits for it while the first goes on. An inner service that has no room for a second request
/// (`ConcurrencyLimit`) is not hedged until the first is done: put such limits outside, or give them room.
#[derive(Clone, Debug)]
pub struct HedgeLayer<J = ByClass> {
    hedge: Hedge,
    judge: J,
}

/// A service whose slow requests are made twice. Made by [`HedgeLayer`].
#[derive(Clone, Debug)]
pub struct HedgedService<S, J = ByClass> {
    inner: S,
    layer: HedgeLayer<J>,
}

// === impl HedgeLayer ===

impl Hedge {
    /// A layer that makes slow requests a second time. They must be such as may take effect twice.
    #[must_use]
    pub fn layer(&self) -> HedgeLayer {
        HedgeLayer { hedge: self.clone(), judge: ByClass }
    }
}

impl HedgeLayer {
    /// The same with another judge of results.
    #[must_use]
    pub fn classify<K>(self, judge: K) -> HedgeLayer<K> {
        HedgeLayer { hedge: self.hedge, judge }
    }
}

impl<S, J: Clone> Layer<S> for HedgeLayer<J> {
    type Service = HedgedService<S, J>;

    fn layer(&self, inner: S) -> Self::Service {
        HedgedService { inner, layer: self.clone() }
    }
}

// === impl HedgedService ===

impl<S, J, R> Service<R> for HedgedService<S, J>
where
    S: Service<R> + Clone,
    S::Error: Classify,
    R: Clone,
    J: Judge<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = CallError<S::Error>;
    type Future = Hedged<Hedge, CallAgain<S, R>, ReadyCall<S, R>, J>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(CallError::Failed)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let ready = take_ready(&mut self.inner);
        let op = CallAgain::new(ready, self.inner.clone(), request);
        self.layer.hedge.clone().into_call(op, self.layer.judge.clone())
    }
}
