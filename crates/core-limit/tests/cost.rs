//! What limits cost where nothing waits: no allocation, and a future that is hardly larger than the call.

use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use core_errors::{Error, Verdict};
use core_limit::{Adaptive, Bulkhead, Criticality, Rate, SlidingWindow, Throttle};
use core_policy::{ByClass, Call, Keyed, Policy};
use core_time::{ms, secs};

fn poll_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(out) => out,
        Poll::Pending => panic!("it was to be ready at once"),
    }
}

/// Allocations of the second run: the first may set up what lasts for the life of the thread.
#[track_caller]
fn allocates_nothing(run: impl Fn()) {
    run();
    assert_eq!(allocation_counter::measure(run).count_total, 0);
}

/// A call that is admitted at once, as a future, on a thread, and as a permit.
#[track_caller]
fn calls_allocate_nothing<P: Policy>(policy: &P) {
    let call = || Call::new(policy, |_| ready(Ok::<_, Error>(7)), ByClass);
    allocates_nothing(|| {
        assert!(matches!(poll_once(call()), Ok(7)));
        assert!(core_policy::call_blocking(policy, |_| Ok::<_, Error>(7), &ByClass, None).is_ok());
        assert!(core_policy::Permit::acquire(policy).is_ok());
    });
    let (size, attempt) = (size_of_val(&call()), size_of::<Ready<Result<i32, Error>>>());
    assert!(size <= 256 + attempt, "{size} around {attempt}");
}

#[track_caller]
fn refusals_allocate_nothing<P: Policy>(policy: &P) {
    allocates_nothing(|| {
        for _ in 0..100 {
            let call = Call::new(policy, |_| ready(Ok::<_, Error>(7)), ByClass);
            assert!(poll_once(call).is_err());
        }
    });
}

#[test]
fn the_counter_counts() {
    let info = allocation_counter::measure(|| drop(std::hint::black_box(Box::new(7_u64))));
    assert_eq!(info.count_total, 1, "or all tests here are worth nothing");
}

#[test]
fn a_rate_limit_allocates_nothing() {
    for rate in [Rate::per_hour(100_000), Rate::per_hour(100_000).bursty()] {
        let limit = rate.max_wait(secs(1)).build().unwrap();
        calls_allocate_nothing(&limit);
        allocates_nothing(|| {
            assert!(limit.check().is_ok() && limit.take(2).is_ok() && limit.take_at_most(3) == 3);
            limit.settle(5, 3);
            limit.reserve(1).unwrap().spend();
            drop(limit.reserve(1));
        });
        limit.penalise(secs(60));
        refusals_allocate_nothing(&limit);
    }
}

#[test]
fn neither_does_a_window_that_slides() {
    let limit = SlidingWindow::per(20, secs(60)).build().unwrap();
    calls_allocate_nothing(&limit);
    let _ = limit.take_at_most(20);
    refusals_allocate_nothing(&limit);
}

#[test]
fn neither_does_a_key_that_is_known() {
    let limits = Rate::per_minute(1_000)
        .keyed(Keyed::max(100))
        .tier("premium", Rate::per_minute(10_000))
        .build::<String>()
        .unwrap();
    let premium = limits.tier("premium").unwrap();
    allocates_nothing(|| assert!(limits.check("a").is_ok() && limits.check_in(premium, "a").is_ok()));
    calls_allocate_nothing(&limits.of(premium, "b").unwrap());
    while limits.check("a").is_ok() {}
    allocates_nothing(|| assert!(limits.check("a").is_err()));
    refusals_allocate_nothing(&limits.of(limits.tier("default").unwrap(), "a").unwrap());
}

#[test]
fn neither_does_a_bulkhead() {
    let bulkhead =
        Bulkhead::max(2).queue(2).max_wait(ms(1)).share(Criticality::Sheddable, 0.5).build().unwrap();
    calls_allocate_nothing(&bulkhead);
    let sheddable = bulkhead.with_criticality(Criticality::Sheddable);
    calls_allocate_nothing(&sheddable);
    let _held = bulkhead.acquire().unwrap();
    refusals_allocate_nothing(&sheddable);
}

#[test]
fn neither_does_an_adaptive_limit_measured_or_not() {
    let rules = || Adaptive::gradient().partition("live", 0.5);
    for rules in [rules(), rules().sample_every(ms(0))] {
        let limit = rules.build().unwrap();
        calls_allocate_nothing(&limit);
        calls_allocate_nothing(&limit.partition("live").unwrap());
        allocates_nothing(|| limit.acquire().unwrap().record_verdict(Verdict::Overload(None)));
        let _held: Vec<_> = std::iter::from_fn(|| limit.acquire().ok()).collect();
        refusals_allocate_nothing(&limit);
    }
}

#[test]
fn neither_does_a_throttle() {
    calls_allocate_nothing(&Throttle::builder().build().unwrap());
    let time = core_time::ManualClock::new();
    let throttle = Throttle::builder().window(secs(1)).share_max(1.0).clock(time.clock()).build().unwrap();
    for _ in 0..10_000 {
        drop(throttle.call_blocking(|_| Err::<(), _>(Error::unavailable("busy"))));
        time.advance(ms(1));
    }
    // Whoever is held back, and the one in a thousand that is not.
    let before = throttle.snapshot().refused;
    allocates_nothing(|| {
        for _ in 0..100 {
            drop(throttle.call_blocking(|_| Ok::<_, Error>(())));
        }
    });
    assert!(throttle.snapshot().refused > before + 150);
}

#[test]
fn who_waits_for_its_turn_does_so_in_a_small_future() {
    let limit = Rate::per_hour(100_000).smooth().max_wait(secs(1)).build().unwrap();
    let reserved = limit.reserve(1).unwrap();
    let size = size_of_val(&reserved);
    let ready = size_of_val(&reserved.ready());
    // The argument of an async function lies there twice.
    assert!(ready <= 2 * size + 32, "{ready} around {size}");
    let until_ready = size_of_val(&limit.until_ready(1));
    assert!(until_ready <= size + 64, "{until_ready} around {size}");
}
