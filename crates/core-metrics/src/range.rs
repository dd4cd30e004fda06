use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A gauge that also knows the least and the most since the last scrape: a peak between two scrapes is not lost. Clones are one
/// gauge.
///
/// A scrape starts the two anew. With several scrapers, each sees what was since the last scrape of any of them.
///
/// # Cost
/// Two atomic operations for a change.
#[derive(Clone, Debug)]
pub struct RangeGauge(Arc<Range>);

#[derive(Debug, Default)]
struct Range {
    value: AtomicI64,
    min: AtomicI64,
    max: AtomicI64,
}

// === impl RangeGauge ===

impl RangeGauge {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Makes it this value.
    #[inline]
    pub fn set(&self, value: i64) {
        self.0.value.store(value, Ordering::Relaxed);
        self.0.min.fetch_min(value, Ordering::Relaxed);
        self.0.max.fetch_max(value, Ordering::Relaxed);
    }

    /// Adds this much, which may be negative. Wraps around.
    #[inline]
    pub fn add(&self, by: i64) {
        let value = self.0.value.fetch_add(by, Ordering::Relaxed).wrapping_add(by);
        if by < 0 {
            self.0.min.fetch_min(value, Ordering::Relaxed);
        } else {
            self.0.max.fetch_max(value, Ordering::Relaxed);
        }
    }

    /// The value.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.value.load(Ordering::Relaxed)
    }

    /// The value, the most and the least; the two start anew.
    pub(crate) fn take(&self) -> [i64; 3] {
        let value = self.get();
        // What changes between the load and the exchange is in what is returned, or in what comes next.
        let min = self.0.min.swap(value, Ordering::Relaxed).min(value);
        let max = self.0.max.swap(value, Ordering::Relaxed).max(value);
        // A change that came between lives on in the value, which the next interval starts from.
        let now = self.get();
        self.0.min.fetch_min(now, Ordering::Relaxed);
        self.0.max.fetch_max(now, Ordering::Relaxed);
        [value, max, min]
    }
}
