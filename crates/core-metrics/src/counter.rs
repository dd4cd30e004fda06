use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use core_policy::Counters;
use core_policy::stripes::Stripes;

use crate::histogram::{add_float, is_measure};

/// Only goes up. Threads count for themselves, so that they do not fight for a cache line. Clones are one counter.
///
/// # Cost
/// A few nanoseconds on any number of threads. Memory: 128 bytes for each stripe, with two stripes for each core of the machine
/// and 9 to 65 in all; 1 KiB on four cores.
#[derive(Clone, Debug)]
pub struct Counter(pub(crate) Arc<Counters<1>>);

/// Counts what comes in fractions, as seconds of work or money do. Only goes up. Clones are one counter.
///
/// A value that is negative, not finite or above 1e280 is refused and counted in `metrics_rejected_total`: one bad value spoils
/// nothing. What is counted in whole numbers is exact in a [`Counter`], and here up to 2^53.
///
/// ```
/// use core_metrics::{Desc, FloatCounter, Registry};
///
/// const BUSY: Desc<FloatCounter> = Desc::float_counter("worker_busy_seconds_total", "How long workers were busy.");
///
/// let registry = Registry::new();
/// let busy = registry.register(&BUSY)?;
/// busy.add(0.25);
/// assert!(registry.respond(None).body.contains("worker_busy_seconds_total 0.25\n"));
/// # Ok::<(), core_metrics::MetricsError>(())
/// ```
///
/// # Cost
/// As a [`Counter`], and the few nanoseconds that it takes to add to a float: threads that count do not wait for each other.
#[derive(Clone, Debug)]
pub struct FloatCounter {
    /// The bits of what each thread has added up.
    sums: Arc<Stripes<AtomicU64>>,
    rejected: Counter,
}

// === impl Counter ===

impl Counter {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Counters::new()))
    }

    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.0.bump(0);
    }

    /// Adds `n`. Begins anew after 2^64, as a server takes it for a start of the process.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.add(0, n);
    }

    /// How much there is. Sees all that happened before; of what happens meanwhile it may see any part.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.get(0)
    }
}

// === impl FloatCounter ===

impl FloatCounter {
    pub(crate) fn new(rejected: &Counter) -> Self {
        Self { sums: Arc::new(Stripes::new()), rejected: rejected.clone() }
    }

    /// Adds this much.
    #[inline]
    pub fn add(&self, by: f64) {
        if !is_measure(by) {
            self.rejected.inc();
            return;
        }
        let mine = self.sums.mine();
        add_float(mine.value, mine.is_own, by);
    }

    /// How much there is. Sees all that happened before; of what happens meanwhile it may see any part.
    #[must_use]
    pub fn get(&self) -> f64 {
        self.sums.iter().map(|sum| f64::from_bits(sum.load(Ordering::Relaxed))).sum()
    }
}
