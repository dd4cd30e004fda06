//! The steps of a call, without a runtime. [`Call`](crate::Call), [`call_blocking`](crate::call_blocking) and
//! [`Permit`](crate::Permit) are thin loops around it.

use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::task::Waker;

use core_errors::{Name, PolicyKind, Reason, Rejection, Verdict};
use core_time::{Clock, Instant};

use crate::cx::Frame;
use crate::{Admit, Attempt, CallError, Cx, Judge, Next, Outcome, Policy, Why};

/// One call under a policy. Dropping it settles what is open: as a panic while the call is running on this thread, as
/// abandoned otherwise.
pub(crate) struct Driver<P: Policy, E> {
    policy: P,
    state: P::State,
    frame: Frame,
    /// The deadline that the caller brought along.
    ambient: Option<Instant>,
    /// When the call first had to wait, or first failed.
    started: Option<Instant>,
    attempts: u32,
    last: Option<E>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Something may be held.
    Open,
    /// The call itself has the thread: a drop now means that it panicked.
    Running,
    /// Everything was settled.
    Done,
}

type Flow<T, E> = ControlFlow<Result<T, CallError<E>>>;

// === impl Driver ===

impl<P: Policy, E> Driver<P, E> {
    #[inline]
    pub(crate) fn new(policy: P, given: Option<Instant>) -> Self {
        let state = policy.begin();
        let ambient = match (given, policy.ambient_deadline()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let frame = Frame::new(ambient);
        Self { policy, state, frame, ambient, started: None, attempts: 0, last: None, stage: Stage::Open }
    }

    #[inline]
    pub(crate) fn clock(&self) -> &Clock {
        self.policy.clock()
    }

    #[inline]
    pub(crate) fn admit(&mut self, waker: Option<&Waker>) -> Admit {
        self.frame.forget_limit();
        if self.ambient.is_some() && self.is_past_ambient() {
            return Admit::Refuse(deadline_exceeded());
        }
        self.policy.admit(&mut self.state, &mut Cx::new(self.policy.clock(), waker, &mut self.frame))
    }

    /// The attempt that was admitted starts.
    #[inline]
    pub(crate) fn attempt(&mut self) -> Attempt {
        self.attempts = self.attempts.saturating_add(1);
        let number = NonZeroU32::new(self.attempts).unwrap_or(NonZeroU32::MIN);
        Attempt::new(number, self.frame.remaining(self.policy.clock()))
    }

    /// The call itself gets the thread.
    #[inline]
    pub(crate) fn running<R>(&mut self, run: impl FnOnce() -> R) -> R {
        self.stage = Stage::Running;
        let out = run();
        self.stage = Stage::Open;
        out
    }

    /// The call has to wait.
    pub(crate) fn waiting(&mut self) {
        self.frame.forget_now();
        if self.started.is_none() {
            self.started = Some(self.policy.clock().now());
        }
    }

    #[inline]
    pub(crate) fn judged<T>(&mut self, result: Result<T, E>, judge: &impl Judge<T, E>) -> Flow<T, E> {
        self.frame.forget_now();
        let verdict = judge.judge(&result);
        let cause = if verdict.is_failure() { judge.cause(&result) } else { None };
        if verdict == Verdict::Success && result.is_ok() {
            self.settle(&Outcome::Judged(verdict, cause));
            self.stage = Stage::Done;
            return ControlFlow::Break(result.map_err(CallError::Failed));
        }
        self.judged_failure(result, verdict, cause)
    }

    fn judged_failure<T>(
        &mut self,
        result: Result<T, E>,
        verdict: Verdict,
        cause: Option<core_errors::Cause>,
    ) -> Flow<T, E> {
        let now = self.policy.clock().now();
        self.started.get_or_insert(now);
        let why = match self.settle(&Outcome::Judged(verdict, cause)) {
            Next::Again => {
                self.last = result.err();
                return ControlFlow::Continue(());
            }
            Next::Finish => None,
            Next::GiveUp(why) => Some(why),
        };
        self.stage = Stage::Done;
        ControlFlow::Break(match (result, why) {
            (Ok(value), None) => Ok(value),
            (Ok(_), Some(_)) => {
                Err(CallError::Rejected(Rejection::new(PolicyKind::Retry, Name::UNNAMED, Reason::Unaccepted)))
            }
            (Err(error), None) => Err(CallError::Failed(error)),
            (Err(last), Some(why)) => Err(self.exhausted(last, why)),
        })
    }

    /// A policy refused the attempt for good; whoever is inside the refusal knows already.
    #[inline]
    pub(crate) fn refused<T>(&mut self, rejection: Rejection) -> Flow<T, E> {
        let why = Why::Refused(rejection.policy(), rejection.reason());
        self.end_without_result(rejection, why)
    }

    /// The cut-off has come while the attempt was running: it is stopped.
    pub(crate) fn expired<T>(&mut self) -> Flow<T, E> {
        self.frame.forget_now();
        let rejection = self.expire();
        let next = self.settle(&Outcome::Refused(&rejection));
        self.after_expiry(rejection, next)
    }

    /// The cut-off has come before the attempt could start. A limit on time that passed says nothing about a callee that
    /// was not called (rule PL-3), so to the policies it is a deadline.
    pub(crate) fn expired_waiting<T>(&mut self) -> Flow<T, E> {
        self.frame.forget_now();
        let rejection = self.expire();
        let deadline = Rejection::new(rejection.policy(), rejection.name(), Reason::DeadlineExceeded);
        let told = if rejection.reason() == Reason::TimedOut { &deadline } else { &rejection };
        let next = self.settle(&Outcome::Refused(told));
        self.after_expiry(rejection, next)
    }

    fn after_expiry<T>(&mut self, rejection: Rejection, next: Next) -> Flow<T, E> {
        match next {
            Next::Again => ControlFlow::Continue(()),
            Next::GiveUp(why) if why != Why::Attempts => self.end_without_result(rejection, why),
            _ => self.refused(rejection),
        }
    }

    #[inline]
    fn end_without_result<T>(&mut self, rejection: Rejection, why: Why) -> Flow<T, E> {
        self.policy.abandon(&mut self.state);
        self.stage = Stage::Done;
        ControlFlow::Break(Err(match self.last.take() {
            Some(last) => self.exhausted(last, why),
            None => CallError::Rejected(rejection),
        }))
    }

    /// Until when the call may go on waiting.
    pub(crate) fn cutoff(&mut self) -> Option<Instant> {
        let clock = self.policy.clock();
        let cutoff = self.policy.cutoff(&mut self.state, &mut Cx::new(clock, None, &mut self.frame));
        match (cutoff, self.ambient) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
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
        self.settle(&Outcome::Judged(verdict, None));
        self.stage = Stage::Done;
    }

    #[inline]
    fn settle(&mut self, outcome: &Outcome<'_>) -> Next {
        self.policy.settle(&mut self.state, outcome, &mut Cx::new(self.policy.clock(), None, &mut self.frame))
    }

    fn exhausted(&self, last: E, why: Why) -> CallError<E> {
        let now = self.policy.clock().now();
        let elapsed = now - self.started.unwrap_or(now);
        CallError::Exhausted { last, attempts: self.attempts, elapsed, why }
    }

    fn is_past_ambient(&self) -> bool {
        self.ambient.is_some_and(|deadline| self.policy.clock().reached(deadline).is_ok())
    }
}

fn deadline_exceeded() -> Rejection {
    Rejection::new(PolicyKind::Deadline, Name::UNNAMED, Reason::DeadlineExceeded)
}

impl<P: Policy, E> Drop for Driver<P, E> {
    #[inline]
    fn drop(&mut self) {
        match self.stage {
            Stage::Done => {}
            Stage::Open => self.policy.abandon(&mut self.state),
            Stage::Running => {
                self.frame.forget_now();
                self.settle(&Outcome::Panicked);
                self.policy.abandon(&mut self.state);
            }
        }
    }
}
