use core_errors::Name;
use core_limit::Bulkhead;
use core_metrics::{Counter, Desc, Gauge, LabelNames, Scrape};

use super::watch::{Source, sealed};

const CALLS: Desc<Counter> =
    Desc::counter("bulkhead_calls_total", "Calls that came to a bulkhead, by what came of them.");
const IN_USE: Desc<Gauge> = Desc::gauge("bulkhead_in_use", "Slots in use.");
const SLOTS: Desc<Gauge> = Desc::gauge("bulkhead_slots", "Slots in all.");
const WAITING: Desc<Gauge> = Desc::gauge("bulkhead_waiting", "Calls that wait for a slot.");

const NAME: LabelNames<1> = LabelNames::new(["name"]);
const NAME_OUTCOME: LabelNames<2> = LabelNames::new(["name", "outcome"]);

/// What [`check`](super::watch::check) calls them.
pub(super) const BULKHEADS: &str = "bulkheads";

/// A bulkhead under a name.
pub(super) fn put(scrape: &mut Scrape, name: Name, bulkhead: &Bulkhead) {
    let (name, shown) = (name.as_str(), bulkhead.snapshot());
    let mut calls = scrape.counters(&CALLS, NAME_OUTCOME);
    for (outcome, n) in outcomes(shown.admitted, shown.refused, shown.timed_out, shown.shed) {
        calls.put([name, outcome], n);
    }
    let count = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    scrape.gauges(&IN_USE, NAME).put([name], count(shown.in_use));
    scrape.gauges(&SLOTS, NAME).put([name], shown.max.into());
    scrape.gauges(&WAITING, NAME).put([name], count(shown.waiting));
}

/// What came of calls, each in one place.
pub(super) fn outcomes(admitted: u64, refused: u64, timed_out: u64, shed: u64) -> [(&'static str, u64); 4] {
    [("admitted", admitted), ("refused", refused), ("timed_out", timed_out), ("shed", shed)]
}

impl sealed::Watch for Bulkhead {
    fn source(&self) -> Source {
        let bulkhead = self.clone();
        Source::new(BULKHEADS, self.name(), move |scrape| put(scrape, bulkhead.name(), &bulkhead))
    }
}
