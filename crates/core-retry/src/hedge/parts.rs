//! What a hedged call consists of.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use core_errors::cut_off;
use core_policy::Attempt;
use core_time::Instant;
use pin_project_lite::pin_project;

use crate::budget::{Budget, Paid};

pin_project! {
    /// The attempt that is always made. In its place is before it what the call goes by until then, and once it has ended what is kept of a
    /// failure: that takes no room of its own. Guards that are dropped with the attempt before it has ended can tell.
    pub(super) struct First<F: Future> {
        #[pin]
        state: State<F>,
    }

    impl<F: Future> PinnedDrop for First<F> {
        #[inline]
        fn drop(this: Pin<&mut Self>) {
            if this.is_running() {
                this.cut_off();
            }
        }
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F: Future> {
        Fresh { base: Base },
        Running { #[pin] future: F },
        Kept { kept: Option<Kept<F::Output>> },
        Gone,
    }
}

/// What a call is an attempt of.
#[derive(Clone, Copy)]
pub(super) struct Base {
    pub(super) attempt: Attempt,
    pub(super) deadline: Option<Instant>,
}

/// What came of an attempt that was no success.
pub(super) struct Kept<R> {
    pub(super) result: R,
    /// Not a refusal of a policy further in, which says nothing of the callee.
    pub(super) is_failure: bool,
}

/// A call that a budget counts while it is in flight.
pub(super) struct Entered(Budget);

/// A hedge that a budget was paid for, and may count while it is in flight.
pub(super) struct Paying(pub(super) Budget, pub(super) Paid);

// === impl First ===

impl<F: Future> First<F> {
    pub(super) const fn fresh(base: Base) -> Self {
        Self { state: State::Fresh { base } }
    }

    /// What the call is an attempt of, as long as it has not begun.
    pub(super) fn base(&mut self) -> Option<&mut Base> {
        if let State::Fresh { base } = &mut self.state { Some(base) } else { None }
    }

    /// The call begins, if it has not.
    #[inline]
    pub(super) fn begin(self: Pin<&mut Self>) -> Option<Base> {
        let mut state = self.project().state;
        let StateProj::Fresh { base } = state.as_mut().project() else { return None };
        let base = *base;
        state.set(State::Gone);
        Some(base)
    }

    pub(super) fn start(self: Pin<&mut Self>, attempt: F) {
        self.project().state.set(State::Running { future: attempt });
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// Polls the attempt if it runs, and drops it once it is ready.
    #[inline]
    pub(super) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut state = self.project().state;
        let StateProj::Running { future } = state.as_mut().project() else { return Poll::Pending };
        let polled = future.poll(cx);
        if polled.is_ready() {
            state.set(State::Gone);
        }
        polled
    }

    pub(super) fn keep(self: Pin<&mut Self>, kept: Kept<F::Output>) {
        self.project().state.set(State::Kept { kept: Some(kept) });
    }

    pub(super) fn kept(self: Pin<&mut Self>) -> Option<&Kept<F::Output>> {
        if let StateProj::Kept { kept } = self.project().state.project() { kept.as_ref() } else { None }
    }

    pub(super) fn take_kept(self: Pin<&mut Self>) -> Option<Kept<F::Output>> {
        if let StateProj::Kept { kept } = self.project().state.project() { kept.take() } else { None }
    }

    /// Drops the attempt, or what is kept of it.
    pub(super) fn end(mut self: Pin<&mut Self>) {
        if self.is_running() {
            self.as_mut().cut_off();
        }
        self.project().state.set(State::Gone);
    }

    #[cold]
    #[inline(never)]
    fn cut_off(self: Pin<&mut Self>) {
        let mut state = self.project().state;
        cut_off(|| state.set(State::Gone));
    }
}

// === impl Entered ===

impl Entered {
    pub(super) fn new(budget: &Budget) -> Self {
        budget.enter();
        Self(budget.clone())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.leave(Paid::NOTHING);
    }
}

impl Drop for Paying {
    fn drop(&mut self) {
        self.0.ended(self.1);
    }
}
