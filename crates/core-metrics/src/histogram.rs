use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use core_policy::stripes::Stripes;
use core_time::{Clock, Instant};

use crate::exemplar::Exemplars;
use crate::text;
use crate::{Counter, Desc};

/// Counts how often something was how large. Threads count for themselves. Clones are one histogram.
///
/// A value that is negative, not finite or above 1e280 is refused and counted in `metrics_rejected_total`: one bad value spoils
/// nothing, and no sum becomes infinite.
///
/// # Cost
/// A few nanoseconds on any number of threads: a look through the ends of the buckets, two loads, two stores. With
/// [`exemplars`](Desc::exemplars), a look at the context as well. Memory: 128 bytes for each stripe and each 16 buckets begun, with two
/// stripes for each core of the machine and 9 to 65 in all; 1 KiB with twelve buckets on four cores.
#[derive(Clone, Debug)]
pub struct Histogram(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bounds: &'static [f64],
    /// The same in nanoseconds, so that a duration is compared without being turned into a float.
    bounds_ns: Box<[u64]>,
    /// What a bucket is called: the pair between the braces.
    le: Box<[String]>,
    cells: Stripes<Cells>,
    exemplars: Option<Exemplars>,
    rejected: Counter,
}

/// What one thread has counted: the sum of durations, the sum of other values, and a count for each bucket.
#[derive(Debug)]
struct Cells(Box<[Line]>);

/// As much as a prefetcher takes along.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Line([AtomicU64; LINE]);

const LINE: usize = 16;
const SUM_NS: usize = 0;
const SUM: usize = 1;
const BUCKETS: usize = 2;

/// What a histogram has counted, at some moment.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSnapshot {
    /// The upper ends of the buckets, which belong to them.
    pub bounds: Vec<f64>,
    /// How much fell into each bucket alone, with one more for what is above all ends.
    pub counts: Vec<u64>,
    /// The sum of what was observed.
    pub sum: f64,
}

/// Measures until it is dropped. Made by [`Histogram::timer`].
#[must_use = "it measures until it is dropped"]
#[derive(Debug)]
pub struct Timer<'h> {
    histogram: &'h Histogram,
    clock: Clock,
    since: Instant,
}

// === impl Histogram ===

impl Histogram {
    pub(crate) fn new(desc: &Desc<Self>, rejected: &Counter) -> Self {
        let bounds = desc.bounds;
        let lines = (BUCKETS + bounds.len() + 1).div_ceil(LINE);
        Self(Arc::new(Inner {
            bounds,
            bounds_ns: bounds.iter().map(|bound| in_nanos(*bound)).collect(),
            le: text::le(bounds),
            cells: Stripes::with(|| Cells((0..lines).map(|_| Line::default()).collect())),
            exemplars: desc.exemplars.then(|| Exemplars::new(bounds.len() + 1)),
            rejected: rejected.clone(),
        }))
    }

    /// Counts a value, in the unit that the name ends with.
    #[inline]
    pub fn observe(&self, value: f64) {
        let inner = &*self.0;
        if !is_measure(value) {
            inner.rejected.inc();
            return;
        }
        let bucket = inner.bounds.iter().take_while(|bound| value > **bound).count();
        let mine = inner.cells.mine();
        mine.add(mine.value.at(BUCKETS + bucket), 1);
        add_float(mine.value.at(SUM), mine.is_own, value);
        if let Some(exemplars) = &inner.exemplars {
            exemplars.offer(bucket, value);
        }
    }

    /// Counts a duration, for a histogram in seconds. Its sum is exact, and begins anew after 584 years that were added up.
    #[inline]
    pub fn observe_duration(&self, duration: Duration) {
        let inner = &*self.0;
        // More than 584 years are taken for 584 years.
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket = inner.bounds_ns.iter().take_while(|bound| ns > **bound).count();
        let mine = inner.cells.mine();
        mine.add(mine.value.at(BUCKETS + bucket), 1);
        mine.add(mine.value.at(SUM_NS), ns);
        if let Some(exemplars) = &inner.exemplars {
            exemplars.offer(bucket, duration.as_secs_f64());
        }
    }

    /// Counts the time since a moment.
    pub fn observe_since(&self, since: Instant, clock: &Clock) {
        self.observe_duration(clock.now().since(since));
    }

    /// Measures from now until the guard is dropped, however that happens.
    pub fn timer(&self, clock: &Clock) -> Timer<'_> {
        Timer { histogram: self, clock: clock.clone(), since: clock.now() }
    }

    /// What was counted. Of what happens meanwhile it may see any part: the sum may lack what is counted already, or the other way
    /// round. The counts agree with each other always.
    #[must_use]
    pub fn snapshot(&self) -> HistogramSnapshot {
        let inner = &*self.0;
        let mut counts = vec![0_u64; inner.bounds.len() + 1];
        let (mut ns, mut sum) = (0_u64, 0.0);
        for cells in inner.cells.iter() {
            for (bucket, count) in counts.iter_mut().enumerate() {
                *count = count.wrapping_add(cells.at(BUCKETS + bucket).load(Ordering::Relaxed));
            }
            ns = ns.wrapping_add(cells.at(SUM_NS).load(Ordering::Relaxed));
            sum += f64::from_bits(cells.at(SUM).load(Ordering::Relaxed));
        }
        HistogramSnapshot { bounds: inner.bounds.to_vec(), counts, sum: sum + in_seconds(ns) }
    }

    pub(crate) fn le(&self) -> &[String] {
        &self.0.le
    }

    pub(crate) fn exemplars(&self) -> Option<&Exemplars> {
        self.0.exemplars.as_ref()
    }
}

/// Whether a value may be added to a sum that only grows. 2^64 of the largest come to less than the largest float.
#[inline]
pub(crate) fn is_measure(value: f64) -> bool {
    (0.0..=1e280).contains(&value)
}

/// Adds to a float that threads share only where the stripe is shared.
#[inline]
pub(crate) fn add_float(cell: &AtomicU64, is_own: bool, by: f64) {
    let added = |bits| (f64::from_bits(bits) + by).to_bits();
    if is_own {
        // Nobody else writes it, so nothing can come between the load and the store.
        cell.store(added(cell.load(Ordering::Relaxed)), Ordering::Relaxed);
    } else {
        let mut bits = cell.load(Ordering::Relaxed);
        while let Err(now) =
            cell.compare_exchange_weak(bits, added(bits), Ordering::Relaxed, Ordering::Relaxed)
        {
            bits = now;
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it saturates, and no end is below 0"
)]
fn in_nanos(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "what is lost is below a nanosecond until 104 days have been added up"
)]
fn in_seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

// === impl Cells ===

impl Cells {
    #[inline]
    fn at(&self, cell: usize) -> &AtomicU64 {
        &self.0[cell / LINE].0[cell % LINE]
    }
}

// === impl HistogramSnapshot ===

impl HistogramSnapshot {
    /// How much was counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.wrapping_add(*count))
    }

    /// Whether it can stand in a text.
    pub(crate) fn is_sound(&self) -> bool {
        let Self { bounds, counts, sum } = self;
        sum.is_finite()
            && *sum >= 0.0
            && counts.len() == bounds.len() + 1
            && counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count)).is_some()
            && bounds.iter().all(|bound| bound.is_finite())
            && bounds.is_sorted_by(|a, b| a < b)
    }
}

// === impl Timer ===

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.histogram.observe_since(self.since, &self.clock);
    }
}
