use core_metrics::names::GENESIS_RETRY_ATTEMPTS;
use core_metrics::{Counter, Desc, Gauge, LabelNames, Registry};
use core_pipeline::Pipeline;

const RETRY: Desc<Counter> =
    Desc::counter("retry_calls_total", "Calls that may be tried again, by how they ended.");
const LIMIT: Desc<Counter> = Desc::counter(
    "rate_limit_requests_total",
    "Requests that came to a limit, by whether they were let through.",
);
const BULKHEAD: Desc<Counter> =
    Desc::counter("bulkhead_calls_total", "Calls that came to a bulkhead, by what came of them.");
const IN_USE: Desc<Gauge> = Desc::gauge("bulkhead_in_use", "Slots in use.");
const SLOTS: Desc<Gauge> = Desc::gauge("bulkhead_slots", "Slots in all.");
const WAITING: Desc<Gauge> = Desc::gauge("bulkhead_waiting", "Calls that wait for a slot.");

const OPERATION: LabelNames<1> = LabelNames::new(["operation"]);
const NAME: LabelNames<1> = LabelNames::new(["name"]);
const NAME_OUTCOME: LabelNames<2> = LabelNames::new(["name", "outcome"]);

/// What these pipelines consist of, but for their breakers. Each goes by the name of its pipeline.
pub(crate) fn pipelines(registry: &Registry, pipelines: Vec<Pipeline>) {
    if pipelines.is_empty() {
        return;
    }
    registry.collect(move |scrape| {
        let retries =
            || pipelines.iter().filter_map(|pipeline| Some((pipeline.name(), pipeline.retry()?.stats())));
        let mut attempts = scrape.counters(&GENESIS_RETRY_ATTEMPTS, OPERATION);
        for (name, stats) in retries() {
            attempts.put([name.as_str()], stats.retries);
        }
        let mut calls = scrape.counters(&RETRY, NAME_OUTCOME);
        for (name, stats) in retries() {
            for (outcome, n) in [
                ("success", stats.succeeded),
                ("failure", stats.failed),
                ("out_of_attempts", stats.out_of_attempts),
                ("out_of_budget", stats.out_of_budget),
                ("out_of_time", stats.out_of_time),
            ] {
                calls.put([name.as_str(), outcome], n);
            }
        }
        let mut requests = scrape.counters(&LIMIT, NAME_OUTCOME);
        for pipeline in &pipelines {
            if let Some(limit) = pipeline.limit() {
                let (name, stats) = (pipeline.name(), limit.stats());
                requests.put([name.as_str(), "allowed"], stats.allowed);
                requests.put([name.as_str(), "refused"], stats.refused);
            }
        }
        let bulkheads: Vec<_> = pipelines
            .iter()
            .filter_map(|pipeline| Some((pipeline.name(), pipeline.bulkhead()?.snapshot())))
            .collect();
        let mut calls = scrape.counters(&BULKHEAD, NAME_OUTCOME);
        for (name, bulkhead) in &bulkheads {
            calls.put([name.as_str(), "admitted"], bulkhead.admitted);
            calls.put([name.as_str(), "refused"], bulkhead.refused);
            calls.put([name.as_str(), "timed_out"], bulkhead.timed_out);
        }
        for (desc, of) in [(&IN_USE, 0), (&SLOTS, 1), (&WAITING, 2)] {
            let mut gauges = scrape.gauges(desc, NAME);
            for (name, bulkhead) in &bulkheads {
                let values = [bulkhead.in_use, bulkhead.max.into(), bulkhead.waiting];
                gauges.put([name.as_str()], f64::from(u32::try_from(values[of]).unwrap_or(u32::MAX)));
            }
        }
    });
}
