use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{ConfigError, Kind};

/// How many retries a service can stand: tokens that failures take and successes give back. Clones share the tokens.
///
/// A failure that is worth a retry takes one token, a success gives `ratio` of one, and no retry is made while half of the
/// tokens or fewer are left. With a ratio of 0.1 that bounds the extra load at about a tenth once half of the tokens are
/// gone. One budget should serve all calls to one service (rule BG-1, gRPC A6).
///
/// The token of a failure is the price of the retry that follows: it is taken before the sleep, so that retries that are
/// sleeping are counted, and given back if the retry never starts (rule BG-5).
///
/// Integers in thousandths, one word, each change one atomic step (rules BG-7, BG-8). A success while the budget is full
/// costs one load.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tokens: AtomicU32,
    max: u32,
    gain: u32,
}

/// A whole token.
const TOKEN: u32 = 1_000;

// === impl Budget ===

impl Budget {
    /// A full budget of `max` tokens (1 to 1000), to which each success adds `ratio` of a token. Of the ratio, three
    /// decimals count.
    ///
    /// # Errors
    /// If `max` or `ratio` is out of range.
    pub fn new(max: u32, ratio: f64) -> Result<Self, ConfigError> {
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
        Self(Arc::new(Inner { tokens: AtomicU32::new(max), max, gain }))
    }

    /// The tokens that are left.
    #[must_use]
    pub fn tokens(&self) -> f64 {
        f64::from(self.0.tokens.load(Ordering::Relaxed)) / f64::from(TOKEN)
    }

    /// Whether a retry would be made now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.is_open(self.0.tokens.load(Ordering::Relaxed))
    }

    /// A call succeeded.
    #[inline]
    pub fn succeeded(&self) {
        if self.0.tokens.load(Ordering::Relaxed) < self.0.max {
            self.give(self.0.gain);
        }
    }

    /// A call failed in a way that is worth a retry: takes a token. Whether the retry may be made.
    #[must_use = "no retry may follow if the budget says no"]
    pub fn failed(&self) -> bool {
        let take = |tokens: u32| Some(tokens.saturating_sub(TOKEN));
        let before = self.0.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        let before = before.unwrap_or_else(|tokens| tokens);
        self.0.is_open(before.saturating_sub(TOKEN))
    }

    /// The retry that was paid for never started.
    pub fn refund(&self) {
        self.give(TOKEN);
    }

    #[cold]
    fn give(&self, gain: u32) {
        let add = |tokens: u32| (tokens < self.0.max).then(|| tokens.saturating_add(gain).min(self.0.max));
        // Full already: nothing to do.
        let _ = self.0.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

impl Inner {
    fn is_open(&self, tokens: u32) -> bool {
        tokens > self.max / 2
    }
}

/// 100 tokens, a tenth of one for each success.
impl Default for Budget {
    fn default() -> Self {
        Self::of(100 * TOKEN, TOKEN / 10)
    }
}
