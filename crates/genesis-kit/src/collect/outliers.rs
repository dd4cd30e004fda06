use std::hash::Hash;

use core_breaker::Outliers;
use core_metrics::{Counter, Desc, Gauge, LabelNames};

use super::watch::{Source, count, sealed};

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

/// Of all hosts together. No host is a label: there may be many, and their names are not ours.
impl<K: Hash + Eq + Send + Sync + 'static> sealed::Watch for Outliers<K> {
    fn source(&self) -> Source {
        let outliers = self.clone();
        Source::new("sets of hosts", self.name(), move |scrape| {
            let shown = outliers.snapshot();
            let (name, totals) = (shown.name.as_str(), &shown.totals);
            scrape.gauges(&HOSTS, NAME).put([name], count(shown.hosts.len()));
            scrape.gauges(&EJECTED, NAME).put([name], count(shown.ejected));
            scrape.gauges(&PANIC, NAME).put_bool([name], shown.is_panicking);
            let mut found = scrape.counters(&FOUND, NAME_RULE);
            found.put([name, "consecutive"], totals.by_consecutive);
            found.put([name, "success_rate"], totals.by_success_rate);
            found.put([name, "failure_percentage"], totals.by_failure_percentage);
            found.put([name, "operator"], totals.by_operator);
            scrape.counters(&EJECTIONS, NAME).put([name], totals.ejected);
            let mut spared = scrape.counters(&SPARED, NAME_WHY);
            spared.put([name, "max_ejected"], totals.over_max);
            spared.put([name, "not_enforced"], totals.not_enforced);
        })
    }
}
