//! What happened lately: over the last N calls, or the last so many seconds.

mod count;
mod time;

use std::time::Duration;

use core_time::Instant;

pub(crate) use count::{CountWindow, SIZE_MAX};
pub(crate) use time::{BUCKETS_MAX, TimeWindow};

/// Over what a rate is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The last `size` calls.
    Calls {
        /// How many.
        size: u32,
    },
    /// The last `len`, in `buckets` steps.
    Time {
        /// How long.
        len: Duration,
        /// Results leave the window a bucket at a time.
        buckets: u32,
    },
}

/// What a window holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls that count.
    pub calls: u64,
    /// Of these, how many failed.
    pub failures: u64,
    /// Of these, how many were slow, whether they failed or not.
    pub slow: u64,
}

#[derive(Debug)]
pub(crate) enum Window {
    Count(CountWindow),
    Time(Box<TimeWindow>),
}

/// One result, as a window counts it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) failed: bool,
    pub(crate) slow: bool,
}

// === impl Window ===

impl Window {
    pub(crate) fn new(span: Span, epoch: Instant) -> Self {
        match span {
            Span::Calls { size } => Self::Count(CountWindow::new(size)),
            Span::Time { len, buckets } => Self::Time(Box::new(TimeWindow::new(len, buckets, epoch))),
        }
    }

    /// Counts a result of `generation`. The tally, if the result could make a rate reach its threshold.
    #[inline]
    pub(crate) fn record(&self, generation: u32, mark: Mark, now: Instant) -> Option<Tally> {
        match self {
            Self::Count(window) => window.record(generation, mark),
            Self::Time(window) => window.record(generation, mark, now),
        }
    }

    /// The tally was looked at and its calls were enough: until something else fails, it need not be looked at again.
    #[inline]
    pub(crate) fn settled(&self, generation: u32, now: Instant) {
        if let Self::Time(window) = self {
            window.settled(generation, now);
        }
    }

    /// A new generation starts with nothing (rule CB-21).
    pub(crate) fn restart(&self, generation: u32) {
        match self {
            Self::Count(window) => window.restart(generation),
            // The generation is part of each bucket's tag: nothing needs to be cleared.
            Self::Time(_) => {}
        }
    }

    /// What it holds. Changes nothing (rule W-6).
    pub(crate) fn tally(&self, generation: u32, now: Instant) -> Tally {
        match self {
            Self::Count(window) => window.tally(generation),
            Self::Time(window) => window.tally(generation, now),
        }
    }
}

// === impl Tally ===

impl Tally {
    /// Failures over calls; `None` without calls.
    #[must_use]
    pub fn failure_rate(&self) -> Option<f64> {
        rate(self.failures, self.calls)
    }

    /// Slow calls over calls; `None` without calls.
    #[must_use]
    pub fn slow_rate(&self) -> Option<f64> {
        rate(self.slow, self.calls)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 do not occur in a window")]
fn rate(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
