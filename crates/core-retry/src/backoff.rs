use std::time::Duration;

use crate::delays::Delays;

/// How long to wait before a retry. Pure: the random draw goes in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// How the delays grow.
    pub growth: Growth,
    /// How they are spread.
    pub jitter: Jitter,
    /// The first delay.
    pub base: Duration,
    /// No delay is longer, jitter included.
    pub max: Duration,
}

/// How delays grow from retry to retry.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Growth {
    /// Always the first.
    Fixed,
    /// The first, twice the first, three times the first.
    Linear,
    /// The first, then each so many times the one before.
    Exponential {
        /// How many times.
        factor: f64,
    },
    /// Drawn between the first and three times the one before: `base + r·(3·prev − base)`. Further jitter does not apply.
    Decorrelated,
    /// Drawn so that many callers together come back evenly, around a first delay of `base` that doubles: the second version of Polly's
    /// decorrelated jitter. Further jitter does not apply.
    Smooth,
}

/// How a delay `v` is spread by a draw `r` from `[0, 1]`. What comes of it is cut off at the longest delay: once `v` has come to that, jitter
/// adds nothing more.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Jitter {
    /// `v`.
    None,
    /// `r·v`.
    Full,
    /// `v/2 + r·v/2`.
    Equal,
    /// `v + r·up_to`.
    Plus {
        /// What is added at most.
        up_to: Duration,
    },
    /// `v·(1 + (2r − 1)·fraction)`.
    PlusMinus {
        /// Over 0, at most 1.
        fraction: f64,
    },
}

// === impl Backoff ===

impl Backoff {
    /// The delay before retry number `retry`, counted from 1, after a delay of `previous` (zero before the first; see
    /// [`carry`](Self::carry)).
    ///
    /// Never longer than `max`, whatever the number: large ones saturate.
    #[must_use]
    pub fn delay(&self, retry: u32, previous: Duration, draw: f64) -> Duration {
        let draw = draw.clamp(0.0, 1.0);
        let grown = match self.growth {
            Growth::Fixed => self.base,
            Growth::Linear => self.base.saturating_mul(retry.max(1)),
            Growth::Exponential { factor } => {
                exponential(self.base, factor, retry.saturating_sub(1), self.max)
            }
            Growth::Smooth => return smooth(self.base, retry, previous, draw).min(self.max),
            Growth::Decorrelated => {
                let top = previous.max(self.base).saturating_mul(3);
                let span = top.saturating_sub(self.base);
                return self.base.saturating_add(scaled(span, draw)).min(self.max);
            }
        };
        let capped = grown.min(self.max);
        // The cap is the last word: jitter must not lead over it.
        self.jitter.spread(capped, draw).min(self.max)
    }

    /// What is the `previous` of the retry after that for which [`delay`](Self::delay) has given `delay`: the delay itself, or
    /// with [`Growth::Smooth`] all delays so far together.
    #[must_use]
    pub fn carry(&self, previous: Duration, delay: Duration) -> Duration {
        if self.growth == Growth::Smooth { previous.saturating_add(delay) } else { delay }
    }

    /// All delays, one for each retry, without end: for loops of your own. `draw` gives a number from `[0, 1]` for each.
    ///
    /// ```
    /// use core_retry::{Backoff, Growth, Jitter};
    /// use core_time::{ms, secs};
    ///
    /// let growth = Growth::Exponential { factor: 2.0 };
    /// let backoff = Backoff { growth, jitter: Jitter::None, base: ms(100), max: secs(1) };
    /// let delays: Vec<_> = backoff.delays(|| 0.5).take(5).collect();
    /// assert_eq!(delays, [ms(100), ms(200), ms(400), ms(800), secs(1)]);
    /// ```
    pub fn delays<D: FnMut() -> f64>(self, draw: D) -> Delays<D> {
        Delays::new(self, draw)
    }
}

// === impl Jitter ===

impl Jitter {
    /// What becomes of a delay with a draw from `[0, 1]`.
    fn spread(self, delay: Duration, draw: f64) -> Duration {
        match self {
            Self::None => delay,
            Self::Full => scaled(delay, draw),
            Self::Equal => delay / 2 + scaled(delay / 2, draw),
            Self::Plus { up_to } => delay.saturating_add(scaled(up_to, draw)),
            Self::PlusMinus { fraction } => scaled(delay, 1.0 + (2.0 * draw - 1.0) * fraction),
        }
    }

    /// The most that becomes of a delay, and never less than it.
    pub(crate) fn longest(self, delay: Duration) -> Duration {
        self.spread(delay, 1.0).max(delay)
    }
}

/// Where a smooth curve is at a time drawn between this retry and the next, less what was waited before.
fn smooth(base: Duration, retry: u32, waited: Duration, draw: f64) -> Duration {
    // The constants are Polly's: the median of the first delay is the base.
    const STEEPNESS: f64 = 4.0;
    const SCALE: f64 = 1.0 / 1.4;
    let at = f64::from(retry.saturating_sub(1)) + draw;
    let curve = at.exp2() * (STEEPNESS * at).sqrt().tanh() * SCALE;
    let until = Duration::try_from_secs_f64(curve * base.as_secs_f64()).unwrap_or(Duration::MAX);
    until.saturating_sub(waited)
}

fn exponential(base: Duration, factor: f64, exponent: u32, max: Duration) -> Duration {
    if base.is_zero() {
        return base;
    }
    // Whole powers of two are exact, and by far the most common.
    if (factor - 2.0).abs() < f64::EPSILON
        && let Some(times) = 1_u32.checked_shl(exponent)
    {
        return base.saturating_mul(times);
    }
    let exponent = i32::try_from(exponent).unwrap_or(i32::MAX);
    let grown = base.as_secs_f64() * factor.powi(exponent);
    // Infinity, and anything that no duration holds, is over the cap.
    if grown >= max.as_secs_f64() { max } else { Duration::try_from_secs_f64(grown).unwrap_or(max) }
}

/// `duration · by`, saturating.
fn scaled(duration: Duration, by: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * by).unwrap_or(Duration::MAX)
}
