//! How room is made for a new key: what nobody needs is forgotten.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::map::{DISPLACED, IDLE, INSERTED, KeyedMap, REFUSED, write};
use super::shard::Evicted;

/// Every key there is room for is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeysFull {
    max: usize,
}

/// Room for one key, that goes back if nothing comes of it.
struct Room<'a>(&'a AtomicUsize);

/// How many keys a new one looks at in passing, for whether they are idle.
const GLANCES: usize = 2;

/// How many keys a new one looks at that finds the map full, before it is refused.
const LOOKS_MAX: usize = 512;

// === impl KeyedMap ===

impl<K: Hash + Eq, V> KeyedMap<K, V> {
    /// Forgets all keys that are idle and not in use. How many. Locks one shard after the other; for a task that runs now
    /// and then, where memory should shrink without new keys coming. A shard that is mostly empty then gives back its table as well.
    pub fn evict_idle(&self) -> usize {
        let now = self.clock.now_coarse();
        let mut sum = 0;
        for shard in &self.shards {
            let evicted = write(shard).sweep(now, self.idle);
            sum += evicted.len();
            self.forgotten(IDLE, &evicted);
        }
        sum
    }

    /// Puts a new key in, unless somebody was faster.
    #[cold]
    pub(super) fn insert(&self, hash: u64, key: K, value: Arc<V>) -> Result<Arc<V>, KeysFull> {
        let now = self.clock.now_coarse();
        let mut shard = self.writing(hash);
        if let Some((faster, _)) = shard.ask(hash, &key, || now) {
            return Ok(Arc::clone(faster));
        }
        let idle = shard.glance(GLANCES, now, self.idle);
        self.forgotten(IDLE, &idle);
        if let Some(room) = self.reserve() {
            shard.push(hash, key, Arc::clone(&value), now);
            room.take();
            drop(shard);
            self.counts.bump(INSERTED);
            return Ok(value);
        }
        let mut looks = LOOKS_MAX / 2;
        // What is forgotten here makes room for the new key, so the count stays.
        if let Some(displaced) = shard.evict_oldest(&mut looks) {
            shard.push(hash, key, Arc::clone(&value), now);
            drop(shard);
            self.counts.bump(DISPLACED);
            self.counts.bump(INSERTED);
            drop(displaced);
            return Ok(value);
        }
        drop(shard);
        let room = self.room_elsewhere(hash, LOOKS_MAX / 2 + looks)?;
        Ok(self.insert_into(room, hash, key, value))
    }

    /// All that were looked at are in use: makes room in another shard.
    fn room_elsewhere(&self, hash: u64, mut looks: usize) -> Result<Room<'_>, KeysFull> {
        let (own, shards) = (self.index(hash), self.shards.len());
        // Each begins with another one, so that all have their turn also where each is larger than what is looked at.
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) & (shards - 1);
        let others = (turn..turn + shards).map(|at| at & (shards - 1)).filter(|at| *at != own);
        for at in others.chain([own]) {
            if looks == 0 {
                break;
            }
            let displaced = write(&self.shards[at]).evict_oldest(&mut looks);
            if displaced.is_some() {
                self.counts.bump(DISPLACED);
                let room = Room(&self.len);
                // It may panic: while the room is ours, that gives it back.
                drop(displaced);
                return Ok(room);
            }
        }
        // A key may have gone by itself meanwhile.
        self.reserve().ok_or_else(|| {
            self.counts.bump(REFUSED);
            KeysFull { max: self.max }
        })
    }

    /// Puts a new key in that there is room for, unless somebody was faster.
    fn insert_into(&self, room: Room<'_>, hash: u64, key: K, value: Arc<V>) -> Arc<V> {
        let now = self.clock.now_coarse();
        let mut shard = self.writing(hash);
        if let Some((faster, _)) = shard.ask(hash, &key, || now) {
            return Arc::clone(faster);
        }
        shard.push(hash, key, Arc::clone(&value), now);
        room.take();
        drop(shard);
        self.counts.bump(INSERTED);
        value
    }

    fn forgotten(&self, why: usize, evicted: &[Evicted<K, V>]) {
        if !evicted.is_empty() {
            self.len.fetch_sub(evicted.len(), Ordering::Relaxed);
            self.counts.add(why, evicted.len() as u64);
        }
    }

    /// Takes room for one.
    fn reserve(&self) -> Option<Room<'_>> {
        let more = |len| (len < self.max).then_some(len + 1);
        self.len.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Room(&self.len))
    }

    pub(super) fn release(&self) {
        self.len.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl Room ===

impl Room<'_> {
    /// A key has it.
    fn take(self) {
        std::mem::forget(self);
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Display for KeysFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all {} keys there is room for are in use", self.max)
    }
}

impl std::error::Error for KeysFull {}
