//! For how long it opens where the callee says when to come back.

use std::time::Duration;

use crate::bench::{Bench, one};
use core_breaker::{Breaker, Hints};
use core_errors::{Error, Verdict};
use core_time::secs;

fn asked(bench: &Bench, hint: Duration) {
    bench.permit().record_verdict(Verdict::Overload(Some(hint)));
}

#[test]
fn what_the_callee_asks_for_makes_the_open_time_longer_and_never_shorter() {
    let bench = one(Breaker::consecutive(1));
    asked(&bench, secs(30));
    assert_eq!(bench.open_left(), secs(30));
    bench.breaker.close("test").unwrap();
    asked(&bench, secs(1));
    assert_eq!(bench.open_left(), secs(5));
}

#[test]
fn what_the_callee_asks_for_is_capped() {
    let bench = one(Breaker::consecutive(1).hint_max(secs(60)));
    asked(&bench, Duration::MAX);
    assert_eq!(bench.open_left(), secs(60));
}

#[test]
fn what_the_callee_asks_for_may_be_obeyed_or_ignored() {
    let obeys = one(Breaker::consecutive(1).hints(Hints::Obey));
    asked(&obeys, secs(1));
    assert_eq!(obeys.open_left(), secs(1));
    let ignores = one(Breaker::consecutive(1).hints(Hints::Ignore));
    asked(&ignores, secs(30));
    assert_eq!(ignores.open_left(), secs(5));
}

#[test]
fn the_callees_newest_word_counts_also_from_before_the_failure_that_trips() {
    let bench = one(Breaker::consecutive(3));
    asked(&bench, secs(100));
    asked(&bench, secs(20));
    bench.time.advance(secs(2));
    bench.play("F");
    assert_eq!(bench.open_left(), secs(18));
    bench.time.advance(secs(18));
    asked(&bench, secs(40));
    assert_eq!(bench.open_left(), secs(40), "of a probe as well");
    bench.time.advance(secs(40));
    bench.play("SFFF");
    assert_eq!(bench.open_left(), secs(5), "forgotten when it closed");
}

#[test]
fn what_the_callee_asked_for_is_forgotten_when_an_operator_closes_it() {
    let bench = one(Breaker::consecutive(1));
    asked(&bench, secs(100));
    bench.breaker.close("it is back").unwrap();
    bench.play("F");
    assert_eq!(bench.open_left(), secs(5));
}

#[test]
fn a_fleet_that_was_told_the_same_does_not_come_back_in_step() {
    let left = |seed| {
        let bench = Bench::with(Breaker::consecutive(1).open_for(secs(10)).seed(seed));
        asked(&bench, secs(30));
        bench.open_left()
    };
    let all: Vec<_> = (0..50).map(left).collect();
    assert!(all.iter().all(|left| (secs(30)..=secs(35)).contains(left)), "{all:?}");
    assert!(all.iter().max().unwrap().saturating_sub(*all.iter().min().unwrap()) > secs(2));
}

#[test]
fn the_retry_after_of_an_error_reaches_the_open_time() {
    let bench = one(Breaker::consecutive(1));
    let failed = || Error::rate_limit("slow down").with_retry_after(secs(45));
    let _ = bench.breaker.call_blocking(|_| Err::<(), _>(failed()));
    assert_eq!(bench.open_left(), secs(45));
}
