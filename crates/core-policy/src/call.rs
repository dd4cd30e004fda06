use std::future::Future;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use core_time::{Alarm, Instant};
use pin_project_lite::pin_project;

use crate::driver::{Cutoff, Driver, FailedAttempt, Flow, Held, deadline_exceeded, in_time};
use crate::phase::{Phase, Step};
use crate::{Admit, AtMostOnce, Attempt, CallError, Judge, Policy};

/// What is called: makes one future for each attempt. Closures `FnMut(Attempt) -> impl Future` are.
pub trait Op<T, E> {
    /// One attempt.
    type Future: Future<Output = Result<T, E>>;

    /// Whether the one attempt is in the call from its beginning.
    #[doc(hidden)]
    const IS_GIVEN: bool = false;

    /// Starts an attempt.
    fn attempt(&mut self, attempt: Attempt) -> Self::Future;
}

/// Stands in for what makes attempts where the one attempt is a future that was [given](Call::given).
pub struct Given<F>(PhantomData<fn() -> F>);

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
            if let Slot::Live { .. } = this.slot {
                this.cut_off();
            }
        }
    }
}

/// What most calls never need, as they end in their first poll: there the driver is a local.
enum Slot<P: Policy, E> {
    Empty,
    /// The call has had to wait, or has failed.
    Live {
        driver: Held<P, E>,
        alarm: Alarm,
    },
    /// What the call came to, on its way out. Errors are large, and go this way so that successes need not.
    Error(Option<CallError<E>>),
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

impl<T, E, F: Future<Output = Result<T, E>>> Op<T, E> for Given<F> {
    type Future = F;

    const IS_GIVEN: bool = true;

    fn attempt(&mut self, _: Attempt) -> F {
        panic!("a policy that is AtMostOnce admits once")
    }
}

impl<F> std::fmt::Debug for Given<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Given")
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
    fn poll_first(
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
                            *this.slot = Slot::Live { driver: Held(driver), alarm: Alarm::new() };
                            self.as_mut().poll_failed(failed, cx)
                        }
                    },
                    Poll::Pending => {
                        *this.slot = Slot::Live { driver: Held(driver), alarm: Alarm::new() };
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
                *this.slot = Slot::Live { driver: Held(driver), alarm: Alarm::new() };
                self.as_mut().driver().waiting();
                self.as_mut().poll_on(cx)
            }
            Admit::Park => {
                *this.slot = Slot::Live { driver: Held(driver), alarm: Alarm::new() };
                self.as_mut().poll_parked(cx)
            }
        };
        self.end(ended)
    }

    /// Fetches the error from the slot.
    #[inline]
    fn end(self: Pin<&mut Self>, ended: Ended<F::Value>) -> Poll<<Self as Future>::Output> {
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
        let flow = self.as_mut().driver().failed(failed);
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
    fn poll_on(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Ended<F::Value> {
        loop {
            let mut this = self.as_mut().project();
            let Slot::Live { driver, alarm } = this.slot else {
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
                        Err(failed) => driver.failed(failed),
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
    fn live(self: Pin<&mut Self>) -> (&mut Driver<P, F::Error>, &mut Alarm) {
        match self.project().slot {
            Slot::Live { driver, alarm } => (driver, alarm),
            _ => unreachable!("a call that waits has its driver"),
        }
    }

    fn driver(self: Pin<&mut Self>) -> &mut Driver<P, F::Error> {
        self.live().0
    }

    /// The error that the call came to.
    fn error(self: Pin<&mut Self>) -> CallError<F::Error> {
        match self.project().slot {
            Slot::Error(error) => error.take().expect("it is taken once"),
            _ => unreachable!("a call without a value has its error"),
        }
    }

    /// It is dropped while it waits.
    #[cold]
    #[inline(never)]
    fn cut_off(self: Pin<&mut Self>) {
        let phase = self.project().phase;
        if phase.has_attempt() {
            phase.cut_off();
        }
    }

    /// The cut-off has come while the attempt was running. The attempt goes first, and then its slot.
    fn stop(mut self: Pin<&mut Self>) -> Flow<F::Value, F::Error> {
        self.as_mut().project().phase.cut_off();
        self.driver().expired()
    }

    /// Another round, or the end.
    fn turn(self: Pin<&mut Self>, flow: Flow<F::Value, F::Error>) -> ControlFlow<Option<F::Value>> {
        let mut this = self.project();
        match flow {
            ControlFlow::Continue(()) => {
                this.phase.as_mut().admit();
                if let Slot::Live { alarm, .. } = this.slot {
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

    /// Ready when the wait for admission has lasted too long. It may be another policy now that has it wait, with another
    /// cut-off, so this is asked for each time.
    fn poll_turn(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let driver = self.as_mut().driver();
        driver.parked();
        let cutoff = driver.cutoff();
        self.poll_until(cutoff, cx)
    }

    /// Ready when the cut-off of the attempt has come. The first time it has to wait it asks for it.
    fn poll_cutoff(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let (driver, alarm) = self.as_mut().live();
        let cutoff = if let Some(at) = alarm.at() {
            Cutoff { at: Some(at), now: None }
        } else {
            driver.waiting();
            driver.cutoff()
        };
        self.poll_until(cutoff, cx)
    }

    /// Ready when it is time to go on, or the cut-off has come: which moment it was.
    fn poll_sleep(mut self: Pin<&mut Self>, until: Instant, cx: &mut Context<'_>) -> Poll<Instant> {
        let (driver, alarm) = self.as_mut().live();
        let (at, now) = if let Some(at) = alarm.at() {
            (at, None)
        } else {
            let cutoff = driver.cutoff();
            (cutoff.at.map_or(until, |at| at.min(until)), cutoff.now)
        };
        self.poll_until(Cutoff { at: Some(at), now }, cx).map(|()| at)
    }

    /// Ready at the cut-off, if there is one.
    fn poll_until(self: Pin<&mut Self>, cutoff: Cutoff, cx: &mut Context<'_>) -> Poll<()> {
        let (driver, alarm) = self.live();
        let Some(at) = cutoff.at else {
            alarm.clear();
            return Poll::Pending;
        };
        if alarm.poll_until(driver.clock(), at, cx).is_ready() {
            return Poll::Ready(());
        }
        // The attempt may have spent the task's cooperative budget, and a timer without budget never fires: the clock has the last word.
        // It is asked only if it was not asked just now.
        let has_come = cutoff.now.map_or_else(|| driver.clock().reached(at).is_ok(), |now| now >= at);
        if has_come { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<P: Policy, O, F: CallOutput, J> std::fmt::Debug for Call<P, O, F, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}
