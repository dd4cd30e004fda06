use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use core_errors::{Name, PolicyKind, Reason, Rejection};
use core_policy::{KeyedMap, KeyedStats, KeysFull};
use core_time::{Clock, Instant};

use super::of_key::OfKey;
use super::tier::{Bucket, Rules, Tier};
use crate::error::{ConfigError, Kind};
use crate::rate::{COARSE_FROM, Engine, RateBuilder, RateStats, Refused, Taken};

/// A rate limit for each key, in tiers. Cheap to clone; clones share the keys. Made by
/// [`RateBuilder::keyed`](crate::RateBuilder::keyed).
///
/// A key has one bucket, whatever tier it is asked for in: one that goes from `default` to `premium` has used what it had
/// used, and one that comes back to `premium` as well, also where `default` had no room for that much. The tier is an argument, since only the caller knows where it is from; a header of the client is no such place.
///
/// # What is forgotten
/// See [`KeyedMap`]. What a key has used is never forgotten for being idle, also where a [limit of it](Self::of) was used long after the
/// key was asked for. A key that had to make room for others begins anew with a full burst: let the map hold more keys than
/// come in their idle time. A bucket takes about 150 bytes, and the key.
///
/// # Cost
/// That of looking a key up, and that of a single limit; no allocation for a key that is known.
pub struct KeyedRate<K>(Arc<Inner<K>>);

struct Inner<K> {
    shared: Arc<Shared>,
    keys: KeyedMap<K, Bucket>,
}

/// What all keys have in common.
pub(super) struct Shared {
    name: Name,
    tiers: Box<[Rules]>,
    idle: Duration,
    clock: Clock,
    exact: AtomicBool,
    /// Held while the rate of a tier changes: tiers are held against each other. Never to decide.
    changing: Mutex<()>,
    /// Held while a key changes its tier, or takes on the new rate of one. No key that stays where it is takes it.
    moving: Mutex<()>,
    /// Which limit it is, of those that this process has had.
    number: u32,
}

/// Limits are told apart, since a tier says whose it is.
static LIMITS: AtomicU32 = AtomicU32::new(0);

// === impl KeyedRate ===

impl<K> Clone for KeyedRate<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Hash + Eq> KeyedRate<K> {
    pub(super) fn new(
        name: Name,
        tiers: Box<[Rules]>,
        keys: KeyedMap<K, Bucket>,
        idle: Duration,
        clock: Clock,
        exact: bool,
    ) -> Self {
        let (exact, changing, moving) = (AtomicBool::new(exact), Mutex::default(), Mutex::default());
        let number = LIMITS.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::new(Shared { name, tiers, idle, clock, exact, changing, moving, number });
        Self(Arc::new(Inner { shared, keys }))
    }

    /// Takes one for a key of the default tier.
    ///
    /// # Errors
    /// The refusal, see [`take_in`](Self::take_in).
    #[inline]
    pub fn check<Q>(&self, key: &Q) -> Result<(), Rejection>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.check_in(self.0.shared.tier(0), key)
    }

    /// Takes one for a key of a tier.
    ///
    /// # Errors
    /// The refusal, see [`take_in`](Self::take_in).
    #[inline]
    pub fn check_in<Q>(&self, tier: Tier, key: &Q) -> Result<(), Rejection>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.ask(tier, key, 1, Engine::take_one)
    }

    /// Takes `n` at once for a key of a tier, or nothing.
    ///
    /// # Errors
    /// The refusal, which says after how long it would be admitted; [`Reason::Impossible`] if `n` is more than the burst;
    /// [`Reason::TooManyKeys`] if the key is new and every other is in use at this moment.
    #[inline]
    pub fn take_in<Q>(&self, tier: Tier, key: &Q, n: u64) -> Result<Taken, Rejection>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.ask(tier, key, n, |engine, now| engine.take(n, now))
    }

    /// Takes `n` by `take`, under the lock of the key's shard where the key is known.
    #[inline]
    fn ask<Q, R>(
        &self,
        tier: Tier,
        key: &Q,
        n: u64,
        take: impl Fn(&Engine, Instant) -> Result<R, Refused>,
    ) -> Result<R, Rejection>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let shared = &*self.0.shared;
        let rules = shared.rules(tier);
        let decide = |bucket: &Bucket, now| shared.try_take(rules, bucket, n, now, take);
        match self.0.keys.decide(key, || shared.now(), |now| rules.bucket(now), decide) {
            Ok(Ok(taken)) => Ok(taken),
            Ok(Err(refused)) => Err(shared.refuse(rules, n, refused)),
            Err(full) => Err(shared.full(tier, full)),
        }
    }

    /// What a key of a tier would be given now. Changes nothing; of a key that is not known, all that the tier allows.
    #[must_use]
    pub fn peek_in<Q>(&self, tier: Tier, key: &Q) -> Taken
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (shared, now) = (&self.0.shared, self.0.shared.now());
        let rules = shared.rules(tier);
        match self.0.keys.peek(key) {
            Some(bucket) => rules.peek(&bucket, now, &shared.moving),
            None => rules.bucket(now).engine.peek(now),
        }
    }

    /// The limit of one key, as a policy that calls run under.
    ///
    /// # Errors
    /// [`Reason::TooManyKeys`], as [`take_in`](Self::take_in).
    pub fn of<Q>(&self, tier: Tier, key: &Q) -> Result<OfKey, Rejection>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let bucket = self.bucket(tier, key)?;
        Ok(OfKey::new(Arc::clone(&self.0.shared), tier, bucket))
    }

    /// The tier of that name. There is always `default`.
    #[must_use]
    pub fn tier(&self, name: &str) -> Option<Tier> {
        let at = self.0.shared.tiers.iter().position(|rules| rules.name.as_str() == name)?;
        u8::try_from(at).ok().map(|number| self.0.shared.tier(number))
    }

    /// All tiers and their names, `default` first.
    pub fn tiers(&self) -> impl Iterator<Item = (Tier, Name)> + '_ {
        (0..).map(|number| self.0.shared.tier(number)).zip(self.0.shared.tiers.iter().map(|rules| rules.name))
    }

    /// Changes the rate of a tier, for all keys of it as they come next (rule RL-8). What they used stays used.
    ///
    /// # Errors
    /// If the tier is one of another limit, the rate could not be built, or keys of another tier could not take it on. Then nothing
    /// has changed.
    pub fn set_rate(&self, tier: Tier, rate: &RateBuilder) -> Result<(), ConfigError> {
        let (shared, rate) = (&self.0.shared, rate.check()?);
        if tier.of != shared.number {
            return Err(ConfigError(Kind::OtherTier(shared.name)));
        }
        let now = shared.clock.now_coarse();
        let engine = Engine::new(rate, Duration::ZERO, now);
        let (idle, full) = (shared.idle, engine.tolerance());
        if idle < full {
            return Err(ConfigError(Kind::IdleTooShort { idle, full }));
        }
        let _one_at_a_time = shared.changing.lock().unwrap_or_else(PoisonError::into_inner);
        for other in &shared.tiers {
            Engine::new(other.rate(), Duration::ZERO, now).change(rate, now)?;
            Engine::new(rate, Duration::ZERO, now).change(other.rate(), now)?;
        }
        if full < COARSE_FROM {
            shared.exact.store(true, Ordering::Relaxed);
        }
        shared.rules(tier).set_rate(rate, |known| Engine::new(known, Duration::ZERO, now).change(rate, now))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.0.shared.name
    }

    /// What was counted in a tier.
    #[must_use]
    pub fn stats(&self, tier: Tier) -> RateStats {
        self.0.shared.rules(tier).stats()
    }

    /// What was counted of the keys.
    #[must_use]
    pub fn keys(&self) -> KeyedStats {
        self.0.keys.stats()
    }

    /// Forgets all keys that are idle; see [`KeyedMap::evict_idle`].
    pub fn evict_idle(&self) {
        self.0.keys.evict_idle();
    }

    #[inline]
    fn bucket<Q>(&self, tier: Tier, key: &Q) -> Result<Arc<Bucket>, Rejection>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let shared = &self.0.shared;
        let make = || shared.rules(tier).bucket(shared.clock.now_coarse());
        self.0.keys.get_or_insert_with(key, make).map_err(|full| shared.full(tier, full))
    }
}

impl<K> fmt::Debug for KeyedRate<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedRate")
            .field("name", &self.0.shared.name)
            .field("tiers", &self.0.shared.tiers)
            .finish_non_exhaustive()
    }
}

// === impl Shared ===

impl Shared {
    #[inline]
    pub(super) fn take_one(&self, tier: Tier, bucket: &Bucket, now: Instant) -> Result<(), Rejection> {
        let rules = self.rules(tier);
        self.try_take(rules, bucket, 1, now, Engine::take_one)
            .map_err(|refused| self.refuse(rules, 1, refused))
    }

    /// The decision. It asks the exact clock where the answer depends on less than a tick.
    #[inline]
    fn try_take<R>(
        &self,
        rules: &Rules,
        bucket: &Bucket,
        n: u64,
        now: Instant,
        take: impl Fn(&Engine, Instant) -> Result<R, Refused>,
    ) -> Result<R, Refused> {
        let mut took = rules.decide(bucket, n, now, &self.moving, &take);
        if matches!(took, Err(refused) if !self.is_exact() && refused.is_within(self.clock.tick())) {
            took = rules.decide(bucket, n, self.clock.now(), &self.moving, &take);
        }
        if took.is_ok() {
            rules.count_allowed(n);
        }
        took
    }

    #[inline]
    pub(super) fn now(&self) -> Instant {
        if self.is_exact() { self.clock.now() } else { self.clock.now_coarse() }
    }

    /// Whether a kernel tick matters: it does where a burst of some tier is soon over.
    #[inline]
    fn is_exact(&self) -> bool {
        self.exact.load(Ordering::Relaxed)
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    #[inline]
    fn refuse(&self, rules: &Rules, n: u64, refused: Refused) -> Rejection {
        // Who asks for all there is does not spoil the counts.
        rules.count_refused(if n <= 1 { n } else { n.min(rules.burst()) });
        refused.rejection(self.name)
    }

    #[cold]
    fn full(&self, tier: Tier, _: KeysFull) -> Rejection {
        self.rules(tier).count_refused(1);
        Rejection::new(PolicyKind::RateLimit, self.name, Reason::TooManyKeys)
    }

    /// The tier of that number here.
    #[inline]
    fn tier(&self, number: u8) -> Tier {
        Tier { number, of: self.number }
    }

    /// Of a tier of another limit, the default.
    #[inline]
    pub(super) fn rules(&self, tier: Tier) -> &Rules {
        let at = if tier.of == self.number { usize::from(tier.number) } else { 0 };
        self.tiers.get(at).unwrap_or(&self.tiers[0])
    }
}

#[cfg(test)]
mod tests;
