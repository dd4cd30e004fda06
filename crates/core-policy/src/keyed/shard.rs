use std::borrow::Borrow;
use std::sync::Arc;
use std::time::Duration;

use core_time::Instant;
use hashbrown::HashTable;

/// Some of the keys of a map, under one lock. Pure: the time goes in.
///
/// A key, its value and when it was asked for stand in the table itself, so that a question waits for memory as rarely as can
/// be: for the table, for the place in it, and then for the key and the value at once. A hand goes round the places.
pub(super) struct Shard<K, V> {
    entries: HashTable<Entry<K, V>>,
    /// Where the search for something to forget goes on.
    hand: usize,
    /// When a key was asked for last.
    last: Instant,
    /// What is kept although nobody holds it or asks for it.
    keep: fn(&V) -> bool,
}

struct Entry<K, V> {
    /// Of the key: the table grows without asking the key again, which may be far away, or panic.
    hash: u64,
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

/// How many places are looked at for each key in passing, at most. Of the places of a table that has just grown 7 in 16 are
/// taken; fewer only where many keys were forgotten at once.
const PLACES_FOR_A_KEY: usize = 8;

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
        let entry = self.entries.find_mut(hash, |entry| entry.is_of(hash, key))?;
        entry.asked = stamp(&mut self.last, now);
        Some(&entry.value)
    }

    /// The value of `key`.
    pub(super) fn find<Q: Eq + ?Sized>(&self, hash: u64, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        self.entries.find(hash, |entry| entry.is_of(hash, key)).map(|entry| Arc::clone(&entry.value))
    }

    /// Puts in a key that is not there.
    pub(super) fn push(&mut self, hash: u64, key: K, value: Arc<V>, now: Instant) {
        let asked = stamp(&mut self.last, now);
        self.entries.insert_unique(hash, Entry { hash, key, value, asked }, |entry| entry.hash);
    }

    pub(super) fn remove<Q: Eq + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<Evicted<K, V>>
    where
        K: Borrow<Q>,
    {
        let found = self.entries.find_entry(hash, |entry| entry.is_of(hash, key)).ok()?;
        Some(Evicted(found.remove().0))
    }

    /// Forgets those of the next `glances` keys that are idle and not in use.
    pub(super) fn glance(&mut self, glances: usize, now: Instant, idle: Duration) -> Vec<Evicted<K, V>> {
        let mut evicted = Vec::new();
        let mut left = glances;
        for _ in 0..(glances * PLACES_FOR_A_KEY).min(self.entries.num_buckets()) {
            if left == 0 {
                break;
            }
            let at = self.step();
            let Some(entry) = self.entries.get_bucket_mut(at) else { continue };
            left -= 1;
            if entry.is_forgotten(now, idle, self.keep) {
                evicted.extend(self.take(at));
            }
        }
        evicted
    }

    /// Forgets all keys that are idle and not in use.
    pub(super) fn sweep(&mut self, now: Instant, idle: Duration) -> Vec<Evicted<K, V>> {
        let keep = self.keep;
        let forgotten = self.entries.extract_if(|entry| entry.is_forgotten(now, idle, keep));
        forgotten.map(Evicted).collect()
    }

    /// Forgets the key that was asked for longest ago, of the next sixteen; of those that are not in use.
    pub(super) fn evict_oldest(&mut self) -> Option<Evicted<K, V>> {
        let (mut oldest, mut looked) = (None, 0);
        for _ in 0..self.entries.num_buckets() {
            if looked >= COMPARED && oldest.is_some() {
                break;
            }
            let at = self.step();
            let Some(entry) = self.entries.get_bucket_mut(at) else { continue };
            looked += 1;
            if oldest.is_none_or(|(asked, _)| entry.asked < asked) && entry.is_free(self.keep) {
                oldest = Some((entry.asked, at));
            }
        }
        oldest.and_then(|(_, at)| self.take(at))
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

    /// Moves the hand on. Where it was.
    fn step(&mut self) -> usize {
        let at = if self.hand < self.entries.num_buckets() { self.hand } else { 0 };
        self.hand = at + 1;
        at
    }

    fn take(&mut self, at: usize) -> Option<Evicted<K, V>> {
        let entry = self.entries.get_bucket_entry(at).ok()?;
        Some(Evicted(entry.remove().0))
    }
}

/// The moment of a question, later than that of the last.
#[inline]
fn stamp(last: &mut Instant, now: Instant) -> Instant {
    let next = last.as_nanos().saturating_add(1);
    *last = Instant::from_nanos(next.max(now.as_nanos() & !ORDER));
    *last
}

impl<K, V> Default for Shard<K, V> {
    fn default() -> Self {
        Self { entries: HashTable::new(), hand: 0, last: Instant::ORIGIN, keep: |_| false }
    }
}

// === impl Entry ===

impl<K, V> Entry<K, V> {
    #[inline]
    fn is_of<Q: Eq + ?Sized>(&self, hash: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.hash == hash && self.key.borrow() == key
    }

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
