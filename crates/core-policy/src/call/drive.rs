//! How a call is driven: from its first poll to what it comes to.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{Call, CallOutput, Live, Op, Slot};
use crate::driver::{Driver, FailedAttempt, Flow, deadline_exceeded, in_time};
use crate::phase::{Phase, Step};
use crate::{Admit, CallError, Judge, Policy};

/// The value, or `None` for the error that is in the slot.
type Ended<T> = Poll<Option<T>>;

impl<P, O, F, J> Call<P, O, F, J>
where
    P: Policy,
    F: CallOutput,
    O: Op<F::Value, F::Error, Future = F>,
    J: Judge<F::Value, F::Error>,
{
    /// The way of a call that is admitted at once, ready at once, and succeeds, and of one that is refused at once; whatever
    /// else happens goes on in [`poll_on`](Self::poll_on).
    #[inline]
    pub(super) fn poll_first(
        mut self: Pin<&mut Self>,
        policy: P,
        cx: &mut Context<'_>,
    ) -> Poll<<Self as Future>::Output> {
        let mut this = self.as_mut().project();
        let Ok(ambient) = in_time(&policy, None) else {
            this.phase.set(Phase::Done);
            return Poll::Ready(Err(CallError::Rejected(deadline_exceeded())));
        };
        let mut driver = Driver::within(policy, ambient);
        let ended = match driver.admit_first(Some(cx.waker())) {
            Admit::Run => {
                let attempt = driver.first_attempt();
                if !O::IS_GIVEN {
                    let op = &mut *this.op;
                    let attempt = driver.running(|| op.attempt(attempt));
                    this.phase.set(Phase::Running { attempt });
                }
                match driver.running(|| this.phase.as_mut().poll_attempt(cx)) {
                    Poll::Ready(result) => match driver.judged(result, &*this.judge) {
                        Ok(value) => return Poll::Ready(Ok(value)),
                        Err(failed) => {
                            *this.slot = Slot::Live(Live::new(driver));
                            self.as_mut().poll_failed(failed, cx)
                        }
                    },
                    Poll::Pending => {
                        *this.slot = Slot::Live(Live::new(driver));
                        self.as_mut().poll_stopped(cx)
                    }
                }
            }
            Admit::Refuse(rejection) => {
                driver.refused_first();
                this.phase.set(Phase::Done);
                return Poll::Ready(Err(CallError::Rejected(rejection)));
            }
            Admit::SleepUntil(until) => {
                this.phase.as_mut().sleep(until);
                *this.slot = Slot::Live(Live::new(driver));
                self.as_mut().driver().waiting();
                self.as_mut().poll_on(cx)
            }
            Admit::Park => {
                *this.slot = Slot::Live(Live::new(driver));
                self.as_mut().poll_parked(cx)
            }
        };
        self.end(ended)
    }

    /// Fetches the error from the slot.
    #[inline]
    pub(super) fn end(self: Pin<&mut Self>, ended: Ended<F::Value>) -> Poll<<Self as Future>::Output> {
        match ended {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(value)) => Poll::Ready(Ok(value)),
            Poll::Ready(None) => Poll::Ready(Err(self.error())),
        }
    }

    #[cold]
    fn poll_failed(
        mut self: Pin<&mut Self>,
        failed: FailedAttempt<F::Value, F::Error>,
        cx: &mut Context<'_>,
    ) -> Ended<F::Value> {
        let (driver, judge) = self.as_mut().driver_and_judge();
        let flow = driver.failed(failed, judge);
        self.poll_turned(flow, cx)
    }

    /// It is not the call's turn yet: how long may it wait for it?
    #[inline(never)]
    fn poll_parked(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Ended<F::Value> {
        ready!(self.as_mut().poll_turn(cx));
        let flow = self.as_mut().driver().expired_waiting();
        self.poll_turned(flow, cx)
    }

    /// The attempt has to wait: when is it stopped?
    #[inline(never)]
    fn poll_stopped(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Ended<F::Value> {
        ready!(self.as_mut().poll_cutoff(cx));
        let flow = self.as_mut().stop();
        self.poll_turned(flow, cx)
    }

    /// The cut-off has come while the attempt was running. The attempt goes first, and then its slot.
    fn stop(mut self: Pin<&mut Self>) -> Flow<F::Value, F::Error> {
        self.as_mut().project().phase.cut_off();
        let (driver, judge) = self.driver_and_judge();
        driver.expired(judge)
    }

    #[cold]
    fn poll_turned(
        mut self: Pin<&mut Self>,
        flow: Flow<F::Value, F::Error>,
        cx: &mut Context<'_>,
    ) -> Ended<F::Value> {
        match self.as_mut().turn(flow) {
            ControlFlow::Break(ended) => Poll::Ready(ended),
            ControlFlow::Continue(()) => self.poll_on(cx),
        }
    }

    /// Goes on with a call that has had to wait, or is to be tried again.
    #[inline(never)]
    pub(super) fn poll_on(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Ended<F::Value> {
        loop {
            let mut this = self.as_mut().project();
            let Slot::Live(Live { driver, alarm }) = this.slot else {
                panic!("a call was polled after it was ready")
            };
            let flow = match this.phase.step(O::IS_GIVEN && driver.has_attempted()) {
                Step::Admitting => match driver.admit(Some(cx.waker())) {
                    Admit::Run => {
                        // The limit of the wait that ends here is not that of the attempt.
                        alarm.clear();
                        let attempt = driver.attempt();
                        let op = &mut *this.op;
                        let phase = this.phase.as_mut();
                        driver.running(|| phase.start(|| op.attempt(attempt)));
                        continue;
                    }
                    Admit::Refuse(rejection) => driver.refused(rejection),
                    Admit::SleepUntil(until) => {
                        driver.waiting();
                        alarm.clear();
                        this.phase.as_mut().sleep(until);
                        continue;
                    }
                    Admit::Park => {
                        ready!(self.as_mut().poll_turn(cx));
                        self.as_mut().driver().expired_waiting()
                    }
                },
                Step::Sleeping(until) => {
                    // Which of the two moments came is known from what the alarm was set to, not from another reading.
                    if ready!(self.as_mut().poll_sleep(until, cx)) < until {
                        self.as_mut().driver().expired_waiting()
                    } else {
                        ControlFlow::Continue(())
                    }
                }
                Step::Running => match driver.running(|| this.phase.as_mut().poll_attempt(cx)) {
                    Poll::Ready(result) => match driver.judged(result, &*this.judge) {
                        Ok(value) => ControlFlow::Break(Ok(value)),
                        Err(failed) => driver.failed(failed, &*this.judge),
                    },
                    Poll::Pending => {
                        ready!(self.as_mut().poll_cutoff(cx));
                        self.as_mut().stop()
                    }
                },
                Step::Done => panic!("a call was polled after it was ready"),
            };
            if let ControlFlow::Break(ended) = self.as_mut().turn(flow) {
                return Poll::Ready(ended);
            }
        }
    }
}

impl<P: Policy, O, F: CallOutput, J> Call<P, O, F, J> {
    /// The error that the call came to.
    fn error(self: Pin<&mut Self>) -> CallError<F::Error> {
        match self.project().slot {
            Slot::Error(error) => error.take().expect("it is taken once"),
            _ => unreachable!("a call without a value has its error"),
        }
    }

    /// Another round, or the end.
    fn turn(self: Pin<&mut Self>, flow: Flow<F::Value, F::Error>) -> ControlFlow<Option<F::Value>> {
        let mut this = self.project();
        match flow {
            ControlFlow::Continue(()) => {
                this.phase.as_mut().admit();
                if let Slot::Live(Live { alarm, .. }) = this.slot {
                    alarm.clear();
                }
                ControlFlow::Continue(())
            }
            ControlFlow::Break(result) => {
                this.phase.set(Phase::Done);
                let (value, slot) = match result {
                    Ok(value) => (Some(value), Slot::Empty),
                    Err(error) => (None, Slot::Error(Some(error))),
                };
                *this.slot = slot;
                ControlFlow::Break(value)
            }
        }
    }
}
