use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use core_time::{Clock, Instant};
use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;

use super::config::Keyed;
use super::room::KeysFull;
use super::shard::Shard;
use crate::Counters;

/// A value for each key: a breaker for each host, a rate limit for each user. Never more than so many.
///
/// Reach for it wherever the key comes from outside, as a host, a user, a tenant. For a handful of keys that the code names,
/// fields of a struct are simpler.
///
/// # What is forgotten, and when
/// * A key whose value somebody holds is *in use*, and is never forgotten: whoever asks for it gets the same value. A permit
///   that borrows from the [`Arc`] holds it; a clone of what is inside the [`Arc`] does not. So is one that
///   [`keep_if`](Self::keep_if) keeps. A key that is found in use when its
///   idle time is over has another one from then on. It does not begin when the key is let go, of which a map hears nothing.
/// * A key that nobody has asked for in the idle time goes when a new key looks at it in passing (each looks at two), or with
///   [`evict_idle`](Self::evict_idle); not before it [rests](Self::rest_if), where values say that.
/// * When a new key finds the map full, the key that was asked for longest ago goes, of the sixteen that are next in turn in
///   its shard; in a map of up to 31 keys, which is one shard, these are all or half of them. If all of these are in use, it looks
///   further, and at other shards, at 512 keys in all.
/// * If all of these are in use, the new key is refused: [`KeysFull`]. In a map of up to 512 keys these are all; in a larger one
///   the next new keys look at the others in turn.
///
/// Asking for a key puts it last in that order, [`peek`](Self::peek) does not. The order is that of the coarse clock and, where it
/// stands still, of the keys that were inserted since: of two that were asked for within one tick, with no new key in their shard
/// in between, either may count as the earlier.
///
/// # Cost
/// A hit: one hash, one lock of one shard for reading, one reference counted, one coarse clock reading; no allocation. The hash
/// (foldhash) is seeded by the operating system for each map, since users may choose the keys: who cannot see the hashes cannot choose
/// keys that meet. It is no cryptographic one; should somebody find such keys all the same, a lookup goes through as many of them
/// as there is room for in a shard.
///
/// Up to eight threads find keys without writing a word that another of them writes, but for the count of references to the value
/// where they ask for the same one; more threads share locks by eight.
///
/// A lookup waits for memory twice where the caches have nothing of it: for the place in the table, and then for the key and the value
/// at once. Of 10 000 names it fetches 3.3 lines of cache, counted by callgrind: the place of 48 bytes is one or two, the name one, the
/// count of references one. A decision by a rate limit fetches 3.9, since its bucket is one or two, and a breaker
/// as many. No map of names whose values can be held does with less than three, and places and buckets that keep to a line each, with
/// which these are 2.8 and 3.1, take no less time, and more where the caches are cold: they take up a third more. Nor does it help to ask
/// for the value before the name is compared, which the processor does by itself. The clock is read in between, while that is under way:
/// read before the lock it is waited for as well, which is a nanosecond with 10 000 keys and none with 256.
///
/// So with many keys it shows what else uses the caches: `cargo xtask compare` holds `keyed/get_10000` against the same table behind
/// one lock with nothing around it (`keyed/floor_get_10000`), of which going through the names and hashing them is the least
/// (`keyed/walk_10000`), and has `keyed/get_10000_alone` for a map that has the caches to itself.
///
/// A miss makes the value outside any lock: two that race make two, and one of them is dropped. Inserting locks a shard against
/// all who read it, which are eight locks to take and to give back, for as long as looking at 512 keys takes at most, which is
/// microseconds; so let there be more room than calls under way. An empty map takes a kilobyte for each shard, which are up to four
/// for each core and 64 at most.
///
/// Threads may share a map whose keys and values they may share: both are `Send` and `Sync`.
///
/// # Panics
/// A key whose `Hash` or `Eq` panics does so through whatever was asked of the map, which is as it was and goes on. A value or key whose
/// `Drop` panics does so through what has forgotten it; it is forgotten all the same.
///
/// # Deadlocks
/// Keys are compared, and for [`entries`](Self::entries) cloned, while their shard is locked: their `Eq`, `Borrow` and `Clone` must not use
/// the map. Values are made, shown and dropped while nothing is, so that these may.
pub struct KeyedMap<K, V> {
    pub(super) shards: Box<[Locked<K, V>]>,
    hasher: SeedableRandomState,
    /// Keys in all shards, and those that are about to be.
    pub(super) len: AtomicUsize,
    pub(super) max: usize,
    pub(super) idle: Duration,
    pub(super) clock: Clock,
    pub(super) counts: Counters<4>,
    /// Which shard is to be asked for room next.
    pub(super) turn: AtomicUsize,
}

/// Keeps shards off each other's cache lines, and off the ones that the prefetcher takes along. Threads that read have locks of their
/// own, which they find beside it.
#[repr(align(128))]
pub(super) struct Locked<K, V>(ShardedLock<Shard<K, V>>);

/// What a map has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyedStats {
    /// Keys there are.
    pub len: usize,
    /// Keys there may be.
    pub max: usize,
    /// Keys that were new.
    pub inserted: u64,
    /// Keys that were forgotten because nobody had asked for them in the idle time.
    pub idle: u64,
    /// Keys that were forgotten to make room for another, earlier than their idle time.
    pub displaced: u64,
    /// New keys that were refused, since all others were in use.
    pub refused: u64,
}

pub(super) const INSERTED: usize = 0;
pub(super) const IDLE: usize = 1;
pub(super) const DISPLACED: usize = 2;
pub(super) const REFUSED: usize = 3;

/// A shard has room for as many, or the map has one shard.
const KEYS_IN_SHARD: usize = 16;

// === impl KeyedMap ===

impl<K: Hash + Eq, V> KeyedMap<K, V> {
    pub(super) fn new(settings: Keyed) -> Self {
        let Keyed { max, idle, clock } = settings;
        let shards = (0..shards_for(max)).map(|_| Locked(ShardedLock::default())).collect();
        let (hasher, len, counts) = (seeded(), AtomicUsize::new(0), Counters::new());
        Self { shards, hasher, len, max, idle, clock, counts, turn: AtomicUsize::new(0) }
    }

    /// Keeps values that `keep` says yes to, as if somebody held them: neither idle time nor a full map makes them go. For
    /// values with a state that must not be lost, such as a circuit that is held open. [`remove`](Self::remove) takes them
    /// still, and a map that is full of them refuses new keys. Default: keeps none.
    ///
    /// `keep` is asked about keys that would go, under the lock of a shard: it must take nanoseconds, take no lock under which the
    /// map is used, call nobody else's code and not use the map.
    #[must_use]
    pub fn keep_if(mut self, keep: fn(&V) -> bool) -> Self {
        for shard in &mut self.shards {
            shard.0.get_mut().unwrap_or_else(PoisonError::into_inner).keep_if(keep);
        }
        self
    }

    /// Forgets a value that nobody asks for only once `rests` says that it may go, at the time it is given: for values from which a new
    /// one would differ for a while, as a limit of which something is used. To a full map it is as any
    /// other. Default: all may go.
    ///
    /// `rests` is asked about keys whose idle time is over and that nobody holds; the rest is as with [`keep_if`](Self::keep_if).
    #[must_use]
    pub fn rest_if(mut self, rests: fn(&V, Instant) -> bool) -> Self {
        for shard in &mut self.shards {
            shard.0.get_mut().unwrap_or_else(PoisonError::into_inner).rest_if(rests);
        }
        self
    }

    /// The value of `key`, which was asked for now.
    #[inline]
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        self.find(self.hasher.hash_one(key), key)
    }

    /// The value of `key`, without counting as having been asked for.
    pub fn peek<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        let hash = self.hasher.hash_one(key);
        self.reading(hash).find(hash, key)
    }

    /// The value of `key`; if it has none, the one that `make` makes, outside any lock.
    ///
    /// # Errors
    /// If the map is full and every key is in use.
    ///
    /// # Panics
    /// If `make` does, and then nothing was inserted.
    #[inline]
    pub fn get_or_insert_with<Q>(&self, key: &Q, make: impl FnOnce() -> V) -> Result<Arc<V>, KeysFull>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.get_or_try_insert_with(key, || Ok(make()))
    }

    /// The value of `key`; if it has none, the one that `make` makes, outside any lock.
    ///
    /// # Errors
    /// What `make` fails with, and then nothing was inserted; [`KeysFull`] if the map is full and every key is in use.
    ///
    /// # Panics
    /// If `make` does, and then nothing was inserted.
    #[inline]
    pub fn get_or_try_insert_with<Q, E>(
        &self,
        key: &Q,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<Arc<V>, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        E: From<KeysFull>,
    {
        let hash = self.hasher.hash_one(key);
        if let Some(value) = self.find(hash, key) {
            return Ok(value);
        }
        let value = Arc::new(make()?);
        Ok(self.insert(hash, key.to_owned(), value)?)
    }

    /// Decides by the value of `key` and the time that `now` reads; if it has none, by the value that `make` makes at that time,
    /// outside any lock.
    ///
    /// For policies' own decisions: where the key is known, `now` and `decide` run while its shard is locked for reading, which saves
    /// counting a reference; other threads may decide by the same value meanwhile. They must take nanoseconds, call nobody and not use
    /// the map.
    #[doc(hidden)]
    #[inline]
    pub fn decide<Q, R>(
        &self,
        key: &Q,
        now: impl Fn() -> Instant,
        make: impl FnOnce(Instant) -> V,
        decide: impl FnOnce(&V, Instant) -> R,
    ) -> Result<R, KeysFull>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let shard = self.reading(hash);
        if let Some((value, now)) = shard.ask(hash, key, &now) {
            return Ok(decide(value, now));
        }
        drop(shard);
        let now = now();
        let value = self.insert(hash, key.to_owned(), Arc::new(make(now)))?;
        Ok(decide(&value, now))
    }

    /// Forgets `key`, even if it is in use: whoever asks next gets a new value. What it had.
    pub fn remove<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        let hash = self.hasher.hash_one(key);
        let removed = self.writing(hash).remove(hash, key)?;
        self.release();
        Some(removed.into_value())
    }

    /// All keys and their values, for reports and for settings that change. They are in use while they are held. In no
    /// order; of keys that come or go meanwhile it may have any.
    #[must_use]
    pub fn entries(&self) -> Vec<(K, Arc<V>)>
    where
        K: Clone,
    {
        let mut entries = Vec::with_capacity(self.len());
        for shard in &self.shards {
            read(shard).copy_to(&mut entries);
        }
        entries
    }

    /// All values, as [`entries`](Self::entries) without the keys.
    #[must_use]
    pub fn values(&self) -> Vec<Arc<V>> {
        let mut values = Vec::with_capacity(self.len());
        for shard in &self.shards {
            read(shard).copy_values_to(&mut values);
        }
        values
    }

    /// Shows all values to `look`, under no lock: for figures over all of them. Shard by shard, so that keys of one shard alone are
    /// in use meanwhile, and a map that is full takes new keys as before; in a map of one shard, which has up to 31 keys, all are.
    pub fn for_each_value(&self, mut look: impl FnMut(&V)) {
        let mut values = Vec::new();
        for shard in &self.shards {
            read(shard).copy_values_to(&mut values);
            values.drain(..).for_each(|value| look(&value));
        }
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many keys there may be.
    #[must_use]
    pub fn max(&self) -> usize {
        self.max
    }

    /// For how long a key is kept that nobody asks for.
    #[must_use]
    pub fn idle(&self) -> Duration {
        self.idle
    }

    /// What it has counted.
    #[must_use]
    pub fn stats(&self) -> KeyedStats {
        KeyedStats {
            len: self.len(),
            max: self.max,
            inserted: self.counts.get(INSERTED),
            idle: self.counts.get(IDLE),
            displaced: self.counts.get(DISPLACED),
            refused: self.counts.get(REFUSED),
        }
    }

    #[inline]
    fn find<Q: Eq + ?Sized>(&self, hash: u64, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        self.reading(hash).ask(hash, key, || self.clock.now_coarse()).map(|(value, _)| Arc::clone(value))
    }

    #[inline]
    fn reading(&self, hash: u64) -> ShardedLockReadGuard<'_, Shard<K, V>> {
        read(&self.shards[self.index(hash)])
    }

    pub(super) fn writing(&self, hash: u64) -> ShardedLockWriteGuard<'_, Shard<K, V>> {
        write(&self.shards[self.index(hash)])
    }

    /// The high bits; the tables of the shards go by the low ones.
    #[inline]
    pub(super) fn index(&self, hash: u64) -> usize {
        (hash >> 48) as usize & (self.shards.len() - 1)
    }
}

/// More shards than this take up memory and are not met less often, since threads that read do not meet at all.
const SHARDS_MAX: usize = 64;

/// A hash of its own for each map, seeded by the operating system.
fn seeded() -> SeedableRandomState {
    let seed = RandomState::new().hash_one(0);
    SeedableRandomState::with_seed(seed, SharedSeed::global_random())
}

#[inline]
fn read<K, V>(shard: &Locked<K, V>) -> ShardedLockReadGuard<'_, Shard<K, V>> {
    // A comparison of keys may panic; it changes nothing, so the shard is as it was.
    shard.0.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn write<K, V>(shard: &Locked<K, V>) -> ShardedLockWriteGuard<'_, Shard<K, V>> {
    shard.0.write().unwrap_or_else(PoisonError::into_inner)
}

/// A power of two: enough that threads rarely meet, and few enough that there are keys to choose from in each.
fn shards_for(max: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let wanted = (4 * cores).next_power_of_two().min(SHARDS_MAX);
    let filled = (max / KEYS_IN_SHARD).max(1);
    wanted.min(1 << filled.ilog2())
}

// === formats ===

impl<K, V> fmt::Debug for KeyedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.len.load(Ordering::Relaxed);
        f.debug_struct("KeyedMap").field("len", &len).field("max", &self.max).finish_non_exhaustive()
    }
}
