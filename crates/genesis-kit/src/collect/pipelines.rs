use std::hash::Hash;
use std::sync::Arc;

use core_errors::Name;
use core_metrics::{Counter, Desc, Gauge, LabelNames, Registry, Scrape};
use core_pipeline::{HedgedPipeline, KeyedPipeline, Pipeline};
use core_timeout::Timeout;

use super::watch::{Source, sealed};
use super::{bulkheads, circuits, keyed, rates, retries};

const FIRED: Desc<Counter> =
    Desc::counter("timeout_fired_total", "How often a limit on time stopped an attempt or a whole call.");
const ELAPSED: Desc<Counter> = Desc::counter(
    "timeout_elapsed_seconds_total",
    "How long the attempts and calls had taken that a limit on time stopped.",
);
const LIMIT_SECONDS: Desc<Gauge> =
    Desc::gauge("timeout_limit_seconds", "How long an attempt or a whole call may take.");

const NAME_LIMITS: LabelNames<2> = LabelNames::new(["name", "limits"]);

/// What these pipelines consist of, but for their breakers. Each goes by the name of its pipeline.
pub(crate) fn pipelines(registry: &Registry, pipelines: Vec<Pipeline>) {
    if pipelines.is_empty() {
        return;
    }
    registry.collect(move |scrape| {
        for pipeline in &pipelines {
            let name = pipeline.name();
            pipeline.retry().into_iter().for_each(|retry| retries::put(scrape, name, retry));
            pipeline.limit().into_iter().for_each(|limit| rates::put(scrape, name, limit));
            pipeline.bulkhead().into_iter().for_each(|bulkhead| bulkheads::put(scrape, name, bulkhead));
        }
        timeouts(scrape, &pipelines);
    });
}

/// What a pipeline shows under its name, and so nothing else may.
pub(crate) fn slots(pipeline: &Pipeline) -> impl Iterator<Item = (&'static str, Name)> + use<> {
    let slots = [
        (retries::RETRIES, pipeline.retry().is_some()),
        (rates::RATES, pipeline.limit().is_some()),
        (bulkheads::BULKHEADS, pipeline.bulkhead().is_some()),
    ];
    let name = pipeline.name();
    slots.into_iter().filter(|(_, is_there)| *is_there).map(move |(kind, _)| (kind, name))
}

macro_rules! watch_keyed {
    ($pipeline:ty) => {
        impl<K: Hash + Eq + Send + Sync + 'static> sealed::Watch for Arc<KeyedPipeline<K, $pipeline>> {
            fn source(&self) -> Source {
                let pipelines = Self::clone(self);
                Source::new("pipelines by key", self.name(), move |scrape| {
                    let name = pipelines.name();
                    keyed::put(scrape, "pipeline", name.as_str(), &pipelines.stats());
                    if let Some(shown) = pipelines.circuits() {
                        circuits::put(scrape, "pipeline", name.as_str(), &shown);
                    }
                })
            }
        }
    };
}

watch_keyed!(Pipeline);
watch_keyed!(HedgedPipeline);

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
