use proptest::prelude::*;

use super::*;

#[test]
fn buckets_follow_each_other_without_a_gap() {
    for at in 0..BUCKETS {
        let (from, to) = ends(at);
        assert!(from < to);
        assert_eq!((bucket(from), bucket(to - 1)), (at, at));
        assert!(at < SUBS || (to - from) * 32 <= from, "bucket {at} is narrow");
    }
    assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    assert!(ends(BUCKETS - 1).1 > 3_600_000_000_000, "an hour has its bucket");
}

proptest! {
    #[test]
    fn a_percentile_is_off_by_a_32nd_at_most(
        mut all in prop::collection::vec((0_u32..42).prop_flat_map(|bits| 0_u64..(1 << bits)), 1..400),
        share in 0.0_f64..=1.0,
    ) {
        let latency = Latency::new();
        for ns in &all {
            latency.record(*ns);
        }
        all.sort_unstable();
        let exact = all[usize::try_from(rank(share, all.len() as u64).unwrap()).unwrap() - 1];
        let told = latency.counted().percentile(share).unwrap();
        prop_assert!(told.abs_diff(exact) <= exact / 32 + (1 << UNIT_BITS), "{told} for {exact}");
    }
}

#[test]
fn the_usual_three_of_a_thousand() {
    let latency = Latency::new();
    (1..=1000_u64).for_each(|ms| latency.record(ms * 1_000_000));
    let counted = latency.counted();
    for (share, exact) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0), (1.0, 1000.0)] {
        let told = std::time::Duration::from_nanos(counted.percentile(share).unwrap()).as_secs_f64() * 1e3;
        assert!((told - exact).abs() <= exact / 32.0, "{told} for {exact}");
    }
    assert_eq!((counted.min, counted.max, counted.count()), (1_000_000, 1_000_000_000, 1000));
}
