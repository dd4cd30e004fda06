use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::time::Duration;

use core_time::Instant;
use hashbrown::HashTable;

/// Some of the keys of a map, under one lock. Pure: the time goes in.
///
/// Keys stand in a list without gaps, so that a hand can go round; a table says where each is.
pub(super) struct Shard<K, V> {
    places: HashTable<u32>,
    entries: Vec<Entry<K, V>>,
    /// Where the search for something to forget goes on.
    hand: usize,
    /// When a key was asked for last.
    last: Instant,
    /// What is kept although nobody holds it or asks for it.
    keep: fn(&V) -> bool,
}

struct Entry<K, V> {
    key: K,
    value: Arc<V>,
    /// When it was asked for last. No two in a shard are the same: its lowest bits are not time but number the questions of a
    /// microsecond, and a clock that stands still, or goes back, is helped on by them.
    asked: Instant,
}

/// What was forgotten. It is dropped once the lock is free, since that may run code of the user's.
pub(super) struct Evicted<K, V>(Entry<K, V>);

/// How many keys are compared for which was asked for longest ago.
const COMPARED: usize = 16;

/// The bits of a moment, in nanoseconds, that say in which order.
const ORDER: u64 = 1_023;

// === impl Shard ===

impl<K, V> Shard<K, V> {
    pub(super) fn keep_if(&mut self, keep: fn(&V) -> bool) {
        self.keep = keep;
    }

    /// The value of `key`, which is asked for now.
    #[inline]
    pub(super) fn touch<Q: Eq + ?Sized>(&mut self, hash: u64, key: &Q, now: Instant) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        self.ask(hash, key, now).map(Arc::clone)
    }

    /// The same, while the shard is locked.
    #[inline]
    pub(super) fn ask<Q: Eq + ?Sized>(&mut self, hash: u64, key: &Q, now: Instant) -> Option<&Arc<V>>
    where
        K: Borrow<Q>,
    {
        let at = self.place(hash, key)?;
        let asked = self.stamp(now);
        let entry = &mut self.entries[at];
        entry.asked = asked;
        Some(&entry.value)
    }

    /// The value of `key`.
    pub(super) fn find<Q: Eq + ?Sized>(&self, hash: u64, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        let at = self.place(hash, key)?;
        Some(Arc::clone(&self.entries[at].value))
    }

    /// Puts in a key that is not there.
    pub(super) fn push(&mut self, key: K, value: Arc<V>, now: Instant, hasher: &RandomState)
    where
        K: Hash,
    {
        let place = u32::try_from(self.entries.len()).expect("a map has at most 2^24 keys");
        let (asked, hash) = (self.stamp(now), hasher.hash_one(&key));
        self.entries.push(Entry { key, value, asked });
        let entries = &self.entries;
        self.places.insert_unique(hash, place, |place| hasher.hash_one(&entries[*place as usize].key));
    }

    pub(super) fn remove<Q: Hash + Eq + ?Sized>(
        &mut self,
        key: &Q,
        hasher: &RandomState,
    ) -> Option<Evicted<K, V>>
    where
        K: Borrow<Q> + Hash,
    {
        let at = self.place(hasher.hash_one(key), key)?;
        Some(self.take(at, hasher))
    }

    /// Forgets those of the next `glances` keys that are idle and not in use.
    pub(super) fn glance(
        &mut self,
        glances: usize,
        now: Instant,
        idle: Duration,
        hasher: &RandomState,
    ) -> Vec<Evicted<K, V>>
    where
        K: Hash,
    {
        let mut evicted = Vec::new();
        for _ in 0..glances.min(self.entries.len()) {
            let at = self.step();
            if self.entries[at].is_forgotten(now, idle, self.keep) {
                evicted.push(self.take(at, hasher));
                // The last key has taken its place.
                self.hand = at;
            }
        }
        evicted
    }

    /// Forgets all keys that are idle and not in use.
    pub(super) fn sweep(&mut self, now: Instant, idle: Duration, hasher: &RandomState) -> Vec<Evicted<K, V>>
    where
        K: Hash,
    {
        let mut evicted = Vec::new();
        // Backwards: the key that takes the place of another was looked at before.
        for at in (0..self.entries.len()).rev() {
            if self.entries[at].is_forgotten(now, idle, self.keep) {
                evicted.push(self.take(at, hasher));
            }
        }
        evicted
    }

    /// Forgets the key that was asked for longest ago, of the next sixteen; of those that are not in use.
    pub(super) fn evict_oldest(&mut self, hasher: &RandomState) -> Option<Evicted<K, V>>
    where
        K: Hash,
    {
        let mut oldest = None;
        for looked in 0..self.entries.len() {
            if looked >= COMPARED && oldest.is_some() {
                break;
            }
            let at = self.step();
            let entry = &mut self.entries[at];
            if oldest.is_none_or(|(asked, _)| entry.asked < asked) && entry.is_free(self.keep) {
                oldest = Some((entry.asked, at));
            }
        }
        oldest.map(|(_, at)| self.take(at, hasher))
    }

    pub(super) fn copy_to(&self, entries: &mut Vec<(K, Arc<V>)>)
    where
        K: Clone,
    {
        entries.extend(self.entries.iter().map(|entry| (entry.key.clone(), Arc::clone(&entry.value))));
    }

    pub(super) fn copy_values_to(&self, values: &mut Vec<Arc<V>>) {
        values.extend(self.entries.iter().map(|entry| Arc::clone(&entry.value)));
    }

    #[inline]
    fn place<Q: Eq + ?Sized>(&self, hash: u64, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        let is_it = |place: &u32| self.entries[*place as usize].key.borrow() == key;
        self.places.find(hash, is_it).map(|place| *place as usize)
    }

    /// Moves the hand on. Where it was.
    fn step(&mut self) -> usize {
        let at = if self.hand < self.entries.len() { self.hand } else { 0 };
        self.hand = at + 1;
        at
    }

    #[inline]
    fn stamp(&mut self, now: Instant) -> Instant {
        let next = self.last.as_nanos().saturating_add(1);
        self.last = Instant::from_nanos(next.max(now.as_nanos() & !ORDER));
        self.last
    }

    /// Takes an entry out; the last one takes its place.
    fn take(&mut self, at: usize, hasher: &RandomState) -> Evicted<K, V>
    where
        K: Hash,
    {
        let last = self.entries.len() - 1;
        let hash = |at: usize| hasher.hash_one(&self.entries[at].key);
        let (gone, moved) = (hash(at), hash(last));
        if let Ok(place) = self.places.find_entry(gone, |place| *place as usize == at) {
            place.remove();
        }
        if let Some(place) = self.places.find_mut(moved, |place| *place as usize == last) {
            *place = u32::try_from(at).expect("it is not larger than the last");
        }
        Evicted(self.entries.swap_remove(at))
    }
}

impl<K, V> Default for Shard<K, V> {
    fn default() -> Self {
        Self {
            places: HashTable::new(),
            entries: Vec::new(),
            hand: 0,
            last: Instant::ORIGIN,
            keep: |_| false,
        }
    }
}

// === impl Entry ===

impl<K, V> Entry<K, V> {
    /// Whether nobody has asked for it in the idle time, and nobody holds it.
    fn is_forgotten(&mut self, now: Instant, idle: Duration, keep: fn(&V) -> bool) -> bool {
        now - Instant::from_nanos(self.asked.as_nanos() & !ORDER) >= idle && self.is_free(keep)
    }

    /// Whether nobody else holds the value, and it need not be kept. Whoever could begin to hold it needs the lock that is
    /// held here, or holds it already.
    fn is_free(&mut self, keep: fn(&V) -> bool) -> bool {
        Arc::get_mut(&mut self.value).is_some_and(|value| !keep(value))
    }
}

// === impl Evicted ===

impl<K, V> Evicted<K, V> {
    pub(super) fn into_value(self) -> Arc<V> {
        self.0.value
    }
}
