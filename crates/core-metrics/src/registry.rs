use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use crate::accept::{Format, Response};
use crate::desc::SERIES_LIMIT;
use crate::family::{Encode, Family};
use crate::labels::{LabelNames, Labels};
use crate::scrape::Scrape;
use crate::text::Writer;
use crate::{Counter, Desc, Instrument, MetricsError, name};

/// All metrics of a service, by name. Clones are one registry.
///
/// ```
/// use core_metrics::{Counter, Desc, Family, Registry};
///
/// core_metrics::labels! { struct Route { route: &'static str, status: u16 } }
/// const REQUESTS: Desc<Counter> = Desc::counter("http_requests_total", "Requests that were answered.");
///
/// let registry = Registry::new();
/// let requests: Family<Counter, Route> = registry.family(&REQUESTS)?;
/// requests.with(&Route { route: "/orders", status: 200 }).inc();
///
/// let response = registry.respond(None);
/// assert!(response.body.contains("http_requests_total{route=\"/orders\",status=\"200\"} 1\n"));
/// # Ok::<(), core_metrics::MetricsError>(())
/// ```
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    entries: Mutex<Entries>,
    collectors: Mutex<Vec<Collector>>,
    /// Whether the process is collected.
    #[cfg(feature = "process")]
    process: std::sync::Once,
    rejected: Counter,
    panics: Counter,
    /// The families that somebody was warned of. Their names are constants, or of those that are made at run time, which are bounded.
    told: Mutex<BTreeSet<&'static str>>,
}

type Collector = Arc<dyn Fn(&mut Scrape) + Send + Sync>;

#[derive(Default)]
struct Entries {
    by_name: BTreeMap<&'static str, Entry>,
    /// All names that stand in the text, for either form.
    claimed: BTreeMap<String, &'static str>,
}

#[derive(Clone)]
struct Entry {
    help: &'static str,
    bounds: &'static [f64],
    labels: &'static [&'static str],
    family: Arc<dyn Encode>,
    /// The same, as its own type.
    typed: Arc<dyn Any + Send + Sync>,
}

const REJECTED: Desc<Counter> =
    Desc::counter("metrics_rejected_total", "Values and samples that could not stand in a scrape.");
const OVERFLOW: Desc<Counter> =
    Desc::counter("metrics_overflow_total", "Times that a family had no place for another series.")
        .series_max(SERIES_LIMIT);
const PANICS: Desc<Counter> =
    Desc::counter("metrics_collector_panics_total", "Collectors that panicked during a scrape.");
/// What a registry calls what it says of itself.
const OWN: [&str; 3] = [REJECTED.name(), OVERFLOW.name(), PANICS.name()];
const FAMILY: LabelNames<1> = LabelNames::new(["family"]);

// === impl Registry ===

impl Registry {
    /// One with nothing in it but what it says of itself: `metrics_rejected_total`, `metrics_overflow_total` and
    /// `metrics_collector_panics_total`.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            entries: Mutex::default(),
            collectors: Mutex::default(),
            #[cfg(feature = "process")]
            process: std::sync::Once::new(),
            rejected: Counter::new(),
            panics: Counter::new(),
            told: Mutex::default(),
        }))
    }

    /// The registry of the process, for code that is given none: what [`metrics!`](crate::metrics) declares is in it.
    #[must_use]
    pub fn global() -> &'static Self {
        static GLOBAL: LazyLock<Registry> = LazyLock::new(Registry::new);
        &GLOBAL
    }

    /// A metric without labels, which exists from now on with its first value.
    ///
    /// # Errors
    /// If the name is taken, or a name that the text needs for it.
    pub fn register<K: Instrument>(&self, desc: &Desc<K>) -> Result<K, MetricsError> {
        Ok(self.add::<K, ()>(desc, false)?.with(&()))
    }

    /// The same, or the metric that is there already under this name.
    ///
    /// # Errors
    /// If what is there is something else: another kind, labels, buckets or help. Its limit, and whether it keeps exemplars, are what
    /// the first said.
    pub fn get_or_register<K: Instrument>(&self, desc: &Desc<K>) -> Result<K, MetricsError> {
        Ok(self.add::<K, ()>(desc, true)?.with(&()))
    }

    /// A metric for each set of labels, or the family that is there already under this name.
    ///
    /// # Errors
    /// If what is there is something else, or a label is called what no label can be called.
    pub fn family<K: Instrument, L: Labels>(&self, desc: &Desc<K>) -> Result<Family<K, L>, MetricsError> {
        self.add(desc, true)
    }

    /// Reads what is counted elsewhere, at each scrape: from the counters that policies keep anyway.
    ///
    /// A collector runs on the thread of the scrape, with no lock held. One that panics is counted, and what it wrote until then
    /// stays. It is kept for the life of the registry. A family whose name another has is left out and counted in
    /// `metrics_rejected_total`, and a warning names it, once.
    ///
    /// ```
    /// use core_metrics::{Desc, Gauge, LabelNames, Registry};
    ///
    /// const DEPTH: Desc<Gauge> = Desc::gauge("queue_depth", "Messages that wait.");
    /// const QUEUE: LabelNames<1> = LabelNames::new(["queue"]);
    ///
    /// let registry = Registry::new();
    /// registry.collect(|scrape| scrape.gauges(&DEPTH, QUEUE).put(["mail"], 3.0));
    /// assert!(registry.respond(None).body.contains("queue_depth{queue=\"mail\"} 3.0\n"));
    /// ```
    pub fn collect(&self, collector: impl Fn(&mut Scrape) + Send + Sync + 'static) {
        lock(&self.0.collectors).push(Arc::new(collector));
    }

    /// What to answer a scrape with: the form that the header `Accept` asks for, as [`Format::negotiate`] has it.
    ///
    /// # Cost
    /// About 20 µs for 100 counters and 10 histograms. Nobody who counts waits for it.
    #[must_use]
    pub fn respond(&self, accept: Option<&str>) -> Response {
        let format = Format::negotiate(accept);
        Response { content_type: format.content_type(), body: self.render(format) }
    }

    /// The text, in a form.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        // Copied, so that nobody waits while it is written; collectors may register.
        let collectors: Vec<Collector> = lock(&self.0.collectors).clone();
        let mut scrape = Scrape::default();
        for collector in collectors {
            scrape.next_collector();
            if catch_unwind(AssertUnwindSafe(|| collector(&mut scrape))).is_err() {
                self.0.panics.inc();
            }
        }
        let entries: Vec<_> = {
            let entries = lock(&self.0.entries);
            scrape.keep(|claims| !claims.iter().any(|claim| entries.holder(claim).is_some()));
            entries.by_name.iter().map(|(name, entry)| (*name, entry.clone())).collect()
        };
        self.warn(scrape.take_left_out());
        self.0.rejected.add(scrape.take_rejected());
        self.of_itself(&entries, &mut scrape);
        let mut writer = Writer::new(format);
        for (name, entry) in entries {
            while scrape.first().is_some_and(|first| first < name) {
                scrape.write_first(&mut writer);
            }
            entry.family.encode(&mut writer);
        }
        while scrape.first().is_some() {
            scrape.write_first(&mut writer);
        }
        writer.finish()
    }

    /// Says which families of collectors are left out whole, each once.
    fn warn(&self, left_out: BTreeSet<&'static str>) {
        let news: Vec<_> = {
            let mut told = lock(&self.0.told);
            left_out.into_iter().filter(|name| told.insert(*name)).collect()
        };
        for family in news {
            tracing::warn!(
                target: "core_metrics",
                family,
                "a family of a collector is left out: another has its name, as another kind or with other labels",
            );
        }
    }

    /// Whether there is a metric without labels under this name, or a place for it.
    pub(crate) fn would_take<K: Instrument>(&self, desc: &Desc<K>) -> Result<(), MetricsError> {
        lock(&self.0.entries).find::<K, ()>(desc, true).map(|_| ())
    }

    /// Reads what the kernel says of the process: once, however often it is asked to.
    #[cfg(feature = "process")]
    pub(crate) fn collect_process(&self, collector: fn(&mut Scrape)) {
        self.0.process.call_once(|| self.collect(collector));
    }

    pub(crate) fn rejected(&self) -> &Counter {
        &self.0.rejected
    }

    /// What a registry says of itself.
    fn of_itself(&self, entries: &[(&'static str, Entry)], scrape: &mut Scrape) {
        scrape.counters(&REJECTED, LabelNames::NONE).put([], self.0.rejected.get());
        scrape.counters(&PANICS, LabelNames::NONE).put([], self.0.panics.get());
        #[cfg(feature = "facade")]
        let of_others = scrape.take_overflowed();
        #[cfg(not(feature = "facade"))]
        let of_others = Vec::new();
        let ours = entries.iter().filter_map(|(name, entry)| Some((*name, entry.family.overflowed()?)));
        let mut overflow = scrape.counters(&OVERFLOW, FAMILY);
        ours.chain(of_others).for_each(|(name, times)| overflow.put([name], times));
    }

    fn add<K: Instrument, L: Labels>(
        &self,
        desc: &Desc<K>,
        may_exist: bool,
    ) -> Result<Family<K, L>, MetricsError> {
        if !name::are_labels(L::NAMES) {
            return Err(MetricsError::labels(desc.name));
        }
        let mut entries = lock(&self.0.entries);
        if let Some(found) = entries.find(desc, may_exist)? {
            return Ok(found);
        }
        let family = Family::<K, L>::new(desc, &self.0.rejected);
        entries.claimed.extend(claims::<K>(desc.name).into_iter().map(|claim| (claim, desc.name)));
        let entry = Entry {
            help: desc.help,
            bounds: desc.bounds,
            labels: L::NAMES,
            family: Arc::new(family.clone()),
            typed: Arc::new(family.clone()),
        };
        entries.by_name.insert(desc.name, entry);
        Ok(family)
    }
}

/// All names that a metric needs for itself, in either text.
fn claims<K: Instrument>(name: &str) -> BTreeSet<String> {
    K::FAMILIES.iter().flat_map(|(kind, suffix)| kind.claims(&format!("{name}{suffix}"))).collect()
}

// === impl Entries ===

impl Entries {
    /// What is there under this name. `None` where there is a place for it.
    fn find<K: Instrument, L: Labels>(
        &self,
        desc: &Desc<K>,
        may_exist: bool,
    ) -> Result<Option<Family<K, L>>, MetricsError> {
        if let Some(entry) = self.by_name.get(desc.name) {
            if !may_exist {
                return Err(MetricsError::taken(desc.name, desc.name));
            }
            let same = entry.help == desc.help && entry.bounds == desc.bounds && entry.labels == L::NAMES;
            let typed = entry.typed.downcast_ref::<Family<K, L>>().filter(|_| same);
            return typed.cloned().map(Some).ok_or_else(|| MetricsError::differs(desc.name));
        }
        let taken = claims::<K>(desc.name).into_iter().find_map(|claim| Some((self.holder(&claim)?, claim)));
        taken.map_or(Ok(None), |(by, claim)| Err(MetricsError::taken(&claim, by)))
    }

    /// Who has a name already.
    fn holder(&self, name: &str) -> Option<&'static str> {
        let own = || OWN.into_iter().find(|own| *own == name || own.strip_suffix("_total") == Some(name));
        self.claimed.get(name).copied().or_else(own)
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = lock(&self.0.entries).by_name.keys().copied().collect();
        f.debug_struct("Registry").field("names", &names).finish_non_exhaustive()
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
