//! What was counted lately: since one window of time ago at least, and two at most.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use crate::latency::{Counted, Latency, Snapshot};

/// A short window and a long one, over one [`Latency`].
///
/// Nothing is written to them when something is counted. The first who counts after a window has ended keeps what had been counted
/// until then: it costs the others a load.
#[derive(Debug)]
pub(crate) struct Windows {
    /// When the next one ends, in nanoseconds. Zero before anything was counted.
    due: AtomicU64,
    both: Mutex<[Window; 2]>,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    Short,
    Long,
}

/// How long each is, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lens {
    pub(crate) short: u64,
    pub(crate) long: u64,
}

#[derive(Debug)]
struct Window {
    len: u64,
    /// When this one began, which is where the one before ended.
    began: Option<u64>,
    /// What had been counted when the one before began, and when this one did.
    before: Arc<Snapshot>,
    at_begin: Arc<Snapshot>,
}

// === impl Windows ===

impl Windows {
    pub(crate) fn new(lens: Lens) -> Self {
        Self { due: AtomicU64::new(0), both: Mutex::new([lens.short, lens.long].map(Window::new)) }
    }

    /// Before something is counted.
    #[inline]
    pub(crate) fn turn(&self, latency: &Latency, now: u64) {
        if now >= self.due.load(Ordering::Relaxed) {
            self.turn_due(latency, now);
        }
    }

    #[cold]
    fn turn_due(&self, latency: &Latency, now: u64) {
        match self.both.try_lock() {
            Ok(both) => self.turn_all(both, latency, now),
            Err(TryLockError::Poisoned(poisoned)) => self.turn_all(poisoned.into_inner(), latency, now),
            // Somebody else is about it.
            Err(TryLockError::WouldBlock) => {}
        }
    }

    fn turn_all(&self, mut both: MutexGuard<'_, [Window; 2]>, latency: &Latency, now: u64) {
        if both.iter().any(|window| window.has_ended(now)) {
            let counts: Arc<Snapshot> = latency.counted().snapshot().collect();
            both.iter_mut().for_each(|window| window.turn(&counts, now));
        }
        let due = both.iter().map(Window::due).min().unwrap_or(0);
        self.due.store(due, Ordering::Relaxed);
    }

    /// What was counted in the last one to two windows.
    pub(crate) fn recent(&self, latency: &Latency, now: u64, span: Span) -> Counted {
        self.turn_all(self.lock(), latency, now);
        let before = Arc::clone(&self.lock()[span as usize].before);
        latency.counted().since(&before)
    }

    fn lock(&self) -> MutexGuard<'_, [Window; 2]> {
        self.both.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Window ===

impl Window {
    fn new(len: u64) -> Self {
        Self { len, began: None, before: Arc::new([]), at_begin: Arc::new([]) }
    }

    fn due(&self) -> u64 {
        self.began.map_or(0, |began| began.saturating_add(self.len))
    }

    fn has_ended(&self, now: u64) -> bool {
        now >= self.due()
    }

    /// Nothing has been counted since it ended, so what is counted now was counted then.
    fn turn(&mut self, counts: &Arc<Snapshot>, now: u64) {
        let Some(began) = self.began else {
            self.began = Some(now);
            return;
        };
        let windows = now.saturating_sub(began) / self.len;
        if windows > 0 {
            let at_begin = std::mem::replace(&mut self.at_begin, Arc::clone(counts));
            // After one that was empty, all is older than one window.
            self.before = if windows == 1 { at_begin } else { Arc::clone(counts) };
            self.began = Some(began.saturating_add(windows.saturating_mul(self.len)));
        }
    }
}

#[cfg(test)]
mod tests;
