//! What users, other crates and scrapers do that nobody had in mind.

mod support;

use std::borrow::Cow;
use std::time::Duration;

use core_context::Context;
use core_context::w3c::TraceContext;
use core_metrics::{
    Counter, Desc, Family, Format, Histogram, HistogramSnapshot, LabelNames, LabelValue, MonitoredOperation,
    Registry,
};
use core_time::{ManualClock, ms};
use support::{open_metrics, prometheus};

const SIZE: Desc<Histogram> = Desc::histogram("size_seconds", "Sizes.").buckets(&[0.1, 1.0]);

#[test]
fn no_value_however_large_makes_a_sum_infinite() {
    let registry = Registry::new();
    let histogram = registry.register(&SIZE).unwrap();
    for _ in 0..3 {
        histogram.observe(f64::MAX);
    }
    histogram.observe(0.5);
    let snapshot = histogram.snapshot();
    assert_eq!((snapshot.count(), snapshot.sum), (1, 0.5), "it is refused as what is not finite");
    assert!(registry.respond(None).body.contains("metrics_rejected_total 3\n"));
}

#[test]
fn a_duration_of_zero_and_the_value_zero_are_in_one_bucket() {
    let registry = Registry::new();
    let small = Desc::histogram("small_seconds", "").buckets(&[0.0, 1e-9]);
    let histogram = registry.register(&small).unwrap();
    histogram.observe(0.0);
    histogram.observe_duration(Duration::ZERO);
    histogram.observe(1e-9);
    histogram.observe_duration(Duration::from_nanos(1));
    assert_eq!(histogram.snapshot().counts, [2, 2, 0]);
}

#[test]
fn a_bucket_that_can_never_hold_anything_is_refused() {
    for bounds in [&[-1.0, 0.0, 1.0][..], &[-0.0, 1.0], &[f64::NAN], &[1.0, 1.0], &[f64::INFINITY], &[]] {
        let refused =
            std::panic::catch_unwind(|| SIZE.buckets(Box::leak(bounds.to_vec().into_boxed_slice())));
        assert!(refused.is_err(), "{bounds:?}");
    }
}

#[test]
fn the_most_specific_range_of_accept_counts() {
    for (accept, format) in [
        ("text/plain;q=0.1, application/openmetrics-text;q=0.5, */*;q=0.9", Format::OpenMetrics),
        ("text/*;q=0.9, text/plain;q=0.1, application/openmetrics-text;q=0.5", Format::OpenMetrics),
        (
            "text/plain;version=0.0.4;q=0.1, text/plain;q=0.9, application/openmetrics-text;q=0.5",
            Format::OpenMetrics,
        ),
        (
            "application/openmetrics-text;version=1.0.0;q=0.1, application/openmetrics-text;q=0.9, text/plain;q=0.5",
            Format::Prometheus,
        ),
        ("application/openmetrics-text;q=0, */*", Format::Prometheus),
        ("*/*, application/openmetrics-text;q=0.5", Format::Prometheus),
        ("application/openmetrics-text;q=0.0001", Format::Prometheus),
        ("application/openmetrics-text;q=1.001, text/plain;q=0.1", Format::Prometheus),
        ("application/openmetrics-text;q=-1", Format::Prometheus),
        ("application/openmetrics-text;q=", Format::Prometheus),
        ("application/openmetrics-text;Q=1.", Format::OpenMetrics),
        (";;;,,,===,\u{e9}", Format::Prometheus),
    ] {
        assert_eq!(Format::negotiate(Some(accept)), format, "{accept}");
    }
}

/// Anything, of which only one thing is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Any(String);

impl LabelValue for Any {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(if self.0 == "/" { "/" } else { "other" })
    }
}

core_metrics::labels! {
    /// Where a request went.
    struct Route { route: Any }
}

#[test]
fn what_has_the_text_of_a_series_is_that_series_however_full_the_family_is() {
    let registry = Registry::new();
    let requests: Family<Counter, Route> =
        registry.family(&Desc::counter("requests_total", "").series_max(3)).unwrap();
    for n in 0..100 {
        requests.with(&Route { route: Any(format!("/{n}")) }).inc();
    }
    let text = registry.respond(None).body;
    assert!(text.contains("requests_total{route=\"other\"} 100\n"), "{text}");
    assert!(!text.contains("otel_metric_overflow"), "{text}");
    assert!(text.contains("metrics_overflow_total{family=\"requests_total\"} 0\n"), "{text}");
    // And there is still place for two others.
    requests.with(&Route { route: Any("/".into()) }).inc();
    assert!(registry.respond(None).body.contains("requests_total{route=\"/\"} 1\n"));
}

core_metrics::labels! {
    /// What comes in grids.
    struct Grid { x: u16, y: u16, name: &'static str }
}

#[test]
fn labels_that_come_in_patterns_find_their_places() {
    const NAMES: [&str; 10] =
        ["a", "b", "aa", "ab", "ba", "shard-00000001", "shard-00000002", "", "x", "shard-1"];
    let patterns: [fn(u16) -> Grid; 5] = [
        |n| Grid { x: n, y: 0, name: "" },
        |n| Grid { x: 0, y: n.swap_bytes(), name: "" },
        |n| Grid { x: n / 45, y: n % 45, name: "same" },
        |n| Grid { x: n * 32, y: n * 16, name: "same" },
        |n| Grid { x: n / 10, y: 7, name: NAMES[usize::from(n % 10)] },
    ];
    for (number, pattern) in patterns.into_iter().enumerate() {
        let registry = Registry::new();
        let family: Family<Counter, Grid> = registry.family(&Desc::counter("grid_total", "")).unwrap();
        (0..2000).for_each(|n| family.with(&pattern(n)).inc());
        assert_eq!(family.len(), 2000, "pattern {number}");
    }
}

#[test]
fn a_run_fails_once_however_often_it_is_said() {
    let registry = Registry::new();
    let charge = MonitoredOperation::new(&registry, "charge", ManualClock::new().clock()).unwrap();
    let panicked = std::panic::catch_unwind(|| {
        let running = charge.start();
        running.failed(&"the card was refused");
        running.failed(&"and the refund too");
        panic!("and then this");
    });
    assert!(panicked.is_err());
    let text = registry.respond(None).body;
    assert!(text.contains("charge_errors_total 1\n") && text.contains("charge_requests_total 1\n"), "{text}");
}

#[test]
fn what_is_measured_while_another_panic_goes_on_has_not_failed_for_that() {
    struct CleansUp<'o>(&'o MonitoredOperation);
    impl Drop for CleansUp<'_> {
        fn drop(&mut self) {
            self.0.run(|| Ok::<_, &str>(())).unwrap();
        }
    }
    let registry = Registry::new();
    let clean = MonitoredOperation::new(&registry, "clean", ManualClock::new().clock()).unwrap();
    let panicked = std::panic::catch_unwind(|| {
        let _cleans_up = CleansUp(&clean);
        panic!("something else");
    });
    assert!(panicked.is_err());
    let text = registry.respond(None).body;
    assert!(text.contains("clean_requests_total 1\n") && text.contains("clean_errors_total 0\n"), "{text}");
}

#[test]
fn an_operation_that_is_refused_leaves_nothing_behind() {
    let registry = Registry::new();
    registry.register(&Desc::<Counter>::counter("charge_duration_seconds_total", "Another.")).unwrap();
    assert!(MonitoredOperation::new(&registry, "charge", ManualClock::new().clock()).is_err());
    assert!(!registry.respond(None).body.contains("charge_requests_total"), "half an operation says nothing");
}

#[test]
fn an_exemplar_is_never_above_the_end_of_its_bucket() {
    const ENDS: Desc<Histogram> = Desc::histogram("ends_seconds", "")
        .buckets(&[0.1, 0.3, 0.7, 1.1, 2.3, 4.35, 8.1, 9.7, 16.1, 33.3])
        .exemplars();
    let registry = Registry::new();
    let ends = registry.register(&ENDS).unwrap();
    Context::builder().trace(TraceContext::generate(true)).build().sync_scope(|| {
        for millis in [100, 300, 700, 1100, 2300, 4350, 8100, 9700, 16_100, 33_300] {
            ends.observe_duration(ms(millis));
        }
    });
    let open = open_metrics(&registry.render(Format::OpenMetrics));
    assert_eq!(open["ends_seconds"].samples.iter().filter(|sample| sample.exemplar.is_some()).count(), 10);
}

#[test]
fn counts_that_come_from_elsewhere_never_wrap_around() {
    let registry = Registry::new();
    registry.collect(|scrape| {
        let wraps = HistogramSnapshot { bounds: vec![1.0], counts: vec![u64::MAX, 1], sum: 0.0 };
        scrape.histograms(&SIZE, LabelNames::NONE).put([], wraps);
    });
    let text = prometheus(&registry.render(Format::Prometheus));
    assert!(text["size_seconds"].samples.is_empty());
    assert!((text["metrics_rejected_total"].samples[0].value - 1.0).abs() < f64::EPSILON);
}

#[test]
fn a_family_that_is_shown_stays_when_a_collector_brings_its_name_later() {
    let registry = Registry::new();
    registry
        .collect(|scrape| scrape.counters(&Desc::counter("shown_total", ""), LabelNames::NONE).put([], 1));
    registry.collect(|scrape| scrape.gauges(&Desc::gauge("shown", ""), LabelNames::NONE).put([], 1.0));
    let text = prometheus(&registry.render(Format::Prometheus));
    assert!(text.contains_key("shown_total") && !text.contains_key("shown"), "the first collector was first");
}
