use std::sync::atomic::Ordering;

use core_policy::sync::{AtomicU32, AtomicU64};

/// What was recorded in one half of a window: how many in each of `N` buckets.
#[derive(Debug)]
pub(super) struct Half<const N: usize> {
    /// Which half of a window it holds; 0 for none, [`CLEARING`] while what it held is thrown away.
    epoch: AtomicU64,
    counts: [AtomicU32; N],
}

/// No epoch gets here: it would be the last nanosecond of a window of two.
const CLEARING: u64 = u64::MAX;

// === impl Half ===

impl<const N: usize> Half<N> {
    /// One more in `bucket`. `is_own` says that no other thread records here.
    pub(super) fn record(&self, epoch: u64, bucket: usize, is_own: bool) {
        self.begin(epoch);
        let count = &self.counts[bucket];
        if is_own {
            count.store(count.load(Ordering::Relaxed).saturating_add(1), Ordering::Relaxed);
        } else {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether it holds what was recorded in `epoch`. Acquire pairs with the Release in `begin`: who sees the epoch sees nothing of
    /// the one before.
    pub(super) fn is_of(&self, epoch: u64) -> bool {
        self.epoch.load(Ordering::Acquire) == epoch
    }

    pub(super) fn add_to(&self, sums: &mut [u64; N]) {
        for (sum, count) in sums.iter_mut().zip(&self.counts) {
            *sum += u64::from(count.load(Ordering::Relaxed));
        }
    }

    /// Clears what is left of an earlier epoch. Where threads share it, one clears; what others record meanwhile may be lost.
    fn begin(&self, epoch: u64) {
        let held = self.epoch.load(Ordering::Relaxed);
        if held != epoch
            && held != CLEARING
            && self.epoch.compare_exchange(held, CLEARING, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.counts.iter().for_each(|count| count.store(0, Ordering::Relaxed));
            self.epoch.store(epoch, Ordering::Release);
        }
    }
}

impl<const N: usize> Default for Half<N> {
    fn default() -> Self {
        Self { epoch: AtomicU64::new(0), counts: std::array::from_fn(|_| AtomicU32::new(0)) }
    }
}
