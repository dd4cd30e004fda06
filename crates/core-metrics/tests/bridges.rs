//! What comes from the process, the runtime and the facade.

#![cfg(all(feature = "process", feature = "tokio", feature = "facade"))]

mod support;

use core_metrics::facade::Bridge;
use core_metrics::{Format, Registry};
use support::{open_metrics, prometheus};

#[test]
fn other_crates_counters_appear() {
    let registry = Registry::new();
    let bridge = Bridge::new(&registry);
    metrics::with_local_recorder(&bridge, || {
        metrics::describe_counter!("cache.hits", "Hits\n\"in\" the cache.");
        metrics::counter!("cache.hits", "tier" => "l1", "le" => "x", "tier" => "again").increment(2);
        metrics::counter!("cache.hits", "tier" => "l1", "le" => "x", "tier" => "again").absolute(7);
        metrics::counter!("cache.hits").absolute(3);
        metrics::gauge!("9 lives").set(9.0);
        metrics::gauge!("9 lives").decrement(1.0);
        metrics::histogram!("wait.seconds").record(0.2);
        metrics::histogram!("wait.seconds").record(f64::NAN);
        // The same name as another kind is left out.
        metrics::gauge!("wait.seconds").set(1.0);
    });
    let text = prometheus(&registry.render(Format::Prometheus));
    open_metrics(&registry.render(Format::OpenMetrics));
    let hits = &text["cache_hits_total"];
    assert_eq!(hits.help.as_deref(), Some("Hits\n\"in\" the cache."));
    assert!((hits.samples[0].value - 3.0).abs() < f64::EPSILON);
    assert!((hits.samples[1].value - 7.0).abs() < f64::EPSILON);
    assert_eq!(hits.samples[1].labels["le_label"], "x");
    assert!((text["m9_lives"].samples[0].value - 8.0).abs() < f64::EPSILON);
    assert!((text["wait_seconds"].samples.last().unwrap().value - 1.0).abs() < f64::EPSILON);
    assert!((text["metrics_rejected_total"].samples[0].value - 2.0).abs() < f64::EPSILON);
}

#[test]
fn the_facade_is_bounded() {
    let registry = Registry::new();
    let bridge = Bridge::new(&registry);
    metrics::with_local_recorder(&bridge, || {
        for user in 0..3000 {
            metrics::counter!("by_user", "user" => user.to_string()).increment(1);
        }
        for name in 0..600 {
            metrics::counter!(format!("name_{name}")).increment(1);
        }
    });
    let text = prometheus(&registry.render(Format::Prometheus));
    let by_user = &text["by_user_total"].samples;
    assert_eq!(by_user.len(), 2001);
    let rest = by_user.iter().find(|sample| sample.labels.contains_key("otel_metric_overflow")).unwrap();
    assert!((rest.value - 1000.0).abs() < f64::EPSILON);
    assert!(text.len() <= 512 + 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_and_its_runtime_are_measured() {
    let registry = Registry::new();
    core_metrics::process::register(&registry);
    core_metrics::runtime::register(&registry, &tokio::runtime::Handle::current());
    let text = prometheus(&registry.render(Format::Prometheus));
    let of = |name: &str| text[name].samples[0].value;
    assert!((of("tokio_workers") - 2.0).abs() < f64::EPSILON);
    assert_eq!(text["tokio_worker_parks_total"].samples.len(), 2);
    if cfg!(target_os = "linux") {
        assert!(of("process_resident_memory_bytes") > 100_000.0);
        assert!(of("process_open_fds") >= 3.0 && of("process_max_fds") >= of("process_open_fds"));
        assert!(of("process_threads") >= 2.0);
        assert!(of("process_start_time_seconds") > 1.7e9);
    }
}
