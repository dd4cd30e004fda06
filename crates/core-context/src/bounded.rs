use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use core_errors::{Name, PolicyKind, Reason, Rejection, cut_off};
use core_time::{Alarm, Clock};
use pin_project_lite::pin_project;

use crate::Context;

pin_project! {
    /// A future that ends with the deadline of a context. Made by [`Context::bounded`].
    ///
    /// # Cancel safety
    /// Dropping it drops what is inside, as the deadline does. Guards that are dropped with that can tell, by
    /// [`cut_off_depth`](core_errors::cut_off_depth).
    ///
    /// # Panics
    /// Polling it after it is ready panics.
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct Bounded<F> {
        // None once it has ended, or was stopped.
        #[pin]
        inner: Option<F>,
        // Set when the future first has to wait.
        alarm: Alarm,
        context: Context,
        clock: Clock,
    }

    impl<F> PinnedDrop for Bounded<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.inner.is_some() {
                cut_off(|| this.inner.set(None));
            }
        }
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
        Bounded { inner: Some(future), alarm: Alarm::new(), context: self.clone(), clock: clock.clone() }
    }
}

impl<F: Future> Future for Bounded<F> {
    type Output = Result<F::Output, Rejection>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let inner = this.inner.as_mut().as_pin_mut().expect("not polled after it was ready");
        if let Poll::Ready(output) = inner.poll(cx) {
            this.inner.set(None);
            return Poll::Ready(Ok(output));
        }
        let Some(deadline) = this.context.deadline() else { return Poll::Pending };
        let rung = this.alarm.poll_until(this.clock, deadline, cx).is_ready();
        // A task that has spent its budget never sees its timer fire: the clock has the last word.
        if rung || this.clock.reached(deadline).is_ok() {
            cut_off(|| this.inner.set(None));
            return Poll::Ready(Err(Rejection::new(
                PolicyKind::Deadline,
                Name::UNNAMED,
                Reason::DeadlineExceeded,
            )));
        }
        Poll::Pending
    }
}
