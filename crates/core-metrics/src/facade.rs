//! What other crates count through the [`metrics`] facade appears in a registry of ours too.
//!
//! Names are made to fit: what is no letter, digit or `_` becomes `_`, and counters get their `_total`. Histograms have
//! [`DEFAULT_BUCKETS`]. There are at most 512 families of 2000 series; what is new beyond that shares one series, or is left out and
//! counted in `metrics_rejected_total`.
//!
//! A handle costs what our metrics cost; looking it up is with the facade's macros, for each call, and takes a lock here: crates that
//! count often keep the handle.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{
    Counter as TheirCounter, CounterFn, Gauge as TheirGauge, GaugeFn, Histogram as TheirHistogram,
    HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

use crate::labels::{self, OVERFLOW};
use crate::scrape::Sample;
use crate::text::{Kind, Number};
use crate::{Counter, Desc, Gauge, Histogram, MetricsError, Registry, SERIES_MAX, Scrape, name};

#[cfg(doc)]
use crate::DEFAULT_BUCKETS;

/// A recorder for the facade. Clones are one.
#[derive(Clone)]
pub struct Bridge(Arc<Inner>);

struct Inner {
    families: Mutex<BTreeMap<&'static str, Theirs>>,
    rejected: Counter,
}

/// A family of theirs.
struct Theirs {
    kind: Kind,
    help: &'static str,
    series: BTreeMap<String, Metric>,
}

#[derive(Clone)]
enum Metric {
    Counter(Arc<Counted>),
    Gauge(Arc<Gauge>),
    Histogram(Arc<Histogram>),
}

/// A counter of theirs, which may also be told how much there is.
struct Counted {
    counter: Counter,
    /// Held by whoever tells it.
    telling: Mutex<()>,
}

const FAMILIES_MAX: usize = 512;
const LABELS_MAX: usize = 32;
const BUCKETS: Desc<Histogram> = Desc::histogram("facade", "");

/// Makes a registry the recorder of the process.
///
/// ```
/// use core_metrics::{Registry, facade};
///
/// facade::install(Registry::global())?;
/// metrics::counter!("cache.hits", "tier" => "l1").increment(2);
/// assert!(Registry::global().respond(None).body.contains("cache_hits_total{tier=\"l1\"} 2\n"));
/// # Ok::<(), core_metrics::MetricsError>(())
/// ```
///
/// # Errors
/// If the process has a recorder already.
pub fn install(registry: &Registry) -> Result<(), MetricsError> {
    metrics::set_global_recorder(Bridge::new(registry)).map_err(|_| MetricsError::facade())
}

// === impl Bridge ===

impl Bridge {
    /// A recorder that shows what it was told in this registry.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        let bridge =
            Self(Arc::new(Inner { families: Mutex::default(), rejected: registry.rejected().clone() }));
        let collected = bridge.clone();
        registry.collect(move |scrape| collected.collect(scrape));
        bridge
    }

    fn collect(&self, scrape: &mut Scrape) {
        for (name, family) in &*self.families() {
            for (labels, metric) in &family.series {
                scrape.raw((name, family.kind, family.help), labels, metric.sample());
            }
        }
    }

    fn families(&self) -> MutexGuard<'_, BTreeMap<&'static str, Theirs>> {
        self.0.families.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn describe(&self, kind: Kind, key: &KeyName, help: &str) {
        let mut families = self.families();
        if let Some(family) = family(&mut families, kind, key.as_str())
            && let Some(help) = name::intern(help)
        {
            family.help = help;
        }
    }

    /// The metric of a key. `None` where there is no place, or it is another kind.
    fn metric(&self, kind: Kind, key: &Key) -> Option<Metric> {
        let text = text_of(key);
        let mut families = self.families();
        let found = family(&mut families, kind, key.name()).map(|family| {
            let text =
                text.filter(|text| family.series.len() < SERIES_MAX || family.series.contains_key(text));
            let new = || Metric::new(kind, &self.0.rejected);
            family.series.entry(text.unwrap_or_else(|| OVERFLOW.into())).or_insert_with(new).clone()
        });
        if found.is_none() {
            self.0.rejected.inc();
        }
        found
    }
}

fn family<'f>(
    families: &'f mut BTreeMap<&'static str, Theirs>,
    kind: Kind,
    key: &str,
) -> Option<&'f mut Theirs> {
    let fitting = fitting_name(kind, key);
    if !families.contains_key(fitting.as_str()) {
        let name = (families.len() < FAMILIES_MAX).then(|| name::intern(&fitting)).flatten()?;
        families.insert(name, Theirs { kind, help: "", series: BTreeMap::new() });
    }
    families.get_mut(fitting.as_str()).filter(|family| family.kind == kind)
}

/// What a key is called here.
fn fitting_name(kind: Kind, key: &str) -> String {
    let mut fitting = fitting(key);
    match kind {
        Kind::Counter if !name::ends_with(&fitting, "_total") => fitting.push_str("_total"),
        Kind::Gauge | Kind::Histogram if name::has_suffix(&fitting) => fitting.push_str("_value"),
        _ => {}
    }
    fitting
}

fn fitting(text: &str) -> String {
    // Room is left for an ending.
    let mut fitting: String = text
        .chars()
        .take(name::NAME_LEN_MAX - 10)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if !fitting.starts_with(|c: char| c.is_ascii_alphabetic()) {
        fitting.insert(0, 'm');
    }
    fitting
}

/// The labels of a key, in order, each name once. `None` where there are too many, or one is too long.
fn text_of(key: &Key) -> Option<String> {
    let mut by_name = BTreeMap::new();
    for label in key.labels() {
        let mut name = fitting(label.key());
        if !name::is_label(&name) {
            name.push_str("_label");
        }
        by_name.entry(name).or_insert_with(|| label.value());
    }
    let pairs = (by_name.len() <= LABELS_MAX).then_some(by_name)?;
    labels::pairs(pairs.iter().map(|(name, value)| (name.as_str(), *value)))
}

impl Recorder for Bridge {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, help: SharedString) {
        self.describe(Kind::Counter, &key, &help);
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, help: SharedString) {
        self.describe(Kind::Gauge, &key, &help);
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, help: SharedString) {
        self.describe(Kind::Histogram, &key, &help);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> TheirCounter {
        match self.metric(Kind::Counter, key) {
            Some(Metric::Counter(counter)) => TheirCounter::from_arc(counter),
            _ => TheirCounter::noop(),
        }
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> TheirGauge {
        match self.metric(Kind::Gauge, key) {
            Some(Metric::Gauge(gauge)) => TheirGauge::from_arc(gauge),
            _ => TheirGauge::noop(),
        }
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> TheirHistogram {
        match self.metric(Kind::Histogram, key) {
            Some(Metric::Histogram(histogram)) => TheirHistogram::from_arc(histogram),
            _ => TheirHistogram::noop(),
        }
    }
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").field("families", &self.families().len()).finish()
    }
}

// === impl Metric ===

impl Metric {
    fn new(kind: Kind, rejected: &Counter) -> Self {
        match kind {
            Kind::Counter | Kind::Info => {
                Self::Counter(Arc::new(Counted { counter: Counter::new(), telling: Mutex::default() }))
            }
            Kind::Gauge => Self::Gauge(Arc::new(Gauge::new(rejected))),
            Kind::Histogram => Self::Histogram(Arc::new(Histogram::new(&BUCKETS, rejected))),
        }
    }

    fn sample(&self) -> Sample {
        match self {
            Self::Counter(counted) => Sample::Number(Number::Int(counted.counter.get())),
            Self::Gauge(gauge) => Sample::Number(Number::Float(gauge.get())),
            Self::Histogram(histogram) => Sample::Histogram(histogram.snapshot()),
        }
    }
}

impl CounterFn for Counted {
    fn increment(&self, value: u64) {
        self.counter.add(value);
    }

    fn absolute(&self, value: u64) {
        let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        self.counter.add(value.saturating_sub(self.counter.get()));
    }
}

impl GaugeFn for Gauge {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, value: f64) {
        Self::set(self, value);
    }
}

impl HistogramFn for Histogram {
    fn record(&self, value: f64) {
        self.observe(value);
    }
}
