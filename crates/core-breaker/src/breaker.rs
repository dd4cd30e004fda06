use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as PlainMutex, OnceLock, PoisonError, Weak};

use core_errors::Name;
use core_policy::{Past, Rng, quietly};
use core_time::{Clock, Instant};

use crate::State;
use crate::config::Builder;
use crate::engine::Engine;
use crate::event::{Event, Subscriber};
use crate::fleet::Bell;
use crate::plan::Plan;
use crate::reconfigure::Dated;
use crate::saved::Saved;
use crate::snapshot::{COUNTS, Snapshot, Totals};
use crate::sync::{Mutex, MutexGuard};

/// A circuit breaker. Cheap to clone; clones share the circuit.
#[derive(Clone)]
pub struct Breaker(pub(crate) Arc<Inner>);

/// One allocation for all that a call touches, the engine at its front.
#[repr(C)]
pub(crate) struct Inner {
    engine: Engine,
    clock: Clock,
    kin: Arc<Kin>,
    /// What it was configured with.
    settings: Mutex<Dated>,
    /// Of operators.
    orders: AtomicU64,
    /// Of the fleets that it takes part in.
    bells: OnceLock<Box<Bells>>,
}

type Bells = PlainMutex<Vec<Weak<Bell>>>;

/// What breakers for the keys of one set have in common.
struct Kin {
    subscribers: Box<[Subscriber]>,
    /// What makes its jitter the same in every run, and that of its keys.
    seed: Option<u64>,
    /// Of keys that are gone.
    past: Past<COUNTS>,
}

// === impl Breaker ===

impl Breaker {
    pub(crate) fn new(name: Name, plan: Plan, builder: Builder) -> Self {
        let rng = builder.rng();
        let Builder { settings, clock, subscribers, in_shadow, saved, seed, key, .. } = builder;
        let engine = Engine::new(name, key, Arc::new(plan), rng, clock.now_coarse(), in_shadow);
        if let Some((saved, age)) = saved {
            engine.resume(&saved, age, clock.now());
        }
        let kin = Kin { subscribers: subscribers.into(), seed, past: Past::default() };
        Self(Arc::new(Inner::new(engine, clock, Arc::new(kin), Dated::new(Arc::new(settings)))))
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

    /// Another breaker with the same rules, for keys to be made from.
    pub(crate) fn twin(&self) -> Self {
        let kin = &self.0.kin;
        let seed = self.0.seed();
        let kin = Arc::new(Kin { subscribers: kin.subscribers.clone(), seed, past: Past::default() });
        Self(Arc::new(self.another(None, kin)))
    }

    /// The breaker of a key, whose counts are left to this one when it is gone.
    pub(crate) fn for_key(&self, key: Arc<str>) -> Inner {
        self.another(Some(key), Arc::clone(&self.0.kin))
    }

    fn another(&self, key: Option<Arc<str>>, kin: Arc<Kin>) -> Inner {
        let (settings, plan) = self.goes_by();
        let in_shadow = self.state() == State::Shadow;
        let rng = kin.seed_of(key.as_deref()).map_or_else(Rng::from_entropy, Rng::from_seed);
        let clock = self.clock_of().clone();
        let engine = Engine::new(self.name(), key, plan, rng, clock.now_coarse(), in_shadow);
        Inner::new(engine, clock, kin, settings.followed())
    }

    /// What was counted for keys that were made from it and are gone.
    pub(crate) fn past(&self) -> &Past<COUNTS> {
        &self.0.kin.past
    }

    /// Whether it is in a state that must not be lost although nobody holds it. For maps of breakers: locks nothing, and takes
    /// nanoseconds, unless the clock went back.
    #[doc(hidden)]
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.0.is_held()
    }

    #[inline]
    pub(crate) fn clock_of(&self) -> &Clock {
        &self.0.clock
    }

    /// Rings at each change of state from now on, as long as there is a bell.
    pub(crate) fn ring_on_change(&self, bell: &Arc<Bell>) {
        let bells = self.0.bells.get_or_init(Box::default);
        let mut bells = bells.lock().unwrap_or_else(PoisonError::into_inner);
        bells.retain(|bell| bell.strong_count() > 0);
        bells.push(Arc::downgrade(bell));
    }

    pub(crate) fn settings(&self) -> MutexGuard<'_, Dated> {
        self.0.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An operator gave an order.
    pub(crate) fn count_order(&self) {
        self.0.orders.fetch_add(1, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn now(&self) -> Instant {
        self.0.clock.now()
    }

    #[cold]
    pub(crate) fn deliver(&self) {
        self.0.deliver();
    }
}

// === impl Inner ===

impl Inner {
    fn new(engine: Engine, clock: Clock, kin: Arc<Kin>, settings: Dated) -> Self {
        let (orders, bells) = (AtomicU64::new(0), OnceLock::new());
        Self { engine, clock, kin, settings: Mutex::new(settings), orders, bells }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn is_held(&self) -> bool {
        self.engine.is_held(&self.clock)
    }

    fn seed(&self) -> Option<u64> {
        self.kin.seed_of(self.engine.key().map(|key| &**key))
    }

    /// Hands events to subscribers, up to a turn of the outbox, unless another thread is at it: then that one delivers ours, in order.
    fn deliver(&self) {
        if !self.engine.ledger().outbox.start() {
            return;
        }
        while let Some(event) = self.next_event() {
            self.publish(&event);
        }
    }

    fn next_event(&self) -> Option<Event> {
        let mut event = self.engine.ledger().outbox.next()?;
        event.totals = Totals::of(&self.engine);
        Some(event)
    }

    fn publish(&self, event: &Event) {
        #[cfg(feature = "tracing")]
        quietly(|| crate::trace::event(event));
        // Under no lock: whoever is woken is somebody else's.
        let bells = self.bells();
        quietly(|| bells.iter().filter_map(Weak::upgrade).for_each(|bell| bell.ring()));
        for subscriber in &self.kin.subscribers {
            // Whoever made the call has nothing to do with a subscriber's bug; the panic hook has reported it.
            quietly(|| subscriber(event));
        }
    }

    fn bells(&self) -> Vec<Weak<Bell>> {
        let bells = self.bells.get();
        bells.map_or_else(Vec::new, |bells| bells.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// What a turn has left over is told, since no change comes any more that it could be told with. Nobody can add to it now; and
/// maps drop what they forget under no lock.
impl Drop for Inner {
    fn drop(&mut self) {
        // Who never changed has no ledger, and makes none to end.
        if self.engine.ledger_if_any().is_some_and(|ledger| ledger.outbox.is_waiting()) {
            self.deliver();
        }
        if self.engine.key().is_some() {
            self.kin.past.forget(Totals::of(&self.engine).to_counts());
        }
    }
}

// === impl Kin ===

impl Kin {
    /// With a seed each key has its own sequence, or a host that comes back would meet all of them in step.
    fn seed_of(&self, key: Option<&str>) -> Option<u64> {
        self.seed.map(|seed| key.map_or(seed, |key| seed ^ salt(key)))
    }
}

/// The same for a key in every run.
fn salt(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
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
        assert_eq!(breaker.0.bells().len(), 2);
        drop(gone);
        breaker.ring_on_change(&new);
        let left: Vec<_> = breaker.0.bells().iter().filter_map(Weak::upgrade).collect();
        assert!(matches!(&left[..], [a, b] if Arc::ptr_eq(a, &kept) && Arc::ptr_eq(b, &new)));
        assert_eq!(breaker.0.bells().len(), 2);
    }
}
