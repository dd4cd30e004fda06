//! What a host costs beside time.

use core_breaker::{ConsecutiveFailures, Host, HostState};
use core_errors::Error;
use core_time::secs;

use crate::bench::{Bench, by_sweeps};

/// How often `run` allocates once it has run before.
fn allocations(mut run: impl FnMut()) -> u64 {
    run();
    allocation_counter::measure(run).count_total
}

#[test]
fn od_1_a_call_to_a_host_allocates_nothing_whatever_it_comes_to() {
    let bench = Bench::new(10, by_sweeps().consecutive(ConsecutiveFailures::of(1_000)));
    let host = &bench.hosts[0];
    let call = || assert!(host.call_blocking(|_| Ok::<_, Error>(())).is_ok());
    assert_eq!(allocations(call), 0);
    assert_eq!(allocations(|| host.acquire().unwrap().failure()), 0);
    assert_eq!(allocations(|| drop(host.acquire().unwrap())), 0);
    bench.set.force_eject("h0", "test").unwrap();
    assert_eq!(allocations(|| assert!(host.acquire().is_err())), 0);
}

#[test]
fn od_1_asking_and_choosing_allocate_nothing() {
    let bench = Bench::new(10, by_sweeps().consecutive(ConsecutiveFailures::of(1)));
    bench.answer(3, 0, 1);
    let keys: Vec<String> = (0..10).map(|n| format!("h{n}")).collect();
    assert_eq!(allocations(|| assert_eq!(bench.set.choose(&keys).count(), 9)), 0);
    assert_eq!(allocations(|| assert!(bench.set.is_ejected("h3"))), 0);
    assert_eq!(allocations(|| assert!(!bench.hosts[3].is_usable())), 0);
    assert_eq!(allocations(|| drop(bench.set.host("h0").unwrap())), 0);
    bench.time.advance(secs(9));
    assert_eq!(allocations(|| assert!(bench.set.sweep() > bench.time.now())), 0, "none is due");
}

#[test]
fn what_is_remembered_of_a_call_is_a_byte() {
    assert_eq!((size_of::<HostState>(), size_of::<Host>()), (1, 16));
}
