use std::sync::atomic::Ordering;

use core_policy::sync::AtomicU32;

/// Units that retries cost: what clients of AWS call a retry quota.
#[derive(Debug)]
pub(super) struct Costs {
    units: AtomicU32,
    /// May change while calls go on.
    max: AtomicU32,
}

/// What a retry costs.
pub(super) const RETRY: u16 = 5;

/// What a retry after a timeout costs: it has occupied the callee for longer.
const AFTER_TIMEOUT: u16 = 10;

/// What a call gives that succeeds without a retry.
const GAIN: u16 = 1;

// === impl Costs ===

impl Costs {
    pub(super) fn new(max: u32) -> Self {
        Self { units: AtomicU32::new(max), max: AtomicU32::new(max) }
    }

    /// Has the numbers of `to`; of the units that are there, no more stay than it can hold.
    pub(super) fn reconfigure(&self, to: &Self) {
        let max = to.max.load(Ordering::Relaxed);
        self.max.store(max, Ordering::Relaxed);
        self.units.fetch_min(max, Ordering::Relaxed);
    }

    pub(super) fn left(&self) -> u32 {
        self.units.load(Ordering::Relaxed)
    }

    /// Whether there was room for what it gives.
    #[inline]
    pub(super) fn succeeded(&self, paid: u16) -> bool {
        let has_room = self.left() < self.max.load(Ordering::Relaxed);
        if has_room {
            self.give(if paid == 0 { GAIN } else { paid });
        }
        has_room
    }

    pub(super) fn take(&self, after_timeout: bool) -> Option<u16> {
        let cost = if after_timeout { AFTER_TIMEOUT } else { RETRY };
        let take = |units: u32| units.checked_sub(cost.into());
        self.units.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok().map(|_| cost)
    }

    #[cold]
    pub(super) fn give(&self, units: u16) {
        let max = self.max.load(Ordering::Relaxed);
        let add = |there: u32| Some(there.saturating_add(units.into()).min(max));
        let _ = self.units.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}
