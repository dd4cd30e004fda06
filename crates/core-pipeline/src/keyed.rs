use std::borrow::Borrow;
use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use core_breaker::Breaker;
use core_errors::{PolicyKind, Reason, Rejection};
use core_policy::{Keyed, KeyedMap, KeyedStats};

use crate::change::{Change, in_turn};
use crate::error::{ConfigError, Kind};
use crate::hedged::HedgedPipeline;
use crate::pipeline::Pipeline;

/// A pipeline for each key: for each host, shard or tenant, so that one that is down does not stop the others. Never more than so
/// many. Made by [`Pipeline::keyed`].
///
/// All of them have the settings of the pipeline that it was made of, and share the budget of its retry; circuits, rates, slots and
/// counts are each key's own. They are called by the name of that pipeline.
///
/// # What is forgotten
/// As [`KeyedMap`] says: first who has been idle, never who is in use, nor one whose circuit is held open, by its rules or by an operator. The idle time has to be longer than a circuit stays open, so that
/// no open circuit is forgotten for being left alone.
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
    template: P,
    map: KeyedMap<K, P>,
    /// The last changes, each with the version of the template that it was made to.
    changes: Mutex<VecDeque<(u64, Change)>>,
}

/// What there is one of for each key.
#[doc(hidden)]
pub trait PerKey: Clone {
    fn pipeline(&self) -> &Pipeline;

    /// Another one with the same settings, and which version of them; for a key, without state and with seeds of its own.
    fn fresh(&self, salt: Option<u64>) -> Result<(Self, u64), ConfigError>;

    /// Changes it. Which version the change was made to.
    fn make(&self, change: &Change) -> Result<u64, ConfigError>;
}

/// So many changes are kept for keys that are made in this moment.
const CHANGES_MAX: usize = 64;

// === impl Pipeline ===

impl Pipeline {
    /// A pipeline for each key, with the settings that this one has now. This one takes no part: a state that its breaker resumed is
    /// not that of the keys. With seeds the jitter of a key is the same in every run, and not that of another key.
    ///
    /// # Errors
    /// If there is room for no key or too many, or a key would be forgotten while its circuit is open.
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

/// An open circuit that is left alone must not be forgotten.
fn check_idle(idle: Duration, pipeline: &Pipeline) -> Result<(), ConfigError> {
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

    fn fresh(&self, salt: Option<u64>) -> Result<(Self, u64), ConfigError> {
        let (plan, version) = self.plan_and_version();
        let plan = match salt {
            Some(salt) => plan.for_key(salt),
            None => plan,
        };
        Ok((plan.build()?, version))
    }

    fn make(&self, change: &Change) -> Result<u64, ConfigError> {
        self.apply(change, None)
    }
}

impl PerKey for HedgedPipeline {
    fn pipeline(&self) -> &Pipeline {
        self.pipeline()
    }

    fn fresh(&self, salt: Option<u64>) -> Result<(Self, u64), ConfigError> {
        let (pipeline, version) = self.pipeline().fresh(salt)?;
        Ok((pipeline.hedged(self.hedge().to_builder())?, version))
    }

    fn make(&self, change: &Change) -> Result<u64, ConfigError> {
        self.apply(change)
    }
}

// === impl KeyedPipeline ===

impl<K: Hash + Eq, P: PerKey> KeyedPipeline<K, P> {
    fn of(like: &P, keys: Keyed) -> Result<Self, ConfigError> {
        let pipeline = like.pipeline();
        let keys = keys.clock(pipeline.own_clock().clone());
        check_idle(keys.idle_time(), pipeline)?;
        let map = keys.build().map_err(|error| ConfigError(Kind::Keyed(error)))?;
        let map = KeyedMap::keep_if(map, |each: &P| each.pipeline().breaker().is_some_and(Breaker::is_held));
        // A pipeline of its own, so that a change to this one is none to the keys.
        Ok(Self { template: like.fresh(None)?.0, map, changes: Mutex::default() })
    }

    /// The pipeline of `key`, which is made when it is first asked for. It is kept as long as somebody holds it.
    ///
    /// # Errors
    /// The refusal, if there is room for no more keys and all are in use.
    pub fn get<Q>(&self, key: &Q) -> Result<Arc<P>, Rejection>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(pipeline) = self.map.get(key) {
            return Ok(pipeline);
        }
        // It was built before, from the same.
        let mut salt = DefaultHasher::new();
        key.hash(&mut salt);
        let fresh = self.template.fresh(Some(salt.finish()));
        let (fresh, version) = fresh.unwrap_or_else(|_| (self.template.clone(), 0));
        fresh.pipeline().followed().store(version, Ordering::Relaxed);
        let pipeline = self.map.get_or_insert_with(key, || fresh).map_err(|_| self.full())?;
        // Whoever changed all keys meanwhile may have gone by before this one was there. What it cannot follow it was told of.
        let _ = self.follow(&pipeline);
        Ok(pipeline)
    }

    /// Makes the changes that a pipeline has not seen, each once.
    fn follow(&self, each: &P) -> Result<(), ConfigError> {
        let pipeline = each.pipeline();
        loop {
            let seen = pipeline.followed().load(Ordering::Acquire);
            let Some(change) = self.change_to(seen) else { return Ok(()) };
            let is_ours =
                pipeline.followed().compare_exchange(seen, seen + 1, Ordering::AcqRel, Ordering::Acquire);
            if is_ours.is_ok() {
                in_turn(|| each.make(&change))?;
            }
        }
    }

    fn change_to(&self, version: u64) -> Option<Change> {
        let changes = self.locked_changes();
        changes.iter().find(|(made_to, _)| *made_to == version).map(|(_, change)| change.clone())
    }

    fn locked_changes(&self) -> MutexGuard<'_, VecDeque<(u64, Change)>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn full(&self) -> Rejection {
        Rejection::new(PolicyKind::Bulkhead, self.template.pipeline().name(), Reason::TooManyKeys)
    }

    /// Changes all of them, and those that are still to be made: see [`Pipeline::reconfigure`].
    ///
    /// # Errors
    /// As [`Pipeline::reconfigure`]; then nothing has changed. Where somebody changes the pipeline of a key by itself in this moment, that
    /// one is left out, and the error says that it is busy.
    pub fn reconfigure(&self, change: impl FnOnce(Change) -> Change) -> Result<(), ConfigError>
    where
        K: Clone,
    {
        let change = change(Change::default());
        check_idle(self.map.idle(), &change.of(self.template.pipeline().plan_and_version().0)?.build()?)?;
        let version = self.template.make(&change)?;
        let forgotten = {
            let mut changes = self.locked_changes();
            changes.push_back((version, change));
            if changes.len() > CHANGES_MAX { changes.pop_front() } else { None }
        };
        // Closures of the user's are in it: they are dropped where no lock is held.
        drop(forgotten);
        let each = self.map.entries().into_iter().map(|(_, pipeline)| self.follow(&pipeline));
        each.fold(Ok(()), Result::and)
    }

    /// All keys and their pipelines, in no order: for reports. They are in use while they are held.
    #[must_use]
    pub fn entries(&self) -> Vec<(K, Arc<P>)>
    where
        K: Clone,
    {
        self.map.entries()
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

impl<K, P: PerKey> fmt::Debug for KeyedPipeline<K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyedPipeline({})", self.template.pipeline().describe())
    }
}
