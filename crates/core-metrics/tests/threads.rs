//! Many threads that count, make series and scrape at once.
#![cfg(feature = "facade")]

mod support;

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use core_context::Context;
use core_context::w3c::TraceContext;
use core_metrics::facade::Bridge;
use core_metrics::{Counter, Desc, Family, FloatCounter, Format, Histogram, RangeGauge, Registry};
use support::{Families, open_metrics, prometheus};

core_metrics::labels! {
    /// Which round it is.
    struct Round { round: u16 }
}

const THREADS: u16 = 8;
const ROUNDS: u16 = 300;
const ROUNDED: Desc<Counter> = Desc::counter("rounds_total", "Rounds.");

#[test]
fn whoever_makes_a_metric_at_the_same_time_counts_in_the_same_one() {
    let registry = Registry::new();
    let bridge = Bridge::new(&registry);
    let barrier = Barrier::new(THREADS.into());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    let one = Desc::parse_counter(&format!("round_{round}_total"), "A round.").unwrap();
                    barrier.wait();
                    registry.get_or_register(&one).unwrap().inc();
                    let family: Family<Counter, Round> = registry.family(&ROUNDED).unwrap();
                    family.with(&Round { round }).inc();
                    family.update(&Round { round }, Counter::inc);
                    metrics::with_local_recorder(&bridge, || {
                        metrics::counter!("theirs", "round" => round.to_string()).increment(1);
                    });
                }
            });
        }
    });
    let text = prometheus(&registry.render(Format::Prometheus));
    let is = |value: f64, n: u16| (value - f64::from(n)).abs() < f64::EPSILON;
    assert!((0..ROUNDS).all(|round| is(text[&format!("round_{round}_total")].samples[0].value, THREADS)));
    assert_eq!(text["rounds_total"].samples.len(), usize::from(ROUNDS));
    assert!(text["rounds_total"].samples.iter().all(|sample| is(sample.value, 2 * THREADS)));
    assert_eq!(text["theirs_total"].samples.len(), usize::from(ROUNDS));
    assert!(text["theirs_total"].samples.iter().all(|sample| is(sample.value, THREADS)));
}

/// Everything that may only grow, by its name and labels.
fn growing(families: &Families) -> BTreeMap<(String, BTreeMap<String, String>), f64> {
    let grows = families.values().filter(|family| family.kind == "counter" || family.kind == "histogram");
    grows
        .flat_map(|family| &family.samples)
        .map(|of| ((of.name.clone(), of.labels.clone()), of.value))
        .collect()
}

#[test]
fn every_scrape_is_whole_and_nothing_that_was_seen_shrinks_or_goes() {
    const TRACED: Desc<Histogram> =
        Desc::histogram("traced_seconds", "Traced.").buckets(&[0.1, 0.5]).exemplars();
    let registry = Registry::new();
    let family: Family<Counter, Round> = registry.family(&ROUNDED.series_max(50)).unwrap();
    let traced = registry.register(&TRACED).unwrap();
    let halves = registry.register(&Desc::<FloatCounter>::float_counter("halves_total", "Halves.")).unwrap();
    let range = registry.register(&Desc::<RangeGauge>::range("range", "A range.")).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (family, traced, halves, range, done) = (&family, &traced, &halves, &range, &done);
            scope.spawn(move || {
                let context = Context::builder().trace(TraceContext::generate(true)).build();
                context.sync_scope(|| {
                    for round in (0..100).cycle() {
                        family.with(&Round { round: round ^ thread }).inc();
                        traced.observe(f64::from(round) / 100.0);
                        halves.add(0.5);
                        range.set(i64::from(round) - i64::from(thread));
                        range.add(-1);
                        if done.load(Ordering::Relaxed) {
                            return;
                        }
                    }
                });
            });
        }
        let mut before = BTreeMap::new();
        for scrape in 0..60 {
            // The reader of either form refuses what is not whole.
            let open = open_metrics(&registry.render(Format::OpenMetrics));
            let now = growing(&open);
            for (series, value) in before {
                assert!(
                    now.get(&series).is_some_and(|now| *now >= value),
                    "scrape {scrape}: {series:?} {value}"
                );
            }
            before = now;
            let text = prometheus(&registry.render(Format::Prometheus));
            let of = |name: &str| text[name].samples[0].value;
            assert!(of("range_min") <= of("range") && of("range") <= of("range_max"));
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(family.len(), 50);
}

#[test]
fn a_registry_may_go_while_it_is_scraped_and_what_it_made_counts_on() {
    let registry = Registry::new();
    let rounds = registry.register(&ROUNDED).unwrap();
    std::thread::scope(|scope| {
        let scraped = registry.clone();
        scope.spawn(move || (0..100).for_each(|_| drop(prometheus(&scraped.render(Format::Prometheus)))));
        drop(registry);
        rounds.inc();
    });
    assert_eq!(rounds.get(), 1);
}
