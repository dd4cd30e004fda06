//! What a tokio runtime says of itself.

use tokio::runtime::Handle;

use crate::{Counter, Desc, Gauge, LabelNames, Registry};

const WORKERS: Desc<Gauge> = Desc::gauge("tokio_workers", "Threads that run tasks.");
const TASKS: Desc<Gauge> = Desc::gauge("tokio_alive_tasks", "Tasks that have not ended.");
const QUEUE: Desc<Gauge> = Desc::gauge("tokio_global_queue_depth", "Tasks that wait for any worker.");
#[cfg(target_has_atomic = "64")]
const BUSY: Desc<Counter> =
    Desc::counter("tokio_worker_busy_seconds_total", "How long a worker has been busy.");
#[cfg(target_has_atomic = "64")]
const PARKS: Desc<Counter> = Desc::counter("tokio_worker_parks_total", "How often a worker went to sleep.");
#[cfg(target_has_atomic = "64")]
const WORKER: LabelNames<1> = LabelNames::new(["worker"]);

/// Adds the metrics of the runtime that this runs in, and says whether there is one.
#[expect(clippy::must_use_candidate, reason = "whoever has none to show need not know")]
pub fn register_current(registry: &Registry) -> bool {
    let current = Handle::try_current();
    current.is_ok_and(|runtime| {
        register(registry, &runtime);
        true
    })
}

/// Adds the metrics `tokio_*` of a runtime to a registry, read at each scrape. They stay when the runtime ends.
/// A registry shows one runtime: of a second, what is called the same is left out and counted in `metrics_rejected_total`.
pub fn register(registry: &Registry, runtime: &Handle) {
    let metrics = runtime.metrics();
    registry.collect(move |scrape| {
        let mut gauge = |desc: &Desc<Gauge>, value: usize| {
            let value = u32::try_from(value).unwrap_or(u32::MAX);
            scrape.gauges(desc, LabelNames::NONE).put([], f64::from(value));
        };
        gauge(&WORKERS, metrics.num_workers());
        gauge(&TASKS, metrics.num_alive_tasks());
        gauge(&QUEUE, metrics.global_queue_depth());
        #[cfg(target_has_atomic = "64")]
        for worker in 0..metrics.num_workers() {
            let label = worker.to_string();
            let busy = metrics.worker_total_busy_duration(worker).as_secs_f64();
            scrape.counters(&BUSY, WORKER).put_float([&label], busy);
            scrape.counters(&PARKS, WORKER).put([&label], metrics.worker_park_count(worker));
        }
    });
}
