//! What happened lately: over the last N calls, or the last so many seconds.

mod count;
mod ring;
mod shape;
mod time;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use core_time::Instant;

pub(crate) use count::{CountWindow, SIZE_MAX};
pub(crate) use shape::BUCKETS_MAX;
pub(crate) use time::TimeWindow;

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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tally {
    /// Calls that count.
    pub calls: u64,
    /// Of these, how many failed.
    pub failures: u64,
    /// Of these, how many were slow, whether they failed or not.
    pub slow: u64,
}

/// One result, as a window counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) failed: bool,
    pub(crate) slow: bool,
}

/// The window of a breaker. It may change its shape while calls go on, so each kind has its place, made when it is first
/// needed.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Windows {
    watch: AtomicU64,
    time: OnceLock<Box<TimeWindow>>,
    calls: OnceLock<Box<CountWindow>>,
    is_of_key: bool,
}

/// What a success must be written to while the circuit is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    Nothing,
    Time,
    Calls,
    /// Something else, with or without a window.
    More,
}

/// What a window held when it was looked at: buckets and how long ago they began, or results, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) buckets: Vec<(Duration, Tally)>,
    pub(crate) results: Vec<Mark>,
}

// === impl Windows ===

impl Windows {
    /// No window yet; [`reshape`](Self::reshape) makes it. That of a key has no stripes.
    pub(crate) fn new(is_of_key: bool) -> Self {
        let watch = AtomicU64::new(Watch::Nothing as u64);
        Self { watch, time: OnceLock::new(), calls: OnceLock::new(), is_of_key }
    }

    /// What a success must be written to.
    #[inline]
    pub(crate) fn watch(&self) -> Watch {
        match self.watch.load(Ordering::Relaxed) & WATCH_MASK {
            0 => Watch::Nothing,
            1 => Watch::Time,
            2 => Watch::Calls,
            _ => Watch::More,
        }
    }

    /// Takes the shape of `span`, or none. What it held is kept as far as it is of the same kind. Only under the lock of the
    /// ledger, and only if the shape is another one.
    ///
    /// A result that is counted in this very moment may be in neither shape.
    pub(crate) fn reshape(&self, span: Option<Span>, more: bool, generation: u32, now: Instant) {
        let held = self.contents(generation, now);
        let window = match span {
            None => Watch::Nothing,
            Some(Span::Calls { size }) => {
                self.calls.get_or_init(|| Box::new(CountWindow::new(size))).reshape(size, generation);
                Watch::Calls
            }
            Some(Span::Time { len, buckets }) => {
                let new = || Box::new(TimeWindow::new(len, buckets, now, self.is_of_key));
                self.time.get_or_init(new).reshape(len, buckets, now);
                Watch::Time
            }
        };
        self.set_watch(window, more);
        self.fill(generation, &held, now);
    }

    /// The shape stays; whether successes are written elsewhere as well.
    pub(crate) fn set_more(&self, more: bool) {
        self.set_watch(self.window(), more);
    }

    fn set_watch(&self, window: Watch, more: bool) {
        let watch = if more { Watch::More } else { window };
        self.watch.store(watch as u64 | (window as u64) << WINDOW_SHIFT, Ordering::Release);
    }

    fn window(&self) -> Watch {
        match self.watch.load(Ordering::Acquire) >> WINDOW_SHIFT {
            1 => Watch::Time,
            2 => Watch::Calls,
            _ => Watch::Nothing,
        }
    }

    /// The window of time, where [`watch`](Self::watch) says so.
    #[inline]
    pub(crate) fn time(&self) -> Option<&TimeWindow> {
        self.time.get().map(|window| &**window)
    }

    /// The window of calls, where [`watch`](Self::watch) says so.
    #[inline]
    pub(crate) fn calls(&self) -> Option<&CountWindow> {
        self.calls.get().map(|window| &**window)
    }

    /// Counts a result of `generation`. The tally, if the result could make a rate reach its threshold.
    pub(crate) fn record(&self, generation: u32, mark: Mark, now: Instant) -> Option<Tally> {
        match self.window() {
            Watch::Time => self.time()?.record(generation, mark, now),
            Watch::Calls => self.calls()?.record(generation, mark),
            _ => None,
        }
    }

    /// The tally was looked at, and no rate was reached: until something else fails, it need not be looked at again.
    pub(crate) fn settled(&self, generation: u32, now: Instant) {
        if let (Watch::Time, Some(window)) = (self.window(), self.time()) {
            window.settled(generation, now);
        }
    }

    /// Whether the clock went back since something failed, so that what was counted would be of now when it is that time again (rule
    /// W-5). A window of calls knows no time.
    pub(crate) fn went_back(&self, generation: u32, now: Instant) -> bool {
        self.window() == Watch::Time && self.time().is_some_and(|window| window.went_back(generation, now))
    }

    /// Keeps of a window of time what is of now and before. Only under the lock of the ledger.
    pub(crate) fn forget_what_is_ahead(&self, span: Span, generation: u32, now: Instant) {
        if let (Span::Time { len, buckets }, Some(window)) = (span, self.time()) {
            let held = self.contents(generation, now);
            window.reshape(len, buckets, now);
            self.fill(generation, &held, now);
        }
    }

    /// Other rules may find what the old ones did not: the next result is looked at.
    pub(crate) fn unsettle(&self) {
        if let Some(window) = self.time() {
            window.unsettle();
        }
    }

    /// A new generation starts with nothing (rule CB-21).
    pub(crate) fn restart(&self, generation: u32) {
        // The generation is part of each tag in a window of time: nothing needs to be cleared there.
        if let Some(window) = self.calls.get() {
            window.restart(generation);
        }
    }

    /// What it holds. Changes nothing (rule W-6).
    pub(crate) fn tally(&self, generation: u32, now: Instant) -> Tally {
        match (self.window(), self.time(), self.calls()) {
            (Watch::Time, Some(window), _) => window.tally(generation, now),
            (Watch::Calls, _, Some(window)) => window.tally(generation),
            _ => Tally::default(),
        }
    }

    /// What it holds, piece by piece.
    pub(crate) fn contents(&self, generation: u32, now: Instant) -> Contents {
        match (self.window(), self.time(), self.calls()) {
            (Watch::Time, Some(window), _) => {
                Contents { buckets: window.contents(generation, now), ..Contents::default() }
            }
            (Watch::Calls, _, Some(window)) => {
                Contents { results: window.contents(generation), ..Contents::default() }
            }
            _ => Contents::default(),
        }
    }

    /// Counts what another window held, as far as it is of the same kind.
    pub(crate) fn fill(&self, generation: u32, held: &Contents, now: Instant) {
        match (self.window(), self.time(), self.calls()) {
            (Watch::Time, Some(window), _) => {
                held.buckets.iter().for_each(|(age, tally)| window.add(generation, *age, tally, now));
            }
            (Watch::Calls, _, Some(window)) => {
                held.results.iter().for_each(|mark| {
                    window.record(generation, *mark);
                });
            }
            _ => {}
        }
    }
}

/// What to write to stands beside which window there is.
const WATCH_MASK: u64 = 3;
const WINDOW_SHIFT: u32 = 2;

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
pub(crate) fn rate(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests;
