//! A pipeline on threads: the same state and the same decisions.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use core_breaker::{Breaker, State};
use core_context::Context;
use core_errors::{Error, Reason, Rejection};
use core_limit::{Bulkhead, Rate};
use core_pipeline::{Builder, Pipeline};
use core_policy::{Attempt, CallError, Why};
use core_retry::Retry;
use core_time::{ManualClock, ms, secs};

/// A pipeline under a clock that jumps over sleeps.
fn build(builder: Builder) -> (ManualClock, Pipeline) {
    let time = ManualClock::new();
    let pipeline = builder.clock(time.clock()).build().unwrap();
    (time, pipeline)
}

fn pipeline() -> Builder {
    Pipeline::named("payments")
        .retry(Retry::exponential(ms(100)..secs(20)).no_jitter().attempts(4))
        .breaker(Breaker::consecutive(5).open_for(secs(5)).jitter(false).probes(1).successes(1))
}

fn reason<T>(result: Result<T, CallError<Error>>) -> Option<Reason> {
    result.err()?.rejection().map(Rejection::reason)
}

/// Fails so many times, then says which attempt it is.
fn fails(failures: u32) -> impl Fn(Attempt) -> Result<u32, Error> {
    move |attempt| match attempt.number().get() {
        number if number <= failures => Err(Error::network("hung up")),
        number => Ok(number),
    }
}

#[test]
fn rt_2_it_sleeps_between_attempts() {
    let (time, pipeline) = build(pipeline());
    assert_eq!(pipeline.call_blocking(fails(3)).unwrap(), 4);
    assert_eq!(time.elapsed(), ms(100 + 200 + 400));
}

#[test]
fn threads_and_futures_share_the_circuit() {
    let (time, pipeline) = build(pipeline());
    let _ = pipeline.call_blocking(fails(9));
    let exhausted = pipeline.call_blocking(fails(9)).unwrap_err();
    let open = Why::Refused(core_errors::PolicyKind::Breaker, Reason::CircuitOpen);
    assert!(matches!(exhausted, CallError::Exhausted { attempts: 1, why, .. } if why == open));

    let mut call = Box::pin(pipeline.call(|_| async { Ok::<_, Error>(()) }));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(refused) = call.as_mut().poll(&mut cx) else {
        panic!("a refusal does not wait")
    };
    assert_eq!(reason(refused), Some(Reason::CircuitOpen));

    time.advance(secs(5));
    assert_eq!(pipeline.call_blocking(fails(0)).unwrap(), 1);
    assert_eq!(pipeline.breaker().unwrap().state(), State::Closed);
}

#[test]
fn refusals_are_neutral_and_nobody_waits() {
    let (time, pipeline) = build(pipeline().limit(Rate::per_second(2)).bulkhead(1));
    let held = pipeline.admit().unwrap();
    assert_eq!(reason(pipeline.call_blocking(fails(0))), Some(Reason::BulkheadFull));
    assert_eq!(reason(pipeline.call_blocking(fails(0))), Some(Reason::RateLimited));
    held.success();
    let totals = pipeline.breaker().unwrap().snapshot().totals;
    assert_eq!((totals.successes, totals.failures, totals.inconclusive), (1, 0, 2));
    assert_eq!((pipeline.retry().unwrap().stats().retries, time.elapsed()), (0, ms(0)));
}

#[test]
fn the_attempt_learns_how_long_it_may_take_and_is_not_interrupted() {
    let (time, pipeline) = build(pipeline().deadline(secs(1)).attempt_timeout(ms(400)));
    let told = Cell::new(Vec::new());
    let result = pipeline.call_blocking(|attempt| {
        let mut so_far = told.take();
        so_far.push(attempt.remaining().unwrap());
        told.set(so_far);
        time.advance(ms(450));
        if attempt.is_retry() { Ok("late") } else { Err(Error::network("hung up")) }
    });
    assert_eq!(result.unwrap(), "late", "the work was done: it is not thrown away");
    assert_eq!(told.take(), [ms(400), ms(400)], "450 ms and a sleep of 100 ms leave more than that");
}

#[test]
fn rt_5_after_the_deadline_there_is_no_other_attempt() {
    let (time, pipeline) = build(pipeline().deadline(secs(1)));
    let calls = Cell::new(0);
    let error = pipeline
        .call_blocking(|_| {
            calls.set(calls.get() + 1);
            time.advance(ms(500));
            Err::<(), _>(Error::network("hung up"))
        })
        .unwrap_err();
    assert!(
        matches!(error, CallError::Exhausted { attempts: 2, why: Why::DeadlineWouldExceed, .. }),
        "{error:?}"
    );
    assert_eq!((calls.get(), time.elapsed()), (2, ms(1_100)), "no sleep after the second");
}

#[test]
fn the_callers_deadline_counts() {
    let (time, pipeline) = build(pipeline().deadline(secs(1)));
    let context = Context::builder().deadline_in(ms(250), &time.clock()).build();
    let error = context.sync_scope(|| pipeline.call_blocking(fails(9))).unwrap_err();
    assert!(
        matches!(error, CallError::Exhausted { attempts: 2, why: Why::DeadlineWouldExceed, .. }),
        "{error:?}"
    );
    assert_eq!(time.elapsed(), ms(100), "100 + 200 do not fit into 250");
    let remaining =
        context.sync_scope(|| pipeline.call_blocking(|attempt| Ok::<_, Error>(attempt.remaining())));
    assert_eq!(remaining.unwrap(), Some(ms(150)));
}

#[test]
fn cb_37_a_panic_is_one_failure_and_goes_on() {
    let (_, pipeline) = build(pipeline().bulkhead(1));
    let call = AssertUnwindSafe(|| pipeline.call_blocking(|_| -> Result<(), Error> { panic!("boom") }));
    assert_eq!(catch_unwind(call).unwrap_err().downcast_ref(), Some(&"boom"));
    assert_eq!(pipeline.breaker().unwrap().snapshot().totals.failures, 1);
    assert_eq!(pipeline.bulkhead().unwrap().snapshot().in_use, 0);
}

#[test]
fn a_thread_waits_for_its_turn_and_is_woken() {
    let queue = Bulkhead::max(1).max_wait(secs(3_600));
    let pipeline = pipeline().bulkhead(queue).build().unwrap();
    let held = pipeline.admit().unwrap();
    let (send, receive) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| send.send(pipeline.call_blocking(fails(0)).unwrap()).unwrap());
        while pipeline.bulkhead().unwrap().snapshot().waiting == 0 {
            std::thread::yield_now();
        }
        assert!(receive.try_recv().is_err());
        held.success();
        assert_eq!(receive.recv().unwrap(), 1);
    });
    assert_eq!(pipeline.bulkhead().unwrap().snapshot().in_use, 0);
}

#[test]
fn of_many_threads_none_is_lost_and_no_slot_either() {
    let pipeline = Pipeline::named("payments")
        .retry(Retry::fixed(ms(0)).attempts(3))
        .breaker(Breaker::consecutive(1_000))
        .bulkhead(Bulkhead::max(2).queue(8).max_wait(secs(3_600)))
        .build()
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| assert_eq!(pipeline.call_blocking(fails(2)).unwrap(), 3)));
        }
    });
    let snapshot = pipeline.bulkhead().unwrap().snapshot();
    assert_eq!((snapshot.in_use, snapshot.waiting, snapshot.admitted), (0, 0, 8 * 50 * 3));
    let totals = pipeline.breaker().unwrap().snapshot().totals;
    assert_eq!((totals.successes, totals.failures), (8 * 50, 8 * 50 * 2));
}

#[test]
fn a_permit_is_recorded_by_hand() {
    let (_, pipeline) = build(pipeline().bulkhead(1));
    pipeline.admit().unwrap().record(&Ok::<_, Error>(()));
    pipeline.admit().unwrap().record(&Err::<(), _>(Error::network("hung up")));
    drop(pipeline.admit().unwrap());
    let totals = pipeline.breaker().unwrap().snapshot().totals;
    assert_eq!((totals.successes, totals.failures, totals.inconclusive), (1, 1, 1));
    assert_eq!(pipeline.bulkhead().unwrap().snapshot().in_use, 0);
}
