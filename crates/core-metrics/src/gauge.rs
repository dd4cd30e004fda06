use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Counter;

/// Goes up and down. Clones are one gauge.
///
/// A value that is not finite is refused and counted in `metrics_rejected_total`; the gauge stays as it is.
///
/// # Cost
/// `set` is one store. `add` exchanges the word, and tries again when another thread was faster: for what many threads change at
/// once, two counters cost less.
#[derive(Clone, Debug)]
pub struct Gauge {
    bits: Arc<AtomicU64>,
    rejected: Counter,
}

/// One more in a gauge until it is dropped.
#[must_use = "the gauge goes down again when this is dropped"]
#[derive(Debug)]
pub struct InProgress(Gauge);

// === impl Gauge ===

impl Gauge {
    pub(crate) fn new(rejected: &Counter) -> Self {
        Self { bits: Arc::default(), rejected: rejected.clone() }
    }

    /// Makes it this value.
    #[inline]
    pub fn set(&self, value: f64) {
        if value.is_finite() {
            self.bits.store(value.to_bits(), Ordering::Relaxed);
        } else {
            self.rejected.inc();
        }
    }

    /// Adds this much, which may be negative. A sum that is not finite is refused.
    #[inline]
    pub fn add(&self, by: f64) {
        let added = self.bits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bits| {
            let sum = f64::from_bits(bits) + by;
            sum.is_finite().then_some(sum.to_bits())
        });
        if added.is_err() {
            self.rejected.inc();
        }
    }

    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.add(1.0);
    }

    /// Takes one away.
    #[inline]
    pub fn dec(&self) {
        self.add(-1.0);
    }

    /// One more until the guard is dropped, however that happens.
    pub fn in_progress(&self) -> InProgress {
        self.inc();
        InProgress(self.clone())
    }

    /// The value.
    #[must_use]
    pub fn get(&self) -> f64 {
        f64::from_bits(self.bits.load(Ordering::Relaxed))
    }
}

// === impl InProgress ===

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.dec();
    }
}
