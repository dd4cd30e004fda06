//! A breaker as a policy: how a call begins and how it ends.

use std::num::NonZeroU64;
use std::time::Duration;

use core_errors::{PolicyKind, Rejection, Verdict};
use core_policy::{Admit, Cx, Next, Permit, Policy, Role};
use core_time::{Clock, Instant};

use crate::breaker::Breaker;
use crate::engine::{Refused, Ticket};
use crate::outcome::Outcome;
use crate::word::{Phase, Word};

/// What a breaker remembers of a call.
#[derive(Clone, Copy, Debug)]
pub struct CallState {
    ticket: Option<Ticket>,
    /// When it began, where that is asked for; else never. No option, which would have no room for that of a pipeline that
    /// has no breaker.
    started: Instant,
    /// How long it should wait for an answer; zero for as long as it likes.
    timeout: u64,
}

// === impl Breaker ===

impl Policy for Breaker {
    type State = CallState;

    #[inline]
    fn clock(&self) -> &Clock {
        self.clock_of()
    }

    #[inline]
    fn begin(&self) -> CallState {
        CallState::default()
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a refusal is 56 bytes, which a call would copy: 16 ns instead of 9"
    )]
    fn admit(&self, state: &mut CallState, cx: &mut Cx<'_>) -> Admit {
        let engine = self.engine();
        let word = engine.load();
        if word.is(Phase::Plain) {
            // Nothing about a success is asked, so not when it began either.
            state.ticket = Some(Ticket::new(word, 0));
            return Admit::Run;
        }
        // The refusal is made here: handed on from a function of its own, it would be copied by every call that passes.
        let ticket = if word.passes() {
            Ticket::new(word, 0)
        } else {
            let now = cx.now();
            let refused = engine.refuse_now(now + self.clock_of().tick());
            if refused.is_certain() {
                return Admit::Refuse(engine.rejection(refused, now));
            }
            match self.acquire_carefully(now, cx.deadline()) {
                (Ok(ticket), _) => {
                    // What is made of the context is made here: handed to a function it would cost every call that passes.
                    if let Some(limit) = self.probe_limit(ticket) {
                        cx.limit_attempt(Duration::from_nanos(limit.get()));
                        state.timeout = limit.get();
                    }
                    ticket
                }
                (Err(refused), now) => return Admit::Refuse(engine.rejection(refused, now)),
            }
        };
        state.ticket = Some(ticket);
        if let Some(over) = engine.slow_over() {
            // Time in a queue of ours that lies ahead is not the callee's: `waited` grows by it.
            let waited = cx.waited();
            state.started = timed(over, cx) - waited;
        }
        Admit::Run
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a success of a plain circuit is a dozen instructions; a call doubles them"
    )]
    fn settle(&self, state: &mut CallState, outcome: &core_policy::Outcome<'_>, cx: &mut Cx<'_>) -> Next {
        let (ticket, before) = (state.ticket, *state);
        state.ticket = None;
        if let core_policy::Outcome::Judged(Verdict::Success, _) = outcome {
            let word = self.engine().load();
            if !ticket.is_some_and(|ticket| self.engine().record_plain(word, ticket)) {
                cx.aside(|cx| self.record_success(before, word, cx));
            }
        } else {
            cx.aside(|cx| self.record_rest(before, outcome, cx));
        }
        Next::Finish
    }

    #[inline]
    fn abandon(&self, state: &mut CallState) {
        if let Some(ticket) = state.ticket.take() {
            self.abandon_ticket(ticket);
        }
    }

    fn falls_back(&self) {
        self.engine().count_fallback();
    }

    fn roles(&self) -> Vec<Role> {
        vec![Role::new(PolicyKind::Breaker)]
    }
}

core_policy::policy_methods!(Breaker, once);
core_policy::policy_layer!(Breaker, once);

impl Breaker {
    /// Asks to make a call whose outcome will be recorded by hand: for streams and callbacks.
    ///
    /// # Errors
    /// The refusal, while the circuit is open or its probes are out.
    pub fn acquire(&self) -> Result<Permit<&Self>, Rejection> {
        Permit::acquire(self)
    }

    /// Decides by the exact time, if the coarse one is too near the moment that counts; which time it was comes back.
    #[cold]
    fn acquire_carefully(
        &self,
        mut now: Instant,
        wanted: Option<Instant>,
    ) -> (Result<Ticket, Refused>, Instant) {
        let engine = self.engine();
        let (until, latest) = (engine.until(), now + self.clock_of().tick());
        if engine.is_too_far(until, latest) {
            now = self.now();
            engine.bring_back(now);
        } else if now < until && until <= latest {
            // The answer depends on the time within a tick.
            now = self.now();
        }
        let (answer, tells) = engine.acquire(now, wanted);
        if tells {
            self.deliver();
        }
        (answer, now)
    }

    /// Records what came of a call.
    fn record(&self, state: CallState, outcome: Outcome, cx: &mut Cx<'_>) {
        let Some(ticket) = state.ticket else { return };
        let is_slow = state.started != Instant::NEVER && self.was_slow(state.started, cx);
        let clock = cx.clock();
        if self.engine().record(ticket, outcome, is_slow, || cx.now(), || clock.now()) {
            self.deliver();
        }
    }

    #[inline(never)]
    fn was_slow(&self, started: Instant, cx: &mut Cx<'_>) -> bool {
        self.engine().slow_over().is_some_and(|over| is_slow(over, started, cx))
    }

    /// Records a success that is more than counted.
    #[inline(never)]
    fn record_success(&self, state: CallState, word: Word, cx: &mut Cx<'_>) {
        let Some(ticket) = state.ticket else { return };
        let clock = cx.clock();
        if state.started != Instant::NEVER {
            self.record(state, Outcome::Success, cx);
            return;
        }
        if self.engine().record_quick(word, ticket, || cx.now(), || clock.now()) {
            self.deliver();
        }
    }

    /// Records what was no success.
    #[cold]
    fn record_rest(&self, state: CallState, outcome: &core_policy::Outcome<'_>, cx: &mut Cx<'_>) {
        let outcome = Outcome::came(outcome, || self.engine().plan().rules.count_panics);
        self.record(state, outcome, cx);
    }

    /// How many nanoseconds a probe should wait for its answer (rule CB-40).
    #[cold]
    fn probe_limit(&self, ticket: Ticket) -> Option<NonZeroU64> {
        let limit = self.engine().plan().rules.probe_timeout.filter(|_| ticket.is_probe())?;
        NonZeroU64::new(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX))
    }

    #[cold]
    fn abandon_ticket(&self, ticket: Ticket) {
        if self.engine().abandon(ticket, || self.now()) {
            self.deliver();
        }
    }
}

// === impl CallState ===

impl Default for CallState {
    fn default() -> Self {
        Self { ticket: None, started: Instant::NEVER, timeout: 0 }
    }
}

impl CallState {
    /// Whether the call is a probe of a half-open circuit (rule CB-40). [`Permit::state`] has this of a permit.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.ticket.is_some_and(Ticket::is_probe)
    }

    /// How long a probe should wait for its answer, if that was [configured](crate::Builder::probe_timeout). `None` of other
    /// calls.
    #[must_use]
    pub fn suggested_timeout(&self) -> Option<Duration> {
        (self.timeout != 0).then_some(Duration::from_nanos(self.timeout))
    }
}

/// Whether a call took longer, but for the time it waited for its turn.
#[inline]
fn is_slow(over: Duration, started: Instant, cx: &mut Cx<'_>) -> bool {
    timed(over, cx) - started > over.saturating_add(cx.waited())
}

/// The time, as exactly as it takes to tell what is slow.
#[inline]
fn timed(over: Duration, cx: &mut Cx<'_>) -> Instant {
    if over < Duration::from_millis(100) { cx.clock().now() } else { cx.now() }
}
