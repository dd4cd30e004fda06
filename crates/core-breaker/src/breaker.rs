use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as PlainMutex, MutexGuard as PlainGuard, PoisonError, Weak};
use std::time::Duration;

use core_errors::{Name, Rejection, Verdict};
use core_policy::{Admit, Cx, Next, Permit, Policy, Rng, quietly};
use core_time::{Clock, Instant};

use crate::State;
use crate::circuits::Past;
use crate::config::{Builder, Settings};
use crate::engine::{Engine, Refused, Ticket};
use crate::error::{ConfigError, Kind};
use crate::event::{Event, Subscriber};
use crate::fleet::Bell;
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::rules::Rules;
use crate::saved::Saved;
use crate::snapshot::{Snapshot, Totals};
use crate::sync::{Mutex, MutexGuard};
use crate::word::{Phase, Word};

/// A circuit breaker. Cheap to clone; clones share the circuit.
#[derive(Clone)]
pub struct Breaker(Arc<Inner>);

struct Inner {
    engine: Engine,
    clock: Clock,
    /// Of operators.
    orders: AtomicU64,
    subscribers: Box<[Subscriber]>,
    /// What it was configured with, and how often that was changed.
    settings: Mutex<(Settings, u64)>,
    /// What makes its jitter the same in every run, and that of its keys.
    seed: Option<u64>,
    /// Of the fleets that it takes part in.
    bells: PlainMutex<Vec<Weak<Bell>>>,
    /// Of a breaker for a key: who keeps its counts when it is gone.
    past: Option<Arc<Past>>,
}

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

impl Breaker {
    pub(crate) fn new(name: Name, plan: Plan, builder: Builder) -> Self {
        let rng = builder.rng();
        let Builder { settings, clock, subscribers, in_shadow, saved, seed, key, .. } = builder;
        let engine = Engine::new(name, key, plan, rng, clock.now_coarse(), in_shadow);
        if let Some((saved, age)) = saved {
            engine.resume(&saved, age, clock.now());
        }
        Self(Arc::new(Inner {
            engine,
            clock,
            orders: AtomicU64::new(0),
            subscribers: subscribers.into(),
            settings: Mutex::new((settings, 0)),
            seed,
            bells: PlainMutex::default(),
            past: None,
        }))
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
        Snapshot::of(&self.0.engine, self.0.orders.load(Ordering::Relaxed), self.0.clock.now())
    }

    /// All that it knows, in plain values: for [`Builder::resume`] in a process that starts later. Changes nothing.
    #[must_use]
    pub fn save(&self) -> Saved {
        self.0.engine.save(self.0.clock.now())
    }

    /// Goes by other rules from now on: `change` gets what it was built with and returns what shall be. All or nothing.
    ///
    /// State, generation, permits that are out, failures in a row, and the times and leases that run stay as they are. A
    /// window keeps what it holds as far as the new shape has a place for it: a window of time takes over its buckets by
    /// their age, one of calls its newest results; between the two kinds nothing can be kept. An average of other calls or
    /// another time starts anew. A result that is counted in the very moment may be lost to the window. Rules apply from
    /// the next result on; a stricter one does not open the circuit by itself.
    ///
    /// `change` may be called again if another thread changes the rules at the same moment; so it must not change them itself. Calls
    /// go on meanwhile, and wait for nothing.
    ///
    /// # Errors
    /// As [`Builder::build`]; and if something is set that a running breaker cannot change: name, clock, seed, subscribers,
    /// shadow and a state to begin with. Nothing has changed then.
    pub fn reconfigure(&self, change: impl Fn(Builder) -> Builder) -> Result<(), ConfigError> {
        self.reconfigure_if(change, |_| Ok(()))
    }

    /// The same, if the new rules are allowed.
    pub(crate) fn reconfigure_if(
        &self,
        change: impl Fn(Builder) -> Builder,
        allowed: impl Fn(&Rules) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        loop {
            let (settings, version) = self.settings().clone();
            let builder = change(Builder::of(settings));
            if let Some(what) = builder.fixed {
                return Err(ConfigError(Kind::Fixed { what }));
            }
            let plan = builder.settings.checked()?;
            allowed(&plan.rules)?;
            let held = self.settings();
            if held.1 == version {
                self.go_by(held, (builder.settings, version + 1), plan);
                return Ok(());
            }
        }
    }

    /// Another breaker with the same rules: for a key of its own, whose counts are left to somebody, or for none.
    pub(crate) fn twin(&self, key: Option<(Arc<str>, &Arc<Past>)>) -> Self {
        let (key, past) = key.map(|(key, past)| (key, Arc::clone(past))).unzip();
        let inner = &*self.0;
        let settings = self.settings().clone();
        let plan = Plan::clone(&inner.engine.plan());
        let in_shadow = self.state() == State::Shadow;
        // With a seed each key has its own sequence, or a host that comes back would meet all of them in step.
        let seed = inner.seed.map(|seed| key.as_deref().map_or(seed, |key| seed ^ salt(key)));
        let rng = seed.map_or_else(Rng::from_entropy, Rng::from_seed);
        let engine = Engine::new(self.name(), key, plan, rng, inner.clock.now_coarse(), in_shadow);
        Self(Arc::new(Inner {
            engine,
            clock: inner.clock.clone(),
            orders: AtomicU64::new(0),
            subscribers: inner.subscribers.clone(),
            settings: Mutex::new(settings),
            seed,
            bells: PlainMutex::default(),
            past,
        }))
    }

    /// Goes by the rules that `template` goes by, if they are others.
    pub(crate) fn follow(&self, template: &Self) {
        let newest = template.settings().clone();
        let Ok(plan) = newest.0.checked() else { return };
        let held = self.settings();
        if held.1 != newest.1 {
            self.go_by(held, newest, plan);
        }
    }

    /// Puts the plan in place with the settings it is of, under their lock. A round that may be over is decided after that,
    /// since the time to open may be a function of the user's, which is free to change the rules again.
    fn go_by(&self, mut held: MutexGuard<'_, (Settings, u64)>, settings: (Settings, u64), plan: Plan) {
        let now = self.0.clock.now();
        // They own the function that the old plan goes by, and drop it under no lock.
        let old = std::mem::replace(&mut *held, settings);
        let round = self.0.engine.reconfigure(plan, now);
        drop(held);
        drop(old);
        if round.is_some_and(|generation| self.0.engine.decide(generation, None, now)) {
            self.deliver();
        }
    }

    /// Whether it is in a state that must not be lost although nobody holds it. For maps of breakers: waits for no lock, and
    /// takes nanoseconds.
    #[doc(hidden)]
    #[must_use]
    pub fn is_held(&self) -> bool {
        let (engine, clock) = (&self.0.engine, &self.0.clock);
        let now = clock.now_coarse();
        // Nobody calls it, so nobody else sees that the clock went back: it would be held until that has caught up.
        if engine.is_open_too_far(now + clock.tick()) {
            engine.bring_back_if_free(clock.now());
        }
        engine.is_held(now)
    }

    pub(crate) fn clock_of(&self) -> &Clock {
        &self.0.clock
    }

    /// Rings at each change of state from now on, as long as there is a bell.
    pub(crate) fn ring_on_change(&self, bell: &Arc<Bell>) {
        let mut bells = self.bells();
        bells.retain(|bell| bell.strong_count() > 0);
        bells.push(Arc::downgrade(bell));
    }

    fn bells(&self) -> PlainGuard<'_, Vec<Weak<Bell>>> {
        self.0.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settings(&self) -> MutexGuard<'_, (Settings, u64)> {
        self.0.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An operator gave an order.
    pub(crate) fn count_order(&self) {
        self.0.orders.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn now(&self) -> Instant {
        self.0.clock.now()
    }

    /// Decides by the exact time, if the coarse one is too near the moment that counts; which time it was comes back.
    #[cold]
    fn acquire_carefully(
        &self,
        mut now: Instant,
        wanted: Option<Instant>,
    ) -> (Result<Ticket, Refused>, Instant) {
        let inner = &*self.0;
        let (until, latest) = (inner.engine.until(), now + inner.clock.tick());
        if inner.engine.is_too_far(until, latest) {
            now = inner.clock.now();
            inner.engine.bring_back(now);
        } else if now < until && until <= latest {
            // The answer depends on the time within a tick.
            now = inner.clock.now();
        }
        let (answer, tells) = inner.engine.acquire(now, wanted);
        if tells {
            self.deliver();
        }
        (answer, now)
    }

    /// Takes the state's ticket and records what came of it.
    fn record(&self, state: &mut CallState, outcome: Outcome, cx: &mut Cx<'_>) {
        let Some(ticket) = state.ticket.take() else { return };
        let is_slow = state.started != Instant::NEVER && self.was_slow(state.started, cx);
        let clock = cx.clock();
        if self.0.engine.record(ticket, outcome, is_slow, || cx.now(), || clock.now()) {
            self.deliver();
        }
    }

    #[inline(never)]
    fn was_slow(&self, started: Instant, cx: &mut Cx<'_>) -> bool {
        self.0.engine.slow_over().is_some_and(|over| is_slow(over, started, cx))
    }

    /// Records a success that is more than counted.
    #[inline(never)]
    fn record_success(&self, state: &mut CallState, word: Word, mut cx: Cx<'_>) {
        let Some(ticket) = state.ticket else { return };
        let clock = cx.clock();
        if state.started != Instant::NEVER {
            self.record(state, Outcome::Success, &mut cx);
            return;
        }
        state.ticket = None;
        if self.0.engine.record_quick(word, ticket, || cx.now(), || clock.now()) {
            self.deliver();
        }
    }

    /// Records what was no success.
    #[cold]
    fn record_rest(&self, state: &mut CallState, outcome: &core_policy::Outcome<'_>, mut cx: Cx<'_>) {
        let outcome = Outcome::came(outcome, || self.0.engine.plan().rules.count_panics);
        self.record(state, outcome, &mut cx);
    }

    /// How many nanoseconds a probe should wait for its answer (rule CB-40).
    #[cold]
    fn probe_limit(&self, ticket: Ticket) -> Option<NonZeroU64> {
        let limit = self.0.engine.plan().rules.probe_timeout.filter(|_| ticket.is_probe())?;
        NonZeroU64::new(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX))
    }

    #[cold]
    fn abandon_ticket(&self, ticket: Ticket) {
        if self.0.engine.abandon(ticket, || self.0.clock.now()) {
            self.deliver();
        }
    }

    /// Hands events to subscribers, unless another thread is at it: then that one delivers ours, in order.
    #[cold]
    pub(crate) fn deliver(&self) {
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
        quietly(|| crate::trace::event(event));
        // Under no lock: whoever is woken is somebody else's.
        let bells = self.bells().clone();
        quietly(|| bells.iter().filter_map(Weak::upgrade).for_each(|bell| bell.ring()));
        for subscriber in &self.0.subscribers {
            // Whoever made the call has nothing to do with a subscriber's bug; the panic hook has reported it.
            quietly(|| subscriber(event));
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(past) = &self.past {
            past.forget(Totals::of(&self.engine));
        }
    }
}

/// The same for a key in every run.
fn salt(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
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
        let engine = &self.0.engine;
        let word = engine.load();
        if word.phase() == Phase::Plain {
            // Nothing about a success is asked, so not when it began either.
            state.ticket = Some(Ticket::new(word, 0));
            return Admit::Run;
        }
        // The refusal is made here: handed on from a function of its own, it would be copied by every call that passes.
        let ticket = if word.phase().passes() {
            Ticket::new(word, 0)
        } else {
            let now = cx.now();
            let refused = engine.refuse_now(now + self.0.clock.tick());
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
        if let core_policy::Outcome::Judged(Verdict::Success, _) = outcome {
            let word = self.0.engine.load();
            if state.ticket.is_some_and(|ticket| self.0.engine.record_plain(word, ticket)) {
                state.ticket = None;
            } else {
                self.record_success(state, word, cx.reborrow());
            }
        } else {
            self.record_rest(state, outcome, cx.reborrow());
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

    /// How long a probe should wait for its answer, if that was [configured](Builder::probe_timeout). `None` of other
    /// calls.
    #[must_use]
    pub fn suggested_timeout(&self) -> Option<Duration> {
        (self.timeout != 0).then_some(Duration::from_nanos(self.timeout))
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("name", &self.name())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_of_a_fleet_that_is_gone_is_forgotten_when_the_next_comes() {
        let breaker = Breaker::consecutive(1).build().unwrap();
        let [gone, kept, new] = [(); 3].map(|()| Arc::<Bell>::default());
        breaker.ring_on_change(&gone);
        breaker.ring_on_change(&kept);
        assert_eq!(breaker.bells().len(), 2);
        drop(gone);
        breaker.ring_on_change(&new);
        let left: Vec<_> = breaker.bells().iter().filter_map(Weak::upgrade).collect();
        assert!(matches!(&left[..], [a, b] if Arc::ptr_eq(a, &kept) && Arc::ptr_eq(b, &new)));
        assert_eq!(breaker.bells().len(), 2);
    }
}
