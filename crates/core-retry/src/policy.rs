use std::fmt;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use core_errors::{Category, Cause, Name, PolicyKind, Reason, Rejection, Verdict};
use core_policy::{Admit, Counters, Cx, Follows, Next, Outcome, Policy, Rng, Role, Why};
use core_time::{Clock, Instant};

use crate::backoff::{Backoff, Growth};
use crate::budget::{Budget, Paid};
use crate::config::Builder;
use crate::event::{Event, Subscribers};
use crate::failure::{Failure, Wait};
use crate::rules::{Rules, Versioned};
use crate::state::CallState;
use crate::stats::{COUNTS, Count, Stats};
use crate::testing;

/// A retry. Cheap to clone; clones share budget, counts and random numbers.
#[derive(Clone)]
pub struct Retry(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    name: Name,
    /// Whose it is, where there is one for each key.
    key: Option<Arc<str>>,
    /// Looked at after failures only, and copied out.
    pub(crate) rules: RwLock<Versioned>,
    is_idempotent: bool,
    pub(crate) budget: Option<Budget>,
    subscribers: Subscribers,
    clock: Clock,
    pub(crate) rng: Rng,
    counts: Counters<COUNTS>,
    /// Whether a call has to be marked when it begins.
    is_marking: bool,
}

/// How much later than its own delay a retry follows a callee that asks for a pause (rule RT-4).
pub(crate) const HINT_SLACK: Duration = Duration::from_secs(5);

// === impl Retry ===

impl Retry {
    /// Delays that double from the start of `delays` to its end.
    pub fn exponential(delays: Range<Duration>) -> Builder {
        Builder::new(Growth::Exponential { factor: 2.0 }, delays.start, delays.end)
    }

    /// Delays of once, twice, three times the start of `delays`, up to its end.
    pub fn linear(delays: Range<Duration>) -> Builder {
        Builder::new(Growth::Linear, delays.start, delays.end)
    }

    /// Always the same delay. [Jitter](Builder::jitter) that goes beyond it does so: there is no other cap than the most it can come to.
    pub fn fixed(delay: Duration) -> Builder {
        Builder::new(Growth::Fixed, delay, delay)
    }

    /// Delays drawn between the start of `delays` and three times the one before, up to its end.
    pub fn decorrelated(delays: Range<Duration>) -> Builder {
        Builder::new(Growth::Decorrelated, delays.start, delays.end)
    }

    /// Delays around the start of `delays` that double, up to its end, drawn so that many callers together come back evenly.
    pub fn smooth(delays: Range<Duration>) -> Builder {
        Builder::new(Growth::Smooth, delays.start, delays.end)
    }

    pub(crate) fn new(
        (name, key): (Name, Option<Arc<str>>),
        rules: Rules,
        budget: Option<Budget>,
        subscribers: Subscribers,
        clock: Clock,
        rng: Rng,
    ) -> Self {
        let is_idempotent = rules.is_idempotent;
        let is_marking = !is_idempotent || budget.as_ref().is_some_and(Budget::is_in_flight);
        let (rules, counts) = (RwLock::new(Versioned { rules, version: 0 }), Counters::new());
        let inner =
            Inner { name, key, rules, is_idempotent, budget, subscribers, clock, rng, counts, is_marking };
        Self(Arc::new(inner))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.0.name
    }

    /// Calls in all.
    #[must_use]
    pub fn attempts(&self) -> NonZeroU32 {
        self.rules().attempts
    }

    /// Whether its calls may take effect twice.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.0.is_idempotent
    }

    /// How its delays are made.
    #[must_use]
    pub fn backoff(&self) -> Backoff {
        self.rules().backoff
    }

    /// Its budget.
    #[must_use]
    pub fn budget(&self) -> Option<&Budget> {
        self.0.budget.as_ref()
    }

    /// The delays of one call, for loops of your own: one fewer than there are attempts.
    pub fn delays(&self) -> impl Iterator<Item = Duration> + '_ {
        let retries = usize::try_from(self.attempts().get() - 1).unwrap_or(usize::MAX);
        self.backoff().delays(|| self.0.rng.next_unit()).take(retries)
    }

    /// What it has counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::read(&self.0.counts)
    }

    #[inline]
    pub(crate) fn count(&self, count: Count) {
        self.0.counts.bump(count as usize);
    }

    fn finish(&self) -> Next {
        self.count(Count::Failed);
        Next::Finish
    }

    pub(crate) fn give_up(
        &self,
        state: &CallState,
        failure: Failure,
        (why, count): (Why, Count),
        cx: &mut Cx<'_>,
    ) -> Next {
        self.count(count);
        self.tell(state, failure, Follows::GiveUp(why), cx);
        Next::GiveUp(why)
    }

    pub(crate) fn tell(&self, state: &CallState, failure: Failure, next: Follows, cx: &mut Cx<'_>) {
        if let Follows::Retry(delay) = next {
            cx.retry_in(delay);
        }
        let Inner { name, key, subscribers, .. } = &*self.0;
        let Failure { cause, discarded: hint_discarded, .. } = failure;
        subscribers.tell(next, || Event {
            name: *name,
            key: key.clone(),
            attempts: state.attempts,
            elapsed: cx.elapsed(),
            cause,
            hint_discarded,
            next,
        });
    }

    /// A call begins that is counted while it is in flight, or that must not take effect twice.
    #[cold]
    fn mark(&self, state: &mut CallState, cx: &mut Cx<'_>) {
        if !self.0.is_idempotent {
            cx.forbid_doubles();
        }
        if let Some(budget) = &self.0.budget
            && budget.is_in_flight()
            && !state.is_in_flight()
        {
            budget.enter();
            state.word |= CallState::IN_FLIGHT;
        }
    }

    /// The call is over: what a budget counts while it is in flight goes.
    fn leave(&self, state: &mut CallState) {
        if let Some(budget) = &self.0.budget
            && state.is_in_flight()
        {
            state.word &= !CallState::IN_FLIGHT;
            budget.leave(state.take_paid());
        }
    }

    #[cold]
    fn settle_rest(&self, state: &mut CallState, outcome: &Outcome<'_>, cx: &mut Cx<'_>) -> Next {
        let next = self.judge(state, outcome, cx);
        if !next.is_again() {
            self.leave(state);
        }
        next
    }

    /// What follows from an attempt that was no success.
    fn judge(&self, state: &mut CallState, outcome: &Outcome<'_>, cx: &mut Cx<'_>) -> Next {
        match outcome {
            Outcome::Judged(Verdict::Retriable, cause) => {
                self.after_failure(state, Failure::new(Wait::None, *cause), cx)
            }
            Outcome::Judged(Verdict::Transient(hint) | Verdict::Overload(hint), cause) => {
                self.after_failure(state, Failure::new(Wait::Backoff(*hint), *cause), cx)
            }
            Outcome::Refused(rejection) => {
                self.give_back(state, rejection.reason(), cx);
                self.after_refusal(state, rejection, cx)
            }
            Outcome::Judged(_, Some(cause)) if cause.forbids_retry => {
                self.tell_forbidden(state.attempts == 1, cx);
                self.finish()
            }
            Outcome::Judged(_, _) | Outcome::Panicked => self.finish(),
        }
    }

    /// The callee asked not to be tried again: whatever failed it with, to the budget that is a failure (rule BG-1).
    fn tell_forbidden(&self, is_first: bool, cx: &mut Cx<'_>) {
        if let Some(budget) = &self.0.budget {
            // No retry follows in any case.
            let _ = budget.failed(is_first, || cx.now());
        }
    }

    /// The attempt failed in a way that may pass.
    #[cold]
    fn after_failure(&self, state: &mut CallState, mut failure: Failure, cx: &mut Cx<'_>) -> Next {
        if let Some(next) = self.transparently(state, failure, cx) {
            return next;
        }
        if state.is_in_flight()
            && let Some(budget) = &self.0.budget
        {
            budget.ended(state.take_paid());
        }
        // To some budgets every such failure counts, also the last.
        let is_first = state.attempts == 1;
        let allowed = self.0.budget.as_ref().is_none_or(|budget| budget.failed(is_first, || cx.now()));
        let rules = self.rules();
        if !cx.may_repeat() || !rules.may_repeat(failure.cause) {
            return self.finish();
        }
        let configured = rules.attempts.get();
        let (attempts, delay) = testing::bounded(configured, || {
            // Past the last attempt nothing is drawn.
            if state.attempts < configured { self.delay(state, &mut failure) } else { Duration::ZERO }
        });
        if state.attempts >= attempts {
            // Who never retries has nothing to give up.
            let is_single = attempts == 1;
            return if is_single {
                self.finish()
            } else {
                self.give_up(state, failure, (Why::Attempts, Count::OutOfAttempts), cx)
            };
        }
        let now = cx.clock().now();
        if self.is_too_late(now, delay, cx) {
            return self.give_up(state, failure, (Why::DeadlineWouldExceed, Count::OutOfTime), cx);
        }
        match (&self.0.budget, allowed) {
            (None, _) => {}
            (Some(budget), true) if let Some(paid) = budget.take(failure.is_timeout(), || now) => {
                state.set_paid(paid);
            }
            (Some(_), _) => {
                return self.give_up(state, failure, (Why::BudgetExhausted, Count::OutOfBudget), cx);
            }
        }
        state.next_at = Some(now + delay);
        self.tell(state, failure, Follows::Retry(delay), cx);
        Next::Again
    }

    /// Whether an attempt after `delay` would have too little time, or, at the deadline itself, none: it would be slept for, and refused.
    pub(crate) fn is_too_late(&self, now: Instant, delay: Duration, cx: &Cx<'_>) -> bool {
        cx.deadline().is_some_and(|at| {
            let begins = now + delay;
            begins >= at || begins + self.rules().min_attempt_time > at
        })
    }

    fn delay(&self, state: &mut CallState, failure: &mut Failure) -> Duration {
        let (hint, floor) = match failure.wait {
            Wait::None => return Duration::ZERO,
            // Whoever refused knows when it is worth coming back; earlier it would refuse again.
            Wait::AtLeast(after) => (None, after),
            Wait::Backoff(hint) => (hint, Duration::ZERO),
        };
        state.set_step(state.step().saturating_add(1));
        let previous = Duration::from_nanos(state.previous);
        let Rules { backoff, retry_after_max, .. } = self.rules();
        let own = backoff.delay(state.step().into(), previous, self.0.rng.next_unit());
        let carried = backoff.carry(previous, own);
        state.previous = u64::try_from(carried.as_nanos()).unwrap_or(u64::MAX);
        match hint {
            None => own.max(floor),
            Some(hint) if hint > retry_after_max => {
                self.count(Count::HintsDiscarded);
                failure.discarded = Some(hint);
                own
            }
            Some(hint) => {
                state.set_step(0);
                state.previous = 0;
                hint.clamp(own, own.saturating_add(HINT_SLACK))
            }
        }
    }

    /// A retry that was paid for and never started is not paid for (rule BG-5): it still slept, or a policy further in refused
    /// it. One that was running when its time was over has started.
    fn give_back(&self, state: &mut CallState, reason: Reason, cx: &mut Cx<'_>) {
        let is_refused = !matches!(reason, Reason::TimedOut | Reason::DeadlineExceeded);
        let is_asleep = state.next_at.take().is_some();
        if (is_asleep || is_refused)
            && let Some(budget) = &self.0.budget
        {
            budget.refund(state.take_paid(), || cx.now());
        }
    }

    /// Whether a refusal that says when to come back is tried again.
    fn follows(&self, after: Duration) -> bool {
        let rules = self.rules();
        rules.retry_refusals && after <= rules.retry_after_max
    }

    fn after_refusal(&self, state: &mut CallState, rejection: &Rejection, cx: &mut Cx<'_>) -> Next {
        let cause = Some(Cause::of(rejection));
        match (rejection.reason(), rejection.retry_after()) {
            (Reason::TimedOut, _) => {
                // It was at work: who knows what it did.
                let cause = Some(Cause::new(Category::Timeout, None));
                self.after_failure(state, Failure::new(Wait::Backoff(None), cause), cx)
            }
            (Reason::DeadlineExceeded | Reason::Impossible, _) => self.finish(),
            (_, Some(after)) if self.follows(after) => {
                self.after_failure(state, Failure::new(Wait::AtLeast(after), cause), cx)
            }
            _ => self.finish(),
        }
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.rules();
        f.debug_struct("Retry")
            .field("name", &self.name())
            .field("attempts", &rules.attempts)
            .field("backoff", &rules.backoff)
            .finish_non_exhaustive()
    }
}

/// Kept out of the way of a call that has no budget, or a full one: handing the context of the settlement on would have every call
/// write it down.
#[inline(never)]
fn tell_success(budget: &Budget, paid: Paid, clock: &Clock) {
    budget.succeeded(paid, || clock.now_coarse());
}

impl Policy for Retry {
    type State = CallState;

    #[inline]
    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    #[inline]
    fn begin(&self) -> CallState {
        CallState::default()
    }

    #[inline]
    fn admit(&self, state: &mut CallState, cx: &mut Cx<'_>) -> Admit {
        if let Some(at) = state.next_at {
            // A coarse reading may lag behind the sleep that has ended.
            if cx.clock().now() < at {
                return Admit::SleepUntil(at);
            }
            state.next_at = None;
            self.count(Count::Retries);
        }
        if self.0.is_marking {
            self.mark(state, cx);
        }
        state.attempts = state.attempts.saturating_add(1);
        Admit::Run
    }

    #[inline]
    fn settle(&self, state: &mut CallState, outcome: &Outcome<'_>, cx: &mut Cx<'_>) -> Next {
        if let Outcome::Judged(Verdict::Success, _) = outcome {
            if let Some(budget) = &self.0.budget
                && !budget.is_full()
            {
                tell_success(budget, state.paid(), &self.0.clock);
                if state.is_in_flight() {
                    self.leave(state);
                }
            }
            self.count(Count::Succeeded);
            return Next::Finish;
        }
        self.settle_rest(state, outcome, cx)
    }

    fn abandon(&self, state: &mut CallState) {
        // Paid for, and never started (rule BG-5).
        if state.next_at.take().is_some()
            && let Some(budget) = &self.0.budget
        {
            budget.refund(state.take_paid(), || self.0.clock.now_coarse());
        }
        self.leave(state);
    }

    fn roles(&self) -> Vec<Role> {
        vec![Role::new(PolicyKind::Retry)]
    }
}

core_policy::policy_methods!(Retry);
core_policy::policy_layer!(Retry, repeats);
