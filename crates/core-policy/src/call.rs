mod drive;
mod op;
mod wait;

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use core_time::Alarm;
use pin_project_lite::pin_project;

use crate::driver::Driver;
use crate::phase::Phase;
use crate::{AtMostOnce, CallError, Judge, Policy};

use op::CallOutput;
pub use op::{Given, Op};

pin_project! {
    /// A call under a policy. Made by the `call` method of policies. It begins when it is first polled.
    ///
    /// It weighs 256 bytes and its attempt, or less. Where it has to wait, its timer lies in memory that the thread keeps, see
    /// [`Alarm`](core_time::Alarm).
    ///
    /// # Cancel safety
    /// Dropping it drops the attempt and gives back every slot and permit it holds; the attempt counts neither as success
    /// nor as failure. Guards that are dropped with it can tell, by [`cut_off_depth`](core_errors::cut_off_depth), as they can
    /// where a limit on time stops it.
    ///
    /// # Panics
    /// A panic of the attempt is recorded as a failure and goes on. Polled outside a tokio runtime with timers it panics
    /// once it has to sleep or a limit on time applies, unless the policy's clock is manual. Polling it after it is ready
    /// panics.
    #[must_use = "futures do nothing unless polled"]
    pub struct Call<P: Policy, O, F: CallOutput, J> {
        // Fields are dropped in this order: the attempt ends before its slot goes to somebody else.
        #[pin]
        phase: Phase<F>,
        slot: Slot<P, F::Error>,
        // There until the first poll.
        policy: Option<P>,
        op: O,
        judge: J,
    }

    impl<P: Policy, O, F: CallOutput, J> PinnedDrop for Call<P, O, F, J> {
        #[inline]
        fn drop(this: Pin<&mut Self>) {
            // Nearly always it has ended at once, and the attempt is gone.
            if let Slot::Live(_) = this.slot {
                this.cut_off();
            }
        }
    }
}

/// What most calls never need, as they end in their first poll: there the driver is a local.
enum Slot<P: Policy, E> {
    Empty,
    /// The call has had to wait, or has failed.
    Live(Live<P, E>),
    /// What the call came to, on its way out. Errors are large, and go this way so that successes need not.
    Error(Option<CallError<E>>),
}

/// A call that has had to wait, or has failed. Dropping it gives back what it holds.
struct Live<P: Policy, E> {
    driver: Driver<P, E>,
    alarm: Alarm,
}

// === impl Live ===

impl<P: Policy, E> Live<P, E> {
    #[inline]
    fn new(driver: Driver<P, E>) -> Self {
        Self { driver, alarm: Alarm::new() }
    }
}

impl<P: Policy, E> Drop for Live<P, E> {
    /// Cold, so that a call that has nothing to drop finds that out where it is.
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        self.driver.give_back();
    }
}

// === impl Call ===

impl<P: Policy, O, F: CallOutput, J> Call<P, O, F, J> {
    /// A call of `op` under `policy`.
    #[inline]
    pub fn new(policy: P, op: O, judge: J) -> Self {
        Self { phase: Phase::Admitting, slot: Slot::Empty, policy: Some(policy), op, judge }
    }
}

impl<P: AtMostOnce, F: CallOutput, J> Call<P, Given<F>, F, J> {
    /// A call whose one attempt is `future`. It is there once, however large it is.
    #[inline]
    pub fn given(policy: P, future: F, judge: J) -> Self {
        let phase = Phase::Given { attempt: future, until: None };
        Self { phase, slot: Slot::Empty, policy: Some(policy), op: Given(PhantomData), judge }
    }
}

impl<P, O, F, J> Future for Call<P, O, F, J>
where
    P: Policy,
    F: CallOutput,
    O: Op<F::Value, F::Error, Future = F>,
    J: Judge<F::Value, F::Error>,
{
    type Output = Result<F::Value, CallError<F::Error>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(policy) = self.as_mut().project().policy.take() {
            return self.poll_first(policy, cx);
        }
        let ended = self.as_mut().poll_on(cx);
        self.end(ended)
    }
}

impl<P: Policy, O, F: CallOutput, J> Call<P, O, F, J> {
    /// It is dropped while it waits.
    #[cold]
    #[inline(never)]
    fn cut_off(self: Pin<&mut Self>) {
        let phase = self.project().phase;
        if phase.has_attempt() {
            phase.cut_off();
        }
    }
}

impl<P: Policy, O, F: CallOutput, J> std::fmt::Debug for Call<P, O, F, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}
