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

const OF_PARTITION: Desc<Gauge> =
    Desc::gauge("adaptive_limit_partition_in_flight", "Calls of a partition that are in flight.");
const OWN: Desc<Gauge> = Desc::gauge(
    "adaptive_limit_partition_own",
    "How many calls of the limit, as it is now, are a partition's own.",
);

const NAME: LabelNames<1> = LabelNames::new(["name"]);
const NAME_PARTITION: LabelNames<2> = LabelNames::new(["name", "partition"]);
const NAME_OUTCOME: LabelNames<2> = LabelNames::new(["name", "outcome"]);

/// All of it, whatever the handle is for. Partitions are labels: there are a few, and whoever made the limit named them.
impl sealed::Watch for Adaptive {
    fn source(&self) -> Source {
        let limit = self.whole();
        Source::new("adaptive limits", self.name(), move |scrape| {
            let shown = limit.snapshot();
            let name = shown.name.as_str();
            scrape.gauges(&LIMIT, NAME).put([name], shown.limit.into());
            scrape.gauges(&IN_FLIGHT, NAME).put([name], shown.in_flight.into());
            let mut in_flight = scrape.gauges(&OF_PARTITION, NAME_PARTITION);
            for part in limit.partitions() {
                in_flight.put([name, part.name.as_str()], part.in_flight.into());
            }
            let mut own = scrape.gauges(&OWN, NAME_PARTITION);
            for part in limit.partitions() {
                own.put([name, part.name.as_str()], part.own.into());
            }
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
