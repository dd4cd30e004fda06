//! What comes in an order that nobody planned for.

use std::time::Duration;

use crate::bench::Bench;
use core_breaker::{Breaker, Decay, Saved, SavedAverage, SavedBucket, SavedResult, State, Tally};
use core_errors::{Category, Code, Error, Reason};
use core_time::{ManualClock, ms, secs};
use proptest::prelude::*;

/// A success is counted by a clock that lags, and a failure by one that does not: across the edge of a bucket the success seems to come first.
#[test]
fn cb_3_a_success_by_a_coarse_clock_is_held_against_failures_of_the_next_bucket() {
    let time = ManualClock::lagging(ms(6));
    let builder = Breaker::rate(0.5).min_calls(5).window(secs(10)).jitter(false);
    let breaker = builder.clock(time.clock()).build().unwrap();
    time.advance(ms(997));
    (0..3).for_each(|_| breaker.acquire().unwrap().failure());
    breaker.acquire().unwrap().success();
    assert_eq!(breaker.state(), State::Closed, "4 calls of 5");
    breaker.acquire().unwrap().success();
    assert_eq!(breaker.state(), State::Open, "3 of 5");
    // The same where a bucket is shorter than the clock lags.
    let time = ManualClock::lagging(ms(6));
    let builder = Breaker::rate(0.5).min_calls(5).window(ms(10)).buckets(10).jitter(false);
    let breaker = builder.clock(time.clock()).build().unwrap();
    time.advance(ms(500));
    (0..3).for_each(|_| breaker.acquire().unwrap().failure());
    (0..2).for_each(|_| breaker.acquire().unwrap().success());
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn cb_34_who_finds_all_probes_out_is_told_what_failed_as_well() {
    const CODE: Code = Code::new("DB_TIMEOUT");
    let bench = Bench::new(Breaker::consecutive(1).probes(2).successes(2));
    let _ = bench.breaker.call_blocking(|_| Err::<(), _>(Error::timeout("slow").with_code(CODE)));
    let cause = |refused: core_errors::Rejection| refused.cause().map(|cause| (cause.category, cause.code));
    assert_eq!(cause(bench.breaker.acquire().unwrap_err()), Some((Category::Timeout, Some(CODE))));
    bench.time.advance(secs(5));
    let probes = [bench.permit(), bench.permit()];
    let refused = bench.breaker.acquire().unwrap_err();
    assert_eq!(refused.reason(), Reason::HalfOpenFull);
    assert_eq!(cause(refused), Some((Category::Timeout, Some(CODE))));
    drop(probes);
}

fn saved() -> impl Strategy<Value = Saved> {
    let time = || prop_oneof![Just(Duration::ZERO), (0_u64..100).prop_map(secs), Just(Duration::MAX)];
    let number = || prop_oneof![0_u32..10, Just(u32::MAX)];
    let count = || prop_oneof![0_u64..20, Just((1 << 28) - 1), Just(u64::MAX)];
    let bucket = (time(), count(), count(), count())
        .prop_map(|(age, calls, failures, slow)| SavedBucket { age, tally: Tally { calls, failures, slow } });
    let result = (any::<bool>(), any::<bool>()).prop_map(|(failed, slow)| SavedResult { failed, slow });
    let average = (prop_oneof![0.0..=1.0, Just(f64::NAN)], count(), time())
        .prop_map(|(success_rate, calls, age)| SavedAverage { success_rate, calls, age });
    let head = (
        prop::sample::select(State::ALL.to_vec()),
        prop::option::of(time()),
        prop::option::of(time()),
        time(),
    );
    let windows = (
        prop::collection::vec(bucket, 0..4),
        prop::collection::vec(result, 0..20),
        prop::option::of(average),
    );
    (head, number(), number(), windows).prop_map(|(head, reopened, consecutive_failures, windows)| {
        let (state, open_left, ramp_left, open_base) = head;
        let (buckets, results, average) = windows;
        Saved {
            version: Saved::VERSION,
            name: "payments".to_owned(),
            state,
            // Half of what does not go together is refused for that alone, which is not what is looked for here.
            open_left: open_left
                .filter(|_| state == State::Open)
                .or((state == State::Open).then_some(secs(1))),
            ramp_left: ramp_left.filter(|_| state == State::Closed),
            open_base,
            reopened,
            consecutive_failures,
            buckets,
            results,
            average,
            last_failure: None,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whoever can write to where it is saved can have it open or closed, and no more than that.
    #[test]
    fn f_78_rubbish_that_is_accepted_neither_panics_nor_wedges_it(saved in saved(), age in 0_u64..50, kind in 0_usize..4) {
        let rules = [
            Breaker::rate(0.5).or_consecutive(3).slow_over(ms(50)).window(secs(10)),
            Breaker::rate(0.5).window_of_calls(5),
            Breaker::average(0.5, Decay::Calls(10)),
            Breaker::average(0.5, Decay::Time(secs(10))),
        ][kind].clone();
        let time = ManualClock::new();
        let builder = rules.min_calls(2).probes(1).successes(1).ramp_up(0.1, secs(10)).name("payments").clock(time.clock());
        let Ok(breaker) = builder.resume(saved, secs(age)).build() else { return Ok(()) };
        for round in 0..60 {
            if let Ok(permit) = breaker.acquire() {
                if round % 3 == 0 { permit.success() } else { permit.failure() }
            }
            time.advance(secs(1));
            let snapshot = breaker.snapshot();
            prop_assert!(snapshot.window.failures <= snapshot.window.calls);
            prop_assert!(snapshot.success_average.is_none_or(|it| (0.0..=1.0).contains(&it)));
            let _ = breaker.save();
        }
        breaker.close("it is well").unwrap();
        prop_assert!(breaker.acquire().is_ok());
    }
}
