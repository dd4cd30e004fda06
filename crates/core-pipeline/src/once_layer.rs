//! Pipelines for services whose requests cannot be cloned.

use core_context::Context;
use core_errors::Rejection;
use core_policy::tower::PolicyLayer;
use core_policy::{Admit, AtMostOnce, Cx, Next, Outcome, Policy, Stack};
use core_time::{Clock, Instant};
use core_timeout::Timeout;

use crate::pipeline::{Once, Pipeline};

/// A pipeline that makes one attempt: all its policies but the retry. What [`Pipeline::layer_once`] puts around a service.
#[derive(Clone, Debug)]
pub struct SingleAttempt(Pipeline);

// === impl SingleAttempt ===

impl Pipeline {
    /// A layer that puts all policies of this pipeline but the retry around a service, and asks nothing of the request: for the requests of
    /// axum, tonic and reqwest, whose bodies cannot be cloned. [`layer`](Self::layer) repeats requests that can be.
    #[must_use]
    pub fn layer_once(&self) -> PolicyLayer<SingleAttempt> {
        PolicyLayer::new(SingleAttempt(self.clone()))
    }
}

impl SingleAttempt {
    fn policies(&self) -> Stack<&Option<Timeout>, &Once> {
        Stack::new(*self.0.around().outer(), self.0.once())
    }
}

impl Policy for SingleAttempt {
    type State = <Stack<Option<Timeout>, Once> as Policy>::State;

    fn clock(&self) -> &Clock {
        self.0.own_clock()
    }

    fn ambient_deadline(&self) -> Option<Instant> {
        Context::current_deadline()
    }

    fn begin(&self) -> Self::State {
        self.policies().begin()
    }

    fn admit(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Admit {
        self.policies().admit(state, cx)
    }

    fn settle(&self, state: &mut Self::State, outcome: &Outcome<'_>, cx: &mut Cx<'_>) -> Next {
        self.policies().settle(state, outcome, cx)
    }

    fn abandon(&self, state: &mut Self::State) {
        self.policies().abandon(state);
    }

    fn cutoff(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Option<Instant> {
        self.policies().cutoff(state, cx)
    }

    fn expire(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Option<Rejection> {
        self.policies().expire(state, cx)
    }
}

/// None of its policies makes another attempt.
impl AtMostOnce for SingleAttempt {}
