use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use core_time::{Instant, Sleep};
use pin_project_lite::pin_project;

use crate::driver::Driver;
use crate::{Admit, Attempt, CallError, Judge, Policy};

/// What is called: makes one future for each attempt. Closures `FnMut(Attempt) -> impl Future` are.
pub trait Op<T, E> {
    /// One attempt.
    type Future: Future<Output = Result<T, E>>;

    /// Starts an attempt.
    fn attempt(&mut self, attempt: Attempt) -> Self::Future;
}

/// A future that is run as the one attempt of a call under a policy that admits at most once.
#[derive(Debug)]
pub struct Ready<F>(Option<F>);

pin_project! {
    /// A call under a policy. Made by the `call` method of policies.
    ///
    /// # Cancel safety
    /// Dropping it drops the attempt and gives back every slot and permit it holds; the attempt counts neither as success
    /// nor as failure.
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
        driver: Driver<P, F::Error>,
        op: O,
        judge: J,
        #[pin]
        alarm: Option<Sleep>,
        alarm_at: Instant,
    }
}

pin_project! {
    #[project = PhaseProj]
    enum Phase<F> {
        Admitting,
        Sleeping { until: Instant },
        Running { #[pin] attempt: F },
        Done,
    }
}

/// Names the two types of a future's result.
#[doc(hidden)]
pub trait CallOutput: Future<Output = Result<Self::Value, Self::Error>> {
    type Value;
    type Error;
}

// === impl Op ===

impl<T, E, F, Fut> Op<T, E> for F
where
    F: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    type Future = Fut;

    #[inline]
    fn attempt(&mut self, attempt: Attempt) -> Fut {
        self(attempt)
    }
}

impl<F> Ready<F> {
    /// Makes a future an [`Op`].
    pub const fn new(future: F) -> Self {
        Self(Some(future))
    }
}

impl<T, E, F: Future<Output = Result<T, E>>> Op<T, E> for Ready<F> {
    type Future = F;

    #[inline]
    fn attempt(&mut self, _: Attempt) -> F {
        self.0.take().expect("a policy that is AtMostOnce admits once")
    }
}

impl<T, E, F: Future<Output = Result<T, E>>> CallOutput for F {
    type Value = T;
    type Error = E;
}

// === impl Call ===

impl<P: Policy, O, F: CallOutput, J> Call<P, O, F, J> {
    /// A call of `op` under `policy`.
    #[inline]
    pub fn new(policy: P, op: O, judge: J) -> Self {
        Self::within(policy, op, judge, None)
    }

    /// A call that a caller further out gave until `deadline`.
    #[inline]
    pub fn within(policy: P, op: O, judge: J, deadline: Option<Instant>) -> Self {
        let driver = Driver::new(policy, deadline);
        Self { op, judge, driver, phase: Phase::Admitting, alarm: None, alarm_at: Instant::NEVER }
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
        loop {
            let mut this = self.as_mut().project();
            let flow = match this.phase.as_mut().project() {
                PhaseProj::Admitting => match this.driver.admit(Some(cx.waker())) {
                    Admit::Run => {
                        if this.alarm.is_some() {
                            disarm(this.alarm);
                        }
                        let attempt = this.driver.attempt();
                        let op = &mut *this.op;
                        let attempt = this.driver.running(|| op.attempt(attempt));
                        this.phase.set(Phase::Running { attempt });
                        continue;
                    }
                    Admit::Refuse(rejection) => this.driver.refused(rejection),
                    Admit::SleepUntil(until) => {
                        this.driver.waiting();
                        disarm(this.alarm);
                        this.phase.set(Phase::Sleeping { until });
                        continue;
                    }
                    Admit::Park => {
                        ready!(self.as_mut().poll_turn(cx));
                        self.as_mut().project().driver.expired_waiting()
                    }
                },
                PhaseProj::Sleeping { until } => {
                    let until = *until;
                    ready!(self.as_mut().poll_sleep(until, cx));
                    let this = self.as_mut().project();
                    if this.driver.clock().reached(until).is_ok() {
                        ControlFlow::Continue(())
                    } else {
                        this.driver.expired_waiting()
                    }
                }
                PhaseProj::Running { attempt } => match this.driver.running(|| attempt.poll(cx)) {
                    Poll::Ready(result) => this.driver.judged(result, &*this.judge),
                    Poll::Pending => {
                        ready!(self.as_mut().poll_cutoff(cx));
                        let mut this = self.as_mut().project();
                        this.phase.set(Phase::Admitting);
                        this.driver.expired()
                    }
                },
                PhaseProj::Done => panic!("a call was polled after it was ready"),
            };
            let mut this = self.as_mut().project();
            this.alarm.set(None);
            match flow {
                ControlFlow::Continue(()) => this.phase.set(Phase::Admitting),
                ControlFlow::Break(result) => {
                    this.phase.set(Phase::Done);
                    return Poll::Ready(result);
                }
            }
        }
    }
}

impl<P: Policy, O, F: CallOutput, J> Call<P, O, F, J> {
    /// Ready when the wait for admission has lasted too long. It may be another policy now that has it wait, with another
    /// cut-off, so this is asked for each time.
    fn poll_turn(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        this.driver.waiting();
        let cutoff = this.driver.cutoff();
        if cutoff != Some(*this.alarm_at) {
            this.alarm.set(None);
        }
        let Some(cutoff) = cutoff else { return Poll::Pending };
        if this.alarm.is_none() {
            *this.alarm_at = cutoff;
            this.alarm.set(Some(this.driver.clock().sleep_until(cutoff)));
        }
        Self::poll_alarm(this.alarm, *this.alarm_at, this.driver, cx)
    }

    /// Ready when the cut-off of the attempt has come. The first time it has to wait it asks for it.
    fn poll_cutoff(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.alarm.is_none() {
            this.driver.waiting();
            let Some(cutoff) = this.driver.cutoff() else { return Poll::Pending };
            *this.alarm_at = cutoff;
            this.alarm.set(Some(this.driver.clock().sleep_until(cutoff)));
        }
        Self::poll_alarm(this.alarm, *this.alarm_at, this.driver, cx)
    }

    /// Ready when it is time to go on, or the cut-off has come.
    fn poll_sleep(self: Pin<&mut Self>, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.alarm.is_none() {
            *this.alarm_at = this.driver.cutoff().map_or(until, |cutoff| cutoff.min(until));
            this.alarm.set(Some(this.driver.clock().sleep_until(*this.alarm_at)));
        }
        Self::poll_alarm(this.alarm, *this.alarm_at, this.driver, cx)
    }

    fn poll_alarm(
        alarm: Pin<&mut Option<Sleep>>,
        at: Instant,
        driver: &Driver<P, F::Error>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let rung = alarm.as_pin_mut().is_none_or(|alarm| alarm.poll(cx).is_ready());
        // The attempt may have spent the task's cooperative budget, and a timer without budget never fires: the clock
        // has the last word.
        if rung || driver.clock().reached(at).is_ok() { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// The limit of the wait that ends here is not that of what follows.
#[cold]
fn disarm(mut alarm: Pin<&mut Option<Sleep>>) {
    alarm.set(None);
}

impl<P: Policy, O, F: CallOutput, J> std::fmt::Debug for Call<P, O, F, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}
