use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use core_errors::{Name, PolicyKind, Reason, Rejection};
use core_time::{Clock, Sleep};
use pin_project_lite::pin_project;

use crate::Context;

pin_project! {
    /// A future that ends with the deadline of a context. Made by [`Context::bounded`].
    ///
    /// # Cancel safety
    /// Dropping it drops what is inside.
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct Bounded<F> {
        #[pin]
        inner: F,
        // Made when the future first has to wait.
        #[pin]
        alarm: Option<Sleep>,
        context: Context,
        clock: Clock,
    }
}

// === impl Context ===

impl Context {
    /// Runs a future until the deadline of this context, and no longer: for work that is no call under a policy. Without a deadline it
    /// runs to its end. It does not make the context current, see [`scope`](Self::scope).
    ///
    /// The future is polled first: one that is ready is never too late. One that does not wait arms no timer.
    ///
    /// # Errors
    /// The refusal of the deadline, when that has come.
    ///
    /// # Panics
    /// The future panics when it has to wait outside a tokio runtime with timers, unless the clock is manual.
    pub fn bounded<F: Future>(&self, clock: &Clock, future: F) -> Bounded<F> {
        Bounded { inner: future, alarm: None, context: self.clone(), clock: clock.clone() }
    }
}

impl<F: Future> Future for Bounded<F> {
    type Output = Result<F::Output, Rejection>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(output) = this.inner.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        let Some(deadline) = this.context.deadline() else { return Poll::Pending };
        if this.alarm.is_none() {
            this.alarm.set(Some(this.clock.sleep_until(deadline)));
        }
        let rung = this.alarm.as_pin_mut().is_none_or(|alarm| alarm.poll(cx).is_ready());
        // A task that has spent its budget never sees its timer fire: the clock has the last word.
        if rung || this.clock.reached(deadline).is_ok() {
            return Poll::Ready(Err(Rejection::new(
                PolicyKind::Deadline,
                Name::UNNAMED,
                Reason::DeadlineExceeded,
            )));
        }
        Poll::Pending
    }
}
