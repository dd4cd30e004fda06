use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use core_errors::Name;
use core_policy::Counters;
use core_time::Instant;

use crate::error::ConfigError;
use crate::rate::{Checked, Engine, RateStats, Refused, Taken};

/// One of the tiers of a [`KeyedRate`](super::KeyedRate). Found by its name with [`KeyedRate::tier`](super::KeyedRate::tier). To another
/// limit than that it is a tier that is not known, and counts as `default`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tier {
    pub(super) number: u8,
    /// Of which limit of this process.
    pub(super) of: u32,
}

/// A tier at work.
pub(super) struct Rules {
    pub(super) name: Name,
    rate: Mutex<Checked>,
    /// That of the rate, for who may not wait for it.
    burst: AtomicU64,
    /// Which tier it is, and how often its rate was changed.
    stamp: AtomicU32,
    counts: Counters<2>,
}

/// What a key has used.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) engine: Engine,
    /// By which rate.
    stamp: AtomicU32,
    /// What it had used when it came to a tier with less, see [`Engine::follow`]: back in the one it came from it has used that still, or
    /// going back and forth would fill it. Changes under the lock under which tiers do.
    before: AtomicU64,
}

/// So many changes of the rate are told apart before the number wraps around.
const VERSION_BITS: u32 = 24;

const ALLOWED: usize = 0;
const REFUSED: usize = 1;

// === impl Rules ===

impl Rules {
    pub(super) fn new(number: u8, name: Name, rate: Checked) -> Self {
        let stamp = AtomicU32::new(u32::from(number) << VERSION_BITS);
        let burst = AtomicU64::new(rate.burst);
        Self { name, rate: Mutex::new(rate), burst, stamp, counts: Counters::new() }
    }

    pub(super) fn rate(&self) -> Checked {
        *self.rate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it is this rate, if `fits` says that a bucket of the tier can take it on.
    pub(super) fn set_rate(
        &self,
        rate: Checked,
        fits: impl FnOnce(Checked) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        let mut known = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        fits(*known)?;
        *known = rate;
        self.burst.store(rate.burst, Ordering::Relaxed);
        let stamp = self.stamp.load(Ordering::Relaxed);
        let (tier, version) = (stamp >> VERSION_BITS, stamp.wrapping_add(1) & ((1 << VERSION_BITS) - 1));
        // Release pairs with the Acquire in `bring_up`: who sees the number finds the rate.
        self.stamp.store(tier << VERSION_BITS | version, Ordering::Release);
        Ok(())
    }

    pub(super) fn bucket(&self, now: Instant) -> Bucket {
        let stamp = self.stamp.load(Ordering::Acquire);
        let engine = Engine::new(self.rate(), Duration::ZERO, now);
        Bucket { engine, stamp: AtomicU32::new(stamp), before: AtomicU64::new(0) }
    }

    /// Brings a bucket up to the rate of this tier. What was used stays used. Buckets change under `lock`, which all tiers of a limit
    /// have in common: two that change one at once would leave it with the interval of one tier and the burst of the other.
    #[inline]
    pub(super) fn bring_up(&self, bucket: &Bucket, now: Instant, lock: &Mutex<()>) {
        let stamp = self.stamp.load(Ordering::Acquire);
        if bucket.stamp.load(Ordering::Relaxed) != stamp {
            self.change(bucket, stamp, now, lock);
        }
    }

    /// Takes `n` by `take`, from a bucket of this tier.
    #[inline]
    pub(super) fn decide<R>(
        &self,
        bucket: &Bucket,
        n: u64,
        now: Instant,
        lock: &Mutex<()>,
        take: impl Fn(&Engine, Instant) -> Result<R, Refused>,
    ) -> Result<R, Refused> {
        if n > 1 && n > self.burst() {
            return Err(Refused::Impossible);
        }
        self.bring_up(bucket, now, lock);
        match take(&bucket.engine, now) {
            // Of this tier it is not: somebody has just asked for the key in one that has less.
            Err(Refused::Impossible) => self.decide_alone(bucket, now, lock, take),
            decided => decided,
        }
    }

    /// The same while the bucket can go to no other tier.
    #[cold]
    fn decide_alone<R>(
        &self,
        bucket: &Bucket,
        now: Instant,
        lock: &Mutex<()>,
        take: impl Fn(&Engine, Instant) -> Result<R, Refused>,
    ) -> Result<R, Refused> {
        let _none_changes = lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.take_on(bucket, self.stamp.load(Ordering::Acquire), now);
        take(&bucket.engine, now)
    }

    /// The most that is ever given at once.
    #[inline]
    pub(super) fn burst(&self) -> u64 {
        self.burst.load(Ordering::Relaxed)
    }

    #[cold]
    fn change(&self, bucket: &Bucket, stamp: u32, now: Instant, lock: &Mutex<()>) {
        let _one_at_a_time = lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.take_on(bucket, stamp, now);
    }

    /// The same under the lock.
    fn take_on(&self, bucket: &Bucket, stamp: u32, now: Instant) {
        if bucket.stamp.load(Ordering::Relaxed) == stamp {
            return;
        }
        // Rates were tried against those before and beside them. A bucket may have slept through several, and then it keeps to the last
        // one as well as its units allow.
        let cut = bucket.engine.follow(self.rate(), now, bucket.before.load(Ordering::Relaxed));
        bucket.before.fetch_max(cut, Ordering::Relaxed);
        bucket.stamp.store(stamp, Ordering::Relaxed);
    }

    /// What a bucket that is brought up to the rate of this tier would give. It is not.
    pub(super) fn peek(&self, bucket: &Bucket, now: Instant, lock: &Mutex<()>) -> Taken {
        if bucket.stamp.load(Ordering::Relaxed) == self.stamp.load(Ordering::Acquire) {
            return bucket.engine.peek(now);
        }
        let (engine, before) = {
            let _none_changes = lock.lock().unwrap_or_else(PoisonError::into_inner);
            (bucket.engine.copy(), bucket.before.load(Ordering::Relaxed))
        };
        engine.follow(self.rate(), now, before);
        engine.peek(now)
    }

    #[inline]
    pub(super) fn count_allowed(&self, n: u64) {
        self.counts.add(ALLOWED, n);
    }

    pub(super) fn count_refused(&self, n: u64) {
        self.counts.add(REFUSED, n);
    }

    pub(super) fn stats(&self) -> RateStats {
        let (allowed, refused) = (self.counts.get(ALLOWED), self.counts.get(REFUSED));
        RateStats { allowed, refused, ..RateStats::default() }
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checked { count, period, burst, .. } = self.rate();
        f.debug_struct("Rules")
            .field("name", &self.name)
            .field("rate", &(count, period))
            .field("burst", &burst)
            .finish_non_exhaustive()
    }
}

// === impl Bucket ===

impl Bucket {
    /// Whether a new one gives no more: who had it at hand may have used it long after its key was asked for.
    pub(super) fn rests(&self, now: Instant) -> bool {
        self.engine.is_full(now)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    fn rules(number: u8, count: u64, burst: u64) -> Rules {
        let rate = Checked { count, period: Duration::from_secs(1), burst, is_bursty: false };
        Rules::new(number, Name::UNNAMED, rate)
    }

    #[test]
    fn rl_8_a_key_changes_its_tier_while_nobody_else_does() {
        let (slow, fast, lock) = (rules(0, 10, 10), rules(1, 1_000, 30_000), Mutex::new(()));
        let now = Instant::from_nanos(1_000);
        let bucket = slow.bucket(now);
        let (has_begun, has_changed) = (AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|scope| {
            let changing = lock.lock().unwrap_or_else(PoisonError::into_inner);
            scope.spawn(|| {
                has_begun.store(true, Ordering::Release);
                fast.bring_up(&bucket, now, &lock);
                has_changed.store(true, Ordering::Release);
            });
            while !has_begun.load(Ordering::Acquire) {
                thread::yield_now();
            }
            // Who stays where it is waits for nobody; who moves does, and may be given all the time there is.
            for _ in 0..1_000 {
                slow.bring_up(&bucket, now, &lock);
                thread::yield_now();
            }
            assert!(!has_changed.load(Ordering::Acquire), "another change is under way");
            assert_eq!(bucket.engine.peek(now).remaining, 10);
            drop(changing);
        });
        assert_eq!(bucket.engine.peek(now).remaining, 30_000);
        slow.bring_up(&bucket, now, &lock);
        assert_eq!(bucket.engine.peek(now).remaining, 10);
    }
}
