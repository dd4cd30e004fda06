//! What a hedged call consists of.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use core_errors::cut_off;
use pin_project_lite::pin_project;

use crate::budget::{Budget, Paid};

pin_project! {
    /// The attempt that is always made, and in its place what is kept of a failure once it has ended: that takes no room of its own.
    #[project = FirstProj]
    pub(super) enum First<F: Future> {
        Gone,
        Running { #[pin] future: Running<F> },
        Kept { kept: Option<Kept<F::Output>> },
    }
}

pin_project! {
    /// An attempt. Guards that are dropped with it before it has ended can tell.
    pub(super) struct Running<F> {
        #[pin]
        attempt: Option<F>,
    }

    impl<F> PinnedDrop for Running<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.attempt.is_some() {
                cut_off(|| this.attempt.set(None));
            }
        }
    }
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
    pub(super) fn running(attempt: F) -> Self {
        Self::Running { future: Running::new(attempt) }
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self, Self::Running { .. })
    }

    /// Polls the attempt if it runs, and drops it once it is ready.
    #[inline]
    pub(super) fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let FirstProj::Running { future } = self.as_mut().project() else { return Poll::Pending };
        let polled = future.poll(cx);
        if polled.is_ready() {
            self.set(Self::Gone);
        }
        polled
    }

    pub(super) fn kept(self: Pin<&mut Self>) -> Option<&Kept<F::Output>> {
        if let FirstProj::Kept { kept } = self.project() { kept.as_ref() } else { None }
    }

    pub(super) fn take_kept(self: Pin<&mut Self>) -> Option<Kept<F::Output>> {
        if let FirstProj::Kept { kept } = self.project() { kept.take() } else { None }
    }
}

// === impl Running ===

impl<F> Running<F> {
    pub(super) fn new(attempt: F) -> Self {
        Self { attempt: Some(attempt) }
    }
}

impl<F: Future> Future for Running<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        // Whoever polls an attempt drops it once it is ready.
        let Some(attempt) = this.attempt.as_mut().as_pin_mut() else { return Poll::Pending };
        let polled = attempt.poll(cx);
        if polled.is_ready() {
            this.attempt.set(None);
        }
        polled
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
