//! Circuits that open, refuse, count and tell.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use core_breaker::State;
use core_errors::{Error, Reason};
use core_pipeline::Pipeline;
use core_policy::{Attempt, CallError};
use core_retry::{Budget, Retry};
use core_time::{ManualClock, ms, secs};

use crate::bench::{Bench, exact, reason};

#[test]
fn g_10_b_1_n_1_x_1_a_new_circuit_is_closed_and_has_counted_nothing() {
    let bench = Bench::new(exact(3));
    assert_eq!((bench.breaker.state(), bench.counted()), (State::Closed, (0, 0, 0)));
    assert_eq!(bench.breaker.snapshot().totals.success_rate(), None, "no calls, no rate");
    let bench = Bench::new(exact(5));
    let seven_of_ten = [true, true, false, true, true, false, true, true, false, true];
    assert_eq!((bench.calls(&seven_of_ten), bench.counted()), (State::Closed, (7, 3, 0)));
    assert!((bench.breaker.snapshot().totals.success_rate().unwrap() - 0.7).abs() < 1e-9);
}

#[test]
fn g_11_b_2_x_3_n_1_the_third_failure_opens_it_and_the_fourth_call_does_not_run() {
    let bench = Bench::new(exact(3));
    for failure in 1..=3 {
        assert_eq!(bench.breaker.state(), State::Closed, "before {failure}");
        let CallError::Failed(error) = bench.call(false).unwrap_err() else { panic!("as it is") };
        assert_eq!(error.message(), "down");
    }
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.opened), (State::Open, 1));
    let refused = bench.call(true).unwrap_err();
    let rejection = refused.rejection().unwrap();
    assert_eq!((rejection.reason(), rejection.name().as_str()), (Reason::CircuitOpen, "payments"));
    assert_eq!(rejection.retry_after(), Some(secs(60)));
    assert_eq!((bench.calls.get(), bench.counted()), (3, (0, 3, 1)));
}

#[test]
fn g_15_x_6_a_reset_closes_it_and_keeps_the_totals() {
    let bench = Bench::new(exact(1));
    bench.calls(&[false]);
    bench.breaker.close("reset").unwrap();
    assert_eq!((bench.breaker.state(), bench.counted()), (State::Closed, (0, 1, 0)));
    assert!(bench.call(true).is_ok());
}

#[test]
fn g_16_a_hundred_successes_do_not_pay_for_five_failures() {
    let bench = Bench::new(exact(5));
    bench.calls(&[true; 100]);
    assert_eq!(bench.calls(&[false; 4]), State::Closed);
    assert_eq!(bench.calls(&[false]), State::Open);
    let five_of_ten = Bench::new(exact(6));
    assert_eq!(
        five_of_ten.calls(&[true, false, true, false, true, false, true, false, true, false]),
        State::Closed
    );
}

#[test]
fn g_17_one_in_two_is_not_two_in_a_row() {
    let bench = Bench::new(exact(2));
    assert_eq!(bench.calls(&[false, true].repeat(50)), State::Closed);
    assert_eq!(bench.calls(&[false, false]), State::Open);
}

#[test]
fn g_19_a_breaker_around_a_retry_counts_calls_and_not_attempts() {
    let (time, calls) = (ManualClock::new(), Cell::new(0));
    let breaker = exact(2).clock(time.clock()).build().unwrap();
    let retry = Retry::fixed(ms(1)).no_jitter().attempts(2).clock(time.clock()).build().unwrap();
    let call = || {
        core_policy::call_blocking(
            core_policy::Stack::new(&breaker, &retry),
            |_| {
                calls.set(calls.get() + 1);
                Err::<u32, _>(Error::unavailable("down"))
            },
            &core_policy::ByClass,
            None,
        )
    };
    for expected in [2, 4, 4] {
        assert!(call().is_err());
        assert_eq!(calls.get(), expected);
    }
    assert_eq!(reason(call()), Some(Reason::CircuitOpen));
}

#[test]
fn g_an_open_circuit_is_no_reason_to_sleep_and_ask_again() {
    let time = ManualClock::new();
    let pipeline = Pipeline::named("payments")
        .retry(Retry::fixed(secs(1)).no_jitter().attempts(3).budget(&Budget::default()))
        .breaker(exact(1))
        .clock(time.clock())
        .build()
        .unwrap();
    pipeline.admit().unwrap().failure();
    let before = time.elapsed();
    let refused = pipeline.call_blocking(|_: Attempt| Ok::<_, Error>(1));
    assert_eq!((reason(refused), time.elapsed()), (Some(Reason::CircuitOpen), before));
}

#[test]
fn s_7_circuits_do_not_know_of_each_other() {
    let (one, other) = (Bench::new(exact(1)), Bench::new(exact(1)));
    assert_eq!((one.calls(&[false]), other.breaker.state()), (State::Open, State::Closed));
}

#[test]
fn x_2_n_2_what_was_counted_is_what_was_called() {
    let bench = Bench::new(exact(9));
    bench.calls(&[true; 5]);
    assert_eq!(bench.counted(), (5, 0, 0));
    bench.calls(&[true, true, false, false]);
    assert_eq!((bench.counted(), bench.breaker.snapshot().totals.calls()), ((7, 2, 0), 9));
}

#[tokio::test(start_paused = true)]
async fn x_5_a_call_that_takes_too_long_is_a_failure_of_the_callee() {
    let pipeline = Pipeline::named("voice").breaker(exact(10)).attempt_timeout(ms(500)).build().unwrap();
    for _ in 0..9 {
        let late = pipeline.call(|_| async {
            core_time::Clock::system().sleep(secs(1)).await;
            Ok::<_, Error>(1)
        });
        assert_eq!(reason(late.await), Some(Reason::TimedOut));
    }
    assert_eq!(pipeline.breaker().unwrap().snapshot().totals.failures, 9);
}

#[test]
fn x_6_an_operator_blocks_and_admits_and_what_failed_meanwhile_changes_nothing() {
    let bench = Bench::new(exact(1));
    let early = bench.breaker.acquire().unwrap();
    bench.breaker.force_open("maintenance").unwrap();
    assert_eq!(reason(bench.call(true)), Some(Reason::ForcedOpen));
    early.failure();
    bench.time.advance(secs(3_600));
    assert_eq!(bench.breaker.state(), State::ForcedOpen);
    bench.breaker.close("maintenance is over").unwrap();
    assert!(bench.call(true).is_ok());
}

#[test]
fn x_8_b_4_each_change_is_told_once_with_what_it_was_and_is() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&told);
    let builder = exact(1).probes(1).successes(1);
    let bench = Bench::new(builder.on_change(move |event| sink.lock().unwrap().push((event.from, event.to))));
    bench.calls(&[false]);
    bench.time.advance(secs(60));
    bench.calls(&[true]);
    let expected =
        [(State::Closed, State::Open), (State::Open, State::HalfOpen), (State::HalfOpen, State::Closed)];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn x_a_call_inside_a_call_of_the_same_breaker_is_a_call() {
    let bench = Bench::new(exact(2));
    let outer = bench.breaker.call_blocking(|_| Ok::<_, Error>(bench.call(true).is_ok()));
    assert!(outer.unwrap());
    assert_eq!(bench.counted(), (2, 0, 0));
}

#[test]
fn b_4_a_caller_that_gave_up_is_no_failure_and_a_refusal_moves_no_time() {
    let bench = Bench::new(exact(1));
    let gone = bench.breaker.call_blocking(|_| Err::<u32, _>(Error::cancelled("the caller left")));
    assert!(gone.is_err());
    assert_eq!((bench.breaker.state(), bench.counted()), (State::Closed, (0, 0, 0)));
    bench.calls(&[false]);
    bench.time.advance(secs(59));
    assert_eq!(reason(bench.call(true)), Some(Reason::CircuitOpen));
    bench.time.advance(secs(1));
    assert!(bench.call(true).is_ok(), "what was refused did not make it longer, or shorter");
}

#[test]
fn b_a_panic_is_a_failure() {
    let bench = Bench::new(exact(5));
    for _ in 0..5 {
        let panics = std::panic::AssertUnwindSafe(|| {
            bench.breaker.call_blocking(|_| -> Result<u32, Error> { panic!("a bug") })
        });
        assert!(std::panic::catch_unwind(panics).is_err());
    }
    assert_eq!(bench.breaker.state(), State::Open);
}

#[test]
fn n_6_two_failures_and_a_success_are_two_retries() {
    let time = ManualClock::new();
    let retry = Retry::fixed(ms(1)).no_jitter().attempts(3).clock(time.clock()).build().unwrap();
    let third =
        retry.call_blocking(|at| if at.number().get() < 3 { Err(Error::network("gone")) } else { Ok(()) });
    assert!(third.is_ok());
    assert_eq!(retry.stats().retries, 2);
    let bench = Bench::new(exact(10));
    assert_eq!(bench.calls(&[false; 10]), State::Open);
}

#[test]
fn n_refusals_are_no_failures_in_the_rate_of_success() {
    let bench = Bench::new(exact(1));
    bench.calls(&[true, true, true, true, true, false, true, true, true, true]);
    let totals = bench.breaker.snapshot().totals;
    assert_eq!((totals.successes, totals.failures, totals.rejected), (5, 1, 4));
    assert!((totals.success_rate().unwrap() - 5.0 / 6.0).abs() < 1e-9);
}
