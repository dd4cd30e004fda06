//! What the policies of a pipeline make of each other (rule PL-3), and of the caller's deadline.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::cell::Cell;
use std::future::{Future, pending};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use core_breaker::{Breaker, State, Totals};
use core_context::Context;
use core_errors::{Category, Classify, Error, PolicyKind, Reason, Rejection};
use core_limit::{Bulkhead, Rate};
use core_pipeline::{Builder, Pipeline};
use core_policy::{CallError, Why};
use core_retry::{Budget, Retry, Stats};
use core_time::{Clock, Instant, ms, secs};

fn three() -> core_retry::Builder {
    Retry::fixed(ms(100)).no_jitter().attempts(3)
}

fn breaker() -> core_breaker::Builder {
    Breaker::consecutive(5).open_for(secs(5)).jitter(false).probes(1).successes(1)
}

fn pipeline() -> Builder {
    Pipeline::named("payments").retry(three()).breaker(breaker())
}

fn now() -> Instant {
    Clock::system().now()
}

async fn sleep(duration: Duration) {
    Clock::system().sleep(duration).await;
}

async fn works(_: core_policy::Attempt) -> Result<(), Error> {
    Ok(())
}

async fn hangs(_: core_policy::Attempt) -> Result<(), Error> {
    pending().await
}

async fn fails(_: core_policy::Attempt) -> Result<(), Error> {
    Err(Error::network("hung up"))
}

fn reason(error: &CallError<Error>) -> Option<Reason> {
    error.rejection().map(Rejection::reason)
}

fn totals(pipeline: &Pipeline) -> Totals {
    pipeline.breaker().unwrap().snapshot().totals
}

fn retries(pipeline: &Pipeline) -> Stats {
    pipeline.retry().unwrap().stats()
}

/// Checks that a refusal of ours was neither a failure of the callee nor retried.
fn is_neutral(pipeline: &Pipeline, refusals: u64) {
    let totals = totals(pipeline);
    assert_eq!((totals.failures, totals.inconclusive), (0, refusals), "{totals:?}");
    assert_eq!(retries(pipeline).retries, 0);
    let snapshot = pipeline.breaker().unwrap().snapshot();
    assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::Closed, 0));
}

// === refusals of ours ===

#[tokio::test(start_paused = true)]
async fn pl_3_the_rate_limit_is_no_failure_of_the_callee_and_is_not_retried() {
    let pipeline = pipeline().limit(Rate::per_second(1)).build().unwrap();
    let start = now();
    pipeline.call(works).await.unwrap();
    for _ in 0..20 {
        let error = pipeline.call(fails).await.unwrap_err();
        assert_eq!((reason(&error), error.retry_after()), (Some(Reason::RateLimited), Some(secs(1))));
    }
    assert_eq!(now(), start, "and nobody waits");
    is_neutral(&pipeline, 20);
    assert_eq!(totals(&pipeline).successes, 1);
}

#[tokio::test(start_paused = true)]
async fn pl_3_a_full_bulkhead_is_no_failure_of_the_callee_and_is_not_retried() {
    let pipeline = pipeline().bulkhead(1).build().unwrap();
    let held = pipeline.bulkhead().unwrap().acquire().unwrap();
    for _ in 0..20 {
        assert_eq!(reason(&pipeline.call(fails).await.unwrap_err()), Some(Reason::BulkheadFull));
    }
    is_neutral(&pipeline, 20);
    held.success();
    pipeline.call(works).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn pl_3_neither_is_a_wait_for_a_slot_that_was_in_vain() {
    let pipeline = pipeline().bulkhead(Bulkhead::max(1).max_wait(ms(30))).build().unwrap();
    let _held = pipeline.bulkhead().unwrap().acquire().unwrap();
    let start = now();
    assert_eq!(reason(&pipeline.call(fails).await.unwrap_err()), Some(Reason::QueueTimeout));
    assert_eq!(now() - start, ms(30));
    is_neutral(&pipeline, 1);
}

#[tokio::test(start_paused = true)]
async fn pl_3_neither_is_a_deadline_that_comes_while_the_call_waits_for_a_slot() {
    let queue = Bulkhead::max(1).max_wait(ms(80));
    let pipeline = pipeline().deadline(ms(150)).bulkhead(queue).build().unwrap();
    let call = pipeline.call(fails);
    let other = async {
        // When the call comes back for its second attempt somebody else has the slot.
        sleep(ms(50)).await;
        let held = pipeline.bulkhead().unwrap().acquire().unwrap();
        sleep(ms(500)).await;
        held.success();
    };
    let (result, ()) = tokio::join!(call, other);
    let error = result.unwrap_err();
    assert!(matches!(error, CallError::Exhausted { attempts: 1, .. }) && error.is_timeout(), "{error:?}");
    assert_eq!((totals(&pipeline).failures, totals(&pipeline).inconclusive), (1, 1), "one attempt was made");
}

#[tokio::test(start_paused = true)]
async fn rt_7_an_open_circuit_refuses_at_once_and_is_not_retried() {
    let pipeline = pipeline().retry(three().attempts(1)).build().unwrap();
    for _ in 0..5 {
        pipeline.call(fails).await.unwrap_err();
    }
    sleep(secs(2)).await;
    let start = now();
    let error = pipeline.call(|_| -> std::future::Ready<Result<(), Error>> { panic!("it is open") }).await;
    let error = error.unwrap_err();
    let rejection = error.rejection().unwrap();
    assert_eq!((rejection.policy(), rejection.reason()), (PolicyKind::Breaker, Reason::CircuitOpen));
    assert_eq!((rejection.name().as_str(), rejection.retry_after()), ("payments", Some(secs(3))));
    assert_eq!(rejection.cause().unwrap().category, Category::Network, "the last failure (rule CB-34)");
    assert_eq!((now(), totals(&pipeline).rejected), (start, 1));
}

#[tokio::test(start_paused = true)]
async fn rt_7_unless_asked_for_and_the_circuit_may_be_closed_in_time() {
    let pipeline = pipeline().retry(three().attempts(9).retry_refusals(true)).build().unwrap();
    let start = now();
    let healthy_again =
        |_| async move { if now() - start < secs(5) { Err(Error::network("hung up")) } else { Ok(()) } };
    pipeline.call(healthy_again).await.unwrap();
    assert_eq!(
        now() - start,
        ms(400) + secs(5),
        "five attempts, and the sixth when the circuit lets it through"
    );
    assert_eq!(pipeline.breaker().unwrap().state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn bg_1_refusals_of_ours_take_nothing_from_the_budget_and_timeouts_do() {
    let budget = Budget::default();
    let builder = || Pipeline::named("payments").retry(three().budget(&budget));
    let pipeline = builder().bulkhead(1).build().unwrap();
    let held = pipeline.bulkhead().unwrap().acquire().unwrap();
    pipeline.call(fails).await.unwrap_err();
    drop(held);
    assert!((budget.available(Instant::ORIGIN) - 100.0).abs() < 1e-9);
    builder().attempt_timeout(ms(10)).build().unwrap().call(hangs).await.unwrap_err();
    assert!((budget.available(Instant::ORIGIN) - 97.0).abs() < 1e-9);
}

// === half open ===

#[tokio::test(start_paused = true)]
async fn cb_25_a_probe_that_we_refuse_ourselves_gives_its_permit_back() {
    let pipeline = Pipeline::named("payments").breaker(breaker()).bulkhead(1).build().unwrap();
    for _ in 0..5 {
        pipeline.call(fails).await.unwrap_err();
    }
    sleep(secs(5)).await;
    let held = pipeline.bulkhead().unwrap().acquire().unwrap();
    assert_eq!(reason(&pipeline.call(works).await.unwrap_err()), Some(Reason::BulkheadFull));
    assert_eq!(pipeline.breaker().unwrap().state(), State::HalfOpen);
    held.success();
    pipeline.call(works).await.unwrap();
    assert_eq!(pipeline.breaker().unwrap().state(), State::Closed, "the one permit was free for the next");
}

#[tokio::test(start_paused = true)]
async fn cb_22_while_the_probes_are_out_nobody_else_calls() {
    let pipeline = Pipeline::named("payments").breaker(breaker()).attempt_timeout(secs(1)).build().unwrap();
    for _ in 0..5 {
        pipeline.call(fails).await.unwrap_err();
    }
    sleep(secs(5)).await;
    let calls = Cell::new(0);
    let slow = |_| async {
        calls.set(calls.get() + 1);
        sleep(ms(500)).await;
        Ok::<_, Error>(())
    };
    let (a, b, c) = tokio::join!(pipeline.call(slow), pipeline.call(slow), pipeline.call(slow));
    a.unwrap();
    for refused in [b, c] {
        assert_eq!(reason(&refused.unwrap_err()), Some(Reason::HalfOpenFull));
    }
    assert_eq!(calls.get(), 1);
}

// === timeouts, failures, panics ===

#[tokio::test(start_paused = true)]
async fn pl_3_an_attempt_that_timed_out_is_a_failure_of_the_callee_and_is_retried() {
    let pipeline = pipeline().attempt_timeout(ms(50)).build().unwrap();
    let error = pipeline.call(hangs).await.unwrap_err();
    let rejection = error.rejection().unwrap();
    assert_eq!((rejection.policy(), rejection.reason()), (PolicyKind::Timeout, Reason::TimedOut));
    assert_eq!((rejection.limit(), rejection.elapsed()), (Some(ms(50)), Some(ms(50))));
    assert_eq!((totals(&pipeline).failures, retries(&pipeline).retries), (3, 2));
    pipeline.call(hangs).await.unwrap_err();
    assert_eq!(pipeline.breaker().unwrap().state(), State::Open, "five timeouts trip it (X5)");
    assert_eq!(pipeline.breaker().unwrap().snapshot().last_cause.unwrap().category, Category::Timeout);
}

#[tokio::test(start_paused = true)]
async fn s_8_two_timeouts_and_a_success_are_a_success() {
    let pipeline = pipeline().attempt_timeout(ms(50)).build().unwrap();
    let third = |attempt: core_policy::Attempt| async move {
        if attempt.number().get() < 3 { pending().await } else { Ok::<_, Error>(attempt.number().get()) }
    };
    assert_eq!(pipeline.call(third).await.unwrap(), 3);
    assert_eq!((totals(&pipeline).successes, totals(&pipeline).failures), (1, 2));
    assert_eq!(pipeline.breaker().unwrap().snapshot().consecutive_failures, 0);
}

#[tokio::test(start_paused = true)]
async fn the_whole_call_that_ran_out_of_time_is_a_failure_of_the_callee_and_is_not_retried() {
    let pipeline = pipeline().deadline(ms(80)).retry(three().full_jitter()).build().unwrap();
    let error = pipeline.call(hangs).await.unwrap_err();
    assert_eq!(error.rejection().unwrap().policy(), PolicyKind::Deadline);
    assert_eq!((totals(&pipeline).failures, retries(&pipeline).retries), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_pass_is_not_retried_and_what_is_the_callers_fault_is_not_the_callees() {
    let pipeline = pipeline().build().unwrap();
    let bug = pipeline.call(|_| async { Err::<(), _>(Error::internal("bug")) }).await.unwrap_err();
    assert!(matches!(bug, CallError::Failed(_)));
    let wrong = pipeline.call(|_| async { Err::<(), _>(Error::validation("no such account")) }).await;
    assert!(matches!(wrong, Err(CallError::Failed(_))));
    assert_eq!((totals(&pipeline).failures, totals(&pipeline).ignored), (1, 1));
    assert_eq!(retries(&pipeline).retries, 0);
}

#[tokio::test(start_paused = true)]
async fn cb_37_a_panic_is_one_failure_gives_everything_back_and_goes_on() {
    let pipeline = pipeline().bulkhead(1).attempt_timeout(ms(50)).build().unwrap();
    for _ in 0..2 {
        let call = pipeline.call(|_| async {
            sleep(ms(1)).await;
            panic!("boom");
            #[expect(unreachable_code, reason = "names the type")]
            Ok::<(), Error>(())
        });
        let payload = catch(call).await.unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"boom"));
    }
    assert_eq!((totals(&pipeline).failures, retries(&pipeline).retries), (2, 0));
    assert_eq!(pipeline.bulkhead().unwrap().snapshot().in_use, 0);
}

/// Runs a future to its end or its panic.
async fn catch<F: Future>(future: F) -> std::thread::Result<F::Output> {
    let mut future = Box::pin(future);
    std::future::poll_fn(move |cx| {
        match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => std::task::Poll::Ready(Err(payload)),
        }
    })
    .await
}

#[test]
fn clones_are_one_pipeline() {
    let pipeline = pipeline().bulkhead(1).build().unwrap();
    let clone = pipeline.clone();
    let held = pipeline.admit().unwrap();
    assert_eq!(clone.admit().unwrap_err().reason(), Reason::BulkheadFull);
    held.failure();
    assert_eq!(totals(&clone).failures, 1);
}

// === the caller's deadline ===

fn context(budget: Duration) -> Context {
    Context::builder().deadline_in(budget, &Clock::system()).build()
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_shortens_that_of_the_pipeline() {
    let pipeline = pipeline().deadline(secs(2)).attempt_timeout(secs(1)).build().unwrap();
    let start = now();
    let remaining = Cell::new(None);
    let error = context(ms(70))
        .scope(async {
            let call = pipeline.call(|attempt| {
                remaining.set(attempt.remaining());
                hangs(attempt)
            });
            call.await
        })
        .await
        .unwrap_err();
    assert_eq!(reason(&error), Some(Reason::DeadlineExceeded));
    assert_eq!((now() - start, remaining.get()), (ms(70), Some(ms(70))));
    assert_eq!((totals(&pipeline).failures, retries(&pipeline).retries), (0, 0), "the caller was in a hurry");
}

#[tokio::test(start_paused = true)]
async fn and_lengthens_nothing() {
    let pipeline = pipeline().deadline(ms(120)).attempt_timeout(ms(40)).build().unwrap();
    let start = now();
    let remaining = Cell::new(None);
    let error = context(secs(9)).scope(async {
        let call = pipeline.call(|attempt| {
            remaining.set(attempt.remaining());
            hangs(attempt)
        });
        call.await
    });
    assert_eq!(error.await.unwrap_err().rejection().unwrap().policy(), PolicyKind::Timeout);
    // A retry after 100 ms would come too late: it is not waited for (rule RT-5).
    assert_eq!((now() - start, remaining.get()), (ms(40), Some(ms(40))));
    assert_eq!(retries(&pipeline).out_of_time, 1);
}

#[tokio::test(start_paused = true)]
async fn rt_5_nobody_sleeps_past_the_callers_deadline() {
    let pipeline = pipeline().build().unwrap();
    let start = now();
    let error = context(ms(150)).scope(async { pipeline.call(fails).await }).await.unwrap_err();
    assert!(
        matches!(error, CallError::Exhausted { attempts: 2, why: Why::DeadlineWouldExceed, .. }),
        "{error:?}"
    );
    assert_eq!(now() - start, ms(100), "not 150");
}

#[tokio::test(start_paused = true)]
async fn a_permit_is_refused_to_a_caller_whose_time_is_up() {
    let pipeline = pipeline().build().unwrap();
    let caller = context(ms(10));
    caller.sync_scope(|| pipeline.admit().map(drop)).unwrap();
    sleep(ms(11)).await;
    let refused = caller.sync_scope(|| pipeline.admit().map(drop)).unwrap_err();
    assert_eq!(refused.reason(), Reason::DeadlineExceeded);
}

/// Says how many slots are in use when it is dropped.
struct Last<'a>(&'a Pipeline, &'a Cell<u64>);

impl Drop for Last<'_> {
    fn drop(&mut self) {
        self.1.set(self.0.bulkhead().unwrap().snapshot().in_use);
    }
}

#[tokio::test(start_paused = true)]
async fn bh_1_an_attempt_is_gone_before_its_slot_is_another_s() {
    let pipeline = Pipeline::named("payments").bulkhead(1).attempt_timeout(ms(50)).build().unwrap();
    let in_use = Cell::new(9);
    let slow = |_| async {
        let _last = Last(&pipeline, &in_use);
        pending::<Result<(), Error>>().await
    };
    assert_eq!(reason(&pipeline.call(slow).await.unwrap_err()), Some(Reason::TimedOut));
    assert_eq!(in_use.replace(9), 1, "after a timeout");

    let mut call = Box::pin(pipeline.call(slow));
    assert!(call.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending());
    drop(call);
    assert_eq!((in_use.get(), pipeline.bulkhead().unwrap().snapshot().in_use), (1, 0), "after a cancel");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_refuses_before_any_work() {
    let budget = Budget::default();
    let pipeline = Pipeline::named("payments")
        .deadline(secs(2))
        .retry(three().budget(&budget))
        .breaker(breaker())
        .limit(Rate::per_second(9))
        .bulkhead(1)
        .attempt_timeout(secs(1))
        .build()
        .unwrap();
    let expired = context(Duration::ZERO);
    let error = expired
        .scope(async {
            pipeline.call(|_| -> std::future::Ready<Result<(), Error>> { panic!("too late") }).await
        })
        .await
        .unwrap_err();
    assert_eq!(reason(&error), Some(Reason::DeadlineExceeded));
    let blocking = || pipeline.call_blocking(|_| -> Result<(), Error> { panic!("too late") });
    assert_eq!(reason(&expired.sync_scope(blocking).unwrap_err()), Some(Reason::DeadlineExceeded));
    assert_eq!(totals(&pipeline), Totals::default());
    assert_eq!(retries(&pipeline), Stats::default());
    assert_eq!(
        (pipeline.limit().unwrap().stats().allowed, pipeline.bulkhead().unwrap().snapshot().admitted),
        (0, 0)
    );
    assert!((budget.available(Instant::ORIGIN) - 100.0).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn f_77_f_79_f_81_a_preset_is_a_breaker_around_a_limit_on_time() {
    for (name, failures, limit) in
        [("default", 5, 30), ("rag_api", 3, 30), ("chainlit_ui", 2, 10), ("llm_service", 5, 30)]
    {
        let pipeline = Pipeline::preset(name).unwrap().name("answers").build().unwrap();
        let clock = Clock::system();
        for _ in 0..failures {
            let start = clock.now();
            let failed = pipeline.call(|_| pending::<Result<(), Error>>()).await.unwrap_err();
            assert_eq!(failed.rejection().map(Rejection::reason), Some(Reason::TimedOut), "{name}");
            assert_eq!(clock.now().since(start), secs(limit), "{name}");
        }
        let refused = pipeline.call(|_| async { Ok::<_, Error>(()) }).await.unwrap_err();
        assert_eq!(refused.rejection().map(Rejection::reason), Some(Reason::CircuitOpen), "{name}");
    }
    assert!(Pipeline::preset("reckless").is_none());
}
