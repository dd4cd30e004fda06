use core_limit::Executor;
use core_metrics::{Counter, Desc, Gauge, LabelNames};

use super::watch::{Source, count, sealed};

const THREADS: Desc<Gauge> = Desc::gauge("executor_threads", "Threads.");
const RUNNING: Desc<Gauge> = Desc::gauge("executor_running", "Jobs that run.");
const QUEUED: Desc<Gauge> = Desc::gauge("executor_queued", "Jobs that have not begun.");
const QUEUE_MAX: Desc<Gauge> = Desc::gauge("executor_queue_max", "Places in the queue.");
const JOBS: Desc<Counter> =
    Desc::counter("executor_jobs_total", "Jobs that came to an executor, by what came of them.");

const NAME: LabelNames<1> = LabelNames::new(["name"]);
const NAME_OUTCOME: LabelNames<2> = LabelNames::new(["name", "outcome"]);

/// It is kept, and with it its threads, for as long as its metrics are shown.
impl sealed::Watch for Executor {
    fn source(&self) -> Source {
        let executor = self.clone();
        Source::new("executors", self.name(), move |scrape| {
            let shown = executor.snapshot();
            let name = shown.name.as_str();
            scrape.gauges(&THREADS, NAME).put([name], count(shown.threads));
            scrape.gauges(&RUNNING, NAME).put([name], count(shown.running));
            scrape.gauges(&QUEUED, NAME).put([name], count(shown.waiting));
            scrape.gauges(&QUEUE_MAX, NAME).put([name], count(shown.queue_max));
            let mut jobs = scrape.counters(&JOBS, NAME_OUTCOME);
            jobs.put([name, "done"], shown.done);
            jobs.put([name, "panicked"], shown.panicked);
            jobs.put([name, "refused"], shown.refused);
            jobs.put([name, "cancelled"], shown.cancelled);
        })
    }
}
