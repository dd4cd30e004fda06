use std::thread;

use proptest::prelude::*;

use super::*;

#[test]
fn buckets_follow_each_other_without_a_gap() {
    for at in 0..BEYOND {
        let (from, to) = ends(at);
        assert!(from < to);
        assert_eq!((bucket(from), bucket(to - 1)), (at, at));
        assert!(at < SUBS || (to - from) * 32 <= from, "bucket {at} is narrow");
    }
    assert_eq!((bucket(ends(BEYOND).0), bucket(u64::MAX)), (BEYOND, BEYOND));
    assert!(ends(BEYOND).0 > 36 * 3_600_000_000_000, "a day and a half has its buckets");
}

/// The least that so many of a hundred do not exceed, by counting.
fn exact(all: &[u64], percent: u64) -> u64 {
    let fits = |at: &&u64| {
        let below = all.iter().filter(|ns| ns <= at).count();
        below as u64 * 100 >= all.len() as u64 * percent
    };
    *all.iter().filter(fits).min().unwrap()
}

fn recorded(all: &[u64]) -> Latency {
    let latency = Latency::new();
    for ns in all {
        latency.record(*ns);
    }
    latency
}

proptest! {
    #[test]
    fn a_percentile_is_off_by_a_32nd_at_most(
        all in prop::collection::vec((0_u32..47).prop_flat_map(|bits| 0_u64..(1 << bits)), 1..400),
        percent in 0_u64..=100,
    ) {
        let told = recorded(&all).counted().percentile(percent).unwrap();
        let exact = exact(&all, percent);
        prop_assert!(told.abs_diff(exact) <= exact / 32 + (1 << UNIT_BITS), "{told} for {exact}");
    }
}

#[test]
fn the_rank_is_exact_at_any_count() {
    for count in 1..=10_000_u64 {
        for percent in [50, 95, 99] {
            let rank = rank(percent, count).unwrap();
            assert!(
                rank * 100 >= count * percent && (rank - 1) * 100 < count * percent,
                "{percent} of {count}"
            );
        }
    }
    assert_eq!((rank(50, 0), rank(100, u64::MAX)), (None, Some(u64::MAX)));
}

#[test]
fn nothing_has_no_percentile_and_one_is_all_of_them() {
    assert_eq!(Latency::new().counted().percentile(50), None);
    for ns in [0, 1, 31, 999, 1_000_000, 3_600_000_000_000, 1 << 60, u64::MAX] {
        let counted = recorded(&[ns]).counted();
        assert_eq!([1, 50, 95, 99].map(|percent| counted.percentile(percent)), [Some(ns); 4]);
    }
}

#[test]
fn what_is_beyond_the_buckets_is_told_as_the_most() {
    let day = 24 * 3_600_000_000_000;
    let counted = recorded(&[1, 30 * day, 60 * day]).counted();
    assert_eq!((counted.percentile(1), counted.percentile(50)), (Some(16), Some(60 * day)));
    assert_eq!(counted.between(&[day, 100 * day]), [1, 0, 2], "above all ends");
}

#[test]
fn the_usual_three_of_a_thousand() {
    let latency = Latency::new();
    (1..=1000_u64).for_each(|ms| latency.record(ms * 1_000_000));
    let counted = latency.counted();
    for (percent, exact) in [(50, 500.0), (95, 950.0), (99, 990.0), (100, 1000.0)] {
        let told = std::time::Duration::from_nanos(counted.percentile(percent).unwrap()).as_secs_f64() * 1e3;
        assert!((told - exact).abs() <= exact / 32.0, "{told} for {exact}");
    }
    assert_eq!((counted.min, counted.max, counted.count()), (1_000_000, 1_000_000_000, 1000));
}

#[test]
fn more_threads_than_have_room_of_their_own_lose_nothing() {
    let latency = Latency { room: AtomicUsize::new(3), ..Latency::new() };
    let starts = std::sync::Barrier::new(100);
    thread::scope(|scope| {
        for thread in 0..100_u64 {
            let (latency, starts) = (&latency, &starts);
            scope.spawn(move || {
                starts.wait();
                (0..1000).for_each(|n| latency.record((thread * 31 + n * 7919) << (n % 40)));
            });
        }
    });
    let counted = latency.counted();
    assert_eq!((counted.count(), latency.room.load(Ordering::Relaxed)), (100_000, 0));
    let parts = |counts: &Counts| counts.parts.iter().filter(|part| part.get().is_some()).count();
    let own = latency.stripes.iter().map(parts).sum::<usize>() - parts(latency.stripes.shared());
    assert_eq!(own, 3, "and no more than there is room for");
    let all =
        (0..100_u64).flat_map(|thread| (0..1000_u64).map(move |n| (thread * 31 + n * 7919) << (n % 40)));
    assert_eq!(counted.sum, all.fold(0, u64::wrapping_add));
}
