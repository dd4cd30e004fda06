//! Counters and histograms.

use std::hint::black_box;

use core_metrics::{Counter, Desc, Family, FloatCounter, Gauge, Histogram, LabelValue, Labels, Registry};

use super::Make;

core_metrics::labels! {
    /// Where a request went.
    struct Request { route: &'static str, status: u16 }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelValue)]
enum Method {
    Get,
    Post,
}

#[derive(Clone, PartialEq, Eq, Hash, Labels)]
struct Asked {
    method: Method,
    is_cached: bool,
}

pub(super) const ROWS: [(&str, Make); 6] = [
    ("metrics/counter", counter),
    ("metrics/float_counter", float_counter),
    ("metrics/gauge", gauge),
    ("metrics/histogram", histogram),
    ("metrics/family", family),
    ("metrics/family_of_enums", family_of_enums),
];

const COUNTER: Desc<Counter> = Desc::counter("requests_total", "Requests.");
const FLOAT_COUNTER: Desc<FloatCounter> = Desc::float_counter("busy_seconds_total", "How long.");
const GAUGE: Desc<Gauge> = Desc::gauge("temperature_celsius", "How warm.");
const HISTOGRAM: Desc<Histogram> = Desc::histogram("request_seconds", "How long.");

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

/// A series that is found by its number.
fn family_of_enums() -> Box<dyn FnMut()> {
    let family: Family<Counter, Asked> = Registry::new().family(&COUNTER).expect("a name of its own");
    family.with(&Asked { method: Method::Get, is_cached: false }).inc();
    Box::new(move || {
        let asked = Asked { method: black_box(Method::Post), is_cached: black_box(true) };
        family.update(&asked, Counter::inc);
    })
}
