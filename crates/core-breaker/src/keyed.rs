//! A breaker for each key.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use core_policy::{Keyed, KeyedMap, KeyedStats, KeysFull};

use crate::breaker::Breaker;
use crate::config::Builder;
use crate::error::{ConfigError, Kind};
use crate::snapshot::Snapshot;

/// A breaker for each key, as each host or tenant, in bounded memory. Made by [`Breaker::keyed`].
///
/// All go by the same rules, have the name of the breaker they were made from, and tell the same subscribers, with the key in
/// [`Event::key`](crate::Event::key). A key that nobody asks for is forgotten, see [`KeyedMap`]; it starts anew when
/// it is asked for again.
///
/// ```
/// use core_breaker::{Breaker, State};
/// use core_policy::Keyed;
///
/// let api = Breaker::consecutive(5).name("api").build()?;
/// let per_host = api.keyed::<String>(Keyed::max(10_000))?;
/// let host = per_host.get("db-1.internal")?;
/// let answer = host.call_blocking(|_| Ok::<_, core_errors::Error>("hello"));
/// assert_eq!(answer?, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Cost
/// A key that is there: one hash and the lock of a shard, see [`KeyedMap`]; then what a breaker costs. Each key takes 2 KB, and with a
/// window of time another 8, on a machine of up to four cores; twice that on one of eight.
pub struct KeyedBreaker<K> {
    template: Breaker,
    map: KeyedMap<K, Breaker>,
}

// === impl KeyedBreaker ===

impl Breaker {
    /// A breaker for each key, with the rules, name, clock and subscribers of this one. This one takes no part.
    ///
    /// # Errors
    /// If there is room for no key or too many, or a key is forgotten sooner than the longest open time passes: a circuit
    /// that is open would be forgotten.
    pub fn keyed<K: Hash + Eq>(&self, keys: Keyed) -> Result<KeyedBreaker<K>, ConfigError> {
        let (idle, open_max) = (keys.idle_time(), self.snapshot().rules.open_max);
        if idle < open_max {
            return Err(ConfigError(Kind::IdleUnderOpen { idle, open_max }));
        }
        let map = keys.build().map_err(|error| ConfigError(Kind::Keyed(error)))?;
        Ok(KeyedBreaker { template: self.clone(), map })
    }
}

impl<K: Hash + Eq> KeyedBreaker<K> {
    /// The breaker of `key`, which is made when it is first asked for. It is kept as long as somebody holds it.
    ///
    /// # Errors
    /// If there is room for no more keys, and all are in use.
    pub fn get<Q>(&self, key: &Q) -> Result<Arc<Breaker>, KeysFull>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ToString + ?Sized,
    {
        if let Some(breaker) = self.map.get(key) {
            return Ok(breaker);
        }
        let breaker = self.map.get_or_insert_with(key, || self.template.twin(key.to_string().into()))?;
        // The rules may have changed between the making and the insertion.
        breaker.follow(&self.template);
        Ok(breaker)
    }

    /// Has all breakers, and those that are still to be made, go by other rules: see [`Breaker::reconfigure`].
    ///
    /// # Errors
    /// As [`Breaker::reconfigure`]. Nothing has changed then.
    pub fn reconfigure(&self, change: impl Fn(Builder) -> Builder) -> Result<(), ConfigError>
    where
        K: Clone,
    {
        self.template.reconfigure(change)?;
        self.map.entries().iter().for_each(|(_, breaker)| breaker.follow(&self.template));
        Ok(())
    }

    /// A snapshot of each, in no order. Their keys are not forgotten while it is made.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(K, Snapshot)>
    where
        K: Clone,
    {
        self.map.entries().into_iter().map(|(key, breaker)| (key, breaker.snapshot())).collect()
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

impl<K> fmt::Debug for KeyedBreaker<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBreaker").field("name", &self.template.name()).finish_non_exhaustive()
    }
}
