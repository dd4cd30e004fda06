//! Counting.

use std::hint::black_box;

use core_metrics::{Counter, Desc, Family, FloatCounter, Histogram, LabelValue, Labels, Registry};

use super::Make;

pub(super) const ROWS: [(&str, Make); 5] = [
    ("metrics/counter", counter),
    ("metrics/float_counter", float_counter),
    ("metrics/histogram", histogram),
    ("metrics/family", family),
    ("metrics/family_of_enums", family_of_enums),
];

const REQUESTS: Desc<Counter> = Desc::counter("requests_total", "Requests.");
const BUSY: Desc<FloatCounter> = Desc::float_counter("busy_seconds_total", "How long somebody was busy.");
const DURATION: Desc<Histogram> = Desc::histogram("request_seconds", "How long requests took.");

core_metrics::labels! {
    struct Route { route: &'static str, status: u16 }
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

fn counter() -> Box<dyn FnMut()> {
    let counter = Registry::new().register(&REQUESTS).expect("a metric");
    Box::new(move || counter.inc())
}

fn float_counter() -> Box<dyn FnMut()> {
    let counter = Registry::new().register(&BUSY).expect("a metric");
    Box::new(move || counter.add(black_box(0.25)))
}

fn histogram() -> Box<dyn FnMut()> {
    let histogram = Registry::new().register(&DURATION).expect("a metric");
    Box::new(move || histogram.observe(black_box(0.04)))
}

/// A series that is found by two labels, of which one is a text.
fn family() -> Box<dyn FnMut()> {
    let requests: Family<Counter, Route> = Registry::new().family(&REQUESTS).expect("a family");
    for status in [200, 404, 500] {
        requests.with(&Route { route: "/orders", status }).inc();
    }
    Box::new(move || {
        let route = Route { route: black_box("/orders"), status: black_box(404) };
        requests.update(&route, Counter::inc);
    })
}

/// A series that is found by two labels of which each is an enum.
fn family_of_enums() -> Box<dyn FnMut()> {
    let requests: Family<Counter, Asked> = Registry::new().family(&REQUESTS).expect("a family");
    for method in [Method::Get, Method::Post] {
        requests.with(&Asked { method, is_cached: true }).inc();
    }
    Box::new(move || {
        let asked = Asked { method: black_box(Method::Post), is_cached: black_box(true) };
        requests.update(&asked, Counter::inc);
    })
}
