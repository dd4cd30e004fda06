//! What other crates have in a registry of `prometheus`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use core_metrics::{Counter, Desc, Registry};
use prometheus::core::Collector;
use prometheus::proto::{MetricFamily, MetricType};
use prometheus::{Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts};

mod support;

/// A registry of theirs with these in it, shown in one of ours.
fn shown<const N: usize>(theirs: [Box<dyn Collector>; N]) -> Registry {
    let (registry, foreign) = (Registry::new(), prometheus::Registry::new());
    for of in theirs {
        foreign.register(of).expect("it has a name of its own");
    }
    core_metrics::prometheus::show(&registry, &foreign);
    registry
}

fn text(registry: &Registry) -> String {
    let text = registry.respond(None).body;
    support::prometheus(&text);
    support::open_metrics(&registry.respond(Some("application/openmetrics-text")).body);
    text
}

#[track_caller]
fn has<const N: usize>(text: &str, lines: [&str; N]) {
    for line in lines {
        assert!(text.lines().any(|shown| shown == line), "{line} in {text}");
    }
}

fn gauge(name: &str, value: f64) -> Box<dyn Collector> {
    let gauge = Gauge::new(name, "A gauge.").expect("a gauge");
    gauge.set(value);
    Box::new(gauge)
}

#[test]
fn their_counters_gauges_and_histograms_stand_in_both_texts() {
    let hits = IntCounterVec::new(Opts::new("cache:hits", "Found \"there\"."), &["tier", "_node"]).unwrap();
    hits.with_label_values(&["l1", "a\"b\\"]).inc_by(7);
    let took = HistogramOpts::new("query_seconds", "How long.").buckets(vec![0.1, 1.0]);
    let took = HistogramVec::new(took, &["db"]).unwrap();
    for value in [0.05, 0.1, 0.5, 9.0] {
        took.with_label_values(&["eu"]).observe(value);
    }
    let registry = shown([Box::new(hits), Box::new(took), gauge("depth", -2.5)]);
    has(
        &text(&registry),
        [
            "# TYPE cache_hits_total counter",
            "# HELP cache_hits_total Found \"there\".",
            "cache_hits_total{m_node=\"a\\\"b\\\\\",tier=\"l1\"} 7.0",
            "query_seconds_bucket{db=\"eu\",le=\"0.1\"} 2",
            "query_seconds_bucket{db=\"eu\",le=\"1.0\"} 3",
            "query_seconds_bucket{db=\"eu\",le=\"+Inf\"} 4",
            "query_seconds_sum{db=\"eu\"} 9.65",
            "query_seconds_count{db=\"eu\"} 4",
            "depth -2.5",
            "metrics_rejected_total 0",
        ],
    );
}

#[test]
fn what_is_no_number_is_left_out_and_spoils_nothing() {
    let took = prometheus::Histogram::with_opts(HistogramOpts::new("took", "How long.")).unwrap();
    took.observe(f64::NAN);
    let registry =
        shown([gauge("nan", f64::NAN), gauge("far", f64::INFINITY), Box::new(took), gauge("fine", 1.0)]);
    let text = text(&registry);
    has(&text, ["fine 1.0", "metrics_rejected_total 3"]);
    assert!(!text.contains("nan") && !text.contains("far") && !text.contains("took"), "{text}");
}

#[test]
fn a_name_that_is_taken_stays_with_whoever_had_it() {
    let registry =
        shown([gauge("a:b", 1.0), gauge("a_b", 2.0), gauge("orders_total", 3.0), gauge("free", 4.0)]);
    registry.register(&Desc::<Counter>::counter("orders_value_total", "Orders.")).unwrap().add(5);
    registry.register(&Desc::<core_metrics::Gauge>::gauge("free", "Ours.")).unwrap().set(6.0);
    let text = text(&registry);
    has(&text, ["a_b 1.0", "orders_total_value 3.0", "orders_value_total 5", "free 6.0"]);
    assert!(!text.contains("a_b 2.0") && !text.contains("free 4.0"), "{text}");
    has(&text, ["metrics_rejected_total 2"]);
}

const DEPTH: Desc<core_metrics::Gauge> = Desc::gauge("depth", "Ours.");

#[test]
fn a_family_that_a_collector_of_ours_has_takes_none_of_their_series() {
    let depth = GaugeVec::new(Opts::new("depth", "Theirs."), &["queue"]).unwrap();
    depth.with_label_values(&["mail"]).set(7.0);
    let theirs = prometheus::Registry::new();
    theirs.register(Box::new(depth)).unwrap();
    let registry = Registry::new();
    registry.collect(|scrape| scrape.gauges(&DEPTH, core_metrics::LabelNames::NONE).put([], 1.0));
    core_metrics::prometheus::show(&registry, &theirs);
    let text = text(&registry);
    has(&text, ["depth 1.0", "# HELP depth Ours.", "metrics_rejected_total 1"]);
    assert!(!text.contains("queue"), "{text}");
}

#[test]
fn two_registries_that_have_one_name_do_not_become_one_family() {
    let registry = Registry::new();
    for (help, tier) in [("First.", "l1"), ("Second.", "l2")] {
        let (theirs, opts) = (prometheus::Registry::new(), Opts::new("hits", help));
        let hits = IntCounterVec::new(opts, &["tier"]).unwrap();
        hits.with_label_values(&[tier]).inc();
        theirs.register(Box::new(hits)).unwrap();
        core_metrics::prometheus::show(&registry, &theirs);
    }
    let text = text(&registry);
    has(&text, ["hits_total{tier=\"l1\"} 1.0", "metrics_rejected_total 1"]);
    assert!(!text.contains("l2"), "{text}");
}

#[test]
fn a_gauge_that_their_registry_put_into_a_family_of_counters_is_no_counter_of_zero() {
    let opts = |pool: &str| Opts::new("jobs", "Jobs.").const_label("pool", pool);
    let counter = prometheus::IntCounter::with_opts(opts("a")).unwrap();
    counter.inc_by(3);
    let gauge = Gauge::with_opts(opts("b")).unwrap();
    gauge.set(-4.0);
    let took = HistogramOpts::new("jobs", "Jobs.").const_label("pool", "c");
    let took = prometheus::Histogram::with_opts(took).unwrap();
    took.observe(1.0);
    // Which of them their family is called after, their registry leaves to chance.
    let text = text(&shown([Box::new(counter), Box::new(gauge), Box::new(took)]));
    has(&text, ["metrics_rejected_total 2"]);
    let shown: Vec<_> = text.lines().filter(|line| line.starts_with("jobs")).collect();
    let is_one_of = |pool: &str| shown.iter().all(|line| line.contains(&format!("pool=\"{pool}\"")));
    assert!(is_one_of("a") || is_one_of("b") || is_one_of("c"), "{shown:?}");
    assert!(!shown.is_empty() && shown.iter().all(|line| !line.ends_with("} 0.0")), "{shown:?}");
}

#[test]
fn what_is_taken_over_is_bounded() {
    let many = GaugeVec::new(Opts::new("many", "Many."), &["n"]).unwrap();
    (0..2_100).for_each(|n| many.with_label_values(&[&n.to_string()]).set(1.0));
    let long = GaugeVec::new(Opts::new("long", "Long."), &["n"]).unwrap();
    long.with_label_values(&[&"x".repeat(600)]).set(1.0);
    let registry = shown([Box::new(many), Box::new(long)]);
    let text = text(&registry);
    assert_eq!(text.lines().filter(|line| line.starts_with("many{")).count(), 2_000);
    has(&text, ["metrics_rejected_total 101"]);
}

/// A family of another name at each scrape.
struct Restless(prometheus::core::Desc, AtomicU32);

impl Collector for Restless {
    fn desc(&self) -> Vec<&prometheus::core::Desc> {
        vec![&self.0]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let from = 300 * self.1.fetch_add(1, Ordering::Relaxed);
        let gauges = (from..from + 300)
            .map(|n| Gauge::new(format!("restless_{n}"), format!("No. {n}")).expect("a gauge"));
        gauges.flat_map(|gauge| gauge.collect()).collect()
    }
}

#[test]
fn families_that_come_and_go_take_no_more_than_their_places() {
    let desc =
        prometheus::core::Desc::new("restless".into(), "R.".into(), vec![], HashMap::default()).unwrap();
    let registry = shown([Box::new(Restless(desc, AtomicU32::default()))]);
    let count = || registry.respond(None).body.lines().filter(|line| line.starts_with("restless_")).count();
    assert_eq!([count(), count(), count(), count()], [300, 212, 0, 0]);
    assert!(registry.respond(None).body.contains("metrics_rejected_total 988\n"), "88, and thrice 300");
}

/// A family of a kind that there is no instrument for.
struct Summary(prometheus::core::Desc);

impl Collector for Summary {
    fn desc(&self) -> Vec<&prometheus::core::Desc> {
        vec![&self.0]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = prometheus::IntGauge::new("quantiles", "Quantiles.").expect("a gauge").collect();
        for family in &mut families {
            family.set_field_type(MetricType::SUMMARY);
        }
        families
    }
}

#[test]
fn summaries_are_left_out() {
    let desc =
        prometheus::core::Desc::new("quantiles".into(), "Q.".into(), vec![], HashMap::default()).unwrap();
    let registry = shown([Box::new(Summary(desc)), gauge("fine", 1.0)]);
    let text = text(&registry);
    has(&text, ["fine 1.0", "metrics_rejected_total 1"]);
    assert!(!text.contains("quantiles"), "{text}");
}

/// A collector that panics once.
struct Wild(prometheus::core::Desc);

impl Collector for Wild {
    fn desc(&self) -> Vec<&prometheus::core::Desc> {
        vec![&self.0]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        panic!("their bug")
    }
}

#[test]
fn a_collector_of_theirs_that_panics_takes_nothing_of_ours_along() {
    let desc = prometheus::core::Desc::new("wild".into(), "W.".into(), vec![], HashMap::default()).unwrap();
    let registry = shown([Box::new(Wild(desc))]);
    registry.register(&Desc::<Counter>::counter("ours_total", "Ours.")).unwrap().inc();
    has(&text(&registry), ["ours_total 1", "metrics_collector_panics_total 1"]);
}
