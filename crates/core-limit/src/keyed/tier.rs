use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use core_errors::Name;
use core_policy::Counters;
use core_time::Instant;

use crate::error::ConfigError;
use crate::rate::{Checked, Engine, RateStats};

/// One of the tiers of a [`KeyedRate`](super::KeyedRate). Found by its name with [`KeyedRate::tier`](super::KeyedRate::tier).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tier(pub(super) u8);

/// A tier at work.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) name: Name,
    rate: Mutex<Checked>,
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
}

/// So many changes of the rate are told apart before the number wraps around.
const VERSION_BITS: u32 = 24;

const ALLOWED: usize = 0;
const REFUSED: usize = 1;

// === impl Rules ===

impl Rules {
    pub(super) fn new(tier: Tier, name: Name, rate: Checked) -> Self {
        let stamp = AtomicU32::new(u32::from(tier.0) << VERSION_BITS);
        Self { name, rate: Mutex::new(rate), stamp, counts: Counters::new() }
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
        let stamp = self.stamp.load(Ordering::Relaxed);
        let (tier, version) = (stamp >> VERSION_BITS, stamp.wrapping_add(1) & ((1 << VERSION_BITS) - 1));
        // Release pairs with the Acquire in `bring_up`: who sees the number finds the rate.
        self.stamp.store(tier << VERSION_BITS | version, Ordering::Release);
        Ok(())
    }

    pub(super) fn bucket(&self, now: Instant) -> Bucket {
        let stamp = self.stamp.load(Ordering::Acquire);
        Bucket { engine: Engine::new(self.rate(), Duration::ZERO, now), stamp: AtomicU32::new(stamp) }
    }

    /// Brings a bucket up to the rate of this tier. What was used stays used.
    #[inline]
    pub(super) fn bring_up(&self, bucket: &Bucket, now: Instant) {
        let stamp = self.stamp.load(Ordering::Acquire);
        if bucket.stamp.load(Ordering::Relaxed) != stamp {
            self.change(bucket, stamp, now);
        }
    }

    #[cold]
    fn change(&self, bucket: &Bucket, stamp: u32, now: Instant) {
        // The tiers were tried against each other when they were made, so this does not fail.
        let changed = bucket.engine.change(self.rate(), now);
        debug_assert!(changed.is_ok(), "{changed:?}");
        bucket.stamp.store(stamp, Ordering::Relaxed);
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
