use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use core_errors::{PolicyKind, Reason, Rejection};
use core_policy::{Keyed, KeyedMap, KeyedStats};

use crate::change::Change;
use crate::error::{ConfigError, Kind};
use crate::pipeline::Pipeline;

/// A pipeline for each key: for each host, shard or tenant, so that one that is down does not stop the others. Never more than so
/// many. Made by [`Pipeline::keyed`].
///
/// All of them have the settings of the pipeline that it was made of, and share the budget of its retry; circuits, rates, slots and
/// counts are each key's own. They are called by the name of that pipeline.
///
/// # What is forgotten
/// As [`KeyedMap`] says: first who has been idle, never who is in use. The idle time has to be longer than a circuit stays open, so that
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
pub struct KeyedPipeline<K> {
    template: Pipeline,
    map: KeyedMap<K, Pipeline>,
}

/// So often may the settings change while a key is made.
const CHANGES_MAX: u32 = 8;

// === impl Pipeline ===

impl Pipeline {
    /// A pipeline for each key, with the settings that this one has now. This one takes no part.
    ///
    /// # Errors
    /// If there is room for no key or too many, or a key would be forgotten while its circuit is open.
    pub fn keyed<K: Hash + Eq>(&self, keys: Keyed) -> Result<KeyedPipeline<K>, ConfigError> {
        let keys = keys.clock(self.own_clock().clone());
        if let Some(breaker) = self.breaker() {
            let (idle, open) = (keys.idle_time(), breaker.snapshot().rules.open_max);
            if idle < open {
                return Err(ConfigError(Kind::IdleUnderOpen { idle, open }));
            }
        }
        let map = keys.build().map_err(|error| ConfigError(Kind::Keyed(error)))?;
        // A pipeline of its own, so that a change to this one is none to the keys.
        Ok(KeyedPipeline { template: self.plan_and_version().0.build()?, map })
    }
}

// === impl KeyedPipeline ===

impl<K: Hash + Eq> KeyedPipeline<K> {
    /// The pipeline of `key`, which is made when it is first asked for. It is kept as long as somebody holds it.
    ///
    /// # Errors
    /// The refusal, if there is room for no more keys and all are in use.
    pub fn get<Q>(&self, key: &Q) -> Result<Arc<Pipeline>, Rejection>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        for _ in 0..CHANGES_MAX {
            if let Some(pipeline) = self.map.get(key) {
                return Ok(pipeline);
            }
            let (plan, version) = self.template.plan_and_version();
            // It was built before, from the same.
            let fresh = plan.build().unwrap_or_else(|_| self.template.clone());
            let pipeline = self.map.get_or_insert_with(key, || fresh).map_err(|_| self.full())?;
            if self.template.plan_and_version().1 == version {
                return Ok(pipeline);
            }
            // The settings changed meanwhile: whoever went through the keys may have missed this one.
            self.map.remove(key);
        }
        Err(self.full())
    }

    fn full(&self) -> Rejection {
        Rejection::new(PolicyKind::Bulkhead, self.template.name(), Reason::TooManyKeys)
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
        self.template.apply(&change)?;
        let each = self.map.entries().into_iter().map(|(_, pipeline)| pipeline.apply(&change));
        each.fold(Ok(()), Result::and)
    }

    /// All keys and their pipelines, in no order: for reports. They are in use while they are held.
    #[must_use]
    pub fn entries(&self) -> Vec<(K, Arc<Pipeline>)>
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

impl<K> fmt::Debug for KeyedPipeline<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyedPipeline({})", self.template.describe())
    }
}
