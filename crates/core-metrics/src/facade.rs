//! What other crates count through the [`metrics`] facade appears in a registry of ours too.
//!
//! Names are made to fit: what is no letter, digit or `_` becomes `_`, and counters get their `_total`. Histograms have
//! [`DEFAULT_BUCKETS`] unless [`Builder::buckets`] says otherwise. There are at most 512 families of 2000 series. What is new in a
//! family that is full shares one series and is counted in `metrics_overflow_total`; a warning names the label that has the most
//! values. A family too many, or of a name that another has, is left out and counted in `metrics_rejected_total`.
//!
//! A handle costs what our metrics cost. The facade's macros look it up for each call, which costs about a hash here; what is new
//! takes a lock.

mod buckets;
mod key;
mod metric;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{
    Counter as TheirCounter, Gauge as TheirGauge, Histogram as TheirHistogram, Key, KeyName, Metadata,
    Recorder, SharedString, Unit,
};

use self::buckets::Rules;
pub use self::buckets::{Builder, Match};
use self::metric::Metric;
use crate::foreign::{self, FAMILIES_MAX};
use crate::index::Index;
use crate::labels::OVERFLOW;
use crate::text::Kind;
use crate::{Counter, Desc, Histogram, MetricsError, Registry, SERIES_MAX, Scrape, name};

#[cfg(doc)]
use crate::DEFAULT_BUCKETS;

/// A recorder for the facade. Clones are one.
#[derive(Clone)]
pub struct Bridge(Arc<Inner>);

struct Inner {
    /// What look-ups read: by the keys of counters, gauges and histograms.
    known: [Index<Key, Metric>; 3],
    /// What is written. Whoever holds it may add.
    families: Mutex<Families>,
    rules: Rules,
    rejected: Counter,
}

#[derive(Default)]
struct Families {
    by_name: BTreeMap<&'static str, Theirs>,
    /// All names that stand in the text, for either form.
    claimed: BTreeSet<String>,
}

/// A family of theirs.
struct Theirs {
    kind: Kind,
    help: &'static str,
    buckets: Desc<Histogram>,
    series: BTreeMap<Arc<str>, Metric>,
    overflowed: u64,
}

/// So many keys are found without a lock, of each kind.
const KNOWN_MAX: usize = 16_384;

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
    Bridge::builder(registry).install()
}

// === impl Bridge ===

impl Bridge {
    /// A recorder that shows what it was told in this registry.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        Self::with(registry, Rules::default())
    }

    /// The same, with a choice of buckets.
    ///
    /// ```
    /// use core_metrics::Registry;
    /// use core_metrics::facade::{Bridge, Match};
    ///
    /// const BYTES: &[f64] = &[256.0, 4096.0, 65_536.0, 1_048_576.0];
    ///
    /// let registry = Registry::new();
    /// let bridge = Bridge::builder(&registry).buckets(Match::Suffix("bytes"), BYTES).build()?;
    /// metrics::with_local_recorder(&bridge, || metrics::histogram!("body.bytes").record(300.0));
    /// assert!(registry.respond(None).body.contains("body_bytes_bucket{le=\"4096.0\"} 1\n"));
    /// # Ok::<(), core_metrics::MetricsError>(())
    /// ```
    pub fn builder(registry: &Registry) -> Builder {
        Builder::new(registry)
    }

    fn with(registry: &Registry, rules: Rules) -> Self {
        let bridge = Self(Arc::new(Inner {
            known: [const { Index::new() }; 3],
            families: Mutex::default(),
            rules,
            rejected: registry.rejected().clone(),
        }));
        let collected = bridge.clone();
        registry.collect(move |scrape| collected.collect(scrape));
        bridge
    }

    fn collect(&self, scrape: &mut Scrape) {
        // Copied, so that nobody who counts waits while it is read.
        let families: Vec<_> = {
            let families = self.families();
            let copied = |(name, theirs): (&&'static str, &Theirs)| {
                let series: Vec<_> =
                    theirs.series.iter().map(|(text, metric)| (Arc::clone(text), metric.clone())).collect();
                (*name, theirs.kind, theirs.help, theirs.overflowed, series)
            };
            families.by_name.iter().map(copied).collect()
        };
        for (name, kind, help, overflowed, series) in families {
            scrape.overflowed(name, overflowed);
            for (labels, metric) in series {
                scrape.raw((name, kind, help), &labels, metric.sample());
            }
        }
    }

    fn families(&self) -> MutexGuard<'_, Families> {
        self.0.families.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn describe(&self, kind: Kind, key: &KeyName, help: &str) {
        let mut families = self.families();
        // What was said first holds: help is kept for ever, and whoever says something else each time would fill the place.
        if let Some(family) = families.get(kind, key.as_str(), &self.0.rules)
            && family.help.is_empty()
            && let Some(help) = foreign::help(help)
        {
            family.help = help;
        }
    }

    /// The metric of a key. `None` where there is no place, or it is another kind.
    #[inline]
    fn metric(&self, kind: Kind, key: &Key) -> Option<Metric> {
        self.known(kind).get(key).cloned().or_else(|| self.add(kind, key))
    }

    fn known(&self, kind: Kind) -> &Index<Key, Metric> {
        &self.0.known[match kind {
            Kind::Counter | Kind::Info => 0,
            Kind::Gauge => 1,
            Kind::Histogram => 2,
        }]
    }

    #[cold]
    fn add(&self, kind: Kind, key: &Key) -> Option<Metric> {
        let text = key::text_of(key);
        let mut families = self.families();
        // Another thread was faster.
        if let Some(found) = self.known(kind).get(key) {
            return Some(found.clone());
        }
        let Some(family) = families.get(kind, key.name(), &self.0.rules) else {
            drop(families);
            self.0.rejected.inc();
            return None;
        };
        let has_room =
            |text: &String| family.series.len() < SERIES_MAX || family.series.contains_key(text.as_str());
        let is_full = text.is_some();
        let fits = text.filter(has_room);
        let is_known = fits.is_some();
        let new = || Metric::new(kind, &family.buckets, &self.0.rejected);
        let text: Arc<str> = fits.map_or_else(|| Arc::from(OVERFLOW), Arc::from);
        let metric = family.series.entry(text).or_insert_with(new).clone();
        if is_known {
            // Where there is no place for it, it is looked for here each time.
            self.known(kind).insert(key.clone(), metric.clone(), KNOWN_MAX);
            return Some(metric);
        }
        family.overflowed += 1;
        // What is worked out for people is worked out under no lock.
        let texts: Option<Vec<_>> = (family.overflowed == 1).then(|| family.series.keys().cloned().collect());
        drop(families);
        if let Some(texts) = texts {
            warn(key, is_full.then_some(&texts));
        }
        Some(metric)
    }
}

/// Says that what is new goes into one series, and for which label: since the family is full of these, or since a value is too long.
fn warn(key: &Key, full_of: Option<&Vec<Arc<str>>>) {
    if let Some(texts) = full_of {
        tracing::warn!(
            target: "core_metrics",
            family = key.name(),
            label = key::most_values(texts.iter().map(|text| &**text)).unwrap_or_default(),
            series_max = SERIES_MAX,
            "a family of metrics of another crate is full: what is new goes into one series",
        );
    } else {
        tracing::warn!(
            target: "core_metrics",
            family = key.name(),
            label = key::longest_value(key).unwrap_or_default(),
            "a metric of another crate has more labels than 32 or a value that is too long: it goes into one series with its like",
        );
    }
}

// === impl Families ===

impl Families {
    /// The family of a key, which is made where there is a place for it.
    fn get(&mut self, kind: Kind, theirs: &str, rules: &Rules) -> Option<&mut Theirs> {
        let ours = foreign::fitting_name(kind, theirs);
        if !self.by_name.contains_key(ours.as_str()) {
            let claims = kind.claims(&ours);
            let is_free = claims.iter().all(|claim| !self.claimed.contains(claim));
            let has_room = is_free && self.by_name.len() < FAMILIES_MAX;
            let name = has_room.then(|| name::intern(&ours)).flatten()?;
            let buckets = BUCKETS.buckets(rules.of(theirs, &ours));
            self.claimed.extend(claims);
            let series = BTreeMap::new();
            self.by_name.insert(name, Theirs { kind, help: "", buckets, series, overflowed: 0 });
        }
        self.by_name.get_mut(ours.as_str()).filter(|family| family.kind == kind)
    }
}

const BUCKETS: Desc<Histogram> = Desc::histogram("facade", "");

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
        f.debug_struct("Bridge").field("families", &self.families().by_name.len()).finish()
    }
}
