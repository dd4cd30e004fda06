use std::sync::atomic::Ordering;

use core_policy::sync::AtomicU32;

use super::TOKEN;
use crate::error::{ConfigError, Kind};

/// Tokens that failures take and successes give back (rule BG-1, gRPC A6): in thousandths, one word. A success while it is
/// full costs one load.
#[derive(Debug)]
pub(super) struct Tokens {
    left: AtomicU32,
    /// These two may change while calls go on.
    max: AtomicU32,
    gain: AtomicU32,
}

// === impl Tokens ===

impl Tokens {
    pub(super) fn new(max: u32, ratio: f64) -> Result<Self, ConfigError> {
        if !(1..=1_000).contains(&max) {
            return Err(ConfigError(Kind::Tokens(max)));
        }
        // A NaN is in no range.
        if !(0.001..=1_000.0).contains(&ratio) {
            return Err(ConfigError(Kind::Ratio(ratio)));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "1 to 1 000 000, cut off on purpose"
        )]
        let gain = (ratio * f64::from(TOKEN) + 1e-6) as u32;
        Ok(Self::of(max * TOKEN, gain))
    }

    fn of(max: u32, gain: u32) -> Self {
        Self { left: AtomicU32::new(max), max: AtomicU32::new(max), gain: AtomicU32::new(gain) }
    }

    /// Has the numbers of `to`; of the tokens that are there, no more stay than it can hold.
    pub(super) fn reconfigure(&self, to: &Self) {
        let max = to.max();
        self.gain.store(to.gain.load(Ordering::Relaxed), Ordering::Relaxed);
        self.max.store(max, Ordering::Relaxed);
        self.left.fetch_min(max, Ordering::Relaxed);
    }

    #[inline]
    fn max(&self) -> u32 {
        self.max.load(Ordering::Relaxed)
    }

    pub(super) fn left(&self) -> f64 {
        f64::from(self.left.load(Ordering::Relaxed)) / f64::from(TOKEN)
    }

    pub(super) fn is_open(&self) -> bool {
        self.allows(self.left.load(Ordering::Relaxed))
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.left.load(Ordering::Relaxed) >= self.max()
    }

    /// Whether there was room for what it gives.
    pub(super) fn succeeded(&self) -> bool {
        let has_room = !self.is_full();
        if has_room {
            self.give(self.gain.load(Ordering::Relaxed));
        }
        has_room
    }

    /// Takes a token. Whether a retry may be made.
    pub(super) fn failed(&self) -> bool {
        let take = |tokens: u32| Some(tokens.saturating_sub(TOKEN));
        let before = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        let before = before.unwrap_or_else(|tokens| tokens);
        self.allows(before.saturating_sub(TOKEN))
    }

    /// Takes a token if more than half are there, in one step.
    pub(super) fn take(&self) -> bool {
        let take = |tokens: u32| self.allows(tokens).then(|| tokens.saturating_sub(TOKEN));
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    pub(super) fn refund(&self) {
        self.give(TOKEN);
    }

    #[cold]
    fn give(&self, gain: u32) {
        let max = self.max();
        let add = |tokens: u32| (tokens < max).then(|| tokens.saturating_add(gain).min(max));
        // Full already: nothing to do.
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Whether any failure may be followed by a retry: a failure of a full budget leaves more than half.
    pub(super) fn can_retry(&self) -> bool {
        self.allows(self.max().saturating_sub(TOKEN))
    }

    fn allows(&self, tokens: u32) -> bool {
        tokens > self.max() / 2
    }
}

impl Default for Tokens {
    fn default() -> Self {
        Self::of(100 * TOKEN, TOKEN / 10)
    }
}
