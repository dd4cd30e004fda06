use core_metrics::names::GENESIS_RETRY_ATTEMPTS;
use core_metrics::{Counter, Desc, Gauge, LabelNames, Registry, Scrape};
use core_pipeline::Pipeline;
use core_timeout::Timeout;

const RETRY: Desc<Counter> =
    Desc::counter("retry_calls_total", "Calls that may be tried again, by how they ended.");
const DISCARDED: Desc<Counter> = Desc::counter(
    "retry_hints_discarded_total",
    "Requests of a callee for a pause that was too long to be followed.",
);
const LIMIT: Desc<Counter> = Desc::counter(
    "rate_limit_requests_total",
    "Requests that came to a limit, by whether they were let through.",
);
const BULKHEAD: Desc<Counter> =
    Desc::counter("bulkhead_calls_total", "Calls that came to a bulkhead, by what came of them.");
const IN_USE: Desc<Gauge> = Desc::gauge("bulkhead_in_use", "Slots in use.");
const SLOTS: Desc<Gauge> = Desc::gauge("bulkhead_slots", "Slots in all.");
const FIRED: Desc<Counter> =
    Desc::counter("timeout_fired_total", "How often a limit on time stopped an attempt or a whole call.");
const ELAPSED: Desc<Counter> = Desc::counter(
    "timeout_elapsed_seconds_total",
    "How long the attempts and calls had taken that a limit on time stopped.",
);
const LIMIT_SECONDS: Desc<Gauge> =
    Desc::gauge("timeout_limit_seconds", "How long an attempt or a whole call may take.");
const WAITING: Desc<Gauge> = Desc::gauge("bulkhead_waiting", "Calls that wait for a slot.");

const OPERATION: LabelNames<1> = LabelNames::new(["operation"]);
const NAME: LabelNames<1> = LabelNames::new(["name"]);
const NAME_LIMITS: LabelNames<2> = LabelNames::new(["name", "limits"]);
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
        let mut discarded = scrape.counters(&DISCARDED, NAME);
        for (name, stats) in retries() {
            discarded.put([name.as_str()], stats.hints_discarded);
        }
        let mut requests = scrape.counters(&LIMIT, NAME_OUTCOME);
        for pipeline in &pipelines {
            if let Some(limit) = pipeline.limit() {
                let (name, stats) = (pipeline.name(), limit.stats());
                requests.put([name.as_str(), "allowed"], stats.allowed);
                requests.put([name.as_str(), "refused"], stats.refused);
            }
        }
        timeouts(scrape, &pipelines);
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

/// Limits on time, of attempts and of whole calls.
fn timeouts(scrape: &mut Scrape, pipelines: &[Pipeline]) {
    fn both(pipeline: &Pipeline) -> impl Iterator<Item = ([&'static str; 2], &Timeout)> {
        let (name, both) = (pipeline.name(), [pipeline.attempt_timeout(), pipeline.deadline()]);
        ["attempt", "call"]
            .into_iter()
            .zip(both)
            .filter_map(move |(of, limit)| Some(([name.as_str(), of], limit?)))
    }
    let all = || pipelines.iter().flat_map(both);
    let mut fired = scrape.counters(&FIRED, NAME_LIMITS);
    all().for_each(|(labels, limit)| fired.put(labels, limit.stats().fired));
    let mut elapsed = scrape.counters(&ELAPSED, NAME_LIMITS);
    all().for_each(|(labels, limit)| elapsed.put_float(labels, limit.stats().elapsed.as_secs_f64()));
    let mut limits = scrape.gauges(&LIMIT_SECONDS, NAME_LIMITS);
    all().for_each(|(labels, limit)| limits.put(labels, limit.limit().as_secs_f64()));
}
