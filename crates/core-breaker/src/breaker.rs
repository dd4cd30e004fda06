use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use core_errors::{Name, Reason, Rejection, Verdict};
use core_policy::{Admit, Cx, Next, Permit, Policy, Rng};
use core_time::{Clock, Instant};

use crate::State;
use crate::config::Builder;
use crate::engine::{Engine, PANICKED, Refused, TIMED_OUT, Ticket};
use crate::error::{ConfigError, Kind};
use crate::event::{Event, Subscriber, Trigger};
use crate::outcome::Outcome;
use crate::rules::Rules;
use crate::snapshot::Snapshot;

/// A circuit breaker. Cheap to clone; clones share the circuit.
#[derive(Clone)]
pub struct Breaker(Arc<Inner>);

struct Inner {
    engine: Engine,
    clock: Clock,
    slow: Option<Slow>,
    subscribers: Box<[Subscriber]>,
}

/// How slowness is measured.
#[derive(Clone, Copy)]
struct Slow {
    over: Duration,
    /// Whether a kernel tick is too coarse for it.
    exact: bool,
}

/// What a breaker remembers of a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallState {
    ticket: Option<Ticket>,
    started: Option<Instant>,
}

// === impl Breaker ===

impl Breaker {
    /// A breaker that trips when this share of the calls in a window failed: at it or over it, `0 < rate ≤ 1`.
    pub fn rate(rate: f64) -> Builder {
        Builder::new(Some(rate), None)
    }

    /// A breaker that trips after this many failures in a row. Any success starts the count anew. It keeps no window.
    pub fn consecutive(failures: u32) -> Builder {
        Builder::new(None, Some(failures))
    }

    pub(crate) fn new(
        name: Name,
        rules: Rules,
        rng: Rng,
        clock: Clock,
        subscribers: Vec<Subscriber>,
    ) -> Self {
        let slow = rules.slow_over.map(|over| Slow { over, exact: over < Duration::from_millis(100) });
        let engine = Engine::new(name, rules, rng, clock.now_coarse());
        Self(Arc::new(Inner { engine, clock, slow, subscribers: subscribers.into() }))
    }

    /// Asks to make a call whose outcome will be recorded by hand: for streams and callbacks.
    ///
    /// # Errors
    /// The refusal, while the circuit is open or its probes are out.
    pub fn acquire(&self) -> Result<Permit<&Self>, Rejection> {
        Permit::acquire(self)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.0.engine.name()
    }

    /// The state. Reading it changes nothing: an open circuit whose time is over is open until a call comes (rule W-6).
    #[must_use]
    pub fn state(&self) -> State {
        self.0.engine.load().state()
    }

    /// Everything there is to know about it. Changes nothing.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.0.engine, self.0.clock.now())
    }

    /// Holds it open until an operator says otherwise: calls are refused, nothing is counted.
    ///
    /// # Errors
    /// If the reason is empty or longer than 500 bytes.
    pub fn force_open(&self, reason: &str) -> Result<(), ConfigError> {
        self.force(State::ForcedOpen, reason, None)
    }

    /// Opens it for so long, whatever the rules say, and then lets probes through: for maintenance whose end is known (rule CB-32). Of
    /// a circuit that is open the time begins anew.
    ///
    /// # Errors
    /// If the reason is empty or longer than 500 bytes, or the time is zero.
    pub fn open_for(&self, duration: Duration, reason: &str) -> Result<(), ConfigError> {
        if duration.is_zero() {
            return Err(ConfigError(Kind::Zero { what: "the time to stay open" }));
        }
        self.force(State::Open, reason, Some(duration))
    }

    /// Lets probes through now, from whatever state: for when it is known that the callee is well again (rule CB-33).
    ///
    /// # Errors
    /// If the reason is empty or longer than 500 bytes.
    pub fn probe_now(&self, reason: &str) -> Result<(), ConfigError> {
        self.force(State::HalfOpen, reason, None)
    }

    /// Takes it out until an operator says otherwise: calls pass, nothing is counted.
    ///
    /// # Errors
    /// If the reason is empty or longer than 500 bytes.
    pub fn disable(&self, reason: &str) -> Result<(), ConfigError> {
        self.force(State::Disabled, reason, None)
    }

    /// Closes it and starts to count anew, from whatever state.
    ///
    /// # Errors
    /// If the reason is empty or longer than 500 bytes.
    pub fn close(&self, reason: &str) -> Result<(), ConfigError> {
        self.force(State::Closed, reason, None)
    }

    fn force(&self, state: State, reason: &str, open_for: Option<Duration>) -> Result<(), ConfigError> {
        let reason = reason.trim();
        if reason.is_empty() || reason.len() > 500 {
            return Err(ConfigError(Kind::Reason { len: reason.len() }));
        }
        let trigger = Trigger::Operator { reason: reason.into() };
        self.0.engine.force(state, trigger, self.0.clock.now(), open_for);
        self.deliver();
        Ok(())
    }

    /// Decides by the exact time, if the coarse one is too near the moment that counts; which time it was comes back.
    #[cold]
    fn acquire_carefully(
        &self,
        mut now: Instant,
        wanted: Option<Instant>,
    ) -> (Result<Ticket, Refused>, Instant) {
        let inner = &*self.0;
        let until = inner.engine.until();
        if now < until && until <= now + inner.clock.tick() {
            // The answer depends on the time within a tick.
            now = inner.clock.now();
        }
        let answer = inner.engine.acquire(now, wanted);
        if !matches!(answer, Err(refused) if refused.is_quiet()) {
            self.deliver();
        }
        (answer, now)
    }

    /// Takes the state's ticket and records what came of it.
    #[inline]
    fn record(&self, state: &mut CallState, outcome: Outcome, cx: &mut Cx<'_>) {
        let Some(ticket) = state.ticket.take() else { return };
        let is_slow = self.0.slow.is_some() && self.is_slow(state.started, cx);
        let clock = cx.clock();
        if self.0.engine.record(ticket, outcome, is_slow, || cx.now(), || clock.now()) {
            self.deliver();
        }
    }

    /// Records what was no success.
    #[cold]
    fn record_rest(&self, state: &mut CallState, outcome: &core_policy::Outcome<'_>, cx: &mut Cx<'_>) {
        use core_policy::Outcome as Came;
        let outcome = match outcome {
            Came::Judged(verdict, cause) => match Outcome::from(*verdict) {
                Outcome::Failure(_) => Outcome::Failure(*cause),
                other => other,
            },
            // A limit of ours on time that passed while the callee was at work is the callee's failure. The caller's own
            // deadline, and refusals of other policies, say nothing about it (rule PL-3).
            Came::Refused(rejection) if rejection.reason() == Reason::TimedOut => {
                Outcome::Failure(Some(TIMED_OUT))
            }
            Came::Refused(_) => Outcome::Inconclusive,
            Came::Panicked if self.0.engine.rules().count_panics => Outcome::Failure(Some(PANICKED)),
            Came::Panicked => Outcome::Ignored,
        };
        self.record(state, outcome, cx);
    }

    #[cold]
    fn abandon_ticket(&self, ticket: Ticket) {
        if self.0.engine.abandon(ticket, || self.0.clock.now()) {
            self.deliver();
        }
    }

    fn is_slow(&self, started: Option<Instant>, cx: &mut Cx<'_>) -> bool {
        let (Some(slow), Some(started)) = (self.0.slow, started) else { return false };
        slow.read(cx) - started > slow.over.saturating_add(cx.waited())
    }

    /// Hands events to subscribers, unless another thread is at it: then that one delivers ours, in order.
    #[cold]
    fn deliver(&self) {
        if !self.0.engine.ledger().outbox.start() {
            return;
        }
        while let Some(event) = self.next_event() {
            self.publish(&event);
        }
    }

    fn next_event(&self) -> Option<Event> {
        self.0.engine.ledger().outbox.next()
    }

    fn publish(&self, event: &Event) {
        #[cfg(feature = "tracing")]
        crate::trace::event(event);
        for subscriber in &self.0.subscribers {
            // Whoever made the call has nothing to do with a subscriber's bug; the panic hook has reported it.
            let _ = catch_unwind(AssertUnwindSafe(|| subscriber(event)));
        }
    }
}

impl Slow {
    fn read(self, cx: &mut Cx<'_>) -> Instant {
        if self.exact { cx.clock().now() } else { cx.now() }
    }
}

impl Policy for Breaker {
    type State = CallState;

    #[inline]
    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    #[inline]
    fn begin(&self) -> CallState {
        CallState::default()
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a refusal is 64 bytes, which a call would copy: 16 ns instead of 9"
    )]
    fn admit(&self, state: &mut CallState, cx: &mut Cx<'_>) -> Admit {
        // The refusal is made here: handed on from a function of its own, it would be copied by every call that passes.
        let ticket = if let Some(ticket) = self.0.engine.acquire_now() {
            ticket
        } else {
            let engine = &self.0.engine;
            let now = cx.now();
            let refused = engine.refuse_now(now + self.0.clock.tick());
            if refused.is_certain() {
                return Admit::Refuse(engine.rejection(refused, now));
            }
            match self.acquire_carefully(now, cx.deadline()) {
                (Ok(ticket), _) => ticket,
                (Err(refused), now) => return Admit::Refuse(engine.rejection(refused, now)),
            }
        };
        state.ticket = Some(ticket);
        if let Some(slow) = self.0.slow {
            // Time in a queue of ours that lies ahead is not the callee's: `waited` grows by it.
            let waited = cx.waited();
            state.started = Some(slow.read(cx) - waited);
        }
        Admit::Run
    }

    #[inline]
    fn settle(&self, state: &mut CallState, outcome: &core_policy::Outcome<'_>, cx: &mut Cx<'_>) -> Next {
        if let core_policy::Outcome::Judged(Verdict::Success, _) = outcome {
            self.record(state, Outcome::Success, cx);
        } else {
            self.record_rest(state, outcome, cx);
        }
        Next::Finish
    }

    #[inline]
    fn abandon(&self, state: &mut CallState) {
        if let Some(ticket) = state.ticket.take() {
            self.abandon_ticket(ticket);
        }
    }
}

core_policy::policy_methods!(Breaker, once);
core_policy::policy_layer!(Breaker, once);

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("name", &self.name())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
