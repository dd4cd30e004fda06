//! A circuit whose time is over: probes, and what decides.

use std::pin::pin;
use std::task::{Context, Waker};

use core_breaker::{Breaker, State};
use core_errors::{Error, Reason};
use core_time::{ms, secs};

use crate::bench::{Bench, exact, reason};

#[test]
fn g_12_x_4_after_its_time_a_call_runs_and_decides() {
    let bench = Bench::new(exact(1).open_for(ms(100)).probes(1).successes(1));
    bench.calls(&[false]);
    bench.time.advance(ms(110));
    assert!(bench.call(true).is_ok());
    assert_eq!(bench.calls(&[false]), State::Open);
    bench.time.advance(ms(110));
    assert_eq!(bench.calls(&[false]), State::Open, "and open again");
}

#[test]
fn g_13_no_more_probes_than_there_may_be() {
    let bench = Bench::new(exact(1).probes(2).successes(2));
    bench.calls(&[false]);
    bench.time.advance(secs(60));
    let held = [bench.breaker.acquire().unwrap(), bench.breaker.acquire().unwrap()];
    assert_eq!(reason(bench.call(true)), Some(Reason::HalfOpenFull));
    drop(held);
    assert!(bench.call(true).is_ok(), "what was dropped is free again");
}

#[test]
fn g_14_a_circuit_that_could_never_close_is_refused() {
    assert!(exact(1).probes(2).successes(3).build().is_err());
}

#[test]
fn g_after_it_closed_one_failure_does_not_open_it_again() {
    for builder in
        [exact(5), Breaker::rate(0.5).min_calls(5).window_of_calls(10).open_for(secs(60)).jitter(false)]
    {
        let bench = Bench::new(builder.probes(1).successes(1));
        assert_eq!(bench.calls(&[false; 5]), State::Open);
        bench.time.advance(secs(60));
        assert_eq!(bench.calls(&[true]), State::Closed);
        assert_eq!(bench.calls(&[false]), State::Closed);
    }
}

#[test]
fn g_n_a_probe_that_was_cancelled_does_not_hold_its_slot_for_ever() {
    let bench = Bench::new(exact(1).probes(1).successes(1));
    bench.calls(&[false]);
    bench.time.advance(secs(60));
    {
        let mut probe = pin!(bench.breaker.call(|_| std::future::pending::<Result<u32, Error>>()));
        assert!(probe.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(reason(bench.call(true)), Some(Reason::HalfOpenFull));
    }
    assert!(bench.call(true).is_ok());
    assert_eq!(bench.breaker.state(), State::Closed);
}

#[test]
fn s_7_b_3_n_2_so_many_successes_close_it_and_a_failure_opens_it_at_once() {
    let bench = Bench::new(exact(5).probes(3).successes(3));
    assert_eq!(bench.calls(&[false; 5]), State::Open);
    bench.time.advance(secs(60));
    assert_eq!(bench.calls(&[true]), State::HalfOpen, "one success is not three");
    assert_eq!(bench.calls(&[true, true]), State::Closed);
    assert_eq!(bench.breaker.snapshot().consecutive_failures, 0);
    assert_eq!(bench.counted(), (3, 5, 0), "totals are kept");
    bench.calls(&[false; 5]);
    bench.time.advance(secs(60));
    assert_eq!(bench.calls(&[true, false]), State::Open, "a failure opens it at once");
}

#[test]
fn b_late_successes_of_before_close_nothing_and_late_failures_extend_nothing() {
    let bench = Bench::new(exact(1).probes(3).successes(3));
    let mut early: Vec<_> = (0..5).map(|_| bench.breaker.acquire().unwrap()).collect();
    bench.calls(&[false]);
    bench.time.advance(secs(50));
    early.pop().unwrap().failure();
    bench.time.advance(secs(10));
    assert!(bench.call(true).is_ok(), "60 s after it opened, not 110");
    early.into_iter().for_each(core_policy::Permit::success);
    assert_eq!(bench.breaker.state(), State::HalfOpen, "one probe of three");
}

#[test]
fn n_4_a_probe_that_fails_opens_it_again_and_the_next_one_may_succeed() {
    let bench = Bench::new(exact(2).open_for(secs(1)).open_max(secs(1)).probes(1).successes(1));
    assert_eq!(bench.calls(&[false, false]), State::Open);
    assert_eq!(reason(bench.call(false)), Some(Reason::CircuitOpen));
    bench.time.advance(ms(1_100));
    assert_eq!(bench.calls(&[false]), State::Open, "the third failure");
    bench.time.advance(ms(1_100));
    assert_eq!(bench.calls(&[true]), State::Closed);
}
