use core_errors::{Cause, Rejection, Verdict};
use core_time::{Clock, Instant};

use crate::{Admit, AtMostOnce, Cx, Next, Outcome, Policy, Role};

/// A policy around another.
///
/// The outer one is asked first and told last. When the outer one wants another attempt, it is asked again, and then the inner
/// one starts anew.
///
/// It takes any order; [`advice`](Self::advice) tells what is known against one.
///
/// A refusal of the inner policy reaches the outer one as [`Outcome::Refused`]; it is for the outer one to know what
/// that means to it.
#[derive(Clone, Copy, Debug)]
pub struct Stack<O, I> {
    outer: O,
    inner: I,
}

/// What a [`Stack`] remembers of a call.
#[derive(Debug)]
pub struct StackState<O, I> {
    outer: O,
    /// There once the outer policy has admitted the attempt; from then on the inner one is asked. However many are around each other, one
    /// word tells how far it came.
    inner: Option<I>,
}

// === impl Stack ===

impl<O: Policy, I: Policy> Stack<O, I> {
    /// Puts `outer` around `inner`.
    pub const fn new(outer: O, inner: I) -> Self {
        Self { outer, inner }
    }

    /// The outer policy.
    pub const fn outer(&self) -> &O {
        &self.outer
    }

    /// The inner policy.
    pub const fn inner(&self) -> &I {
        &self.inner
    }

    /// The outer policy learns what came of the attempt.
    #[inline]
    fn settle_outer(
        &self,
        state: &mut StackState<O::State, I::State>,
        outcome: &Outcome<'_>,
        cx: &mut Cx<'_>,
    ) -> Next {
        // In another round the inner policy begins a new call.
        state.inner = None;
        self.outer.settle(&mut state.outer, outcome, cx)
    }
}

impl<O: Policy, I: Policy> Policy for Stack<O, I> {
    type State = StackState<O::State, I::State>;

    #[inline]
    fn clock(&self) -> &Clock {
        if self.outer.is_absent() { self.inner.clock() } else { self.outer.clock() }
    }

    #[inline]
    fn is_absent(&self) -> bool {
        self.outer.is_absent() && self.inner.is_absent()
    }

    #[inline]
    fn ambient_deadline(&self) -> Option<Instant> {
        match (self.outer.ambient_deadline(), self.inner.ambient_deadline()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    #[inline]
    fn begin(&self) -> Self::State {
        StackState { outer: self.outer.begin(), inner: None }
    }

    #[inline]
    fn admit(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Admit {
        loop {
            let inner = match &mut state.inner {
                Some(inner) => inner,
                outside @ None => match self.outer.admit(&mut state.outer, cx) {
                    Admit::Run => outside.insert(self.inner.begin()),
                    wait_or_refuse => return wait_or_refuse,
                },
            };
            match self.inner.admit(inner, cx) {
                Admit::Refuse(rejection) => {
                    self.inner.abandon(inner);
                    if !self.settle_outer(state, &Outcome::Refused(&rejection), cx).is_again() {
                        return Admit::Refuse(rejection);
                    }
                }
                run_or_wait => return run_or_wait,
            }
        }
    }

    #[inline]
    fn settle(&self, state: &mut Self::State, outcome: &Outcome<'_>, cx: &mut Cx<'_>) -> Next {
        let Some(inner) = &mut state.inner else {
            return self.outer.settle(&mut state.outer, outcome, cx);
        };
        let inner = self.inner.settle(inner, outcome, cx);
        let outcome = match (inner, outcome) {
            (Next::Again, _) => return inner,
            // The attempts that were worth making were made inside (rule RT-8).
            (Next::GiveUp(_), Outcome::Judged(_, cause)) => &Outcome::Judged(Verdict::Permanent, *cause),
            (Next::GiveUp(_), Outcome::Refused(rejection)) => &given_up(rejection),
            (_, outcome) => outcome,
        };
        match self.settle_outer(state, outcome, cx) {
            Next::Finish => inner,
            next => next,
        }
    }

    fn abandon(&self, state: &mut Self::State) {
        if let Some(inner) = &mut state.inner {
            self.inner.abandon(inner);
        }
        self.outer.abandon(&mut state.outer);
    }

    fn cutoff(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Option<Instant> {
        let outer = self.outer.cutoff(&mut state.outer, cx);
        let inner = state.inner.as_mut().and_then(|inner| self.inner.cutoff(inner, cx));
        match (outer, inner) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    fn expire(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Option<Rejection> {
        // The outermost limit that has passed is the one that counts: nothing inside it may go on.
        self.outer.expire(&mut state.outer, cx).or_else(|| self.inner.expire(state.inner.as_mut()?, cx))
    }

    fn falls_back(&self) {
        self.outer.falls_back();
        self.inner.falls_back();
    }

    fn roles(&self) -> Vec<Role> {
        [self.outer.roles(), self.inner.roles()].concat()
    }
}

impl<O: AtMostOnce, I: AtMostOnce> AtMostOnce for Stack<O, I> {}

impl<O: Default, I> Default for StackState<O, I> {
    fn default() -> Self {
        Self { outer: O::default(), inner: None }
    }
}

/// What attempts that all ended with `rejection` are to the outer policy: a timeout is the callee's failure, any other
/// refusal says nothing about it, and neither is worth another try.
#[cold]
fn given_up(rejection: &Rejection) -> Outcome<'static> {
    if !Verdict::of_error(rejection).is_failure() {
        return Outcome::Judged(Verdict::Ignore, None);
    }
    let cause = Cause::of(rejection);
    Outcome::Judged(Verdict::Permanent, Some(cause))
}
