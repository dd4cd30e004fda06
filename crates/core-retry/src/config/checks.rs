//! What was asked of delays and could have no effect: refused, so that nobody takes it for done.

use super::Builder;
use crate::backoff::{Backoff, Growth, Jitter};
use crate::budget::Budget;
use crate::error::{ConfigError, Kind};
use crate::rules::Rules;

// === impl Builder ===

impl Builder {
    pub(super) fn check_delays(&self) -> Result<(), ConfigError> {
        let Backoff { growth, jitter, base, max } = self.backoff;
        if max < base {
            return Err(ConfigError(Kind::Range { base, max }));
        }
        // What begins at nothing is nothing however often it is multiplied.
        if base.is_zero() && !max.is_zero() && growth != Growth::Fixed {
            return Err(ConfigError(Kind::GrowsFromZero { max }));
        }
        self.check_growth(growth)?;
        self.check_jitter(jitter)
    }

    fn check_growth(&self, growth: Growth) -> Result<(), ConfigError> {
        match growth {
            Growth::Exponential { factor } if !(factor >= 1.0 && factor.is_finite()) => {
                Err(ConfigError(Kind::Factor(factor)))
            }
            Growth::Exponential { .. } => Ok(()),
            other if self.chosen.factor => Err(ConfigError(Kind::NoFactor { growth: name(other) })),
            Growth::Decorrelated | Growth::Smooth if self.chosen.jitter => {
                Err(ConfigError(Kind::OwnJitter { growth: name(growth) }))
            }
            // Between the first delay and the longest there is nothing to draw from.
            Growth::Decorrelated if !self.backoff.base.is_zero() && self.backoff.base == self.backoff.max => {
                Err(ConfigError(Kind::NothingToDraw(self.backoff.base)))
            }
            _ => Ok(()),
        }
    }

    fn check_jitter(&self, jitter: Jitter) -> Result<(), ConfigError> {
        let Backoff { growth, base, max, .. } = self.backoff;
        match jitter {
            Jitter::PlusMinus { fraction } if !(fraction > 0.0 && fraction <= 1.0) => {
                Err(ConfigError(Kind::Fraction(fraction)))
            }
            Jitter::Plus { up_to } if up_to.is_zero() => Err(ConfigError(Kind::AddsNothing)),
            // The cap is the last word (rule RT-3).
            Jitter::Plus { up_to } if growth != Growth::Fixed && base == max => {
                Err(ConfigError(Kind::NoRoom { base, up_to }))
            }
            Jitter::Full | Jitter::Equal | Jitter::PlusMinus { .. }
                if self.chosen.jitter && max.is_zero() =>
            {
                Err(ConfigError(Kind::NothingToSpread))
            }
            _ => Ok(()),
        }
    }
}

// === impl Rules ===

impl Rules {
    /// Whether the budget could ever allow what these rules are for; it is theirs from now on.
    pub(crate) fn check_budget(&self, budget: &Budget) -> Result<(), ConfigError> {
        if self.attempts.get() == 1 || budget.serve_retries() {
            return Ok(());
        }
        Err(ConfigError(Kind::NeverRetries))
    }
}

fn name(growth: Growth) -> &'static str {
    match growth {
        Growth::Fixed => "fixed",
        Growth::Linear => "linear",
        Growth::Exponential { .. } => "exponential",
        Growth::Decorrelated => "decorrelated",
        Growth::Smooth => "smooth",
    }
}
