use std::time::Duration;

use core_metrics::{
    Counter, DEFAULT_BUCKETS, Desc, Gauge, Histogram, HistogramSnapshot, LabelNames, Registry,
};
use core_track::{Durations, Tracker};

const EXECUTIONS: Desc<Histogram> = Desc::histogram("execution_seconds", "How long executions took.");
const STAGES: Desc<Histogram> = Desc::histogram("execution_stage_seconds", "How long stages took.");
const FAILURES: Desc<Counter> = Desc::counter("execution_failures_total", "Executions that failed.");
const CANCELLED: Desc<Counter> = Desc::counter(
    "execution_cancelled_total",
    "Executions that were cancelled, which are not in execution_seconds.",
);
const STAGE_FAILURES: Desc<Counter> = Desc::counter("execution_stage_failures_total", "Stages that failed.");
const STAGE_CANCELLED: Desc<Counter> = Desc::counter(
    "execution_stage_cancelled_total",
    "Stages that were cancelled, which are not in execution_stage_seconds.",
);
const IN_PROGRESS: Desc<Gauge> = Desc::gauge("executions_in_progress", "Executions that run now.");

const OPERATION: LabelNames<1> = LabelNames::new(["operation"]);
const STAGE: LabelNames<2> = LabelNames::new(["operation", "stage"]);

/// What executions and their stages took, over all of them.
pub(crate) fn tracker(registry: &Registry, tracker: &Tracker) {
    let tracker = tracker.clone();
    let ends: Vec<_> = DEFAULT_BUCKETS.iter().copied().map(Duration::from_secs_f64).collect();
    registry.collect(move |scrape| {
        let all = tracker.durations(&ends);
        let executions = || all.iter().filter(|of| of.stage.is_none());
        let stages = || all.iter().filter_map(|of| Some((of, of.stage?)));
        let mut seconds = scrape.histograms(&EXECUTIONS, OPERATION);
        executions().for_each(|of| seconds.put([of.operation], histogram(of)));
        let mut seconds = scrape.histograms(&STAGES, STAGE);
        stages().for_each(|(of, stage)| seconds.put([of.operation, stage], histogram(of)));
        let mut failures = scrape.counters(&FAILURES, OPERATION);
        executions().for_each(|of| failures.put([of.operation], of.failures));
        let mut cancelled = scrape.counters(&CANCELLED, OPERATION);
        executions().for_each(|of| cancelled.put([of.operation], of.cancelled));
        let mut failures = scrape.counters(&STAGE_FAILURES, STAGE);
        stages().for_each(|(of, stage)| failures.put([of.operation, stage], of.failures));
        let mut cancelled = scrape.counters(&STAGE_CANCELLED, STAGE);
        stages().for_each(|(of, stage)| cancelled.put([of.operation, stage], of.cancelled));
        let running = u32::try_from(tracker.in_progress()).unwrap_or(u32::MAX);
        scrape.gauges(&IN_PROGRESS, LabelNames::NONE).put([], f64::from(running));
    });
}

fn histogram(of: &Durations) -> HistogramSnapshot {
    HistogramSnapshot {
        bounds: DEFAULT_BUCKETS.to_vec(),
        counts: of.counts.clone(),
        sum: of.sum.as_secs_f64(),
    }
}
