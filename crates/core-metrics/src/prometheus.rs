//! What other crates have in a registry of the crate `prometheus` appears in a registry of ours too.
//!
//! It is gathered at each scrape and written with everything else, in either text. Names are made to fit as with the `metrics` facade: what
//! is no letter, digit or `_` becomes `_`, and counters get their `_total`. At most 512 families of 2000 series are taken over, also where
//! they come and go.
//!
//! Left out and counted in `metrics_rejected_total`, at each scrape anew, is what could not stand there: a value that is not finite, a
//! counter or the sum of a histogram that is negative, a value of another kind than its family, summaries and what has no type, what is too
//! much, and a family whose name another one has, of theirs or of ours. A warning names each family that is left out whole, once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use ::prometheus::proto::{Counter, Gauge, Histogram, Metric, MetricFamily, MetricType};

use crate::foreign::{self, FAMILIES_MAX};
use crate::scrape::Sample;
use crate::text::{Kind, Number};
use crate::{HistogramSnapshot, Registry, SERIES_MAX, Scrape, name};

/// Shows what is in a registry of `prometheus`, at each scrape. Once for each such registry: a second time all of it has its name taken.
///
/// ```
/// use core_metrics::Registry;
///
/// let theirs = prometheus::Registry::new();
/// let hits = prometheus::IntCounter::new("cache_hits", "Found in the cache.")?;
/// theirs.register(Box::new(hits.clone()))?;
/// hits.inc_by(2);
///
/// let registry = Registry::new();
/// core_metrics::prometheus::show(&registry, &theirs);      // or prometheus::default_registry()
/// assert!(registry.respond(None).body.contains("cache_hits_total 2.0\n"));
/// # Ok::<(), prometheus::Error>(())
/// ```
///
/// # Cost
/// That of gathering, on the thread of the scrape; a collector of theirs that panics is counted, and the others of that registry are then
/// not in the text. Names are kept for the life of the process, as all that are made at run time.
pub fn show(registry: &Registry, theirs: &::prometheus::Registry) {
    let (theirs, known) = (theirs.clone(), Mutex::new(Known::default()));
    registry.collect(move |scrape| {
        let families = theirs.gather();
        let left_out = collect(scrape, &families, &mut known.lock().unwrap_or_else(PoisonError::into_inner));
        left_out.into_iter().for_each(warn);
    });
}

/// What is remembered of their families: as many as are taken over, and as many again that are not.
#[derive(Default)]
struct Known {
    /// By what they are called here: that name and the help, which are kept for ever.
    shown: BTreeMap<String, (&'static str, &'static str)>,
    /// Those that somebody was warned of.
    told: BTreeSet<String>,
}

/// Reads a number from either model of the crate: with its feature `protobuf` a counter has `value`, without it `get_value`. Whichever
/// is not there is the one of this trait, and goes on to the other, since what a type has itself comes before what a trait gives it.
/// Both are asked for by the name of the trait, so that both are in use.
trait Reading {
    fn value(&self) -> f64;
    fn get_value(&self) -> f64;
}

macro_rules! reading {
    ($($of:ty),+) => { $(
        impl Reading for $of {
            fn value(&self) -> f64 {
                self.get_value()
            }

            fn get_value(&self) -> f64 {
                self.value()
            }
        }
    )+ };
}

reading!(Counter, Gauge);

/// Those that are left out for the first time.
fn collect<'f>(scrape: &mut Scrape, families: &'f [MetricFamily], known: &mut Known) -> Vec<&'f str> {
    let (mut names, mut left_out) = (BTreeSet::new(), Vec::new());
    for family in families {
        let kept = kind_of(family).and_then(|kind| Some((kind, known.keep(kind, family)?)));
        match kept {
            Some((kind, (name, help))) if names.insert(name) => write(scrape, family, (name, kind, help)),
            _ => {
                scrape.reject(family.get_metric().len().try_into().unwrap_or(u64::MAX));
                if known.is_news(family.name()) {
                    left_out.push(family.name());
                }
            }
        }
    }
    left_out
}

fn warn(family: &str) {
    tracing::warn!(
        target: "core_metrics",
        family,
        "a family of another registry is left out: it is no counter, gauge or histogram, its name is taken, or there are too many",
    );
}

fn write(scrape: &mut Scrape, family: &MetricFamily, ours: (&'static str, Kind, &'static str)) {
    for (at, metric) in family.get_metric().iter().enumerate() {
        let labels = foreign::labels(metric.get_label().iter().map(|label| (label.name(), label.value())));
        let sample = sample(ours.1, metric).filter(|_| at < SERIES_MAX && !is_of_another(ours.1, metric));
        match labels.zip(sample) {
            Some((labels, sample)) => scrape.raw(ours, &labels, sample),
            None => scrape.reject(1),
        }
    }
}

fn kind_of(family: &MetricFamily) -> Option<Kind> {
    match family.get_field_type() {
        MetricType::COUNTER => Some(Kind::Counter),
        MetricType::GAUGE => Some(Kind::Gauge),
        MetricType::HISTOGRAM => Some(Kind::Histogram),
        MetricType::SUMMARY | MetricType::UNTYPED => None,
    }
}

/// Whether there is a value of another kind than that of its family: their registry puts into one family whatever goes by one name.
fn is_of_another(kind: Kind, metric: &Metric) -> bool {
    let counter = <Counter as Reading>::value(metric.get_counter()) != 0.0;
    let gauge = <Gauge as Reading>::get_value(metric.get_gauge()) != 0.0;
    let histogram = metric.get_histogram().get_sample_count() != 0;
    match kind {
        Kind::Counter | Kind::Info => gauge || histogram,
        Kind::Gauge => counter || histogram,
        Kind::Histogram => counter || gauge,
    }
}

/// What stands behind the labels, if it can stand there.
fn sample(kind: Kind, metric: &Metric) -> Option<Sample> {
    match kind {
        Kind::Counter | Kind::Info => {
            let value = <Counter as Reading>::value(metric.get_counter());
            (value.is_finite() && value >= 0.0).then_some(Sample::Number(Number::Float(value)))
        }
        Kind::Gauge => {
            let value = <Gauge as Reading>::get_value(metric.get_gauge());
            value.is_finite().then_some(Sample::Number(Number::Float(value)))
        }
        Kind::Histogram => histogram(metric.get_histogram()).map(Sample::Histogram),
    }
}

/// The counts of each bucket alone.
fn histogram(of: &Histogram) -> Option<HistogramSnapshot> {
    let (mut bounds, mut counts, mut below) = (Vec::new(), Vec::new(), 0);
    for bucket in of.get_bucket().iter().filter(|bucket| bucket.upper_bound() != f64::INFINITY) {
        bounds.push(bucket.upper_bound());
        counts.push(bucket.cumulative_count().checked_sub(below)?);
        below = bucket.cumulative_count();
    }
    counts.push(of.get_sample_count().checked_sub(below)?);
    let snapshot = HistogramSnapshot { bounds, counts, sum: of.get_sample_sum() };
    snapshot.is_sound().then_some(snapshot)
}

// === impl Known ===

impl Known {
    /// The name and the help of a family, if there is a place for another.
    fn keep(&mut self, kind: Kind, family: &MetricFamily) -> Option<(&'static str, &'static str)> {
        let ours = foreign::fitting_name(kind, family.name());
        if let Some(known) = self.shown.get(&ours) {
            return Some(*known);
        }
        let name = (self.shown.len() < FAMILIES_MAX).then(|| name::intern(&ours)).flatten()?;
        let kept = (name, foreign::help(family.help()).unwrap_or_default());
        self.shown.insert(ours, kept);
        Some(kept)
    }

    /// Whether nobody was warned of it, and there is a place to remember that somebody is now.
    fn is_news(&mut self, family: &str) -> bool {
        self.told.len() < FAMILIES_MAX && self.told.insert(family.to_owned())
    }
}
