//! What was found wrong once, and must not come back: each test failed before its repair.

use std::cell::Cell;
use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{self, Poll, Waker};
use std::time::Duration;

use core_breaker::{Breaker, State};
use core_context::Context;
use core_errors::{Category, Classify, Code, Error, Verdict};
use core_limit::{Bulkhead, Rate};
use core_pipeline::Pipeline;
use core_policy::{Attempt, ByClass, Call, CallError, Permit, Stack};
use core_retry::{Budget, Retry};
use core_time::{Clock, ManualClock, ms, secs};
use core_timeout::Timeout;

fn reset() -> Error {
    Error::network("reset")
}

/// As coarse readings of a busy machine may be: later than any bound that a clock promises.
fn lagging() -> ManualClock {
    ManualClock::lagging(ms(30))
}

/// Polls, moving the hand a millisecond each time it has to wait.
fn run<F: Future>(time: &ManualClock, future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = task::Context::from_waker(Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        time.advance(ms(1));
    }
    panic!("it never ended");
}

/// The driver took a lagging clock for a deadline that had come, and threw retries away.
#[test]
fn a_retry_follows_its_sleep_however_far_the_coarse_clock_lags() {
    for delay in [ms(1), ms(5), ms(40)] {
        let time = lagging();
        let retry = Retry::fixed(delay).no_jitter().attempts(2).clock(time.clock()).build().unwrap();
        let op = |attempt: Attempt| ready(if attempt.number().get() == 1 { Err(reset()) } else { Ok(()) });
        let start = time.elapsed();
        run(&time, retry.call(op)).unwrap();
        assert_eq!(time.elapsed().saturating_sub(start), delay);
    }
}

#[test]
fn cb_20_a_circuit_opens_for_no_less_than_its_time_on_a_lagging_clock() {
    let time = lagging();
    let breaker =
        Breaker::rate(0.5).min_calls(2).open_for(ms(20)).jitter(false).clock(time.clock()).build().unwrap();
    breaker.acquire().unwrap().failure();
    // A success may be what completes the window.
    breaker.acquire().unwrap().success();
    assert_eq!(breaker.state(), State::Open);
    time.advance(Duration::from_nanos(19_999_999));
    let refused = breaker.acquire().unwrap_err();
    assert!(refused.retry_after().unwrap() >= Duration::from_nanos(1));
    time.advance(Duration::from_nanos(1));
    breaker.acquire().unwrap().success();
}

#[test]
fn rl_1_who_comes_back_when_a_limit_said_is_admitted_on_a_lagging_clock_too() {
    let time = lagging();
    let limit = Rate::per_second(2).clock(time.clock()).build().unwrap();
    limit.check().unwrap();
    limit.check().unwrap();
    let after = limit.check().unwrap_err().retry_after().unwrap();
    assert!(after >= ms(500) && after <= ms(530), "{after:?}");
    time.advance(ms(400));
    assert!(limit.check().is_err());
    time.advance(after.saturating_sub(ms(400)));
    limit.check().unwrap();
}

#[test]
fn an_admission_by_hand_settles_every_policy_around_a_retry() {
    let bulkhead = Bulkhead::max(1).build().unwrap();
    let retry = || Retry::fixed(ms(1)).attempts(3).build().unwrap();
    Permit::acquire(Stack::new(bulkhead.clone(), retry())).unwrap().failure();
    assert_eq!(bulkhead.snapshot().in_use, 0);

    let breaker = Breaker::consecutive(1).build().unwrap();
    Permit::acquire(Stack::new(breaker.clone(), retry())).unwrap().failure();
    assert_eq!(breaker.state(), State::Open, "a failure was recorded by hand");
}

#[test]
fn rt_8_attempts_that_all_ran_out_of_time_are_permanent_further_out() {
    let time = ManualClock::new();
    let calls = Cell::new(0);
    let inner = Pipeline::named("inner")
        .clock(time.clock())
        .retry(Retry::fixed(ms(1)).attempts(3))
        .attempt_timeout(ms(10))
        .build()
        .unwrap();
    let outer = Retry::fixed(ms(1)).attempts(3).clock(time.clock()).build().unwrap();
    let op = || {
        calls.set(calls.get() + 1);
        pending::<Result<(), Error>>()
    };
    let error = run(&time, outer.call(|_| inner.call(|_| op()))).unwrap_err();
    assert_eq!(calls.get(), 3);
    let CallError::Failed(inner) = &error else { panic!("{error:?}") };
    assert_eq!(inner.rejection().unwrap().attempts(), Some(3), "RT-1: how many there were");
    assert_eq!(inner.verdict(), Verdict::Permanent);
    assert!(error.to_string().contains("after 3 attempts"), "{error}");
}

#[test]
fn rt_7_a_refusal_is_waited_for_in_full_or_not_at_all() {
    let time = ManualClock::new();
    let pipeline = |deadline| {
        Pipeline::named("p")
            .clock(time.clock())
            .deadline(deadline)
            .retry(Retry::fixed(ms(50)).no_jitter().attempts(4).retry_refusals(true))
            .breaker(Breaker::consecutive(1).open_for(secs(30)).jitter(false).probes(1).successes(1))
            .build()
            .unwrap()
    };
    let flaky = |calls: &Cell<u32>| {
        calls.set(calls.get() + 1);
        if calls.get() == 1 { Err(reset()) } else { Ok(()) }
    };
    let (patient, calls) = (pipeline(secs(120)), Cell::new(0));
    patient.call_blocking(|_| flaky(&calls)).unwrap();
    let rejected = patient.breaker().unwrap().snapshot().totals.rejected;
    assert_eq!((calls.get(), rejected), (2, 1), "one wait, for as long as the circuit said");

    let (hurried, calls, start) = (pipeline(secs(20)), Cell::new(0), time.elapsed());
    hurried.call_blocking(|_| flaky(&calls)).unwrap_err();
    assert_eq!(
        (calls.get(), time.elapsed().saturating_sub(start)),
        (1, ms(50)),
        "it cannot be in time: no sleep but the backoff"
    );
}

#[test]
fn cb_27_a_window_of_calls_does_not_mix_generations_however_many_there_were() {
    let breaker = Breaker::rate(0.5).window_of_calls(10).min_calls(10).build().unwrap();
    for _ in 0..5 {
        breaker.acquire().unwrap().failure();
    }
    for _ in 0..1_024 {
        breaker.close("once more").unwrap();
    }
    for _ in 0..10 {
        breaker.acquire().unwrap().success();
    }
    assert_eq!(breaker.snapshot().window.failures, 0);
    for _ in 0..5 {
        breaker.acquire().unwrap().failure();
    }
    assert_eq!(breaker.state(), State::Open);
}

/// A blocking attempt cannot be interrupted, but what it took is gone: a wait after it ends with the total limit.
#[test]
fn to_1_a_total_limit_counts_the_attempts_of_a_blocking_call() {
    let time = ManualClock::new();
    let total = Timeout::total(ms(300)).clock(time.clock()).build().unwrap();
    let slots = Bulkhead::max(1).queue(4).max_wait(secs(10)).clock(time.clock()).build().unwrap();
    let retry = Retry::fixed(ms(1)).attempts(5).clock(time.clock()).build().unwrap();
    let (theirs, held) = (slots.clone(), Cell::new(None));
    let stack =
        Stack::new(total, Stack::new(retry, Timeout::attempt(secs(9)).clock(time.clock()).build().unwrap()));
    let out = core_policy::call_blocking(
        stack,
        |_| {
            time.advance(ms(250));
            held.set(Some(theirs.acquire()));
            Err::<(), _>(reset())
        },
        &ByClass,
        None,
    );
    assert!(matches!(out, Err(CallError::Exhausted { .. })), "{out:?}");
    assert!(time.elapsed() <= ms(501), "two attempts at most: {:?}", time.elapsed());
}

#[test]
fn rt_1_the_last_value_comes_back_whatever_the_judge_thinks_of_it() {
    let retry = Retry::fixed(ms(0)).attempts(2).build().unwrap();
    let judge = |result: &Result<u16, Error>| match result {
        Ok(500..) => Verdict::Retriable,
        other => Verdict::of(other),
    };
    let calls = Cell::new(500);
    let out = retry.classify(judge).call_blocking(|_| {
        calls.set(calls.get() + 1);
        Ok::<_, Error>(calls.get())
    });
    assert_eq!(out.unwrap(), 502);
    assert_eq!(retry.stats().out_of_attempts, 1);
}

#[test]
fn bg_5_a_retry_that_a_policy_further_in_refused_is_not_paid_for() {
    let time = ManualClock::new();
    let budget = Budget::new(10, 0.1).unwrap();
    let pipeline = Pipeline::named("b")
        .clock(time.clock())
        .retry(Retry::fixed(ms(10)).attempts(3).budget(&budget))
        .breaker(Breaker::consecutive(1).open_for(secs(60)))
        .build()
        .unwrap();
    pipeline.call_blocking(|_| Err::<(), _>(reset())).unwrap_err();
    assert!(
        (budget.available(core_time::Instant::ORIGIN) - 10.0).abs() < f64::EPSILON,
        "{}",
        budget.available(core_time::Instant::ORIGIN)
    );
}

#[tokio::test(start_paused = true)]
async fn pl_3_waiting_in_a_queue_of_ours_is_no_slowness_of_the_callee() {
    let pipeline = Pipeline::named("b")
        .breaker(Breaker::rate(0.5).slow_over(ms(100)).min_calls(4))
        .bulkhead(Bulkhead::max(1).queue(20).max_wait(secs(10)))
        .build()
        .unwrap();
    let call = || {
        pipeline.call(|_| async {
            Clock::system().sleep(ms(50)).await;
            Ok::<(), Error>(())
        })
    };
    tokio::join!(call(), call(), call(), call(), call(), call(), call(), call()).0.unwrap();
    let snapshot = pipeline.breaker().unwrap().snapshot();
    assert_eq!((snapshot.state, snapshot.totals.successes, snapshot.totals.slow), (State::Closed, 8, 0));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_waited_for_its_turn_knows_the_limits_around_it() {
    let slots = Bulkhead::max(1).queue(4).max_wait(secs(10)).build().unwrap();
    let stack = Stack::new(Timeout::attempt(secs(1)).build().unwrap(), slots.clone());
    let first = slots.call(|_| async {
        Clock::system().sleep(ms(50)).await;
        Ok::<(), Error>(())
    });
    let second = Call::new(&stack, |attempt: Attempt| ready(Ok::<_, Error>(attempt.remaining())), ByClass);
    let (_, second) = tokio::join!(first, second);
    assert_eq!(second.unwrap(), Some(secs(1)));
}

/// Ready at once, and panics when it is dropped.
struct PanicsInDrop;

impl Future for PanicsInDrop {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("in drop");
    }
}

#[test]
fn a_panic_while_an_attempt_is_dropped_keeps_no_slot() {
    let slots = Bulkhead::max(1).build().unwrap();
    let polled = catch_unwind(AssertUnwindSafe(|| {
        let mut call = pin!(slots.call(|_| PanicsInDrop));
        let _ = call.as_mut().poll(&mut task::Context::from_waker(Waker::noop()));
    }));
    assert!(polled.is_err());
    assert_eq!(slots.snapshot().in_use, 0);
}

#[tokio::test(start_paused = true)]
async fn cb_26_a_probe_keeps_its_permit_for_as_long_as_its_caller_waits() {
    let rules =
        Breaker::consecutive(1).open_for(secs(1)).open_max(secs(1)).jitter(false).probes(1).successes(1);
    let pipeline = Pipeline::named("l").breaker(rules).build().unwrap();
    pipeline.call(|_| async { Err::<(), _>(reset()) }).await.unwrap_err();
    let clock = Clock::system();
    clock.sleep(secs(2)).await;
    let patient = Context::builder().deadline_in(secs(120), &clock).build();
    let probe = patient.scope(pipeline.call(|_| async {
        Clock::system().sleep(secs(60)).await;
        Ok::<(), Error>(())
    }));
    let other = async {
        clock.sleep(secs(40)).await;
        pipeline.call(|_| async { Ok::<(), Error>(()) }).await
    };
    let (probe, other) = tokio::join!(probe, other);
    assert!(other.unwrap_err().rejection().is_some(), "the one permit is still out");
    probe.unwrap();
    assert_eq!(pipeline.breaker().unwrap().state(), State::Closed);
}

#[test]
fn cb_34_a_refusal_names_the_failure_that_led_to_it() {
    const DOWN: Code = Code::new("DB_DOWN");
    let breaker = Breaker::consecutive(1).build().unwrap();
    breaker.call_blocking(|_| Err::<(), _>(Error::timeout("slow").with_code(DOWN))).unwrap_err();
    let cause = breaker.acquire().unwrap_err().cause().unwrap();
    assert_eq!((cause.category, cause.code), (Category::Timeout, Some(DOWN)));
}

#[test]
fn configuration_is_refused_and_never_bent() {
    let error = Breaker::consecutive(1).open_max(secs(10)).open_for(secs(60)).build().unwrap_err();
    assert!(error.to_string().contains("open_max"), "{error}");
    Breaker::consecutive(1).open_for(secs(90)).build().unwrap();
    let error = Rate::per_second(600_000_001).build().unwrap_err();
    assert!(error.to_string().contains("within 1 %"), "{error}");
    for kept in [1_000_000, 100_000_000, 17, 999_983] {
        Rate::per_second(kept).build().unwrap();
    }
}
