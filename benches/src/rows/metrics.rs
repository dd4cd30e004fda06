use std::hint::black_box;
use std::sync::atomic::AtomicU64;

use core_metrics::{Counter, Desc, Family, FloatCounter, Format, Histogram, Registry};
use metrics::{Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use prometheus::{Encoder, TextEncoder};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::{counter, family, histogram};

use crate::{Budget, Comes, Contest, Row, looped, looped_with};

core_metrics::labels! {
    /// Where a request went.
    struct Request { route: &'static str, status: u16 }
}

/// The same for prometheus-client.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Theirs {
    route: &'static str,
    status: u16,
}

/// Nobody is refused.
type Done = Result<u64, ()>;

const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const COUNTER: Desc<Counter> = Desc::counter("requests_total", "Requests.");
const FLOAT_COUNTER: Desc<FloatCounter> = Desc::float_counter("busy_seconds_total", "How long.");
const HISTOGRAM: Desc<Histogram> = Desc::histogram("request_seconds", "How long.").buckets(&BUCKETS);
const WHERE: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

pub(super) fn rows() -> Vec<Row> {
    let row = |name, threads, budget, contest| Row {
        name,
        threads,
        budget: Budget::Total(budget),
        beside: &[],
        comes: Comes::Answered,
        allocations_max: 0,
        contest,
    };
    vec![
        row("metrics/counter", 1, 11.0, counters),
        row("metrics/counter_2_threads", 2, 20.0, counters),
        // Seconds of work, bytes as megabytes: what is counted in parts. The peers exchange one word until it works.
        row("metrics/float_counter", 1, 15.0, float_counters),
        row("metrics/float_counter_2_threads", 2, 25.0, float_counters),
        row("metrics/histogram", 1, 18.0, histograms),
        row("metrics/histogram_2_threads", 2, 28.0, histograms),
        row("metrics/family", 1, 50.0, families),
        row("metrics/family_2_threads", 2, 50.0, families),
        Row { allocations_max: 1_000, ..row("metrics/encode", 1, 45_000.0, encode) },
    ]
}

/// Different enough for more than one bucket, and none of it known beforehand.
fn value(input: u64) -> f64 {
    f64::from(u16::try_from(black_box(input)).unwrap_or_default()) * 0.07
}

fn counters() -> Contest {
    let ours = Registry::new().register(&COUNTER).expect("a name of its own");
    let client: counter::Counter = counter::Counter::default();
    let prometheus = prometheus::IntCounter::new("requests_total", "Requests.").expect("a name");
    let facade = recorder().register_counter(&Key::from_name("requests_total"), &WHERE);
    Contest {
        ours: looped(move |input| -> Done {
            ours.inc();
            Ok(input)
        }),
        peers: vec![
            (
                "prometheus-client",
                looped(move |input| -> Done {
                    client.inc();
                    Ok(input)
                }),
            ),
            (
                "prometheus",
                looped(move |input| -> Done {
                    prometheus.inc();
                    Ok(input)
                }),
            ),
            (
                "metrics",
                looped(move |input| -> Done {
                    facade.increment(1);
                    Ok(input)
                }),
            ),
        ],
    }
}

fn float_counters() -> Contest {
    let ours = Registry::new().register(&FLOAT_COUNTER).expect("a name of its own");
    let client: counter::Counter<f64, AtomicU64> = counter::Counter::default();
    let prometheus = prometheus::Counter::new("busy_seconds_total", "How long.").expect("a name");
    Contest {
        ours: looped(move |input| -> Done {
            ours.add(value(input));
            Ok(input)
        }),
        peers: vec![
            (
                "prometheus-client",
                looped(move |input| -> Done {
                    client.inc_by(value(input));
                    Ok(input)
                }),
            ),
            (
                "prometheus",
                looped(move |input| -> Done {
                    prometheus.inc_by(value(input));
                    Ok(input)
                }),
            ),
        ],
    }
}

fn histograms() -> Contest {
    let ours = Registry::new().register(&HISTOGRAM).expect("a name of its own");
    let client = histogram::Histogram::new(BUCKETS);
    let options = prometheus::HistogramOpts::new("request_seconds", "How long.").buckets(BUCKETS.to_vec());
    let prometheus = prometheus::Histogram::with_opts(options).expect("a name");
    let recorder = recorder();
    let facade = recorder.register_histogram(&Key::from_name("request_seconds"), &WHERE);
    let upkeep = recorder.handle();
    Contest {
        ours: looped(move |input| -> Done {
            ours.observe(value(input));
            Ok(input)
        }),
        peers: vec![
            (
                "prometheus-client",
                looped(move |input| -> Done {
                    client.observe(value(input));
                    Ok(input)
                }),
            ),
            (
                "prometheus",
                looped(move |input| -> Done {
                    prometheus.observe(value(input));
                    Ok(input)
                }),
            ),
            (
                "metrics",
                // It keeps every value until somebody asks.
                looped_with(
                    move || upkeep.run_upkeep(),
                    move |(), input| -> Done {
                        facade.record(value(input));
                        Ok(input)
                    },
                ),
            ),
        ],
    }
}

/// A counter that is found by two labels.
fn families() -> Contest {
    let ours: Family<Counter, Request> = Registry::new().family(&COUNTER).expect("a name of its own");
    let client: family::Family<Theirs, counter::Counter> = family::Family::default();
    let options = prometheus::Opts::new("requests_total", "Requests.");
    let prometheus = prometheus::IntCounterVec::new(options, &["route", "status"]).expect("a name");
    Contest {
        ours: looped(move |input| -> Done {
            ours.update(&Request { route: black_box("/orders"), status: 200 }, Counter::inc);
            Ok(input)
        }),
        peers: vec![
            (
                "prometheus-client",
                looped(move |input| -> Done {
                    client.get_or_create(&Theirs { route: black_box("/orders"), status: 200 }).inc();
                    Ok(input)
                }),
            ),
            (
                "prometheus",
                looped(move |input| -> Done {
                    prometheus.with_label_values(&[black_box("/orders"), "200"]).inc();
                    Ok(input)
                }),
            ),
        ],
    }
}

/// The text of 100 counters and 10 histograms.
fn encode() -> Contest {
    let ours = Registry::new();
    let mut client = prometheus_client::registry::Registry::default();
    let prometheus = prometheus::Registry::new();
    let recorder = recorder();
    for n in 0..100_u64 {
        let name = format!("requests_of_kind_{n}");
        let counter =
            ours.register(&Desc::parse_counter(&format!("{name}_total"), "Requests.").expect("a name"));
        counter.expect("a name of its own").add(n);
        let counter: counter::Counter = counter::Counter::default();
        counter.inc_by(n);
        client.register(&name, "Requests.", counter);
        let counter = prometheus::IntCounter::new(format!("{name}_total"), "Requests.").expect("a name");
        counter.inc_by(n);
        prometheus.register(Box::new(counter)).expect("a name of its own");
        recorder.register_counter(&Key::from_name(name), &WHERE).increment(n);
    }
    for n in 0..10_u8 {
        let name = format!("of_kind_{n}_seconds");
        let seconds = f64::from(n) * 0.07;
        let desc = Desc::parse_histogram(&name, "How long.").expect("a name").buckets(&BUCKETS);
        ours.register(&desc).expect("a name of its own").observe(seconds);
        let histogram = histogram::Histogram::new(BUCKETS);
        histogram.observe(seconds);
        client.register(&name, "How long.", histogram);
        let options = prometheus::HistogramOpts::new(&name, "How long.").buckets(BUCKETS.to_vec());
        let histogram = prometheus::Histogram::with_opts(options).expect("a name");
        histogram.observe(seconds);
        prometheus.register(Box::new(histogram)).expect("a name of its own");
        let labels: Vec<Label> = Vec::new();
        recorder.register_histogram(&Key::from_parts(name, labels), &WHERE).record(seconds);
    }
    let handle = recorder.handle();
    let some = |text: &str| if text.len() > 5_000 { Ok(7) } else { Err(()) };
    Contest {
        ours: looped(move |_| some(&ours.render(Format::OpenMetrics))),
        peers: vec![
            (
                "prometheus-client",
                looped(move |_| {
                    let mut out = String::new();
                    text::encode(&mut out, &client).map_err(drop)?;
                    some(&out)
                }),
            ),
            (
                "prometheus",
                looped(move |_| {
                    let mut out = Vec::new();
                    TextEncoder::new().encode(&prometheus.gather(), &mut out).map_err(drop)?;
                    some(str::from_utf8(&out).map_err(drop)?)
                }),
            ),
            ("metrics-exporter-prometheus", looped(move |_| some(&handle.render()))),
        ],
    }
}

fn recorder() -> PrometheusRecorder {
    PrometheusBuilder::new().set_buckets(&BUCKETS).expect("there are some").build_recorder()
}
