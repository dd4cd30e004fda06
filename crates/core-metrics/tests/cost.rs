//! What is counted does not allocate.

use core_metrics::{Counter, Desc, Family, FloatCounter, Gauge, Histogram, RangeGauge, Registry};
use core_time::ms;

core_metrics::labels! {
    /// Where a request went.
    struct Route { route: &'static str, status: u16 }
}

fn allocations(mut run: impl FnMut()) -> u64 {
    // The first time, a thread takes its stripe.
    run();
    allocation_counter::measure(|| (0..100).for_each(|_| run())).count_total
}

#[test]
fn the_counter_counts() {
    assert_eq!(
        allocations(|| drop(std::hint::black_box(Box::new(7_u64)))),
        100,
        "or this file proves nothing"
    );
}

#[test]
fn counting_does_not_allocate() {
    let registry = Registry::new();
    let counter = registry.register(&Desc::<Counter>::counter("a_total", "")).unwrap();
    let seconds = registry.register(&Desc::<FloatCounter>::float_counter("g_total", "")).unwrap();
    let gauge = registry.register(&Desc::<Gauge>::gauge("b", "")).unwrap();
    let range = registry.register(&Desc::<RangeGauge>::range("c", "")).unwrap();
    let histogram = registry.register(&Desc::<Histogram>::histogram("d_seconds", "")).unwrap();
    let family: Family<Counter, Route> = registry.family(&Desc::counter("e_total", "")).unwrap();
    let traced = registry.register(&Desc::<Histogram>::histogram("f_seconds", "").exemplars()).unwrap();
    assert_eq!(allocations(|| counter.inc()), 0);
    assert_eq!(allocations(|| seconds.add(1.5)), 0);
    assert_eq!(allocations(|| gauge.add(1.5)), 0);
    assert_eq!(allocations(|| range.add(1)), 0);
    assert_eq!(allocations(|| histogram.observe_duration(ms(3))), 0);
    assert_eq!(allocations(|| histogram.observe(0.3)), 0);
    assert_eq!(allocations(|| family.with(&Route { route: "/", status: 200 }).inc()), 0);
    assert_eq!(allocations(|| family.update(&Route { route: "/", status: 200 }, Counter::inc)), 0);
    assert_eq!(family.with(&Route { route: "/", status: 200 }).get(), 202);
    let context = core_context::Context::new();
    assert_eq!(allocations(|| context.sync_scope(|| traced.observe(0.3))), 0);
}
