//! What comes from the process, the runtime and the facade.

#![cfg(all(feature = "process", feature = "tokio", feature = "facade"))]

mod support;

use core_metrics::facade::{Bridge, Match};
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
    core_metrics::process::register(&registry);
    core_metrics::runtime::register(&registry, &tokio::runtime::Handle::current());
    let text = prometheus(&registry.render(Format::Prometheus));
    let of = |name: &str| text[name].samples[0].value;
    assert!(
        of("metrics_rejected_total").abs() < f64::EPSILON,
        "there is one process, however often it is asked for"
    );
    assert!((of("tokio_workers") - 2.0).abs() < f64::EPSILON);
    assert_eq!(text["tokio_worker_parks_total"].samples.len(), 2);
    if cfg!(target_os = "linux") {
        assert!(of("process_resident_memory_bytes") > 100_000.0);
        assert!(of("process_open_fds") >= 3.0 && of("process_max_fds") >= of("process_open_fds"));
        assert!(of("process_threads") >= 2.0);
        assert!(of("process_start_time_seconds") > 1.7e9);
    }
}

#[test]
fn an_empty_label_is_none() {
    let registry = Registry::new();
    let bridge = Bridge::new(&registry);
    metrics::with_local_recorder(&bridge, || {
        metrics::counter!("hits", "tier" => "").increment(1);
        metrics::counter!("hits").increment(2);
    });
    // Prometheus takes both for one series, and would drop the second.
    assert!(registry.respond(None).body.contains("\nhits_total 3\n"), "{}", registry.respond(None).body);
}

#[test]
fn what_the_facade_shows_stays_when_another_kind_wants_the_name() {
    let registry = Registry::new();
    let bridge = Bridge::new(&registry);
    metrics::with_local_recorder(&bridge, || {
        metrics::counter!("shown").increment(1);
        // In OpenMetrics this is the family of the counter.
        metrics::gauge!("shown").set(1.0);
    });
    let text = prometheus(&registry.render(Format::Prometheus));
    assert!(text.contains_key("shown_total") && !text.contains_key("shown"));
    // Counted once, and not again at each scrape.
    let text = prometheus(&registry.render(Format::Prometheus));
    assert!((text["metrics_rejected_total"].samples[0].value - 1.0).abs() < f64::EPSILON);
}

#[test]
fn a_family_of_the_facade_that_is_full_says_so() {
    let registry = Registry::new();
    let bridge = Bridge::new(&registry);
    metrics::with_local_recorder(&bridge, || {
        for user in 0..2003 {
            metrics::counter!("by_user", "user" => user.to_string()).increment(1);
        }
        metrics::counter!("by_user", "user" => "u".repeat(600)).increment(1);
    });
    let text = registry.respond(None).body;
    assert!(text.contains("metrics_overflow_total{family=\"by_user_total\"} 4\n"));
    assert!(text.contains("by_user_total{otel_metric_overflow=\"true\"} 4\n"));
}

#[test]
fn a_crate_that_describes_again_and_again_takes_no_names_from_others() {
    let registry = Registry::new();
    let bridge = Bridge::new(&registry);
    metrics::with_local_recorder(&bridge, || {
        for n in 0..5000 {
            metrics::describe_gauge!("level", format!("The level, seen {n} times."));
        }
        metrics::gauge!("level").set(1.0);
    });
    metrics::with_local_recorder(&bridge, || {
        metrics::describe_counter!("words", "ü".repeat(100_000));
        metrics::counter!("words").increment(1);
    });
    let text = prometheus(&registry.render(Format::Prometheus));
    assert_eq!(
        text["words_total"].help.as_deref(),
        Some(&*"ü".repeat(512)),
        "and it is cut between characters"
    );
    assert!(core_metrics::Desc::parse_gauge("another_level", "Of somebody else.").is_ok());
    assert!(registry.respond(None).body.contains("# HELP level The level, seen 0 times.\n"));
}

#[test]
fn histograms_of_others_have_the_buckets_that_were_chosen_for_them() {
    const BYTES: &[f64] = &[100.0, 1000.0];
    const FINE: &[f64] = &[0.001];
    let registry = Registry::new();
    let bridge = Bridge::builder(&registry)
        .buckets(Match::Name("rpc.wait.bytes"), FINE)
        .buckets(Match::Suffix("_bytes"), BYTES)
        .buckets(Match::Prefix("rpc."), FINE)
        .build()
        .unwrap();
    metrics::with_local_recorder(&bridge, || {
        for name in ["body.bytes", "rpc.wait", "rpc.wait.bytes", "other"] {
            metrics::histogram!(name).record(100.0);
        }
    });
    let text = prometheus(&registry.render(Format::Prometheus));
    let buckets = |name: &str| text[name].samples.len() - 2;
    assert_eq!((buckets("body_bytes"), buckets("rpc_wait"), buckets("rpc_wait_bytes")), (3, 2, 2));
    assert_eq!(buckets("other"), core_metrics::DEFAULT_BUCKETS.len() + 1);
    assert!((text["body_bytes"].samples[0].value - 1.0).abs() < f64::EPSILON);

    let refused = Bridge::builder(&registry).buckets(Match::Prefix("rpc."), &[2.0, 1.0]).build().unwrap_err();
    assert!(
        refused.to_string().contains("\"rpc.\"") && refused.to_string().contains("increasing"),
        "{refused}"
    );
}

#[test]
fn a_look_up_in_the_facade_does_not_allocate() {
    let registry = Registry::new();
    let bridge = Bridge::new(&registry);
    metrics::with_local_recorder(&bridge, || {
        let count = || {
            metrics::counter!("hits", "tier" => "l1").increment(1);
            metrics::gauge!("level").set(1.0);
            metrics::histogram!("wait").record(0.1);
        };
        count();
        assert_eq!(allocation_counter::measure(count).count_total, 0);
    });
    assert!(registry.respond(None).body.contains("hits_total{tier=\"l1\"} 2\n"));
}
