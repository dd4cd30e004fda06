//! Delays, as pure numbers.

use std::time::Duration;

use core_retry::{Backoff, Growth, Jitter, Retry};
use core_time::{ms, secs};
use proptest::prelude::*;

fn delays(growth: Growth, base: Duration, max: Duration, count: u32) -> Vec<Duration> {
    let backoff = Backoff { growth, jitter: Jitter::None, base, max };
    (1..=count).map(|retry| backoff.delay(retry, Duration::ZERO, 0.7)).collect()
}

const DOUBLING: Growth = Growth::Exponential { factor: 2.0 };
const LONG: Duration = Duration::from_secs(1_000_000);

#[test]
fn rt_2_growths_have_the_documented_values() {
    assert_eq!(delays(DOUBLING, secs(1), LONG, 4), [secs(1), secs(2), secs(4), secs(8)]);
    assert_eq!(delays(DOUBLING, secs(3), LONG, 3), [secs(3), secs(6), secs(12)]);
    assert_eq!(delays(DOUBLING, ms(30), LONG, 3), [ms(30), ms(60), ms(120)]);
    assert_eq!(delays(DOUBLING, secs(1), secs(3), 4), [secs(1), secs(2), secs(3), secs(3)]);
    assert_eq!(delays(Growth::Linear, secs(1), LONG, 3), [secs(1), secs(2), secs(3)]);
    assert_eq!(delays(Growth::Fixed, secs(2), secs(2), 3), [secs(2); 3]);
    assert_eq!(delays(Growth::Exponential { factor: 1.5 }, ms(100), LONG, 3), [ms(100), ms(150), ms(225)]);
}

#[test]
fn rt_2_large_numbers_saturate_at_the_cap() {
    for growth in
        [DOUBLING, Growth::Exponential { factor: 1.7 }, Growth::Exponential { factor: 3.0 }, Growth::Linear]
    {
        for retry in [33, 64, 65, 100_000, u32::MAX] {
            let backoff = Backoff { growth, jitter: Jitter::None, base: ms(50), max: secs(1) };
            assert_eq!(backoff.delay(retry, Duration::ZERO, 1.0), secs(1), "{growth:?} {retry}");
            let boundless = Backoff { max: Duration::MAX, ..backoff };
            assert!(boundless.delay(retry, Duration::MAX, 1.0) > secs(1));
        }
    }
}

#[test]
fn rt_3_jitter_has_the_documented_values() {
    let with = |jitter, draw| {
        Backoff { growth: Growth::Fixed, jitter, base: secs(1), max: secs(2) }.delay(1, Duration::ZERO, draw)
    };
    for (draw, expected) in [(0.0, 750), (0.4, 950), (0.6, 1_050), (1.0, 1_250)] {
        assert_eq!(with(Jitter::PlusMinus { fraction: 0.25 }, draw), ms(expected));
    }
    for (draw, full, equal) in [(0.0, 0, 500), (0.5, 500, 750), (1.0, 1_000, 1_000)] {
        assert_eq!((with(Jitter::Full, draw), with(Jitter::Equal, draw)), (ms(full), ms(equal)));
    }
    for (draw, expected) in [(0.0, 800), (0.5, 1_000), (1.0, 1_200)] {
        assert_eq!(with(Jitter::PlusMinus { fraction: 0.2 }, draw), ms(expected), "as gRPC has it");
    }
    let added = |retry, draw| {
        let jitter = Jitter::Plus { up_to: secs(1) };
        Backoff { growth: DOUBLING, jitter, base: ms(100), max: secs(5) }.delay(retry, Duration::ZERO, draw)
    };
    assert_eq!((added(1, 0.0), added(1, 1.0)), (ms(100), ms(1_100)), "as stamina has it");
    assert_eq!((added(2, 1.0), added(7, 0.0), added(7, 1.0)), (ms(1_200), secs(5), secs(5)));
    let decorrelated =
        Backoff { growth: Growth::Decorrelated, jitter: Jitter::Full, base: ms(10), max: secs(9) };
    assert_eq!(decorrelated.delay(2, ms(100), 1.0), ms(300));
    assert_eq!(decorrelated.delay(2, ms(100), 0.0), ms(10));
    assert_eq!(
        decorrelated.delay(1, Duration::ZERO, 1.0),
        ms(30),
        "before the first, the base stands for the last"
    );
}

proptest! {
    #[test]
    fn rt_3_decorrelated_delays_stay_between_the_base_and_three_times_the_last(
        base in 1_u64..1_000_000,
        draws in prop::collection::vec(0.0_f64..=1.0, 1..40),
    ) {
        let base = Duration::from_micros(base);
        let max = base * 1_000;
        let backoff = Backoff { growth: Growth::Decorrelated, jitter: Jitter::Full, base, max };
        let mut draws_of = draws.iter().copied();
        let delays: Vec<_> = backoff.delays(|| draws_of.next().unwrap_or(0.5)).take(draws.len()).collect();
        let mut previous = base;
        for delay in delays {
            prop_assert!(delay >= base && delay <= max && delay <= previous * 3, "{delay:?} after {previous:?}");
            previous = delay;
        }
    }

    /// The property that Polly holds its own to.
    #[test]
    fn rt_3_smooth_delays_stay_under_four_times_the_doubled_base(
        base in 1_u64..1_000_000,
        draws in prop::collection::vec(0.0_f64..=1.0, 1..30),
    ) {
        let base = Duration::from_micros(base);
        let backoff = Backoff { growth: Growth::Smooth, jitter: Jitter::None, base, max: Duration::MAX };
        let mut left = draws.iter().copied();
        let delays = backoff.delays(|| left.next().unwrap_or(0.5)).take(draws.len());
        for (attempt, delay) in delays.enumerate() {
            let bound = base.as_secs_f64() * f64::from(1_u32 << attempt) * 4.0;
            prop_assert!(delay.as_secs_f64() < bound, "{delay:?} at {attempt}");
        }
    }

    #[test]
    fn rt_3_no_jitter_leads_over_the_cap_or_under_zero(
        growth in prop::sample::select(vec![Growth::Fixed, Growth::Linear, DOUBLING, Growth::Decorrelated, Growth::Smooth, Growth::Exponential { factor: 1.3 }]),
        jitter in prop::sample::select(vec![Jitter::None, Jitter::Full, Jitter::Equal, Jitter::PlusMinus { fraction: 1.0 }, Jitter::Plus { up_to: Duration::MAX }]),
        base in 0_u64..100_000,
        extra in 0_u64..1_000_000,
        retry in any::<u32>(),
        previous in any::<u64>(),
        draw in -1.0_f64..2.0,
    ) {
        let max = Duration::from_micros(base + extra);
        let backoff = Backoff { growth, jitter, base: Duration::from_micros(base), max };
        prop_assert!(backoff.delay(retry, Duration::from_nanos(previous), draw) <= max);
    }
}

#[test]
fn rt_3_full_jitter_is_spread_over_its_whole_range() {
    let retry = Retry::fixed(ms(1_000)).full_jitter().attempts(2).seed(7).build().unwrap();
    let mut buckets = [0_u32; 10];
    for _ in 0..10_000 {
        let delay = retry.delays().next().unwrap();
        assert!(delay < secs(1));
        buckets[usize::try_from(delay.as_millis() / 100).unwrap()] += 1;
    }
    assert!(buckets.iter().all(|count| (850..1_150).contains(count)), "{buckets:?}");
}

#[test]
fn the_same_seed_gives_the_same_delays() {
    let delays = |seed| -> Vec<Duration> {
        let retry = Retry::exponential(ms(50)..secs(1)).attempts(6).seed(seed).build().unwrap();
        retry.delays().collect()
    };
    assert_eq!(delays(1), delays(1));
    assert_ne!(delays(1), delays(2));
    assert_eq!(delays(1).len(), 5);
}

#[test]
fn delays_for_loops_of_ones_own_begin_anew_when_told() {
    let backoff = Backoff { growth: DOUBLING, jitter: Jitter::None, base: ms(10), max: ms(50) };
    let mut delays = backoff.delays(|| 0.0);
    let next: Vec<_> = delays.by_ref().take(5).collect();
    assert_eq!(next, [ms(10), ms(20), ms(40), ms(50), ms(50)]);
    delays.restart();
    assert_eq!(delays.next(), Some(ms(10)));
}

#[test]
fn rt_3_smooth_delays_have_the_values_of_the_formula() {
    let backoff = Backoff { growth: Growth::Smooth, jitter: Jitter::None, base: secs(1), max: secs(600) };
    // 2^t · tanh(√(4t)) / 1.4 at t = r, 1 + r, 2 + r, less what was waited before.
    let at = |t: f64| t.exp2() * (4.0 * t).sqrt().tanh() / 1.4;
    let draws = [0.5, 0.25, 1.0];
    let mut left = draws.into_iter();
    let delays: Vec<_> = backoff.delays(|| left.next().unwrap()).take(3).collect();
    let expected = [at(0.5), at(1.25) - at(0.5), at(3.0) - at(1.25)];
    for (delay, expected) in delays.iter().zip(expected) {
        assert!((delay.as_secs_f64() - expected).abs() < 1e-6, "{delay:?} for {expected}");
    }
    // The median of the first is the base, roughly, and half a draw more doubles what follows.
    assert!((0.85..1.0).contains(&delays[0].as_secs_f64()), "{delays:?}");
    let capped = Backoff { max: secs(2), ..backoff };
    assert!(capped.delays(|| 0.9).take(50).all(|delay| delay <= secs(2)));
    let retry = Retry::smooth(ms(100)..secs(5)).attempts(4).seed(3).build().unwrap();
    assert_eq!(retry.delays().count(), 3);
}

#[test]
fn rt_2_doubled_times_are_exact_to_the_nanosecond_however_long() {
    let base = Duration::new(20_000_000, 1);
    assert_eq!(delays(DOUBLING, base, Duration::MAX, 3), [base, base * 2, base * 4]);
}

#[test]
fn rt_3_jitter_goes_beyond_a_fixed_delay_as_far_as_it_says() {
    let fixed = |jitter| Retry::fixed(ms(1_000)).jitter(jitter);
    for (jitter, from, to) in [
        (Jitter::Plus { up_to: ms(500) }, 1_000, 1_500),
        (Jitter::PlusMinus { fraction: 0.25 }, 750, 1_250),
        (Jitter::Equal, 500, 1_000),
        (Jitter::None, 1_000, 1_000),
    ] {
        let retry = fixed(jitter).attempts(2).seed(7).build().unwrap();
        let delays: Vec<_> = (0..1_000).filter_map(|_| retry.delays().next()).collect();
        let (least, most) = (*delays.iter().min().unwrap(), *delays.iter().max().unwrap());
        let room = ms(to - from) / 50;
        assert!(least >= ms(from) && least <= ms(from) + room, "{jitter:?}: {least:?}");
        assert!(most <= ms(to) && most + room >= ms(to), "{jitter:?}: {most:?}");
    }
    // Whichever was said last, and also where a retry is changed.
    let back = fixed(Jitter::Plus { up_to: ms(500) }).no_jitter();
    assert_eq!((back.backoff().base, back.backoff().max), (ms(1_000), ms(1_000)));
    assert_eq!(fixed(Jitter::Plus { up_to: Duration::MAX }).backoff().max, Duration::MAX);
    for fraction in [-0.5, 1.5, f64::NAN] {
        let refused = fixed(Jitter::PlusMinus { fraction }).build().unwrap_err().to_string();
        assert!(refused.contains("at most 1"), "{refused}");
    }
    let retry = fixed(Jitter::None).attempts(2).seed(7).build().unwrap();
    retry.reconfigure(|to| to.jitter(Jitter::Plus { up_to: ms(500) })).unwrap();
    assert!(retry.delays().next().unwrap() > ms(1_000));
}
