use core_limit::Adaptive;
use core_metrics::{Counter, Desc, Gauge, LabelNames};

use super::watch::{Source, sealed};

const LIMIT: Desc<Gauge> =
    Desc::gauge("adaptive_limit", "Calls that may be in flight, as it was found out last.");
const IN_FLIGHT: Desc<Gauge> = Desc::gauge("adaptive_limit_in_flight", "Calls that are in flight.");
const CALLS: Desc<Counter> = Desc::counter(
    "adaptive_limit_calls_total",
    "Calls that came to an adaptive limit, by what came of them.",
);
const DROPPED: Desc<Counter> = Desc::counter(
    "adaptive_limit_dropped_total",
    "Calls that were admitted, and that the callee dropped or took too long for.",
);
const BASELINE: Desc<Gauge> = Desc::gauge(
    "adaptive_limit_baseline_seconds",
    "How long a call takes that meets no queue, once that is known.",
);

const NAME: LabelNames<1> = LabelNames::new(["name"]);
const NAME_OUTCOME: LabelNames<2> = LabelNames::new(["name", "outcome"]);

/// Of a handle for a partition, what is in flight of that partition.
impl sealed::Watch for Adaptive {
    fn source(&self) -> Source {
        let limit = self.clone();
        Source::new("adaptive limits", self.name(), move |scrape| {
            let shown = limit.snapshot();
            let name = shown.name.as_str();
            scrape.gauges(&LIMIT, NAME).put([name], shown.limit.into());
            scrape.gauges(&IN_FLIGHT, NAME).put([name], shown.in_flight.into());
            let mut calls = scrape.counters(&CALLS, NAME_OUTCOME);
            calls.put([name, "admitted"], shown.admitted);
            calls.put([name, "refused"], shown.refused);
            calls.put([name, "shed"], shown.shed);
            scrape.counters(&DROPPED, NAME).put([name], shown.dropped);
            if let Some(baseline) = shown.baseline {
                scrape.gauges(&BASELINE, NAME).put([name], baseline.as_secs_f64());
            }
        })
    }
}
