use core_time::secs;
use proptest::prelude::*;

use super::*;

const START: Instant = Instant::from_nanos(3_600_000_000_000);

struct P95(Latency);

impl P95 {
    fn delay(&self, now: Instant) -> Option<Duration> {
        self.0.delay(0.95, 20, now)
    }

    fn record(&self, latency: Duration, now: Instant) {
        self.0.record(latency, now);
    }
}

fn p95() -> P95 {
    let latency = Latency::new();
    latency.begin(secs(60));
    P95(latency)
}

proptest! {
    #[test]
    fn a_bucket_tells_latencies_apart_to_within_an_eighth(nanos in 0_u64..130_000_000_000) {
        let latency = Duration::from_nanos(nanos);
        let top = top(bucket(latency));
        prop_assert!(top > latency);
        let slack = latency / 8 + Duration::from_nanos(1 << UNIT_BITS);
        prop_assert!(top <= latency + slack, "{latency:?} in a bucket up to {top:?}");
    }

    #[test]
    fn the_quantile_agrees_with_a_sorted_list(millis in prop::collection::vec(1_u64..5_000, 20..400)) {
        let latency = p95();
        for n in &millis {
            latency.record(ms(*n), START);
        }
        let mut sorted = millis.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * 95).div_ceil(100);
        let exact = ms(sorted[rank - 1]);
        let told = latency.delay(START).expect("there are enough");
        prop_assert!(told > exact && told <= exact + exact / 8 + ms(1), "{told:?} for {exact:?}");
    }
}

#[test]
fn buckets_follow_each_other_without_a_gap() {
    for units in 1..=UNITS_MAX {
        let step = bucket_of_units(units) - bucket_of_units(units - 1);
        assert!(step <= 1, "at {units}");
    }
    assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
}

#[test]
fn hg_2_there_is_no_answer_before_there_are_enough_samples() {
    let latency = p95();
    (0..19).for_each(|_| latency.record(ms(10), START));
    assert_eq!(latency.delay(START), None);
    latency.record(ms(10), START);
    let delay = latency.delay(START).unwrap();
    assert!(delay > ms(10) && delay < ms(12), "{delay:?}");
}

#[test]
fn hg_2_never_under_a_millisecond() {
    let latency = p95();
    (0..100).for_each(|_| latency.record(Duration::ZERO, START));
    assert_eq!(latency.delay(START), Some(ms(1)));
}

#[test]
fn all_that_takes_longer_than_can_be_told_apart_is_as_long_as_can_be() {
    let latency = p95();
    (0..100).for_each(|_| latency.record(secs(3_600), START));
    assert_eq!(latency.delay(START), Some(Duration::from_nanos(1 << 37)), "137 s");
}

#[test]
fn what_is_older_than_the_window_is_forgotten() {
    let latency = p95();
    (0..100).for_each(|_| latency.record(secs(1), START));
    assert!(latency.delay(START + secs(45)).unwrap() >= secs(1));
    assert_eq!(latency.delay(START + secs(90)), None);
    (0..100).for_each(|_| latency.record(ms(5), START + secs(90)));
    assert!(latency.delay(START + secs(90)).unwrap() < ms(7));
}

#[test]
fn a_clock_that_goes_back_makes_no_answer_good_for_ever() {
    let latency = p95();
    (0..100).for_each(|_| latency.record(secs(1), START));
    assert!(latency.delay(START).is_some());
    assert_eq!(latency.delay(START - secs(600)), None, "nothing was recorded there");
    (0..100).for_each(|_| latency.record(ms(5), START - secs(600)));
    assert!(latency.delay(START - secs(600)).unwrap() < ms(7));
}

#[test]
fn threads_that_share_a_stripe_lose_next_to_nothing() {
    let latency = p95();
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| (0..100).for_each(|_| latency.record(ms(10), START)));
        }
    });
    let epoch = latency.0.epoch(START);
    let mut sums = [0; BUCKETS];
    let halves = latency.0.stripes.iter().flat_map(|cells| &cells.halves).filter(|half| half.is_of(epoch));
    halves.for_each(|half| half.add_to(&mut sums));
    let total: u64 = sums.iter().sum();
    assert!((9_900..=10_000).contains(&total), "{total}");
}

#[test]
fn the_half_that_ended_counts_while_the_next_one_fills() {
    let latency = p95();
    (0..100).for_each(|_| latency.record(secs(1), START));
    (0..5).for_each(|_| latency.record(ms(5), START + secs(31)));
    assert!(latency.delay(START + secs(31)).unwrap() >= secs(1));
}

#[test]
fn what_a_bucket_does_not_reach_is_the_first_of_the_next() {
    for bucket in 0..BUCKETS - 1 {
        let units = u64::try_from(top(bucket).as_nanos()).unwrap() >> UNIT_BITS;
        assert_eq!((bucket_of_units(units - 1), bucket_of_units(units)), (bucket, bucket + 1));
    }
}

#[test]
fn a_clock_that_has_just_begun_will_do() {
    let latency = p95();
    (0..100).for_each(|_| latency.record(ms(10), Instant::from_nanos(0)));
    assert!(latency.delay(Instant::from_nanos(0)).is_some_and(|delay| delay > ms(10)));
}

#[test]
fn an_answer_is_good_for_a_tenth_of_a_second() {
    let answer = Answer::none();
    answer.set(ms(7), START);
    assert_eq!(answer.get(START + ms(99)), Some(ms(7)));
    assert_eq!((answer.get(START + ms(100)), answer.get(START - ms(1))), (None, None));
}

#[test]
fn of_two_changes_at_once_the_window_is_that_of_the_settings_in_force() {
    let budget = crate::Budget::default();
    let hedge = crate::Hedge::after_p95().budget(&budget).build().unwrap();
    let (meet, mut wrong) = (std::sync::Barrier::new(3), 0);
    std::thread::scope(|scope| {
        for window in [secs(10), secs(20)] {
            let (hedge, meet) = (&hedge, &meet);
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    meet.wait();
                    hedge.reconfigure(|hedge| hedge.window(window)).unwrap();
                    meet.wait();
                }
            });
        }
        for _ in 0..ROUNDS {
            meet.wait();
            meet.wait();
            let half = hedge.0.latency.get().unwrap().half.load(Ordering::Relaxed);
            wrong += u32::from(Duration::from_nanos(2 * half) != hedge.0.settings().plan.window);
        }
    });
    assert_eq!(wrong, 0, "of {ROUNDS}");
}

const ROUNDS: u32 = 10_000;
