use std::hash::Hash;
use std::sync::Arc;

use core_errors::Name;
use core_metrics::{Counter, Desc, Gauge, LabelNames, Registry, Scrape};
use core_pipeline::{HedgedPipeline, KeyedPipeline, KeyedSummary, Pipeline};
use core_retry::Budget;
use core_time::Clock;
use core_timeout::Timeout;

use super::watch::{Source, sealed};
use super::{breakers, budgets, bulkheads, circuits, hedges, keyed, rates, retries};

const FIRED: Desc<Counter> =
    Desc::counter("timeout_fired_total", "How often a limit on time stopped an attempt or a whole call.");
const ELAPSED: Desc<Counter> = Desc::counter(
    "timeout_elapsed_seconds_total",
    "How long the attempts and calls had taken that a limit on time stopped.",
);
const LIMIT_SECONDS: Desc<Gauge> =
    Desc::gauge("timeout_limit_seconds", "How long an attempt or a whole call may take.");

const KEYED_ATTEMPTS: Desc<Counter> = Desc::counter(
    "keyed_pipeline_attempts_total",
    "Attempts that came to the circuits of all keys, by what came of them.",
);
const KEYED_SLOW: Desc<Counter> = Desc::counter(
    "keyed_pipeline_slow_calls_total",
    "Attempts that took longer than the circuits of all keys allow.",
);
const KEYED_FALLBACKS: Desc<Counter> = Desc::counter(
    "keyed_pipeline_fallbacks_total",
    "Calls through the circuits of all keys that a fallback answered.",
);
const KEYED_RETRIES: Desc<Counter> =
    Desc::counter("keyed_pipeline_retries_total", "Attempts after the first, of all keys.");
const KEYED_CALLS: Desc<Counter> = Desc::counter(
    "keyed_pipeline_retry_calls_total",
    "Calls of all keys that may be tried again, by how they ended.",
);
const KEYED_HEDGED: Desc<Counter> = Desc::counter(
    "keyed_pipeline_hedge_calls_total",
    "Calls of all keys that may be hedged, by how they ended.",
);
const KEYED_WON: Desc<Counter> =
    Desc::counter("keyed_pipeline_hedge_won_total", "Calls of all keys that a hedge answered.");
const KEYED_HEDGES: Desc<Counter> =
    Desc::counter("keyed_pipeline_hedges_total", "Hedges that were started, of all keys.");
const KEYED_WITHHELD: Desc<Counter> = Desc::counter(
    "keyed_pipeline_hedge_withheld_total",
    "Calls of all keys that would have had a hedge, or another, by what was in the way.",
);
const KEYED_REQUESTS: Desc<Counter> = Desc::counter(
    "keyed_pipeline_rate_limit_requests_total",
    "Requests that came to the rate limits of all keys, by whether they were let through.",
);
const KEYED_SLOTS: Desc<Counter> = Desc::counter(
    "keyed_pipeline_bulkhead_calls_total",
    "Calls that came to the bulkheads of all keys, by what came of them.",
);
const KEYED_FIRED: Desc<Counter> = Desc::counter(
    "keyed_pipeline_timeouts_total",
    "How often a limit on time stopped an attempt or a whole call, of all keys.",
);

const NAME: LabelNames<1> = LabelNames::new(["name"]);
const NAME_OUTCOME: LabelNames<2> = LabelNames::new(["name", "outcome"]);
const NAME_REASON: LabelNames<2> = LabelNames::new(["name", "reason"]);
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
                    put_keyed(scrape, &pipelines.summary());
                    put_budgets(scrape, pipelines.name(), pipelines.retry_budget(), pipelines.hedge_budget());
                })
            }
        }
    };
}

watch_keyed!(Pipeline);
watch_keyed!(HedgedPipeline);

/// Of all keys together.
fn put_keyed(scrape: &mut Scrape, shown: &KeyedSummary) {
    let name = shown.name.as_str();
    keyed::put(scrape, "pipeline", name, &shown.keys);
    if let Some(states) = &shown.circuits {
        circuits::put(scrape, "pipeline", name, states);
    }
    let mut put = |desc: &Desc<Counter>, outcomes: &[(&str, u64)]| {
        put_each(scrape, desc, NAME_OUTCOME, name, outcomes);
    };
    if let Some(totals) = &shown.breaker {
        put(&KEYED_ATTEMPTS, &breakers::outcomes(totals));
    }
    if let Some(stats) = &shown.retry {
        put(&KEYED_CALLS, &retries::outcomes(stats));
    }
    if let Some(stats) = &shown.hedge {
        put(&KEYED_HEDGED, &hedges::outcomes(stats));
    }
    if let Some(stats) = &shown.limit {
        put(&KEYED_REQUESTS, &[("allowed", stats.allowed), ("refused", stats.refused)]);
    }
    if let Some(totals) = &shown.bulkhead {
        put(
            &KEYED_SLOTS,
            &bulkheads::outcomes(totals.admitted, totals.refused, totals.timed_out, totals.shed),
        );
    }
    if let Some(totals) = &shown.breaker {
        scrape.counters(&KEYED_SLOW, NAME).put([name], totals.slow);
        scrape.counters(&KEYED_FALLBACKS, NAME).put([name], totals.fallbacks);
    }
    if let Some(stats) = &shown.retry {
        scrape.counters(&KEYED_RETRIES, NAME).put([name], stats.retries);
    }
    if let Some(stats) = &shown.hedge {
        scrape.counters(&KEYED_WON, NAME).put([name], stats.won);
        scrape.counters(&KEYED_HEDGES, NAME).put([name], stats.hedges);
        put_each(scrape, &KEYED_WITHHELD, NAME_REASON, name, &hedges::reasons(stats));
    }
    let mut fired = scrape.counters(&KEYED_FIRED, NAME_LIMITS);
    for (limits, n) in [("attempt", shown.attempts_timed_out), ("call", shown.calls_timed_out)] {
        if let Some(n) = n {
            fired.put([name, limits], n);
        }
    }
}

/// What all keys draw on: not under the label that a pipeline of the same name has for its own.
fn put_budgets(scrape: &mut Scrape, name: Name, of_retry: Option<Budget>, of_hedge: Option<Budget>) {
    // Where the hedges draw on that of the retry too, it is shown there.
    let is_shared = of_retry.as_ref().zip(of_hedge.as_ref()).is_some_and(|(a, b)| a.is_same(b));
    let of_hedge = of_hedge.filter(|_| !is_shared);
    for (of, budget) in [("keyed_retry", of_retry), ("keyed_hedge", of_hedge)] {
        if let Some(budget) = budget {
            budgets::put(scrape, name, of, &budget, &Clock::system());
        }
    }
}

fn put_each(
    scrape: &mut Scrape,
    desc: &Desc<Counter>,
    labels: LabelNames<2>,
    name: &str,
    counts: &[(&str, u64)],
) {
    let mut counters = scrape.counters(desc, labels);
    for (label, n) in counts {
        counters.put([name, label], *n);
    }
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
