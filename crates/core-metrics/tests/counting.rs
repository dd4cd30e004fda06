//! Nothing is lost, nothing is spoiled, nothing grows without a bound.

mod support;

use core_metrics::{
    Counter, DEFAULT_BUCKETS, Desc, Family, FloatCounter, Format, Gauge, Histogram, HistogramSnapshot,
    LabelNames, MonitoredOperation, RangeGauge, Registry,
};
use core_time::{ManualClock, ms};
use support::{open_metrics, prometheus};

core_metrics::labels! {
    /// A thread, and what it does.
    struct Work { what: &'static str, thread: u16 }
}

const EVENTS: Desc<Counter> = Desc::counter("events_total", "Events.");
const SIZE: Desc<Histogram> = Desc::histogram("size_seconds", "Sizes.").buckets(&[0.1, 0.5, 1.0, 5.0, 10.0]);
const HALVES: Desc<FloatCounter> = Desc::float_counter("halves_total", "Halves.");
const LEVEL: Desc<Gauge> = Desc::gauge("level", "The level.");

#[test]
fn f_164_eight_threads_lose_nothing() {
    const EACH: u32 = 20_000;
    let registry = Registry::new();
    let counter = registry.register(&EVENTS).unwrap();
    let histogram = registry.register(&SIZE).unwrap();
    let gauge = registry.register(&LEVEL).unwrap();
    let range = registry.register(&Desc::<RangeGauge>::range("range", "A range.")).unwrap();
    let halves = registry.register(&HALVES).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8_u32 {
            let (registry, counter, histogram, gauge, range, halves) =
                (&registry, &counter, &histogram, &gauge, &range, &halves);
            scope.spawn(move || {
                // Found anew by each thread: F52, and none of them counts for itself.
                let same = registry.get_or_register(&EVENTS).unwrap();
                for n in 0..EACH {
                    if n % 2 == 0 {
                        counter.inc();
                    } else {
                        same.inc();
                    }
                    histogram.observe_duration(ms(u64::from(n % 7) * 100));
                    histogram.observe(f64::from(thread));
                    gauge.inc();
                    range.add(1);
                    halves.add(0.5);
                }
            });
        }
        // The last bucket is the count, whatever happens meanwhile: the reader sees to it.
        for _ in 0..50 {
            prometheus(&registry.render(Format::Prometheus));
        }
    });
    let all = u64::from(8 * EACH);
    assert_eq!(counter.get(), all);
    assert_eq!(histogram.snapshot().count(), 2 * all);
    assert!((gauge.get() - f64::from(8 * EACH)).abs() < f64::EPSILON);
    assert_eq!(range.get(), i64::from(8 * EACH));
    assert!((halves.get() - f64::from(4 * EACH)).abs() < f64::EPSILON, "halves are exact");
    let durations = 8.0 * (0..EACH).map(|n| f64::from(n % 7) * 0.1).sum::<f64>();
    let values = f64::from(EACH) * 28.0;
    assert!((histogram.snapshot().sum - durations - values).abs() < 1e-3);
}

#[test]
fn b_13_values_fall_into_their_buckets() {
    let histogram = Registry::new().register(&SIZE).unwrap();
    for value in [0.05, 0.2, 0.75, 3.0, 7.5, 15.0] {
        histogram.observe(value);
    }
    let HistogramSnapshot { counts, sum, .. } = histogram.snapshot();
    assert_eq!(counts, [1, 1, 1, 1, 1, 1]);
    assert!((sum - 26.5).abs() < 1e-9);
}

#[test]
fn the_end_of_a_bucket_belongs_to_it_for_values_and_durations() {
    let histogram = Registry::new().register(&SIZE).unwrap();
    histogram.observe(0.1);
    histogram.observe_duration(ms(100));
    histogram.observe(0.0);
    assert_eq!(histogram.snapshot().counts, [3, 0, 0, 0, 0, 0]);
    histogram.observe_duration(ms(100) + std::time::Duration::from_nanos(1));
    assert_eq!(histogram.snapshot().counts, [3, 1, 0, 0, 0, 0]);
}

#[test]
fn a_sum_of_durations_is_exact() {
    let histogram = Registry::new().register(&SIZE).unwrap();
    for _ in 0..1000 {
        histogram.observe_duration(ms(100));
    }
    assert!((histogram.snapshot().sum - 100.0).abs() < f64::EPSILON, "and 0.1 a thousand times is not");
}

#[test]
fn one_bad_value_spoils_nothing() {
    let registry = Registry::new();
    let (histogram, gauge) = (registry.register(&SIZE).unwrap(), registry.register(&LEVEL).unwrap());
    gauge.set(2.0);
    let halves = registry.register(&HALVES).unwrap();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0] {
        histogram.observe(bad);
        halves.add(bad);
    }
    halves.add(0.5);
    assert!((halves.get() - 0.5).abs() < f64::EPSILON);
    gauge.set(f64::NAN);
    gauge.set(f64::INFINITY);
    gauge.add(f64::NAN);
    histogram.observe(1.0);
    assert_eq!(histogram.snapshot().count(), 1);
    assert!((gauge.get() - 2.0).abs() < f64::EPSILON);
    assert!(registry.respond(None).body.contains("metrics_rejected_total 11\n"));
}

#[test]
fn a_family_is_bounded_and_says_so() {
    const FEW: Desc<Counter> = Desc::counter("few_total", "Few.").series_max(3);
    let registry = Registry::new();
    let few: Family<Counter, Work> = registry.family(&FEW).unwrap();
    for thread in 0..10 {
        few.with(&Work { what: "sort", thread }).inc();
    }
    few.with(&Work { what: "sort", thread: 0 }).inc();
    assert_eq!(few.len(), 3);
    let text = registry.respond(None).body;
    assert!(text.contains("few_total{what=\"sort\",thread=\"0\"} 2\n"));
    assert!(text.contains("few_total{otel_metric_overflow=\"true\"} 7\n"));
    assert!(text.contains("metrics_overflow_total{family=\"few_total\"} 7\n"));
    open_metrics(&registry.render(Format::OpenMetrics));
}

#[test]
fn a_family_has_room_for_all_that_it_promises() {
    let registry = Registry::new();
    let events: Family<Counter, Work> = registry.family(&EVENTS).unwrap();
    for thread in 0..1000 {
        for what in ["sort", "a longer name of what is done"] {
            events.update(&Work { what, thread }, Counter::inc);
            events.with(&Work { what, thread }).inc();
        }
    }
    assert_eq!(events.len(), 2000);
    assert!(registry.respond(None).body.contains("metrics_overflow_total{family=\"events_total\"} 0\n"));
    assert!((0..1000).all(|thread| events.with(&Work { what: "sort", thread }).get() == 2));
}

#[test]
fn f_52_what_is_there_is_found_and_what_differs_is_refused() {
    let registry = Registry::new();
    registry.register(&EVENTS).unwrap().add(5);
    assert_eq!(registry.get_or_register(&EVENTS).unwrap().get(), 5);
    assert!(registry.register(&EVENTS).unwrap_err().is_taken());
    let other_help: Desc<Counter> = Desc::counter("events_total", "Other events.");
    assert!(registry.get_or_register(&other_help).unwrap_err().is_taken());
    assert!(registry.family::<_, Work>(&EVENTS).unwrap_err().is_taken());
    let of_fractions = Desc::float_counter("events_total", "Events.");
    assert!(registry.get_or_register(&of_fractions).unwrap_err().is_taken());
    let other_buckets = SIZE.buckets(&[1.0]);
    registry.register(&SIZE).unwrap();
    assert!(registry.get_or_register(&other_buckets).unwrap_err().is_taken());
}

#[test]
fn two_metrics_never_write_one_name() {
    for (first, then) in [("size_seconds_count", "size_seconds"), ("metrics_rejected", "other_seconds")] {
        let registry = Registry::new();
        let gauge: Desc<Gauge> = Desc::parse_gauge(first, "A gauge.").unwrap();
        let histogram: Desc<Histogram> = Desc::parse_histogram(then, "A histogram.").unwrap();
        let both = [registry.register(&gauge).map(|_| ()), registry.register(&histogram).map(|_| ())];
        assert_eq!(both.iter().filter(|result| result.is_err()).count(), 1, "{first}, {then}");
    }
    let registry = Registry::new();
    registry.register(&EVENTS).unwrap();
    let family_of_open_metrics: Desc<Gauge> = Desc::gauge("events", "The same family in OpenMetrics.");
    assert!(registry.register(&family_of_open_metrics).is_err());
}

#[test]
fn a_name_that_could_not_be_scraped_is_refused_with_the_rule() {
    for bad in ["", "9_total", "bad-name_total", "a:b_total", "__x_total", "orders", "ümlaut_total"] {
        let error = Desc::parse_counter(bad, "").unwrap_err();
        assert!(error.to_string().contains("`_total`"), "{error}");
    }
    for bad in ["x_total", "x_info", "x_bucket", "x_sum", "x_created", "x y"] {
        assert!(Desc::parse_gauge(bad, "").is_err(), "{bad}");
        assert!(Desc::parse_histogram(bad, "").is_err(), "{bad}");
    }
}

#[test]
fn what_collectors_bring_is_held_to_the_same_rules() {
    const NAME: LabelNames<1> = LabelNames::new(["name"]);
    let registry = Registry::new();
    registry.register(&EVENTS).unwrap();
    registry.collect(|scrape| {
        let mut levels = scrape.gauges(&LEVEL, NAME);
        levels.put(["a"], 1.0);
        levels.put(["a"], 2.0);
        levels.put(["b"], f64::NAN);
        levels.put_bool(["c"], true);
        scrape.counters(&EVENTS, LabelNames::NONE).put([], 9);
        scrape.counters(&Desc::counter("cpu_seconds_total", ""), LabelNames::NONE).put_float([], -1.0);
        let bad = HistogramSnapshot { bounds: vec![2.0, 1.0], counts: vec![0, 0, 0], sum: 0.0 };
        scrape.histograms(&Desc::histogram("bad_seconds", ""), LabelNames::NONE).put([], bad);
    });
    registry.collect(|scrape| scrape.gauges(&LEVEL, LabelNames::NONE).put([], 1.0));
    registry.collect(|_| panic!("a collector of somebody"));
    let text = prometheus(&registry.render(Format::Prometheus));
    assert_eq!(text["level"].samples.len(), 2);
    assert!((text["level"].samples[0].value - 1.0).abs() < f64::EPSILON);
    assert!((text["events_total"].samples[0].value - 0.0).abs() < f64::EPSILON, "the registered one stays");
    assert!((text["metrics_rejected_total"].samples[0].value - 6.0).abs() < f64::EPSILON);
    assert!((text["metrics_collector_panics_total"].samples[0].value - 1.0).abs() < f64::EPSILON);
    assert!(text["cpu_seconds_total"].samples.is_empty());
}

#[tokio::test]
async fn f_57_an_operation_has_four_metrics() {
    let (registry, clock) = (Registry::new(), ManualClock::new());
    let charge = MonitoredOperation::new(&registry, "charge", clock.clock()).unwrap();
    let answer = charge.run(|| {
        clock.advance(ms(40));
        assert!(registry.respond(None).body.contains("charge_in_progress 1.0\n"));
        Ok::<_, String>("charged")
    });
    assert_eq!(answer.unwrap(), "charged");
    charge.call(async { Err::<(), _>("the card was refused") }).await.unwrap_err();
    drop(charge.call(std::future::pending::<Result<(), &str>>()));
    drop(charge.start());
    let panicked =
        std::panic::catch_unwind(|| charge.run(|| -> Result<(), &str> { panic!("in the charge") }));
    assert!(panicked.is_err());
    let text = registry.respond(None).body;
    for line in [
        "charge_requests_total 4\n",
        "charge_errors_total 2\n",
        "charge_in_progress 0.0\n",
        "charge_duration_seconds_count 4\n",
        "charge_duration_seconds_sum 0.04\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn f_51_the_default_buckets_are_those_of_the_sources() {
    assert_eq!(DEFAULT_BUCKETS, [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]);
}

#[test]
fn f_51_a_timer_and_a_gauge_end_with_their_scope() {
    let (registry, clock) = (Registry::new(), ManualClock::new());
    let (size, level) = (registry.register(&SIZE).unwrap(), registry.register(&LEVEL).unwrap());
    {
        let _timer = size.timer(&clock.clock());
        let _one = level.in_progress();
        clock.advance(ms(300));
        assert!((level.get() - 1.0).abs() < f64::EPSILON);
    }
    assert_eq!(size.snapshot().counts, [0, 1, 0, 0, 0, 0]);
    assert!(level.get().abs() < f64::EPSILON);
}
