//! Windows against a list of results.

use core_breaker::{Breaker, State};
use core_time::{ManualClock, ms, secs};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_time_window_holds_what_a_list_of_results_holds(
        results in prop::collection::vec((0_u64..3_000, any::<bool>()), 0..200),
    ) {
        let time = ManualClock::new();
        let breaker = Breaker::rate(1.0).min_calls(u32::MAX).window(secs(4)).buckets(4).clock(time.clock()).build().unwrap();
        let mut list = Vec::new();
        let mut now = 0;
        for (pause, failed) in results {
            now += pause;
            time.advance(ms(pause));
            let permit = breaker.acquire().unwrap();
            if failed { permit.failure() } else { permit.success() }
            list.push((now / 1_000, failed));
            // Live are the last four indices, the current one included (rule W-1).
            let live = |index: u64| index <= now / 1_000 && index + 4 > now / 1_000;
            let expected = list.iter().filter(|(index, _)| live(*index));
            let (calls, failures) = expected.fold((0, 0), |(c, f), (_, failed)| (c + 1, f + u64::from(*failed)));
            let window = breaker.snapshot().window;
            prop_assert_eq!((window.calls, window.failures), (calls, failures));
        }
    }

    #[test]
    fn a_window_of_calls_holds_the_last_so_many(
        size in 1_u32..12,
        results in prop::collection::vec(any::<bool>(), 0..60),
    ) {
        let breaker = Breaker::rate(1.0).or_consecutive(1_000).window_of_calls(size).min_calls(u32::MAX);
        // A rate of one can trip only when all failed; until then the window must be the tail of the list.
        let breaker = breaker.build().unwrap();
        let mut list: Vec<bool> = Vec::new();
        for failed in results {
            let Ok(permit) = breaker.acquire() else { break };
            if failed { permit.failure() } else { permit.success() }
            if breaker.state() != State::Closed { break }
            list.push(failed);
            let tail = &list[list.len().saturating_sub(size as usize)..];
            let window = breaker.snapshot().window;
            let failures = tail.iter().filter(|failed| **failed).count() as u64;
            prop_assert_eq!((window.calls, window.failures), (tail.len() as u64, failures));
        }
    }
}
