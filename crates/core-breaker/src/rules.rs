use std::fmt;
use std::time::Duration;

use crate::event::Trigger;
use crate::window::{Span, Tally};

/// What trips a breaker, how long it stays open, and what closes it: the checked form of a
/// [`Builder`](crate::Builder).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rules {
    /// Trip after this many failures in a row.
    pub consecutive: Option<u32>,
    /// Trip when this share of the calls in the window failed.
    pub failure_rate: Option<f64>,
    /// Trip when this share of the calls in the window was slow.
    pub slow_rate: Option<f64>,
    /// A call is slow when it takes longer than this.
    pub slow_over: Option<Duration>,
    /// Over what the rates are taken.
    pub span: Span,
    /// With fewer calls in the window there is no rate.
    pub min_calls: u32,
    /// The first open time.
    pub open_for: Duration,
    /// The open time doubles with each failed half-open round, up to this.
    pub open_max: Duration,
    /// Each open time is drawn from its upper half, so that a fleet does not probe in step.
    pub jitter: bool,
    /// Probes in a half-open round, outstanding and used.
    pub probes: u32,
    /// Of these, how many must succeed.
    pub successes: u32,
    /// A probe without an answer for this long returns its slot.
    pub lease: Duration,
    /// Whether the lease of a probe lasts as long as its caller waits, where that is longer.
    pub lease_by_caller: bool,
    /// After this many inconclusive probes in a round it opens again.
    pub inconclusive_max: u32,
    /// Whether a panic of the call is a failure.
    pub count_panics: bool,
}

// === impl Rules ===

impl Rules {
    /// Whether anything is decided by a window.
    pub(crate) fn needs_window(&self) -> bool {
        self.failure_rate.is_some() || self.slow_rate.is_some()
    }

    /// The minimum of calls that can be reached: a window of N calls never holds more (rule CB-5).
    pub(crate) fn effective_min(&self) -> u64 {
        let min = match self.span {
            Span::Calls { size } => self.min_calls.min(size),
            Span::Time { .. } => self.min_calls,
        };
        u64::from(min)
    }

    /// Whether this many failures in a row trip it (rule CB-6).
    #[inline]
    pub(crate) fn tripped_by_run(&self, failures: u32) -> Option<Trigger> {
        (failures >= self.consecutive?).then_some(Trigger::Consecutive { failures })
    }

    /// Whether a window trips it: enough calls, and a rate at or over its threshold (rules CB-1 to CB-4).
    pub(crate) fn tripped_by_window(&self, tally: &Tally) -> Option<Trigger> {
        if !self.is_enough(tally) {
            return None;
        }
        let over =
            |rate: Option<f64>, threshold: Option<f64>| rate.zip(threshold).is_some_and(|(r, t)| r >= t);
        if over(tally.failure_rate(), self.failure_rate) {
            Some(Trigger::FailureRate { tally: *tally })
        } else if over(tally.slow_rate(), self.slow_rate) {
            Some(Trigger::SlowRate { tally: *tally })
        } else {
            None
        }
    }

    pub(crate) fn is_enough(&self, tally: &Tally) -> bool {
        tally.calls > 0 && tally.calls >= self.effective_min()
    }

    /// The open time of the `reopened`th reopening in a row, with a draw from `[0, 1)` (rules CB-29, CB-30).
    pub(crate) fn open_time(&self, reopened: u32, draw: f64) -> Duration {
        let doubled = self.open_for.saturating_mul(1_u32.checked_shl(reopened).unwrap_or(u32::MAX));
        let full = doubled.min(self.open_max);
        if self.jitter { full / 2 + (full / 2).mul_f64(draw.clamp(0.0, 1.0)) } else { full }
    }
}

/// What trips it, for people.
impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut or = "";
        if let Some(rate) = self.failure_rate {
            write!(f, "{:.0} % failures", rate * 100.0)?;
            or = " or ";
        }
        if let (Some(rate), Some(over)) = (self.slow_rate, self.slow_over) {
            write!(f, "{or}{:.0} % over {over:?}", rate * 100.0)?;
            or = " or ";
        }
        if let Some(run) = self.consecutive {
            write!(f, "{or}{run} failures in a row")?;
        }
        match self.span {
            _ if !self.needs_window() => Ok(()),
            Span::Calls { size } => write!(f, " of the last {size} calls"),
            Span::Time { len, .. } => write!(f, " of at least {} calls in {len:?}", self.min_calls),
        }
    }
}
