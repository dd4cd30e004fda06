use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use core_breaker::{OutlierSnapshot, Outliers};
use core_metrics::{Counter, Desc, Gauge, LabelNames, Registry};

use super::watch::count;

const HOSTS: Desc<Gauge> = Desc::gauge("outlier_hosts", "Hosts of an upstream that are known.");
const EJECTED: Desc<Gauge> = Desc::gauge("outlier_hosts_ejected", "Hosts that get no calls.");
const PANIC: Desc<Gauge> =
    Desc::gauge("outlier_panic", "1 while so few hosts are in service that ejections are ignored.");
const FOUND: Desc<Counter> = Desc::counter(
    "outlier_found_total",
    "Hosts that were found to be outliers, by the rule that found them.",
);
const EJECTIONS: Desc<Counter> = Desc::counter("outlier_ejections_total", "Hosts that were ejected.");
const SPARED: Desc<Counter> =
    Desc::counter("outlier_spared_total", "Hosts that were found and not ejected, by what spared them.");

const NAME: LabelNames<1> = LabelNames::new(["name"]);
const NAME_RULE: LabelNames<2> = LabelNames::new(["name", "rule"]);
const NAME_WHY: LabelNames<2> = LabelNames::new(["name", "why"]);

/// A set of hosts, whatever their keys.
#[derive(Clone)]
pub(crate) struct Watched(Arc<dyn Fn() -> OutlierSnapshot + Send + Sync>);

// === impl Watched ===

impl Watched {
    pub(crate) fn new<K: Hash + Eq + Send + Sync + 'static>(outliers: &Outliers<K>) -> Self {
        let outliers = outliers.clone();
        Self(Arc::new(move || outliers.snapshot()))
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

/// These sets, each by its name. No host is a label: there may be many, and their names are not ours.
pub(crate) fn outliers(registry: &Registry, sets: Vec<Watched>) {
    if sets.is_empty() {
        return;
    }
    registry.collect(move |scrape| {
        let all: Vec<OutlierSnapshot> = sets.iter().map(|set| (set.0)()).collect();
        let mut hosts = scrape.gauges(&HOSTS, NAME);
        for set in &all {
            hosts.put([set.name.as_str()], count(set.hosts.len()));
        }
        let mut ejected = scrape.gauges(&EJECTED, NAME);
        for set in &all {
            ejected.put([set.name.as_str()], count(set.ejected));
        }
        let mut panic = scrape.gauges(&PANIC, NAME);
        for set in &all {
            panic.put_bool([set.name.as_str()], set.is_panicking);
        }
        let mut found = scrape.counters(&FOUND, NAME_RULE);
        for set in &all {
            let totals = &set.totals;
            for (rule, n) in [
                ("consecutive", totals.by_consecutive),
                ("success_rate", totals.by_success_rate),
                ("failure_percentage", totals.by_failure_percentage),
                ("operator", totals.by_operator),
            ] {
                found.put([set.name.as_str(), rule], n);
            }
        }
        let mut ejections = scrape.counters(&EJECTIONS, NAME);
        for set in &all {
            ejections.put([set.name.as_str()], set.totals.ejected);
        }
        let mut spared = scrape.counters(&SPARED, NAME_WHY);
        for set in &all {
            spared.put([set.name.as_str(), "max_ejected"], set.totals.over_max);
            spared.put([set.name.as_str(), "not_enforced"], set.totals.not_enforced);
        }
    });
}
