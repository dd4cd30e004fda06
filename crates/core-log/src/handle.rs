use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use core_time::Clock;
use tracing::{Metadata, callsite};

use crate::error::ConfigError;
use crate::filter::Filter;
use crate::levels::Levels;
use crate::redact::{Kind, Redacted, Tally};
use crate::sampling::Counts;
use crate::writer::Writer;

/// Changes a log while it writes, and says what it lost. Clones are one.
#[derive(Clone, Default)]
pub struct LogHandle(pub(crate) Arc<Shared>);

/// What the layer and its handles share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) filter: ArcSwap<Filter>,
    pub(crate) clock: OnceLock<Clock>,
    pub(crate) counts: Counts,
    pub(crate) lost: AtomicU64,
    /// What was taken out of lines.
    pub(crate) tally: OnceLock<Arc<Tally>>,
    /// Set if there is a queue.
    pub(crate) writer: OnceLock<Arc<Writer>>,
}

/// Flushes a log when it is dropped. Hold it in `main`. See [`LogHandle::flush_guard`].
#[derive(Debug)]
#[must_use = "what is dropped at once flushes at once"]
pub struct FlushGuard {
    log: LogHandle,
    timeout: Duration,
}

/// Longer is a setting.
const TIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);

// === impl LogHandle ===

impl LogHandle {
    /// Which events are written, apart from what holds for a while.
    #[must_use]
    pub fn levels(&self) -> Levels {
        self.0.filter.load().base.clone()
    }

    /// Sets which events are written, from now on. Costs some microseconds: every callsite is asked anew.
    pub fn set_levels(&self, levels: Levels) {
        self.0.change(move |filter| filter.with_base(levels.clone()));
    }

    /// Sets levels that hold for so long over those that are there, as `debug`, or `orders::pay=trace` for one target; then what was there
    /// holds again. The same text set again starts anew.
    ///
    /// While one is there, an event costs some nanoseconds more.
    ///
    /// # Errors
    /// If there are 16 of them, or the time is not 1 s to 24 h.
    pub fn set_levels_for(&self, levels: Levels, time: Duration) -> Result<(), ConfigError> {
        if !(Duration::from_secs(1)..=TIME_MAX).contains(&time) {
            return Err(ConfigError::time(time));
        }
        let until = self.0.clock().now() + time;
        let done = Cell::new(false);
        let taken = &done;
        self.0.change(move |filter| {
            let new = filter.with_override(levels.clone(), until);
            taken.set(new.is_some());
            new.unwrap_or_else(|| filter.clone())
        });
        if done.get() { Ok(()) } else { Err(ConfigError::overrides()) }
    }

    /// What holds for a while, and how long it still does.
    #[must_use]
    pub fn overrides(&self) -> Vec<(Levels, Duration)> {
        let now = self.0.clock().now();
        let filter = self.0.filter.load();
        filter
            .overrides()
            .filter(|(_, until)| *until > now)
            .map(|(levels, until)| (levels.clone(), until - now))
            .collect()
    }

    /// Ends all that holds for a while.
    pub fn revert(&self) {
        self.0.change(|filter| Filter::new(filter.base.clone()));
    }

    /// How many lines could not be written, or found no room in the queue.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed) + self.0.writer.get().map_or(0, |writer| writer.lost())
    }

    /// How often something of a kind was taken out of a field: of a span once, when it was recorded. For `log_redactions_total{kind}`.
    #[must_use]
    pub fn redactions(&self, kind: Kind) -> u64 {
        self.0.tally.get().map_or(0, |tally| tally.of(kind))
    }

    /// Where something was taken out, if [`Redaction::verify`](crate::Redaction::verify) asks for that: 1024 places at most.
    #[must_use]
    pub fn redacted(&self) -> Vec<Redacted> {
        self.0.tally.get().map_or_else(Vec::new, |tally| tally.places())
    }

    /// Waits until all lines that were logged before are written and all losses before are reported, so long at most. Says whether all
    /// of them are written: none waits, and the sink failed for none meanwhile. Without a [`Queue`](crate::Queue) there is
    /// nothing to wait for.
    #[expect(clippy::must_use_candidate, reason = "who cannot wait longer cannot do anything about it")]
    pub fn flush(&self, timeout: Duration) -> bool {
        self.0.flush(timeout)
    }

    /// Flushes when it is dropped, waiting so long at most: for `main` to hold.
    pub fn flush_guard(&self, timeout: Duration) -> FlushGuard {
        FlushGuard { log: self.clone(), timeout }
    }
}

// === impl Shared ===

impl Shared {
    /// Whether an event is written. What is over by now ends here.
    pub(crate) fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let filter = self.filter.load();
        if filter.next_end().is_some_and(|end| self.clock().now_coarse() >= end) {
            drop(filter);
            let now = self.clock().now_coarse();
            self.change(|filter| filter.at(now));
            return self.filter.load().enabled(metadata);
        }
        filter.enabled(metadata)
    }

    pub(crate) fn clock(&self) -> &Clock {
        self.clock.get_or_init(Clock::system)
    }

    fn change(&self, mut to: impl FnMut(&Filter) -> Filter) {
        self.filter.rcu(|filter| to(filter));
        callsite::rebuild_interest_cache();
    }

    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        self.writer.get().is_none_or(|writer| writer.flush(timeout))
    }
}

// === impl FlushGuard ===

impl Drop for FlushGuard {
    fn drop(&mut self) {
        self.log.flush(self.timeout);
    }
}

impl fmt::Debug for LogHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogHandle").field("levels", &self.levels()).field("lost", &self.lost()).finish()
    }
}
