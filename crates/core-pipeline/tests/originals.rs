//! What the suites of the originals ask of retries and breakers, row by row, and their bugs, each by the behaviour that it broke.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::cell::Cell;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use core_breaker::{Breaker, Builder, State};
use core_errors::{Error, Reason, Rejection, Verdict};
use core_pipeline::Pipeline;
use core_policy::{Attempt, CallError, Why};
use core_retry::{Budget, Retry};
use core_time::{ManualClock, ms, secs};

type Outcome = Result<u32, CallError<Error>>;

fn exact(failures: u32) -> Builder {
    Breaker::consecutive(failures).open_for(secs(60)).jitter(false)
}

/// A breaker under a clock that is moved by hand, and how often its callee was called.
struct Bench {
    time: ManualClock,
    breaker: Breaker,
    calls: Cell<u32>,
}

impl Bench {
    fn new(builder: Builder) -> Self {
        let time = ManualClock::new();
        let breaker = builder.name("payments").clock(time.clock()).build().unwrap();
        Self { time, breaker, calls: Cell::new(0) }
    }

    fn call(&self, works: bool) -> Outcome {
        self.breaker.call_blocking(|_| {
            self.calls.set(self.calls.get() + 1);
            if works { Ok(self.calls.get()) } else { Err(Error::unavailable("down")) }
        })
    }

    fn calls(&self, works: &[bool]) -> State {
        for works in works {
            let _ = self.call(*works);
        }
        self.breaker.state()
    }

    fn counted(&self) -> (u64, u64, u64) {
        let totals = self.breaker.snapshot().totals;
        (totals.successes, totals.failures, totals.rejected)
    }
}

fn reason(outcome: Outcome) -> Option<Reason> {
    outcome.err()?.rejection().map(Rejection::reason)
}

fn delays(builder: core_retry::Builder) -> Vec<u64> {
    let retry = builder.build().unwrap();
    retry.delays().map(|delay| u64::try_from(delay.as_millis()).unwrap()).collect()
}

/// Counts calls of a retry that sleeps by a clock of its own: the result, the calls, the sleeps.
fn retried(
    builder: core_retry::Builder,
    mut answer: impl FnMut(u32) -> Result<u32, Error>,
) -> (Outcome, u32, Duration) {
    let time = ManualClock::new();
    let retry = builder.clock(time.clock()).build().unwrap();
    let mut calls = 0;
    let outcome = retry.call_blocking(|_| {
        calls += 1;
        answer(calls)
    });
    (outcome, calls, time.elapsed())
}

// === Retry ===

#[test]
fn g_2_fixed_linear_and_exponential_delays_and_their_cap() {
    let plain = |builder: core_retry::Builder| delays(builder.no_jitter().attempts(5));
    assert_eq!(plain(Retry::fixed(secs(2))), [2_000; 4]);
    assert_eq!(plain(Retry::linear(secs(1)..secs(60))), [1_000, 2_000, 3_000, 4_000]);
    assert_eq!(plain(Retry::exponential(secs(1)..secs(60))), [1_000, 2_000, 4_000, 8_000]);
    assert_eq!(plain(Retry::linear(secs(1)..secs(3))), [1_000, 2_000, 3_000, 3_000]);
    let jittered = delays(Retry::exponential(secs(2)..secs(60)).attempts(9).full_jitter());
    assert!(jittered.windows(2).any(|pair| pair[0] != pair[1]), "{jittered:?}");
}

#[test]
fn g_3_g_5_three_attempts_are_three_calls() {
    let three = || Retry::fixed(ms(10)).no_jitter().attempts(3);
    let (outcome, calls, slept) =
        retried(three(), |call| if call < 3 { Err(Error::network("gone")) } else { Ok(call) });
    assert_eq!((outcome.unwrap(), calls, slept), (3, 3, ms(20)));
    let (outcome, calls, _) = retried(three(), |_| Err(Error::network("the original")));
    let CallError::Exhausted { last, attempts: 3, .. } = outcome.unwrap_err() else { panic!("it gave up") };
    assert_eq!((last.message(), calls), ("the original", 3));
    let (outcome, calls, _) = retried(three(), |_| Err(Error::validation("no")));
    assert!(matches!(outcome.unwrap_err(), CallError::Failed(_)));
    assert_eq!(calls, 1);
}

#[test]
fn g_6_a_value_may_be_worth_a_retry_and_the_first_one_sleeps_as_well() {
    let time = ManualClock::new();
    let retry = Retry::fixed(ms(10)).no_jitter().attempts(3).clock(time.clock()).build().unwrap();
    let mut answers = ["retry", "retry", "success"].into_iter();
    let calls = Cell::new(0);
    let bad_is_worth_it = |result: &Result<&str, Error>| match result {
        Ok("retry") => Verdict::Transient(None),
        _ => Verdict::Success,
    };
    let answered = retry.classify(bad_is_worth_it).call_blocking(|_| {
        calls.set(calls.get() + 1);
        Ok::<_, Error>(answers.next().unwrap())
    });
    assert_eq!((answered.unwrap(), calls.get(), time.elapsed()), ("success", 3, ms(20)));
}

#[test]
fn g_7_fifty_attempts_succeed_on_the_fiftieth_and_no_delay_is_no_sleep() {
    let (outcome, calls, slept) = retried(Retry::fixed(ms(1)).no_jitter().attempts(50), |call| {
        if call < 50 { Err(Error::network("gone")) } else { Ok(call) }
    });
    assert_eq!((outcome.unwrap(), calls, slept), (50, 50, ms(49)));
}

#[test]
fn g_jitter_never_leads_over_the_cap() {
    let all = delays(Retry::exponential(secs(60)..secs(60)).attempts(100).full_jitter());
    assert!(all.iter().all(|delay| *delay <= 60_000), "{all:?}");
}

#[test]
fn g_a_value_that_stays_bad_comes_back_as_what_it_is_with_the_reason() {
    let time = ManualClock::new();
    let retry = Retry::fixed(ms(1)).no_jitter().attempts(2).clock(time.clock()).build().unwrap();
    let never_good = |_: &Result<&str, Error>| Verdict::Transient(None);
    let answered = retry.classify(never_good).call_blocking(|_| Ok::<_, Error>("bad"));
    assert_eq!((answered.ok(), retry.stats().out_of_attempts), (Some("bad"), 1));
}

#[test]
fn n_programming_errors_are_not_retried_and_the_cause_is_kept() {
    for error in [Error::internal, Error::configuration, Error::validation] {
        let (outcome, calls, _) = retried(Retry::standard(), |_| Err(error("a bug")));
        assert_eq!((calls, outcome.unwrap_err().into_inner().unwrap().message()), (1, "a bug"));
    }
    let (outcome, ..) = retried(Retry::standard(), |_| Err(Error::network("gone").cause(std::fmt::Error)));
    let CallError::Exhausted { last, why: Why::Attempts, .. } = outcome.unwrap_err() else { panic!() };
    assert!(std::error::Error::source(&last).is_some());
}

// === Breaker ===

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
