use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::labels::{Labels, OVERFLOW, Values};
use crate::table::Table;
use crate::text::Writer;
use crate::{Counter, Desc, Instrument};

/// One metric for each set of labels. Clones are one family.
///
/// [`with`](Self::with) finds or makes the metric of a set of labels, and it is a value that can be kept: where the labels are
/// known beforehand, keep it, and what is left is the cost of the metric.
///
/// Families are bounded. When [`series_max`](Desc::series_max) is reached, all new sets of labels share one metric, which is
/// labelled `otel_metric_overflow="true"`; `metrics_overflow_total` counts how often, and a warning names the label that has the
/// most values.
///
/// # Cost
/// A look-up writes nothing, so that threads do not wait for each other; it hashes the labels, unless [all sets of
/// them](Labels#cost) are numbered. Only a set of labels that is new takes a lock.
pub struct Family<K, L>(Arc<Inner<K, L>>);

struct Inner<K, L> {
    desc: Desc<K>,
    rejected: Counter,
    overflowed: Counter,
    /// What look-ups read.
    by_labels: Table<L, K>,
    /// What is written, in order. Whoever holds it may add.
    by_text: Mutex<Known<K>>,
}

struct Known<K> {
    series: BTreeMap<Arc<str>, K>,
    /// Sets of labels that have a place and the text of another.
    alike: usize,
    overflow: Option<K>,
}

/// A family of any kind.
pub(crate) trait Encode: Send + Sync {
    fn encode(&self, writer: &mut Writer);

    /// How often there was no place for another series; `None` for what has only one.
    fn overflowed(&self) -> Option<u64>;
}

// === impl Family ===

impl<K: Instrument, L: Labels> Family<K, L> {
    pub(crate) fn new(desc: &Desc<K>, rejected: &Counter) -> Self {
        Self(Arc::new(Inner {
            desc: *desc,
            rejected: rejected.clone(),
            overflowed: Counter::new(),
            by_labels: Table::new(desc.series_max),
            by_text: Mutex::new(Known { series: BTreeMap::new(), alike: 0, overflow: None }),
        }))
    }

    /// The metric of these labels.
    #[must_use]
    pub fn with(&self, labels: &L) -> K {
        self.0.by_labels.get(labels).cloned().unwrap_or_else(|| self.add(labels))
    }

    /// Does something to the metric of these labels, as in `.update(&labels, Counter::inc)`: cheaper than [`with`](Self::with), which
    /// hands out a clone.
    #[inline]
    pub fn update<R>(&self, labels: &L, change: impl FnOnce(&K) -> R) -> R {
        match self.0.by_labels.get(labels) {
            Some(known) => change(known),
            None => change(&self.add(labels)),
        }
    }

    /// How many series there are, without the one for what did not fit.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.known().series.len()
    }

    /// Whether there is none yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[cold]
    fn add(&self, labels: &L) -> K {
        let inner = &*self.0;
        // What is of the user's runs before the lock is taken.
        let text = Values::of(labels).text(L::NAMES);
        let (added, warn) = inner.add(labels, text);
        if warn {
            let most = most_values(&inner.by_labels);
            tracing::warn!(
                target: "core_metrics",
                family = inner.desc.name,
                label = most,
                series_max = inner.desc.series_max,
                "a family of metrics is full: what is new goes into one series",
            );
        }
        added
    }
}

/// The label that has the most values.
fn most_values<K, L: Labels>(by_labels: &Table<L, K>) -> &'static str {
    let mut distinct = vec![BTreeSet::new(); L::NAMES.len()];
    for labels in by_labels.labels() {
        let values = Values::of(labels);
        for (at, distinct) in distinct.iter_mut().enumerate() {
            distinct.insert(values.get(at).unwrap_or_default().to_owned());
        }
    }
    let most = distinct.iter().zip(L::NAMES).max_by_key(|(distinct, _)| distinct.len());
    most.map_or("", |(_, name)| name)
}

impl<K, L> Clone for Family<K, L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, L> fmt::Debug for Family<K, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Family").field(&self.0.desc.name).finish()
    }
}

impl<K: Instrument, L: Labels> Encode for Family<K, L> {
    fn encode(&self, writer: &mut Writer) {
        // Copied, so that nobody waits while it is written.
        let series: Vec<_> = {
            let known = self.0.known();
            let overflow = known.overflow.iter().map(|k| (Arc::from(OVERFLOW), k.clone()));
            known.series.iter().map(|(text, k)| (Arc::clone(text), k.clone())).chain(overflow).collect()
        };
        K::encode(writer, &self.0.desc, &series);
    }

    fn overflowed(&self) -> Option<u64> {
        (!L::NAMES.is_empty()).then(|| self.0.overflowed.get())
    }
}

// === impl Inner ===

impl<K: Instrument, L: Labels> Inner<K, L> {
    fn known(&self) -> std::sync::MutexGuard<'_, Known<K>> {
        self.by_text.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The metric of new labels, and whether it is the first time that there was no place.
    fn add(&self, labels: &L, text: Option<String>) -> (K, bool) {
        let mut known = self.known();
        // Another thread was faster.
        if let Some(found) = self.by_labels.get(labels) {
            return (found.clone(), false);
        }
        let make = || K::make(&self.desc, &self.rejected);
        let same = text.as_deref().and_then(|text| known.series.get(text)).cloned();
        if let Some(same) = same {
            // Another set of labels that reads the same needs no place of its own, and does not get many.
            if known.alike < self.desc.series_max {
                known.alike += 1;
                self.by_labels.insert(labels.clone(), same.clone());
            }
            return (same, false);
        }
        if let Some(text) = text
            && known.series.len() < self.desc.series_max
        {
            let added = make();
            // Where labels hash so badly that there is no place, they are found by their text, each time.
            self.by_labels.insert(labels.clone(), added.clone());
            known.series.insert(text.into(), added.clone());
            return (added, false);
        }
        self.overflowed.inc();
        let first = known.overflow.is_none();
        (known.overflow.get_or_insert_with(make).clone(), first)
    }
}
