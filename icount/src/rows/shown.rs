//! What a service shows of itself: counters, histograms, stages.

use std::hint::black_box;

use core_metrics::{Counter, Desc, Family, FloatCounter, Gauge, Histogram, Registry};
use core_time::ManualClock;
use core_track::{Execution, Summary, Tracker};

use super::Make;

core_metrics::labels! {
    /// Where a request went.
    struct Request { route: &'static str, status: u16 }
}

pub(super) const ROWS: [(&str, Make); 7] = [
    ("metrics/counter", counter),
    ("metrics/float_counter", float_counter),
    ("metrics/gauge", gauge),
    ("metrics/histogram", histogram),
    ("metrics/family", family),
    ("track/stage", stage),
    ("track/stage_sampled", stage_sampled),
];

const COUNTER: Desc<Counter> = Desc::counter("requests_total", "Requests.");
const FLOAT_COUNTER: Desc<FloatCounter> = Desc::float_counter("busy_seconds_total", "How long.");
const GAUGE: Desc<Gauge> = Desc::gauge("temperature_celsius", "How warm.");
const HISTOGRAM: Desc<Histogram> = Desc::histogram("request_seconds", "How long.");

/// Stages of an execution before the next one takes its place. It divides the calls of a count.
const STAGES: u32 = 200;

fn counter() -> Box<dyn FnMut()> {
    let counter = Registry::new().register(&COUNTER).expect("a name of its own");
    Box::new(move || counter.inc())
}

fn float_counter() -> Box<dyn FnMut()> {
    let counter = Registry::new().register(&FLOAT_COUNTER).expect("a name of its own");
    Box::new(move || counter.add(black_box(0.25)))
}

fn gauge() -> Box<dyn FnMut()> {
    let gauge = Registry::new().register(&GAUGE).expect("a name of its own");
    Box::new(move || gauge.add(black_box(0.25)))
}

fn histogram() -> Box<dyn FnMut()> {
    let histogram = Registry::new().register(&HISTOGRAM).expect("a name of its own");
    Box::new(move || histogram.observe(black_box(0.49)))
}

fn family() -> Box<dyn FnMut()> {
    let family: Family<Counter, Request> = Registry::new().family(&COUNTER).expect("a name of its own");
    Box::new(move || family.update(&Request { route: black_box("/orders"), status: 200 }, Counter::inc))
}

fn stage() -> Box<dyn FnMut()> {
    stages(0.0)
}

/// With its share of the summary, which is made when an execution ends.
fn stage_sampled() -> Box<dyn FnMut()> {
    stages(1.0)
}

/// With its share of an execution.
fn stages(rate: f64) -> Box<dyn FnMut()> {
    let tracker = Tracker::builder().sample_rate(rate).clock(ManualClock::new().clock());
    let tracker =
        tracker.sink(|summary: &Summary| drop(black_box(summary.stages()))).build().expect("a share");
    let (mut execution, mut stages): (Option<Execution>, _) = (None, 0);
    Box::new(move || {
        if stages == STAGES {
            execution.take().into_iter().for_each(Execution::finish);
            stages = 0;
        }
        stages += 1;
        let execution = execution.get_or_insert_with(|| tracker.start("checkout", "order-17"));
        drop(execution.stage("load"));
    })
}
