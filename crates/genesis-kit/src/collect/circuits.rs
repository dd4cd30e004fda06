//! Circuits of keys.

use std::hash::Hash;
use std::sync::Arc;

use core_breaker::{Circuits, KeyedBreaker, State};
use core_metrics::{Counter, Desc, Gauge, LabelNames, Scrape};

use super::keyed;
use super::watch::{Source, count, sealed};

const CIRCUITS: Desc<Gauge> =
    Desc::gauge("keyed_circuit_breakers", "Circuits of keys, by the state that they are in.");
const CALLS: Desc<Counter> = Desc::counter(
    "keyed_circuit_breaker_calls_total",
    "Calls that came to the circuits of all keys, by what came of them.",
);
const SLOW: Desc<Counter> = Desc::counter(
    "keyed_circuit_breaker_slow_calls_total",
    "Calls that took longer than the circuits of all keys allow.",
);
const FALLBACKS: Desc<Counter> = Desc::counter(
    "keyed_circuit_breaker_fallbacks_total",
    "Calls through the circuits of all keys that a fallback answered.",
);

const NAME: LabelNames<1> = LabelNames::new(["name"]);
const NAME_OUTCOME: LabelNames<2> = LabelNames::new(["name", "outcome"]);
const NAME_STATE: LabelNames<3> = LabelNames::new(["kind", "name", "state"]);

/// How many circuits are in which state.
pub(super) fn put(scrape: &mut Scrape, kind: &str, name: &str, circuits: &Circuits) {
    let mut states = scrape.gauges(&CIRCUITS, NAME_STATE);
    for state in State::ALL {
        states.put([kind, name, state.as_str()], count(circuits.of(state)));
    }
}

impl<K: Hash + Eq + Send + Sync + 'static> sealed::Watch for Arc<KeyedBreaker<K>> {
    fn source(&self) -> Source {
        let breakers = Self::clone(self);
        Source::new("breakers by key", self.name(), move |scrape| {
            let shown = breakers.summary();
            let (name, totals) = (shown.name.as_str(), shown.totals);
            keyed::put(scrape, "breaker", name, &shown.keys);
            put(scrape, "breaker", name, &shown.circuits);
            let mut calls = scrape.counters(&CALLS, NAME_OUTCOME);
            for (outcome, n) in super::breakers::outcomes(&totals) {
                calls.put([name, outcome], n);
            }
            scrape.counters(&SLOW, NAME).put([name], totals.slow);
            scrape.counters(&FALLBACKS, NAME).put([name], totals.fallbacks);
        })
    }
}
