//! The steps of a call, without a runtime. [`Call`](crate::Call), [`call_blocking`](crate::call_blocking) and
//! [`Permit`](crate::Permit) are thin loops around it.

use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::task::Waker;

use core_errors::{Cause, Name, PolicyKind, Reason, Rejection, Verdict};
use core_time::{Clock, Instant};

use crate::cx::Frame;
use crate::notify::{Ended, Follows, Tried};
use crate::{Admit, Attempt, CallError, Cx, Judge, Next, Outcome, Policy, Why, quietly};

/// One call under a policy. Whoever keeps one keeps it [`Held`], so that nothing stays open.
pub(crate) struct Driver<P: Policy, E> {
    policy: P,
    state: P::State,
    frame: Frame,
    /// The deadline that the caller brought along.
    ambient: Option<Instant>,
    attempts: u32,
    last: Option<E>,
    /// Everything was settled.
    is_done: bool,
}

/// A call that may hold something. Dropping it gives that back.
pub(crate) struct Held<P: Policy, E>(pub(crate) Driver<P, E>);

/// Another round, or what the call came to.
pub(crate) type Flow<T, E> = ControlFlow<Result<T, CallError<E>>>;

/// Until when a call may go on waiting.
#[derive(Clone, Copy)]
pub(crate) struct Cutoff {
    pub(crate) at: Option<Instant>,
    /// The exact time, where it was read for this.
    pub(crate) now: Option<Instant>,
}

/// An attempt that was not a success.
pub(crate) struct FailedAttempt<T, E> {
    result: Result<T, E>,
    verdict: Verdict,
    cause: Option<Cause>,
    /// Of a policy further in, where the attempt is a call under others.
    refusal: Option<Rejection>,
}

// === impl Driver ===

impl<P: Policy, E> Driver<P, E> {
    #[inline]
    pub(crate) fn new(policy: P, given: Option<Instant>) -> Self {
        let ambient = ambient(&policy, given);
        Self::within(policy, ambient)
    }

    /// A call under `policy` that ends by `ambient`.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a driver is some hundred bytes, which its maker would copy")]
    pub(crate) fn within(policy: P, ambient: Option<Instant>) -> Self {
        let state = policy.begin();
        let frame = Frame::new(ambient);
        Self { policy, state, frame, ambient, attempts: 0, last: None, is_done: false }
    }

    /// The first admission of a call that is in time.
    #[inline]
    pub(crate) fn admit_first(&mut self, waker: Option<&Waker>) -> Admit {
        self.policy.admit(&mut self.state, &mut Cx::new(self.policy.clock(), waker, &mut self.frame))
    }

    #[inline]
    pub(crate) fn clock(&self) -> &Clock {
        self.policy.clock()
    }

    #[inline]
    pub(crate) fn state(&self) -> &P::State {
        &self.state
    }

    #[inline]
    pub(crate) fn admit(&mut self, waker: Option<&Waker>) -> Admit {
        if self.ambient.is_some() && self.is_past_ambient() {
            return Admit::Refuse(deadline_exceeded());
        }
        let clock = self.policy.clock();
        // Before anybody is asked: whoever measures from here on must not take it for the callee's. If it has to wait once more, it is
        // parked anew.
        self.frame.unpark(clock);
        self.policy.admit(&mut self.state, &mut Cx::new(clock, waker, &mut self.frame))
    }

    /// The only attempt that there can be: whatever the policy would rather have, there is no other.
    #[inline]
    pub(crate) fn admit_once(&mut self) -> Admit {
        self.frame.forbid_repeats();
        self.admit(None)
    }

    /// The attempt that was admitted starts.
    #[inline]
    pub(crate) fn attempt(&mut self) -> Attempt {
        self.attempts = self.attempts.saturating_add(1);
        let number = NonZeroU32::new(self.attempts).unwrap_or(NonZeroU32::MIN);
        let is_idempotent = self.frame.is_idempotent();
        Attempt::new(number, self.frame.remaining(self.policy.clock()), is_idempotent)
    }

    /// The first attempt starts.
    #[inline]
    pub(crate) fn first_attempt(&mut self) -> Attempt {
        // Not read back from memory, as most calls make no other.
        self.attempts = 1;
        let is_idempotent = self.frame.is_idempotent();
        Attempt::new(NonZeroU32::MIN, self.frame.remaining(self.policy.clock()), is_idempotent)
    }

    /// Whether an attempt has started.
    pub(crate) fn has_attempted(&self) -> bool {
        self.attempts > 0
    }

    /// The call itself gets the thread. If it panics, that is settled, and the panic goes on.
    #[inline]
    pub(crate) fn running<R>(&mut self, run: impl FnOnce() -> R) -> R {
        let panicking = OnPanic { driver: self, is_attempt: true };
        let out = run();
        std::mem::forget(panicking);
        out
    }

    /// The judge gets the thread: a panic of it says nothing about the callee.
    #[inline]
    fn judging<R>(&mut self, judge: impl FnOnce() -> R) -> R {
        let panicking = OnPanic { driver: self, is_attempt: false };
        let out = judge();
        std::mem::forget(panicking);
        out
    }

    /// The call has to wait. Its [`cutoff`](Self::cutoff) is asked for next.
    pub(crate) fn waiting(&mut self) {
        self.frame.forget_now();
        if self.frame.started.is_none() {
            let now = self.policy.clock().now();
            self.frame.started = Some(now);
            self.frame.know_exact(now);
        }
    }

    /// The call has to wait for its turn. Its [`cutoff`](Self::cutoff) is asked for next.
    pub(crate) fn parked(&mut self) {
        self.waiting();
        self.frame.park(self.policy.clock());
    }

    /// The attempt has ended. A success is settled at once.
    #[inline]
    pub(crate) fn judged<T>(
        &mut self,
        result: Result<T, E>,
        judge: &impl Judge<T, E>,
    ) -> Result<T, FailedAttempt<T, E>> {
        self.frame.forget_now();
        let verdict = self.judging(|| judge.judge(&result));
        match result {
            Ok(value) if verdict == Verdict::Success => {
                self.settle(&Outcome::Judged(Verdict::Success, None));
                self.is_done = true;
                Ok(value)
            }
            result => {
                let cause = self.judging(|| if verdict.is_failure() { judge.cause(&result) } else { None });
                let refusal = self.judging(|| judge.refusal(&result).cloned());
                Err(FailedAttempt { result, verdict, cause, refusal })
            }
        }
    }

    /// What follows from an attempt that was not a success.
    #[cold]
    pub(crate) fn failed<T>(&mut self, failed: FailedAttempt<T, E>, judge: &impl Judge<T, E>) -> Flow<T, E> {
        let FailedAttempt { result, verdict, cause, refusal } = failed;
        let now = self.policy.clock().now();
        self.frame.started.get_or_insert(now);
        if let Some(rejection) = refusal {
            return self.refused_inside(rejection, judge);
        }
        let outcome = Outcome::Judged(verdict, cause);
        let why = match self.settle_and_tell(&outcome, Ended::Returned(&result), judge) {
            Next::Again => {
                self.frame.forget_limit();
                if self.frame.take_uncounted() {
                    self.attempts = self.attempts.saturating_sub(1);
                }
                self.last = result.err();
                return ControlFlow::Continue(());
            }
            Next::Finish => None,
            Next::GiveUp(why) => Some(why),
        };
        self.is_done = true;
        ControlFlow::Break(match (result, why) {
            // The caller gets what the callee said last, whatever the judge thought of it (rule RT-1).
            (Ok(value), _) => Ok(value),
            (Err(error), None) => Err(CallError::Failed(error)),
            (Err(last), Some(why)) => Err(self.exhausted(last, why)),
        })
    }

    /// A policy further in refused the attempt, which is a call of its own, or stopped it.
    fn refused_inside<T>(&mut self, rejection: Rejection, judge: &impl Judge<T, E>) -> Flow<T, E> {
        let was_running = rejection.reason() == Reason::TimedOut;
        let outcome = Outcome::Refused(&rejection);
        let next = if was_running {
            self.settle_and_tell(&outcome, Ended::Stopped(&rejection), judge)
        } else {
            // It did not come to be an attempt.
            self.attempts = self.attempts.saturating_sub(1);
            self.settle(&outcome)
        };
        match next {
            next if was_running || next.is_again() => self.after_expiry(rejection, next),
            _ => self.refused(rejection),
        }
    }

    /// A policy refused the first attempt for good: there is nothing else to tell.
    #[inline]
    pub(crate) fn refused_first(mut self) {
        self.policy.abandon(&mut self.state);
    }

    /// A policy refused the attempt for good; whoever is inside the refusal knows already.
    #[inline]
    pub(crate) fn refused<T>(&mut self, rejection: Rejection) -> Flow<T, E> {
        let why = Why::Refused(rejection.policy(), rejection.reason());
        self.end_without_result(rejection, why)
    }

    /// The cut-off has come while the attempt was running: it is stopped.
    pub(crate) fn expired<T>(&mut self, judge: &impl Judge<T, E>) -> Flow<T, E> {
        self.frame.forget_now();
        let rejection = self.expire();
        let outcome = Outcome::Refused(&rejection);
        let next = self.settle_and_tell(&outcome, Ended::Stopped(&rejection), judge);
        self.after_expiry(rejection, next)
    }

    /// The cut-off has come before the attempt could start. A limit on time that passed says nothing about a callee that
    /// was not called (rule PL-3), so to the policies it is a deadline.
    pub(crate) fn expired_waiting<T>(&mut self) -> Flow<T, E> {
        self.frame.unpark(self.policy.clock());
        self.frame.forget_now();
        let rejection = self.expire();
        let deadline = Rejection::new(rejection.policy(), rejection.name(), Reason::DeadlineExceeded);
        let told = if rejection.reason() == Reason::TimedOut { &deadline } else { &rejection };
        let next = self.settle(&Outcome::Refused(told));
        self.after_expiry(rejection, next)
    }

    fn after_expiry<T>(&mut self, rejection: Rejection, next: Next) -> Flow<T, E> {
        match next {
            Next::Again => {
                self.frame.forget_limit();
                ControlFlow::Continue(())
            }
            Next::GiveUp(why) => {
                let told = if why == Why::Attempts {
                    Why::Refused(rejection.policy(), rejection.reason())
                } else {
                    why
                };
                self.end_without_result(rejection.with_attempts(self.attempts), told)
            }
            Next::Finish => self.refused(rejection),
        }
    }

    #[inline]
    fn end_without_result<T>(&mut self, rejection: Rejection, why: Why) -> Flow<T, E> {
        self.policy.abandon(&mut self.state);
        self.is_done = true;
        ControlFlow::Break(Err(match self.last.take() {
            Some(last) => self.exhausted(last, why),
            None => CallError::Rejected(rejection),
        }))
    }

    /// Until when the call may go on waiting.
    pub(crate) fn cutoff(&mut self) -> Cutoff {
        let clock = self.policy.clock();
        let cutoff = self.policy.cutoff(&mut self.state, &mut Cx::new(clock, None, &mut self.frame));
        let at = match (cutoff, self.ambient) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Cutoff { at, now: self.frame.take_exact() }
    }

    /// Who set the cut-off that has come?
    pub(crate) fn expire(&mut self) -> Rejection {
        if self.is_past_ambient() {
            return deadline_exceeded();
        }
        let clock = self.policy.clock();
        let by_policy = self.policy.expire(&mut self.state, &mut Cx::new(clock, None, &mut self.frame));
        by_policy.unwrap_or_else(deadline_exceeded)
    }

    /// Settles an attempt that was recorded by hand.
    pub(crate) fn finish(&mut self, verdict: Verdict) {
        self.frame.forget_now();
        if self.settle(&Outcome::Judged(verdict, None)).is_again() {
            // It was told that there is no other attempt, and wants one: what it holds goes back at least.
            self.policy.abandon(&mut self.state);
        }
        self.is_done = true;
    }

    /// It goes on no further: what it holds goes back.
    #[inline]
    pub(crate) fn give_back(&mut self) {
        if !self.is_done {
            self.policy.abandon(&mut self.state);
        }
    }

    #[inline]
    fn settle(&mut self, outcome: &Outcome<'_>) -> Next {
        self.policy.settle(&mut self.state, outcome, &mut Cx::new(self.policy.clock(), None, &mut self.frame))
    }

    /// Settles an attempt that ran and was no success, and tells its judge what follows, if that listens.
    fn settle_and_tell<T>(
        &mut self,
        outcome: &Outcome<'_>,
        ended: Ended<'_, T, E>,
        judge: &impl Judge<T, E>,
    ) -> Next {
        if !judge.is_listening() {
            return self.settle(outcome);
        }
        self.frame.ask_delay();
        let next = self.settle(outcome);
        let delay = self.frame.take_delay();
        let follows = match next {
            Next::Again => Follows::Retry(delay),
            Next::GiveUp(why) => Follows::GiveUp(why),
            Next::Finish => return next,
        };
        let elapsed = self.frame.elapsed(self.policy.clock());
        let tried = Tried::new(ended, self.attempts, elapsed, follows);
        quietly(|| judge.tried(&tried));
        next
    }

    fn exhausted(&self, last: E, why: Why) -> CallError<E> {
        let elapsed = self.frame.elapsed(self.policy.clock());
        CallError::Exhausted { last, attempts: self.attempts, elapsed, why }
    }

    fn is_past_ambient(&self) -> bool {
        self.ambient.is_some_and(|deadline| self.policy.clock().reached(deadline).is_ok())
    }
}

/// The deadline of a call that begins now, if it has one; an error, if it is too late for it.
#[inline]
pub(crate) fn in_time<P: Policy>(policy: &P, given: Option<Instant>) -> Result<Option<Instant>, TooLate> {
    let ambient = ambient(policy, given);
    match ambient {
        Some(deadline) if policy.clock().reached(deadline).is_ok() => Err(TooLate),
        _ => Ok(ambient),
    }
}

/// The deadline of a call passed before it began.
pub(crate) struct TooLate;

/// The earlier one of the deadline that is given and the one that the caller brought along.
#[inline]
fn ambient<P: Policy>(policy: &P, given: Option<Instant>) -> Option<Instant> {
    match (given, policy.ambient_deadline()) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

pub(crate) fn deadline_exceeded() -> Rejection {
    Rejection::new(PolicyKind::Deadline, Name::UNNAMED, Reason::DeadlineExceeded)
}

// === impl Held ===

impl<P: Policy, E> std::ops::Deref for Held<P, E> {
    type Target = Driver<P, E>;

    #[inline]
    fn deref(&self) -> &Driver<P, E> {
        &self.0
    }
}

impl<P: Policy, E> std::ops::DerefMut for Held<P, E> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Driver<P, E> {
        &mut self.0
    }
}

impl<P: Policy, E> Drop for Held<P, E> {
    #[inline]
    fn drop(&mut self) {
        self.0.give_back();
    }
}

/// Code of the user's has the thread: if it panics, nothing stays open.
struct OnPanic<'a, P: Policy, E> {
    driver: &'a mut Driver<P, E>,
    is_attempt: bool,
}

impl<P: Policy, E> Drop for OnPanic<'_, P, E> {
    #[cold]
    fn drop(&mut self) {
        let driver = &mut *self.driver;
        driver.frame.forget_now();
        if self.is_attempt {
            driver.settle(&Outcome::Panicked);
        }
        driver.policy.abandon(&mut driver.state);
        driver.is_done = true;
    }
}
