//! Metrics that are declared for the whole process.

use std::sync::LazyLock;

use core_metrics::{Counter, Family, FloatCounter, Gauge, Histogram, RangeGauge, Registry};

core_metrics::labels! {
    struct Route { route: &'static str }
}

mod here {
    core_metrics::metrics! {
        /// Orders that came in.
        /// Also those that were refused.
        pub(super) static ORDERS: super::Counter = counter("orders_total");

        /// Requests.
        pub(super) static REQUESTS: super::Family<super::Counter, super::Route> =
            counter("requests_total").series_max(2);

        /// How long charging took.
        pub(super) static CHARGING: super::Histogram = histogram("charge_seconds").buckets(&[0.1, 1.0]).exemplars();

        /// Euros.
        pub(super) static EARNED: super::FloatCounter = float_counter("earned_euros_total");

        /// Messages that wait.
        pub(super) static QUEUED: super::Gauge = gauge("queued");

        /// Connections.
        pub(super) static OPEN: super::RangeGauge = range("open_connections");
    }
}

mod there {
    core_metrics::metrics! {
        /// Orders that came in.
        /// Also those that were refused.
        pub(super) static ORDERS: super::Counter = counter("orders_total");

        /// Another help.
        pub(super) static QUEUED: super::Gauge = gauge("queued");
    }
}

/// One test, since there is one registry of the process.
#[test]
fn what_is_declared_is_in_the_registry_of_the_process_and_of_two_that_differ_the_first_is_shown() {
    let text = || Registry::global().respond(None).body;
    assert!(!text().contains("orders_total"), "nobody has used it");
    LazyLock::force(&here::ORDERS);
    assert!(text().contains("orders_total 0\n"));
    assert!(text().contains("# HELP orders_total Orders that came in. Also those that were refused.\n"));

    here::ORDERS.inc();
    there::ORDERS.add(2);
    for route in ["/a", "/b", "/c"] {
        here::REQUESTS.with(&Route { route }).inc();
    }
    here::CHARGING.observe(0.5);
    here::EARNED.add(1.5);
    here::OPEN.set(4);
    here::QUEUED.set(3.0);
    let rejected = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("metrics_rejected_total ")).map(str::to_owned);
        line.and_then(|line| line.rsplit(' ').next().and_then(|number| number.parse::<u64>().ok()))
    };
    assert_eq!(rejected(&text()), Some(0));

    there::QUEUED.set(100.0);
    let text = text();
    for line in [
        "orders_total 3\n",
        "requests_total{route=\"/a\"} 1\n",
        "requests_total{otel_metric_overflow=\"true\"} 1\n",
        "charge_seconds_bucket{le=\"0.1\"} 0\n",
        "charge_seconds_bucket{le=\"1.0\"} 1\n",
        "earned_euros_total 1.5\n",
        "open_connections 4\n",
        "queued 3.0\n",
    ] {
        assert!(text.contains(line), "{line:?} is missing in\n{text}");
    }
    assert_eq!(rejected(&text), Some(1), "of two that differ the second is not shown, and is counted");
    assert!((there::QUEUED.get() - 100.0).abs() < f64::EPSILON, "it still counts for itself");
}
