//! What stands in the texts.

mod support;

use std::borrow::Cow;

use core_context::Context;
use core_context::w3c::TraceContext;
use core_metrics::{
    Counter, Desc, Family, Format, Gauge, Histogram, LabelNames, LabelValue, RangeGauge, Registry,
};
use core_time::ms;
use proptest::prelude::*;
use support::{open_metrics, prometheus};

core_metrics::labels! {
    /// Where a request went.
    struct Request { method: &'static str, route: &'static str, status: u16 }
}

core_metrics::labels! {
    /// Any text at all.
    struct Any { r#type: Text, b: Text }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Text(String);

impl LabelValue for Text {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }
}

const REQUESTS: Desc<Counter> =
    Desc::counter("http_requests_total", "Requests that were \"answered\"\nor \\ not.");
const DURATION: Desc<Histogram> =
    Desc::histogram("http_request_seconds", "How long it took to answer.").buckets(&[0.1, 0.5, 1.0]);
const QUEUE: Desc<RangeGauge> = Desc::range("queue_depth", "Messages that wait.");
const TEMPERATURE: Desc<Gauge> = Desc::gauge("room_celsius", "How warm it is.");

fn filled() -> Registry {
    let registry = Registry::new();
    let requests: Family<_, Request> = registry.family(&REQUESTS).expect("a metric");
    requests.with(&Request { method: "GET", route: "/orders/{id}", status: 200 }).add(3);
    requests.with(&Request { method: "GET", route: "a\\b\"c\nd", status: 500 }).inc();
    let duration = registry.register(&DURATION).expect("a metric");
    duration.observe_duration(ms(50));
    duration.observe_duration(ms(100));
    duration.observe(0.75);
    duration.observe(3.0);
    let queue = registry.register(&QUEUE).expect("a metric");
    queue.set(7);
    queue.add(-4);
    registry.register(&TEMPERATURE).expect("a metric").set(-2.5);
    registry.collect(|scrape| {
        scrape.info("build_info", "What was built.", LabelNames::new(["version"]), ["1.8.2"]);
    });
    registry
}

#[test]
fn f_53_the_text_of_prometheus_is_this() {
    assert_eq!(
        filled().respond(None).body,
        r#"# HELP build_info What was built.
# TYPE build_info gauge
build_info{version="1.8.2"} 1
# HELP http_request_seconds How long it took to answer.
# TYPE http_request_seconds histogram
http_request_seconds_bucket{le="0.1"} 2
http_request_seconds_bucket{le="0.5"} 2
http_request_seconds_bucket{le="1.0"} 3
http_request_seconds_bucket{le="+Inf"} 4
http_request_seconds_sum 3.9
http_request_seconds_count 4
# HELP http_requests_total Requests that were "answered"\nor \\ not.
# TYPE http_requests_total counter
http_requests_total{method="GET",route="/orders/{id}",status="200"} 3
http_requests_total{method="GET",route="a\\b\"c\nd",status="500"} 1
# HELP metrics_collector_panics_total Collectors that panicked during a scrape.
# TYPE metrics_collector_panics_total counter
metrics_collector_panics_total 0
# HELP metrics_overflow_total Times that a family had no place for another series.
# TYPE metrics_overflow_total counter
metrics_overflow_total{family="http_requests_total"} 0
# HELP metrics_rejected_total Values and samples that could not stand in a scrape.
# TYPE metrics_rejected_total counter
metrics_rejected_total 0
# HELP queue_depth Messages that wait.
# TYPE queue_depth gauge
queue_depth 3
# HELP queue_depth_max Messages that wait.
# TYPE queue_depth_max gauge
queue_depth_max 7
# HELP queue_depth_min Messages that wait.
# TYPE queue_depth_min gauge
queue_depth_min 0
# HELP room_celsius How warm it is.
# TYPE room_celsius gauge
room_celsius -2.5
"#
    );
}

#[test]
fn the_text_of_open_metrics_is_this() {
    let text = filled().render(Format::OpenMetrics);
    let expected = r#"# TYPE build info
# HELP build What was built.
build_info{version="1.8.2"} 1
# TYPE http_request_seconds histogram
# UNIT http_request_seconds seconds
# HELP http_request_seconds How long it took to answer.
http_request_seconds_bucket{le="0.1"} 2
http_request_seconds_bucket{le="0.5"} 2
http_request_seconds_bucket{le="1.0"} 3
http_request_seconds_bucket{le="+Inf"} 4
http_request_seconds_sum 3.9
http_request_seconds_count 4
# TYPE http_requests counter
# HELP http_requests Requests that were \"answered\"\nor \\ not.
http_requests_total{method="GET",route="/orders/{id}",status="200"} 3
"#;
    assert!(text.starts_with(expected), "{text}");
    assert!(text.ends_with(
        "# UNIT room_celsius celsius\n# HELP room_celsius How warm it is.\nroom_celsius -2.5\n# EOF\n"
    ));
}

#[test]
fn a_strict_reader_takes_both_texts() {
    let registry = filled();
    let (plain, open) = (
        prometheus(&registry.render(Format::Prometheus)),
        open_metrics(&registry.render(Format::OpenMetrics)),
    );
    let odd = &plain["http_requests_total"].samples[1];
    assert_eq!(odd.labels["route"], "a\\b\"c\nd");
    assert_eq!(open["http_requests"].samples[1].labels, odd.labels);
    assert_eq!(plain["http_requests_total"].help, open["http_requests"].help);
    assert_eq!(open["http_request_seconds"].unit.as_deref(), Some("seconds"));
}

#[test]
fn a_peak_between_two_scrapes_is_seen_once() {
    let registry = Registry::new();
    let queue = registry.register(&QUEUE).unwrap();
    queue.add(9);
    queue.add(-9);
    let of = |name: &str| prometheus(&registry.render(Format::Prometheus))[name].samples[0].value;
    assert!((of("queue_depth_max") - 9.0).abs() < 1e-9);
    assert!((of("queue_depth_max") - 0.0).abs() < 1e-9);
}

#[test]
fn the_form_is_what_the_scraper_asks_for() {
    const V2: &str = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    const V3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    for (accept, format) in [
        (None, Format::Prometheus),
        (Some(""), Format::Prometheus),
        (Some("*/*"), Format::Prometheus),
        (Some("text/html,application/xhtml+xml,*/*;q=0.8"), Format::Prometheus),
        (Some(V2), Format::OpenMetrics),
        (Some(V3), Format::OpenMetrics),
        (Some("application/openmetrics-text"), Format::OpenMetrics),
        (Some("Application/OpenMetrics-Text; Version=1.0.0"), Format::OpenMetrics),
        (Some("application/openmetrics-text; version=\"1.0.0\""), Format::OpenMetrics),
        (Some("application/openmetrics-text; version=2.0.0, text/plain;q=0.1"), Format::Prometheus),
        (Some("application/openmetrics-text;q=0, text/plain;q=0.1"), Format::Prometheus),
        (Some("application/openmetrics-text;q=0.2, text/plain;version=0.0.4;q=0.9"), Format::Prometheus),
        (Some("application/openmetrics-text;q=two"), Format::Prometheus),
    ] {
        assert_eq!(Format::negotiate(accept), format, "{accept:?}");
    }
    let response = Registry::new().respond(Some(V3));
    assert_eq!(response.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_eq!(Registry::new().respond(None).content_type, "text/plain; version=0.0.4; charset=utf-8");
}

#[test]
fn an_exemplar_is_a_sampled_trace_in_its_bucket() {
    const TRACED: Desc<Histogram> = Desc::histogram("traced_seconds", "").buckets(&[0.1, 1.0]).exemplars();
    let registry = Registry::new();
    let traced = registry.register(&TRACED).unwrap();
    let sampled = TraceContext::generate(true);
    let id = sampled.trace_id.to_string();
    traced.observe(0.05);
    Context::builder().trace(sampled).build().sync_scope(|| traced.observe(0.5));
    Context::builder().trace(TraceContext::generate(false)).build().sync_scope(|| traced.observe(5.0));
    let open = open_metrics(&registry.render(Format::OpenMetrics));
    let exemplars: Vec<_> = open["traced_seconds"].samples[..3].iter().map(|s| s.exemplar.clone()).collect();
    assert_eq!(exemplars[0], None);
    assert_eq!(exemplars[2], None);
    let (labels, value) = exemplars[1].clone().unwrap();
    assert_eq!(labels["trace_id"], id);
    assert!((value - 0.5).abs() < 1e-9);
    prometheus(&registry.render(Format::Prometheus));
}

/// Anything, and often what has to be escaped.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\\\\\"\n{}=, #a-c]{0,12}"]
}

proptest! {
    #[test]
    fn any_labels_any_help_and_any_number_can_be_read(
        rows in prop::collection::vec((text(), text(), any::<f64>(), any::<u64>()), 0..12),
        help in text(),
    ) {
        let registry = Registry::new();
        let counters: Family<Counter, Any> = registry.family(&Desc::parse_counter("any_total", "")?)?;
        let gauges: Family<Gauge, Any> = registry.family(&Desc::gauge("any_gauge", Box::leak(help.clone().into_boxed_str())))?;
        let histograms: Family<Histogram, Any> = registry.family(&Desc::histogram("any_seconds", ""))?;
        for (a, b, float, int) in &rows {
            let labels = Any { r#type: Text(a.clone()), b: Text(b.clone()) };
            counters.with(&labels).add(*int >> 8);
            gauges.with(&labels).set(*float);
            histograms.with(&labels).observe(*float);
        }
        let plain = prometheus(&registry.render(Format::Prometheus));
        let open = open_metrics(&registry.render(Format::OpenMetrics));
        let distinct: std::collections::BTreeSet<_> = rows.iter().map(|(a, b, ..)| (a, b)).collect();
        prop_assert_eq!(plain["any_gauge"].samples.len(), distinct.len());
        if !help.is_empty() {
            prop_assert_eq!(plain["any_gauge"].help.as_deref(), Some(help.as_str()));
            prop_assert_eq!(open["any_gauge"].help.as_deref(), Some(help.as_str()));
        }
        let seen: std::collections::BTreeSet<_> =
            open["any"].samples.iter().map(|s| (&s.labels["type"], &s.labels["b"])).collect();
        prop_assert_eq!(seen, distinct);
    }
}
