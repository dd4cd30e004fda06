//! What a probe knows, what the others are told, and what calls of before are worth, by the IDs of the rules.

use crate::bench::one;
use core_breaker::{Breaker, State};
use core_errors::{Error, Reason};
use core_time::{ms, secs};

#[test]
fn cb_40_a_permit_says_whether_it_is_a_probe_and_how_long_to_wait() {
    let bench = one(Breaker::consecutive(1).probe_timeout(ms(200)));
    let permit = bench.permit();
    assert!(!permit.state().is_probe());
    assert_eq!(permit.state().suggested_timeout(), None);
    permit.failure();
    bench.time.advance(secs(5));
    let probe = bench.permit();
    assert!(probe.state().is_probe());
    assert_eq!(probe.state().suggested_timeout(), Some(ms(200)));
    drop(probe);
    let seen = bench.breaker.call_blocking(|attempt| Ok::<_, Error>(attempt.remaining()));
    assert_eq!(seen.unwrap(), Some(ms(200)), "a call sees it as its limit");
    let seen = bench.breaker.call_blocking(|attempt| Ok::<_, Error>(attempt.remaining()));
    assert_eq!(seen.unwrap(), None, "closed again");
}

#[test]
fn cb_39_calls_that_were_out_when_it_tripped_count_in_no_later_generation() {
    let bench = one(Breaker::consecutive(2));
    let out: Vec<_> = (0..6).map(|_| bench.permit()).collect();
    bench.play("FF");
    bench.time.advance(secs(5));
    bench.play("S");
    for permit in out {
        permit.failure();
    }
    assert_eq!(bench.breaker.state(), State::Closed);
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.consecutive_failures, snapshot.totals.late), (0, 6));
}

#[test]
fn cb_26_nobody_is_told_when_a_round_that_is_full_has_a_place() {
    let bench = one(Breaker::consecutive(1));
    bench.breaker.probe_now("test").unwrap();
    let _probe = bench.permit();
    let refused = bench.breaker.acquire().unwrap_err();
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::HalfOpenFull, None));
}
