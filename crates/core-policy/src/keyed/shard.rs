use std::borrow::Borrow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// The stamp of the key that was put in last.
    last: u64,
    /// What is kept although nobody holds it or asks for it.
    keep: fn(&V) -> bool,
    /// What may be forgotten once nobody has asked for it in the idle time.
    rests: fn(&V, Instant) -> bool,
}

struct Entry<K, V> {
    /// Of the key: the table grows without asking the key again, which may be far away, or panic.
    hash: u64,
    key: K,
    value: Arc<V>,
    /// When it was asked for last, in nanoseconds, of which the lowest bits are not time: see [`Shard::stamp`].
    asked: AtomicU64,
}

/// What was forgotten. It is dropped once the lock is free, since that may run code of the user's.
pub(super) struct Evicted<K, V>(Entry<K, V>);

/// How many keys are compared for which was asked for longest ago.
const COMPARED: usize = 16;

/// How many places are looked at for each key in passing, at most. Of the places of a table that has just grown 7 in 16 are
/// taken; fewer only where many keys were forgotten at once.
const PLACES_FOR_A_KEY: usize = 8;

/// The bits of a stamp that say in which order, and not when.
const ORDER: u64 = 1_023;

// === impl Shard ===

impl<K, V> Shard<K, V> {
    pub(super) fn keep_if(&mut self, keep: fn(&V) -> bool) {
        self.keep = keep;
    }

    pub(super) fn rest_if(&mut self, rests: fn(&V, Instant) -> bool) {
        self.rests = rests;
    }

    /// The value of `key`, which is asked for at the time that `now` reads.
    ///
    /// The clock is read once the place is found, while the processor waits for the memory of the key and of the value: read before
    /// that, it would be waited for as well. That is a few instructions more and a nanosecond less of thirty with 10 000 keys; with 256,
    /// which the caches hold, it is the same for a look-up and a nanosecond more for a decision.
    #[inline]
    pub(super) fn ask<Q: Eq + ?Sized>(
        &self,
        hash: u64,
        key: &Q,
        now: impl FnOnce() -> Instant,
    ) -> Option<(&Arc<V>, Instant)>
    where
        K: Borrow<Q>,
    {
        let entry = self.entries.find(hash, |entry| entry.is_of(hash, key))?;
        let now = now();
        let asked = self.stamp(now);
        // A store takes the line from whoever else reads it. Within a tick of the coarse clock there is nothing new to say.
        // Who read the clock long ago, and had to wait since, does not make it older than it is.
        if entry.asked() < asked {
            entry.asked.store(asked, Ordering::Relaxed);
        }
        Some((&entry.value, now))
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
        // Later than that of any key that was asked for before, if not by a clock that was ahead.
        self.last = self.stamp(now).saturating_add(1);
        let asked = AtomicU64::new(self.last);
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
        let forgets = self.forgets(now, idle);
        let mut evicted = Vec::new();
        let mut left = glances;
        for _ in 0..(glances * PLACES_FOR_A_KEY).min(self.entries.num_buckets()) {
            if left == 0 {
                break;
            }
            let at = self.step();
            let Some(entry) = self.entries.get_bucket_mut(at) else { continue };
            left -= 1;
            if forgets(entry) {
                evicted.extend(self.take(at));
            }
        }
        evicted
    }

    /// Forgets all keys that are idle and not in use, and gives back the memory of a table that is mostly empty then.
    pub(super) fn sweep(&mut self, now: Instant, idle: Duration) -> Vec<Evicted<K, V>> {
        let forgets = self.forgets(now, idle);
        let evicted = self.entries.extract_if(forgets).map(Evicted).collect();
        if self.entries.len() < self.entries.capacity() / 4 {
            self.entries.shrink_to(2 * self.entries.len(), |entry| entry.hash);
        }
        evicted
    }

    /// Forgets the key that was asked for longest ago, of the next sixteen; of those that are not in use. If all are, it looks
    /// further, at `looks` keys at most, which it counts down.
    pub(super) fn evict_oldest(&mut self, looks: &mut usize) -> Option<Evicted<K, V>> {
        let mut places = (*looks * PLACES_FOR_A_KEY).min(self.entries.num_buckets());
        while *looks > 0 && places > 0 {
            let (next, count) = self.next_keys(COMPARED.min(*looks), &mut places);
            *looks -= count;
            if let Some(at) = self.oldest_of(&next[..count]) {
                return self.take(at);
            }
        }
        None
    }

    /// The places of the next `max` keys, which are sixteen at most, and how many there are. It counts down what `places` are left.
    ///
    /// Half of the places are taken, and nothing says which: each is written down, and counted if it is. A branch there is guessed wrong
    /// so often that a miss of a full map took 340 ns in place of 245.
    fn next_keys(&mut self, max: usize, places: &mut usize) -> ([usize; COMPARED], usize) {
        let (mut next, mut count) = ([0; COMPARED], 0);
        while count < max && *places > 0 {
            *places -= 1;
            next[count] = self.step();
            count += usize::from(self.entries.get_bucket(next[count]).is_some());
        }
        (next, count)
    }

    /// Of the keys at these places the one that was asked for longest ago, of those that are not in use.
    fn oldest_of(&mut self, places: &[usize]) -> Option<usize> {
        let mut oldest = None;
        for &at in places {
            let Some(entry) = self.entries.get_bucket_mut(at) else { continue };
            let asked = entry.asked();
            if oldest.is_none_or(|(before, _)| asked < before) && entry.free(self.keep).is_some() {
                oldest = Some((asked, at));
            }
        }
        oldest.map(|(_, at)| at)
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

    /// Which keys are forgotten now: nobody has asked for them in the idle time, nobody holds them, and they rest. Who is found in use
    /// counts as asked for at this moment: when it is let go, nobody tells.
    fn forgets(&self, now: Instant, idle: Duration) -> impl Fn(&mut Entry<K, V>) -> bool + use<K, V> {
        let (keep, rests, asked) = (self.keep, self.rests, self.stamp(now));
        move |entry| {
            if now - entry.asked_at() < idle {
                return false;
            }
            let free = entry.free(keep).map(|value| rests(value, now));
            if free.is_none() {
                *entry.asked.get_mut() = asked;
            }
            free.unwrap_or(false)
        }
    }

    /// What is written down of a key that is asked for now: the time and, where that has not moved on since the last key was put in,
    /// one more than what was written of that one. So whoever was asked for since a key was put in is later than it, also by a clock
    /// that stands still or goes back, and threads that ask for keys which are there need agree on nothing.
    #[inline]
    fn stamp(&self, now: Instant) -> u64 {
        self.last.saturating_add(1).max(now.as_nanos() & !ORDER)
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

impl<K, V> Default for Shard<K, V> {
    fn default() -> Self {
        Self { entries: HashTable::new(), hand: 0, last: 0, keep: |_| false, rests: |_, _| true }
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

    #[inline]
    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// When it was asked for last.
    fn asked_at(&self) -> Instant {
        Instant::from_nanos(self.asked() & !ORDER)
    }

    /// The value, if nobody else holds it and it need not be kept. Whoever could begin to hold it needs the lock that is held here
    /// against all, or holds it already.
    fn free(&mut self, keep: fn(&V) -> bool) -> Option<&V> {
        Arc::get_mut(&mut self.value).map(|value| &*value).filter(|value| !keep(value))
    }
}

// === impl Evicted ===

impl<K, V> Evicted<K, V> {
    pub(super) fn into_value(self) -> Arc<V> {
        self.0.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch<V>(shard: &Shard<u64, V>, key: u64, now: Instant) -> Option<Arc<V>> {
        shard.ask(key, &key, || now).map(|(value, _)| Arc::clone(value))
    }

    #[test]
    fn what_is_swept_gives_its_memory_back_and_the_rest_is_found_still() {
        let mut shard = Shard::default();
        for key in 0..10_000_u64 {
            shard.push(key, key, Arc::new(key), Instant::from_nanos(key));
        }
        let later = Instant::from_nanos(1_000_000_000);
        let held: Vec<_> = (0..100).filter_map(|key| touch(&shard, key, later)).collect();
        let idle = Duration::from_secs(2);
        assert_eq!(shard.sweep(later, idle).len(), 0);
        assert!(shard.entries.capacity() >= 10_000);
        assert_eq!(shard.sweep(later + idle, idle).len(), 9_900);
        assert!(shard.entries.capacity() < 1_000, "{}", shard.entries.capacity());
        assert!((0..100).all(|key| shard.find(key, &key).is_some_and(|value| *value == key)));
        drop(held);
        // The hand stood anywhere.
        shard.hand = 9_999;
        assert!(shard.evict_oldest(&mut 512).is_some());
        assert_eq!(shard.sweep(later + idle, idle).len(), 0, "they were in use at that moment");
        shard.sweep(later + 2 * idle, idle);
        assert_eq!((shard.entries.len(), shard.entries.capacity()), (0, 0));
    }

    #[test]
    fn who_read_the_clock_long_ago_makes_no_key_older() {
        let mut shard = Shard::default();
        let at = |seconds: u64| Instant::from_nanos(seconds * 1_000_000_000);
        for key in [1_u64, 2] {
            shard.push(key, key, Arc::new(()), at(1));
        }
        touch(&shard, 1, at(20));
        touch(&shard, 1, at(2));
        touch(&shard, 2, at(10));
        assert!(shard.sweep(at(25), Duration::from_secs(12)).iter().all(|gone| gone.0.key == 2));
        assert!(shard.find(1, &1).is_some() && shard.find(2, &2).is_none());
    }
}
