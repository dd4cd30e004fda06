//! A breaker for each key.

use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use core_errors::Name;
use core_policy::{Keyed, KeyedMap, KeyedStats, KeysFull, key_text};

use crate::breaker::{Breaker, Inner};
use crate::circuits::{Circuits, KeyedSummary};
use crate::config::Builder;
use crate::error::{ConfigError, Kind};
use crate::rules::Rules;
use crate::snapshot::{Snapshot, Totals};

/// A breaker for each key, as each host or tenant, in bounded memory. Made by [`Breaker::keyed`].
///
/// All go by the same rules, have the name of the breaker they were made from, and tell the same subscribers, with the key in
/// [`Event::key`](crate::Event::key), at most 128 bytes of it. A key that nobody asks for is forgotten, see [`KeyedMap`]; it starts anew when
/// it is asked for again. A circuit is kept as long as it is open, and as long as it is in a state that an operator chose:
/// isolated, forced open, forced closed, disabled, or in shadow where that is not what all begin with. These take up room: if all there is
/// room for are in such a state or in use, a new key is refused.
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
/// A key that is there: one hash and the lock of a shard, see [`KeyedMap`]; then what a breaker costs, with one atomic addition in
/// place of a store, since the threads that call under a key count in the same place. Of ten thousand keys, which no near cache holds,
/// a call waits for the map, the name, and one line of memory more; with a window for three or four.
///
/// Each key takes up half a kilobyte, its place in the map among that; with a window of time 1.4 KB, with one of 100 calls 2 KB. One
/// whose circuit has changed its state, or that was there when the rules [changed](Self::reconfigure), takes up half a kilobyte more,
/// and what it has to tell.
pub struct KeyedBreaker<K> {
    template: Breaker,
    map: KeyedMap<K, Inner>,
}

// === impl KeyedBreaker ===

impl Breaker {
    /// A breaker for each key, with the rules, name, clock and subscribers of this one, as they are now. This one takes no part:
    /// other rules for it are not for them, nor theirs for it. Keys are forgotten by its clock too.
    ///
    /// Its state is not theirs, also where it [resumed](Builder::resume) one: each key begins closed, or in shadow if this one is.
    /// With a [seed](Builder::seed) the jitter of a key is the same in every run, and not that of another key.
    ///
    /// # Errors
    /// If there is room for no key or too many, or a key is forgotten sooner than the longest open time passes: a circuit
    /// that is open would be forgotten.
    pub fn keyed<K: Hash + Eq>(&self, keys: Keyed) -> Result<KeyedBreaker<K>, ConfigError> {
        let template = self.twin();
        outlast(keys.idle_time(), &template.engine().plan().rules)?;
        let keys = keys.clock(self.clock_of().clone());
        let map: KeyedMap<K, Inner> = keys.build().map_err(|error| ConfigError(Kind::Keyed(error)))?;
        Ok(KeyedBreaker { template, map: map.keep_if(Inner::is_held) })
    }
}

impl<K: Hash + Eq> KeyedBreaker<K> {
    /// The breaker of `key`, which is made when it is first asked for. It is kept as long as somebody holds it, or a clone of it.
    ///
    /// # Errors
    /// If there is room for no more keys, and all are in use.
    pub fn get<Q>(&self, key: &Q) -> Result<Breaker, KeysFull>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ToString + ?Sized,
    {
        match self.map.get(key) {
            Some(inner) => Ok(Breaker(inner)),
            None => self.make(key),
        }
    }

    fn make<Q>(&self, key: &Q) -> Result<Breaker, KeysFull>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ToString + ?Sized,
    {
        let make = || self.template.for_key(key_text(key));
        let breaker = Breaker(self.map.get_or_insert_with(key, make)?);
        // The rules may have changed between the making and the insertion.
        breaker.follow(&self.template);
        Ok(breaker)
    }

    /// Has all breakers, and those that are still to be made, go by other rules: see [`Breaker::reconfigure`]. A breaker that was
    /// [given](Breaker::reconfigure) rules of its own goes by these too, from then on.
    ///
    /// # Errors
    /// As [`Breaker::reconfigure`], and as [`Breaker::keyed`] if they open for longer than keys are kept. Nothing has changed
    /// then.
    pub fn reconfigure(&self, change: impl Fn(Builder) -> Builder) -> Result<(), ConfigError>
    where
        K: Clone,
    {
        let idle = self.map.idle();
        self.template.reconfigure_if(change, |rules| outlast(idle, rules))?;
        self.map.entries().into_iter().for_each(|(_, inner)| Breaker(inner).follow(&self.template));
        Ok(())
    }

    /// A snapshot of each, in no order. Their keys are not forgotten while it is made.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(K, Snapshot)>
    where
        K: Clone,
    {
        self.map.entries().into_iter().map(|(key, inner)| (key, Breaker(inner).snapshot())).collect()
    }

    /// What they all come to, without a word on any one: for metrics, which cannot have a series for each key. Calls of keys that were
    /// forgotten count on.
    ///
    /// # Cost
    /// A microsecond for each key. Keys are looked at [shard by shard](KeyedMap::for_each_value), and calls wait for nothing.
    #[must_use]
    pub fn summary(&self) -> KeyedSummary {
        let mut circuits = Circuits::default();
        let counts = self.template.past().sum(|add| {
            self.map.for_each_value(|inner| {
                circuits.add(inner.engine().load().state());
                add(Totals::of(inner.engine()).to_counts());
            });
        });
        let totals = Totals::of_counts(counts);
        KeyedSummary { name: self.name(), keys: self.stats(), circuits, totals }
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

impl<K> KeyedBreaker<K> {
    /// The name that all of them have.
    #[must_use]
    pub fn name(&self) -> Name {
        self.template.name()
    }
}

/// Keys are kept as long as the rules keep a circuit open.
fn outlast(idle: Duration, rules: &Rules) -> Result<(), ConfigError> {
    let open_max = rules.open_max;
    if idle < open_max { Err(ConfigError(Kind::IdleUnderOpen { idle, open_max })) } else { Ok(()) }
}

impl<K> fmt::Debug for KeyedBreaker<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBreaker").field("name", &self.template.name()).finish_non_exhaustive()
    }
}
