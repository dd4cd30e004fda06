use std::borrow::Borrow;
use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use core_breaker::Circuits;
use core_errors::{Name, PolicyKind, Reason, Rejection};
use core_limit::RateLimit;
use core_policy::{Keyed, KeyedMap, KeyedStats, key_text};
use core_retry::{Budget, Hedge, Retry};

use crate::change::{Busy, Change, Step, in_turn};
use crate::describe::Description;
use crate::error::{ConfigError, Kind};
use crate::hedged::HedgedPipeline;
use crate::pipeline::Pipeline;
use crate::summary::{KeyedSummary, Past, Sums};

/// A pipeline for each key: for each host, shard or tenant, so that one that is down does not stop the others. Never more than so
/// many. Made by [`Pipeline::keyed`].
///
/// All of them have the settings of the pipeline that it was made of, and share the budget of its retry, also that which a policy
/// with a name comes with; circuits, rates, slots and
/// counts are each key's own. They are called by the name of that pipeline; events of breaker and retry say which key it was, in at
/// most 128 bytes of its text.
///
/// # What is forgotten
/// As [`KeyedMap`] says: first who has been idle, never who is in use, nor one whose circuit is held open, by its rules or by an
/// operator. In use is also a pipeline of which somebody has a clone, as a layer of tower has: a key never has two. The idle
/// time has to be longer than a circuit stays open, so that no open circuit is forgotten for being left alone, and than the rate takes
/// to give back what a key used, so that forgetting it gives it nothing. It counts from when the key was asked for, or was found in use,
/// and not from the last call: whoever keeps a pipeline for longer than that, as a connection that stays, and lets it go has neither an
/// open circuit forgotten nor what it has used of its rate, but what a closed circuit has counted may be. Who asks for each call loses
/// nothing.
///
/// ```
/// use core_breaker::Breaker;
/// use core_errors::Error;
/// use core_pipeline::Pipeline;
/// use core_policy::Keyed;
/// use core_time::secs;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shards = Pipeline::named("shards").breaker(Breaker::consecutive(5)).build()?;
/// let shards = shards.keyed::<String>(Keyed::max(10_000).idle(secs(600)))?;
///
/// let row = shards.get("db-7")?.call(|_| async { Ok::<_, Error>("row") }).await?;
/// assert_eq!((row, shards.stats().len), ("row", 1));
/// # Ok(()) }
/// ```
///
/// # Cost
/// A key that is there: one hash and the lock of a shard, about 30 ns; then what the pipeline costs. A key that is new builds one.
pub struct KeyedPipeline<K, P = Pipeline> {
    template: Mutex<Arc<Template<P>>>,
    map: KeyedMap<K, P>,
    /// The last changes, each with the version of the template that it was made to, in order.
    changes: Mutex<VecDeque<(u64, Change)>>,
    /// Whether all of them are being changed.
    busy: AtomicBool,
    /// What was counted for keys that are there no more.
    past: Arc<Past>,
}

/// What keys are made from. It is never changed, but followed by another: whoever makes a key meanwhile never sees half a change.
struct Template<P> {
    like: P,
    /// How often all keys have changed.
    version: u64,
}

/// What there is one of for each key.
#[doc(hidden)]
pub trait PerKey: Clone {
    fn pipeline(&self) -> &Pipeline;

    /// The hedge around it.
    fn own_hedge(&self) -> Option<&Hedge>;

    fn describe(&self) -> Description;

    /// Another one with the same settings; for a key, without state and with seeds of its own.
    fn fresh(&self, key: Option<(Arc<str>, u64)>) -> Result<Self, ConfigError>;

    /// Changes it; of a key, if it has seen no more changes than the step begins with.
    fn make(&self, change: &Change, step: Option<Step>) -> Result<(), ConfigError>;
}

/// So many changes are kept for keys that are made in this moment.
const CHANGES_MAX: usize = 64;

// === impl Pipeline ===

impl Pipeline {
    /// A pipeline for each key, with the settings that this one has now. This one takes no part: a state that its breaker resumed is
    /// not that of the keys. With seeds the jitter of a key is the same in every run, and not that of another key.
    ///
    /// # Errors
    /// If there is room for no key or too many, or a key would be forgotten while its circuit is open, or before what it used of its rate is
    /// there again.
    pub fn keyed<K: Hash + Eq>(&self, keys: Keyed) -> Result<KeyedPipeline<K>, ConfigError> {
        KeyedPipeline::of(self, keys)
    }
}

impl HedgedPipeline {
    /// A hedged pipeline for each key, as [`Pipeline::keyed`]. The latencies that a quantile is taken of are each key's own; the budget is
    /// that of all.
    ///
    /// # Errors
    /// As [`Pipeline::keyed`].
    pub fn keyed<K: Hash + Eq>(&self, keys: Keyed) -> Result<KeyedPipeline<K, Self>, ConfigError> {
        KeyedPipeline::of(self, keys)
    }
}

/// An open circuit that is left alone must not be forgotten, nor what a key has used of its rate.
fn check_idle(idle: Duration, pipeline: &Pipeline) -> Result<(), ConfigError> {
    match pipeline.limit().map(RateLimit::refill) {
        Some(full) if idle < full => return Err(ConfigError(Kind::IdleUnderRate { idle, full })),
        _ => {}
    }
    match pipeline.breaker().map(|breaker| breaker.snapshot().rules.open_max) {
        Some(open) if idle < open => Err(ConfigError(Kind::IdleUnderOpen { idle, open })),
        _ => Ok(()),
    }
}

// === impl PerKey ===

impl PerKey for Pipeline {
    fn pipeline(&self) -> &Pipeline {
        self
    }

    fn own_hedge(&self) -> Option<&Hedge> {
        None
    }

    fn describe(&self) -> Description {
        self.describe()
    }

    fn fresh(&self, key: Option<(Arc<str>, u64)>) -> Result<Self, ConfigError> {
        let plan = self.plan();
        let plan = match key {
            Some((key, salt)) => plan.for_key(&key, salt),
            None => plan,
        };
        plan.build()
    }

    fn make(&self, change: &Change, step: Option<Step>) -> Result<(), ConfigError> {
        self.apply(change, None, step)
    }
}

impl PerKey for HedgedPipeline {
    fn pipeline(&self) -> &Pipeline {
        self.pipeline()
    }

    fn own_hedge(&self) -> Option<&Hedge> {
        Some(self.hedge())
    }

    fn describe(&self) -> Description {
        self.describe()
    }

    fn fresh(&self, key: Option<(Arc<str>, u64)>) -> Result<Self, ConfigError> {
        self.pipeline().fresh(key)?.hedged(self.hedge().to_builder())
    }

    fn make(&self, change: &Change, step: Option<Step>) -> Result<(), ConfigError> {
        self.apply(change, step)
    }
}

// === impl KeyedPipeline ===

impl<K: Hash + Eq, P: PerKey> KeyedPipeline<K, P> {
    fn of(like: &P, keys: Keyed) -> Result<Self, ConfigError> {
        let pipeline = like.pipeline();
        let keys = keys.clock(pipeline.own_clock().clone());
        check_idle(keys.idle_time(), pipeline)?;
        let map = keys.build().map_err(|error| ConfigError(Kind::Keyed(error)))?;
        let map = KeyedMap::keep_if(map, |each: &P| each.pipeline().is_kept())
            .rest_if(|each, now| each.pipeline().rests(now));
        // A pipeline of its own, so that a change to this one is none to the keys.
        let template = Mutex::new(Arc::new(Template { like: like.fresh(None)?, version: 0 }));
        let (changes, busy, past) = (Mutex::default(), AtomicBool::new(false), Arc::default());
        Ok(Self { template, map, changes, busy, past })
    }

    /// The pipeline of `key`, which is made when it is first asked for. It is kept as long as somebody holds it, or a clone of it.
    ///
    /// # Errors
    /// The refusal, if there is room for no more keys and all are in use.
    pub fn get<Q>(&self, key: &Q) -> Result<Arc<P>, Rejection>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ToString + ?Sized,
    {
        if let Some(pipeline) = self.map.get(key) {
            return Ok(pipeline);
        }
        let mut salt = DefaultHasher::new();
        key.hash(&mut salt);
        let template = self.template();
        // It was built before, from the same. Should that fail, no key may have the pipeline of another.
        let fresh = template.like.fresh(Some((key_text(key), salt.finish()))).map_err(|_| self.full())?;
        fresh.pipeline().followed().store(template.version, Ordering::Relaxed);
        fresh.pipeline().tell(&self.past, fresh.own_hedge());
        let pipeline = self.map.get_or_insert_with(key, || fresh).map_err(|_| self.full())?;
        // Whoever changed all keys meanwhile may have gone by before this one was there. What it cannot follow it was told of.
        let _ = self.follow(&pipeline);
        Ok(pipeline)
    }

    /// Makes the changes that a pipeline has not seen, each once and in order. If somebody else is changing it, and does not come to an
    /// end, it is left as it is: if that one makes a change of ours it makes those after it as well.
    fn follow(&self, each: &P) -> Result<(), ConfigError> {
        let mut done = Ok(());
        loop {
            let seen = each.pipeline().followed().load(Ordering::Acquire);
            let Some((version, change)) = self.change_from(seen) else { return done };
            let step = Step { seen, then: version + 1 };
            match in_turn(|| each.make(&change, Some(step))) {
                Err(busy @ ConfigError(Kind::Busy)) => return Err(busy),
                made => done = done.and(made),
            }
        }
    }

    /// The first change that was made to this version or a later one: those before it may be forgotten.
    fn change_from(&self, version: u64) -> Option<(u64, Change)> {
        self.locked_changes().iter().find(|(made_to, _)| *made_to >= version).cloned()
    }

    fn locked_changes(&self) -> MutexGuard<'_, VecDeque<(u64, Change)>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn full(&self) -> Rejection {
        Rejection::new(PolicyKind::Bulkhead, self.name(), Reason::TooManyKeys)
    }

    /// Changes all of them, and those that are still to be made: see [`Pipeline::reconfigure`].
    ///
    /// # Errors
    /// As [`Pipeline::reconfigure`]; then nothing has changed. Where somebody changes the pipeline of a key by itself in this moment, that
    /// one is left out, and the error says that it is busy: it has this change with the next one.
    pub fn reconfigure(&self, change: impl FnOnce(Change) -> Change) -> Result<(), ConfigError> {
        self.replace(change(Change::default()))?;
        let each = self.map.values().into_iter().map(|pipeline| self.follow(&pipeline));
        each.fold(Ok(()), Result::and)
    }

    /// Changes what keys are made from.
    fn replace(&self, change: Change) -> Result<(), ConfigError> {
        let _busy = Busy::enter(&self.busy)?;
        let template = self.template();
        let like = template.like.fresh(None)?;
        like.make(&change, None)?;
        check_idle(self.map.idle(), like.pipeline())?;
        let forgotten = {
            let mut changes = self.locked_changes();
            changes.push_back((template.version, change));
            if changes.len() > CHANGES_MAX { changes.pop_front() } else { None }
        };
        let next = Arc::new(Template { like, version: template.version + 1 });
        let before = std::mem::replace(&mut *self.locked_template(), next);
        // Closures of the user's are in them: they are dropped where no lock is held.
        drop((forgotten, before));
        Ok(())
    }

    /// All keys and their pipelines, in no order: for reports. They are in use while they are held.
    #[must_use]
    pub fn entries(&self) -> Vec<(K, Arc<P>)>
    where
        K: Clone,
    {
        self.map.entries()
    }

    /// How many circuits are in which state, if there are any: for metrics, which cannot have a series for each key.
    ///
    /// # Cost
    /// A few nanoseconds for each key. Keys are looked at [shard by shard](KeyedMap::for_each_value), and calls wait for nothing.
    #[must_use]
    pub fn circuits(&self) -> Option<Circuits> {
        self.template().like.pipeline().breaker()?;
        let mut circuits = Circuits::default();
        self.map.for_each_value(|each| {
            if let Some(breaker) = each.pipeline().breaker() {
                circuits.add(breaker.state());
            }
        });
        Some(circuits)
    }

    /// What they all come to, without a word on any one: for metrics. Calls of keys that were forgotten count on.
    ///
    /// # Cost
    /// A few microseconds for each key. Keys are looked at [shard by shard](KeyedMap::for_each_value), and calls wait for nothing.
    #[must_use]
    pub fn summary(&self) -> KeyedSummary {
        let mut circuits = Circuits::default();
        let sums = self.past.sum(|add| {
            self.map.for_each_value(|each| {
                if let Some(breaker) = each.pipeline().breaker() {
                    circuits.add(breaker.state());
                }
                add(each.pipeline().sums().0);
            });
        });
        let Template { like, .. } = &*self.template();
        KeyedSummary::new(like.pipeline(), like.own_hedge(), self.stats(), circuits, &Sums(sums))
    }

    /// The budget that the retries of all keys draw on, if they have one.
    #[must_use]
    pub fn retry_budget(&self) -> Option<Budget> {
        self.template().like.pipeline().retry().and_then(Retry::budget).cloned()
    }

    /// The budget that the hedges of all keys draw on, if there are any: that of the retries, unless they were given another.
    #[must_use]
    pub fn hedge_budget(&self) -> Option<Budget> {
        self.template().like.own_hedge().map(Hedge::budget).cloned()
    }

    /// The name that all of them have.
    #[must_use]
    pub fn name(&self) -> Name {
        self.template().like.pipeline().name()
    }

    /// What the pipelines of keys that are made now consist of (rule PL-4).
    #[must_use]
    pub fn describe(&self) -> Description {
        self.template().like.describe()
    }

    /// How many keys there are, were made, forgotten and refused.
    #[must_use]
    pub fn stats(&self) -> KeyedStats {
        self.map.stats()
    }

    /// Forgets all keys that are idle. How many.
    pub fn evict_idle(&self) -> usize {
        self.map.evict_idle()
    }
}

impl<K, P> KeyedPipeline<K, P> {
    fn template(&self) -> Arc<Template<P>> {
        Arc::clone(&self.locked_template())
    }

    fn locked_template(&self) -> MutexGuard<'_, Arc<Template<P>>> {
        self.template.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, P: PerKey> fmt::Debug for KeyedPipeline<K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyedPipeline({})", self.template().like.describe())
    }
}
