use std::sync::atomic::Ordering;

use core_policy::sync::AtomicU64;

use crate::error::{ConfigError, Kind};

/// Retries in flight as a share of the calls in flight: what Envoy calls a retry budget (rule BG-4). One word has both numbers, so that
/// looking and taking are one step.
#[derive(Debug)]
pub(super) struct InFlight {
    /// Calls in the high half, retries in the low one.
    word: AtomicU64,
    /// Ten-thousandths.
    share: AtomicU64,
    min: AtomicU64,
}

const CALL: u64 = 1 << 32;

// === impl InFlight ===

impl InFlight {
    pub(super) fn new(share: f64, min: u32) -> Result<Self, ConfigError> {
        // A NaN is in no range.
        if !(0.0..=1.0).contains(&share) {
            return Err(ConfigError(Kind::InFlightShare(share)));
        }
        if min > 1_000_000 {
            return Err(ConfigError(Kind::InFlightMin(min)));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10 000, rounded")]
        let share = (share * 10_000.0).round() as u64;
        if share == 0 && min == 0 {
            return Err(ConfigError(Kind::EmptyBudget));
        }
        Ok(Self { word: AtomicU64::new(0), share: AtomicU64::new(share), min: AtomicU64::new(min.into()) })
    }

    /// Has the numbers of `to`; what is in flight is counted on.
    pub(super) fn reconfigure(&self, to: &Self) {
        self.share.store(to.share.load(Ordering::Relaxed), Ordering::Relaxed);
        self.min.store(to.min.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    pub(super) fn enter(&self) {
        self.word.fetch_add(CALL, Ordering::Relaxed);
    }

    pub(super) fn leave(&self) {
        self.change(|calls, retries| (calls.saturating_sub(1), retries));
    }

    pub(super) fn take(&self) -> bool {
        let take = |word| {
            let (calls, retries) = parts(word);
            (retries < self.limit(calls)).then_some(word + 1)
        };
        self.word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    pub(super) fn end(&self) {
        self.change(|calls, retries| (calls, retries.saturating_sub(1)));
    }

    pub(super) fn left(&self) -> u64 {
        let (calls, retries) = parts(self.word.load(Ordering::Relaxed));
        self.limit(calls).saturating_sub(retries)
    }

    fn limit(&self, calls: u64) -> u64 {
        (calls * self.share.load(Ordering::Relaxed) / 10_000).max(self.min.load(Ordering::Relaxed))
    }

    /// Never below zero, whoever leaves without having entered.
    fn change(&self, by: impl Fn(u64, u64) -> (u64, u64)) {
        let change = |word| {
            let (calls, retries) = parts(word);
            let (calls, retries) = by(calls, retries);
            Some(calls << 32 | retries)
        };
        let _ = self.word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
    }
}

fn parts(word: u64) -> (u64, u64) {
    (word >> 32, word & u64::from(u32::MAX))
}
