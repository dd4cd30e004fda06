//! The longest times and the largest numbers of everything.

use std::time::Duration;

use crate::bench::Bench;
use core_breaker::{Breaker, Decay, Progression};
use core_errors::Verdict;
use core_time::{ms, secs};

#[test]
fn times_that_never_end_are_times() {
    let never = Duration::MAX;
    let rules = || Breaker::consecutive(1).or_rate(0.5).probes(1).successes(1);
    for builder in [
        rules().open_for(never),
        rules().open_for(never).progression(Progression::Linear),
        rules().open_max(never).hint_max(never),
        rules().ramp_up(0.5, never),
        rules().ramp_up(1e-300, never),
        rules().ramp_up(1.0, never),
        rules().window(never),
        rules().lumping(ms(1)).window(never),
        rules().probe_lease(never).probe_timeout(never),
        rules().slow_over(never),
        rules().or_average(0.5, Decay::Time(never)),
        rules().or_average(1.0, Decay::Calls(u32::MAX)),
        rules().min_calls(u32::MAX).inconclusive_max(u32::MAX),
    ] {
        let bench = Bench::with(builder);
        for step in [Duration::ZERO, ms(1), secs(10), secs(100_000_000), never] {
            bench.time.advance(step);
            for _ in 0..20 {
                match bench.breaker.acquire() {
                    Ok(permit) => permit.record_verdict(Verdict::Overload(Some(step))),
                    Err(refused) => assert!(refused.retry_after().is_none_or(|after| after > Duration::ZERO)),
                }
                if let Ok(permit) = bench.breaker.acquire() {
                    permit.success();
                }
            }
            let saved = bench.breaker.save();
            let again =
                rules().name("payments").resume(saved, never).clock(bench.time.clock()).build().unwrap();
            let _ = (again.acquire().is_ok(), again.snapshot(), bench.breaker.snapshot());
            bench.breaker.probe_now("on with it").unwrap();
            bench.permit().success();
        }
    }
}
