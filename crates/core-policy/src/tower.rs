//! One `Layer` and `Service` for every policy.
//!
//! [`PolicyLayer`] is for policies that admit a request at most once and asks nothing of the request.
//! [`RepeatLayer`] is for policies that may repeat it and asks that it can be cloned.
//!
//! **Readiness.** `poll_ready` is the inner service's. The instance that was ready is the one that is called; a repeated
//! request goes to a clone that is asked for its own readiness first. An inner service that reserves something in
//! `poll_ready` keeps it while the request waits for admission: put limits of that kind outside.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{AtMostOnce, Attempt, ByClass, Call, CallError, Classify, Judge, Notify, Op, Policy, Tried};

/// Puts a policy that admits at most once around a service.
#[derive(Clone, Debug)]
pub struct PolicyLayer<P, J = ByClass> {
    policy: P,
    judge: J,
}

/// Puts a policy that may repeat a request around a service.
#[derive(Clone, Debug)]
pub struct RepeatLayer<P, J = ByClass> {
    policy: P,
    judge: J,
}

/// A service under a policy that admits at most once.
#[derive(Clone, Debug)]
pub struct Guarded<S, P, J = ByClass> {
    inner: S,
    policy: P,
    judge: J,
}

/// A service under a policy that may repeat a request.
#[derive(Clone, Debug)]
pub struct Repeated<S, P, J = ByClass> {
    inner: S,
    policy: P,
    judge: J,
}

/// Calls a ready service once.
#[derive(Debug)]
pub struct CallOnce<S, R>(Option<(S, R)>);

/// Calls a ready service once, then clones of it.
#[derive(Debug)]
pub struct CallAgain<S, R> {
    ready: Option<S>,
    spare: S,
    request: R,
}

pin_project! {
    /// One attempt on a service: waits until it is ready, unless it is, and calls it.
    #[derive(Debug)]
    pub struct ReadyCall<S: Service<R>, R> {
        #[pin]
        state: ReadyState<S, R, S::Future>,
    }
}

pin_project! {
    #[project = ReadyProj]
    #[derive(Debug)]
    enum ReadyState<S, R, F> {
        Waiting { service: S, request: Option<R>, is_ready: bool },
        Calling { #[pin] future: F, marker: PhantomData<fn(R)> },
    }
}

macro_rules! layer {
    ($layer:ident, $service:ident) => {
        impl<P> $layer<P> {
            /// A layer around which errors classify themselves.
            pub const fn new(policy: P) -> Self {
                Self { policy, judge: ByClass }
            }
        }

        impl<P, J> $layer<P, J> {
            /// The same with another judge of results.
            #[must_use]
            pub fn classify<K>(self, judge: K) -> $layer<P, K> {
                $layer { policy: self.policy, judge }
            }
        }

        impl<S, P: Clone, J: Clone> Layer<S> for $layer<P, J> {
            type Service = $service<S, P, J>;

            fn layer(&self, inner: S) -> Self::Service {
                $service { inner, policy: self.policy.clone(), judge: self.judge.clone() }
            }
        }
    };
}

layer!(PolicyLayer, Guarded);
layer!(RepeatLayer, Repeated);

// === impl RepeatLayer ===

impl<P, J> RepeatLayer<P, J> {
    /// The same, and `told` hears what follows from failures, with the error itself: see [`Notify`]. It is cloned for each request.
    #[must_use]
    pub fn notify<T, E, F: Fn(&Tried<'_, T, E>)>(self, told: F) -> RepeatLayer<P, Notify<J, F>> {
        RepeatLayer { policy: self.policy, judge: Notify::new(self.judge, told) }
    }
}

// === impl Guarded ===

impl<S, P, J, R> Service<R> for Guarded<S, P, J>
where
    S: Service<R> + Clone,
    S::Error: Classify,
    P: AtMostOnce + Clone,
    J: Judge<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = CallError<S::Error>;
    type Future = Call<P, CallOnce<S, R>, ReadyCall<S, R>, J>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(CallError::Failed)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let ready = take_ready(&mut self.inner);
        Call::new(self.policy.clone(), CallOnce(Some((ready, request))), self.judge.clone())
    }
}

// === impl Repeated ===

impl<S, P, J, R> Service<R> for Repeated<S, P, J>
where
    S: Service<R> + Clone,
    S::Error: Classify,
    R: Clone,
    P: Policy + Clone,
    J: Judge<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = CallError<S::Error>;
    type Future = Call<P, CallAgain<S, R>, ReadyCall<S, R>, J>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(CallError::Failed)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let ready = take_ready(&mut self.inner);
        let op = CallAgain::new(ready, self.inner.clone(), request);
        Call::new(self.policy.clone(), op, self.judge.clone())
    }
}

/// Readiness belongs to an instance: the one that was polled is taken, and a clone stays behind.
pub fn take_ready<S: Clone>(inner: &mut S) -> S {
    let clone = inner.clone();
    std::mem::replace(inner, clone)
}

// === impl Op ===

impl<S: Service<R>, R> Op<S::Response, S::Error> for CallOnce<S, R> {
    type Future = ReadyCall<S, R>;

    fn attempt(&mut self, _: Attempt) -> Self::Future {
        let (service, request) = self.0.take().expect("a policy that is AtMostOnce admits once");
        ReadyCall::new(service, request, true)
    }
}

impl<S, R> CallAgain<S, R> {
    /// Calls `ready`, which has been asked, and then clones of `spare`, which are asked before.
    pub const fn new(ready: S, spare: S, request: R) -> Self {
        Self { ready: Some(ready), spare, request }
    }
}

impl<S: Service<R> + Clone, R: Clone> Op<S::Response, S::Error> for CallAgain<S, R> {
    type Future = ReadyCall<S, R>;

    fn attempt(&mut self, _: Attempt) -> Self::Future {
        let request = self.request.clone();
        match self.ready.take() {
            Some(ready) => ReadyCall::new(ready, request, true),
            None => ReadyCall::new(self.spare.clone(), request, false),
        }
    }
}

// === impl ReadyCall ===

impl<S: Service<R>, R> ReadyCall<S, R> {
    fn new(service: S, request: R, is_ready: bool) -> Self {
        Self { state: ReadyState::Waiting { service, request: Some(request), is_ready } }
    }
}

impl<S: Service<R>, R> Future for ReadyCall<S, R> {
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let future = match state.as_mut().project() {
                ReadyProj::Calling { future, .. } => return future.poll(cx),
                ReadyProj::Waiting { service, request, is_ready } => {
                    if !*is_ready {
                        ready!(service.poll_ready(cx))?;
                        *is_ready = true;
                    }
                    let request =
                        request.take().expect("the request goes out once, then the state is Calling");
                    service.call(request)
                }
            };
            state.set(ReadyState::Calling { future, marker: PhantomData });
        }
    }
}
