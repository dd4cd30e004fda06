//! A hedge between retry and breaker (rules HG-1, BG-6, PL-1, PL-3, PL-4).
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::task::{Context as TaskContext, Waker};
use std::time::Duration;

use core_breaker::Breaker;
use core_context::Context;
use core_errors::{Error, PolicyKind, PolicyKind as P, Reason};
use core_limit::Bulkhead;
use core_pipeline::{Builder, HedgedPipeline, Pipeline};
use core_policy::{Attempt, CallError, Why};
use core_retry::{Budget, Hedge, Retry};
use core_time::{Clock, ms, secs};

fn pipeline() -> Builder {
    Pipeline::named("search")
}

fn after_30_ms() -> core_retry::HedgeBuilder {
    Hedge::after(ms(30)).budget(&Budget::default())
}

async fn slow_first(attempt: Attempt) -> Result<u8, Error> {
    Clock::system().sleep(if attempt.is_hedge() { ms(5) } else { secs(1) }).await;
    Ok(attempt.hedge())
}

fn lost() -> Error {
    Error::network("lost")
}

#[tokio::test(start_paused = true)]
async fn pl_3_each_attempt_passes_breaker_and_bulkhead_by_itself() {
    let plain =
        pipeline().breaker(Breaker::consecutive(3)).bulkhead(2).attempt_timeout(secs(2)).build().unwrap();
    let hedged = plain.hedged(after_30_ms()).unwrap();
    let start = Clock::system().now();
    assert_eq!(hedged.call(slow_first).await.unwrap(), 1);
    assert_eq!(Clock::system().now() - start, ms(35));
    // The slot of the loser is free when the result is here, and to the breaker it was neither success nor failure.
    assert_eq!(plain.bulkhead().unwrap().snapshot().in_use, 0);
    let totals = plain.breaker().unwrap().snapshot().totals;
    assert_eq!((totals.successes, totals.failures, totals.inconclusive), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_hedge_that_finds_no_slot_does_not_end_the_call() {
    let plain = pipeline().bulkhead(2).build().unwrap();
    let hedged = plain.hedged(after_30_ms()).unwrap();
    let _other = plain.bulkhead().unwrap().acquire().unwrap();
    assert_eq!(hedged.call(slow_first).await.unwrap(), 0);
    assert_eq!((hedged.hedge().stats().hedges, hedged.hedge().stats().won), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_refuses_before_anything_is_called() {
    let plain = pipeline().breaker(Breaker::consecutive(1)).build().unwrap();
    let hedged = plain.hedged(after_30_ms()).unwrap();
    let called = Cell::new(0);
    let fails = |_| {
        called.set(called.get() + 1);
        async { Err::<(), _>(Error::internal("wrong")) }
    };
    assert!(matches!(hedged.call(fails).await, Err(CallError::Failed(_))));
    let refused = hedged.call(fails).await.unwrap_err();
    assert_eq!(refused.rejection().unwrap().reason(), Reason::CircuitOpen);
    assert_eq!((called.get(), hedged.hedge().stats().hedges), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_timed_out_makes_the_next_due_at_once() {
    let hedged = pipeline().attempt_timeout(ms(50)).build().unwrap();
    let hedged = hedged.hedged(after_30_ms().max(2)).unwrap();
    let starts = RefCell::new(Vec::new());
    let start = Clock::system().now();
    let hangs = |at: Attempt| {
        starts.borrow_mut().push((at.hedge(), Clock::system().now() - start, at.remaining()));
        pending::<Result<(), Error>>()
    };
    let error = hedged.call(hangs).await.unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::TimedOut);
    let limit = Some(ms(50));
    assert_eq!(*starts.borrow(), [(0, ms(0), limit), (1, ms(30), limit), (2, ms(50), limit)]);
    assert_eq!(Clock::system().now() - start, ms(100));
}

#[tokio::test(start_paused = true)]
async fn the_retry_sees_one_failure_and_pays_once() {
    // Given or not, the budget is that of the retry.
    pays_once(|_| Hedge::after(ms(30))).await;
    pays_once(|budget| Hedge::after(ms(30)).budget(budget)).await;
}

async fn pays_once(hedge: fn(&Budget) -> core_retry::HedgeBuilder) {
    let budget = Budget::new(10, 0.5).unwrap();
    let plain =
        pipeline().retry(Retry::fixed(ms(100)).no_jitter().attempts(2).budget(&budget)).build().unwrap();
    let hedged = plain.hedged(hedge(&budget)).unwrap();
    let seen = RefCell::new(Vec::new());
    let fails = |at: Attempt| {
        seen.borrow_mut().push((at.number().get(), at.hedge()));
        async move {
            Clock::system().sleep(ms(10)).await;
            Err::<(), _>(lost())
        }
    };
    let error = hedged.call(fails).await.unwrap_err();
    let CallError::Exhausted { last, attempts: 2, why: Why::Attempts, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(last.message(), "lost");
    assert_eq!(*seen.borrow(), [(1, 0), (1, 1), (2, 0), (2, 1)]);
    // Two hedges, and two failures of the retry.
    assert!((budget.available(Clock::system().now()) - 6.0).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn when_all_attempts_timed_out_the_refusal_tells_how_many() {
    let plain = pipeline().retry(Retry::fixed(ms(1)).attempts(3)).attempt_timeout(ms(50)).build().unwrap();
    let hangs = |_| pending::<Result<(), Error>>();
    let alone = plain.call(hangs).await.unwrap_err();
    let hedged = plain.hedged(after_30_ms()).unwrap().call(hangs).await.unwrap_err();
    for error in [alone, hedged] {
        let rejection = error.rejection().unwrap();
        assert_eq!((rejection.reason(), rejection.attempts()), (Reason::TimedOut, Some(3)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_the_call_as_it_does_without_a_hedge() {
    let plain = pipeline().deadline(ms(200)).attempt_timeout(ms(200)).build().unwrap();
    let hedged = plain.hedged(after_30_ms()).unwrap();
    let start = Clock::system().now();
    let remaining = RefCell::new(Vec::new());
    let hangs = |at: Attempt| {
        remaining.borrow_mut().push(at.remaining());
        pending::<Result<(), Error>>()
    };
    let error = hedged.call(hangs).await.unwrap_err();
    let rejection = error.rejection().unwrap();
    assert_eq!((rejection.policy(), rejection.reason()), (PolicyKind::Deadline, Reason::TimedOut));
    assert_eq!(Clock::system().now() - start, ms(200));
    assert_eq!(*remaining.borrow(), [Some(ms(200)), Some(ms(170))]);
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_bounds_hedges_too() {
    let hedged = pipeline().build().unwrap().hedged(after_30_ms().min_attempt_time(ms(10))).unwrap();
    let clock = Clock::system();
    let start = clock.now();
    let context = Context::builder().deadline_in(ms(39), &clock).build();
    let error = context.scope(hedged.call(slow_first)).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!((clock.now() - start, hedged.hedge().stats().hedges), (ms(39), 0));
    let late = context.scope(hedged.call(|_| async { Ok::<_, Error>(()) })).await.unwrap_err();
    assert!(late.is_timeout(), "what begins too late does not begin");
}

#[test]
fn pl_1_a_hedge_that_could_never_be_made_is_refused_with_a_reason() {
    let refused = |builder: Builder, hedge| -> String {
        builder.build().unwrap().hedged(hedge).unwrap_err().to_string()
    };
    let total = || pipeline().deadline(ms(100));
    assert!(refused(total(), after_30_ms().max(4)).contains("120ms"));
    assert!(total().build().unwrap().hedged(after_30_ms().max(3)).is_ok());
    assert!(refused(pipeline().deadline(ms(120)), after_30_ms().max(4)).contains("120ms"), "it is over then");
    assert!(pipeline().deadline(ms(121)).build().unwrap().hedged(after_30_ms().max(4)).is_ok());
    let least = |least| after_30_ms().min_attempt_time(least);
    assert!(refused(total(), least(ms(71))).contains("needs 71ms of min_attempt_time"));
    assert!(total().build().unwrap().hedged(least(ms(70))).is_ok());
    assert!(refused(pipeline().attempt_timeout(ms(30)), after_30_ms()).contains("on_failure"));
    let once = pipeline().retry(Retry::fixed(ms(1)).not_idempotent());
    assert!(refused(once, after_30_ms()).contains("twice"));
    assert!(refused(pipeline(), Hedge::after_p95()).contains("budget"));
}

/// What the check goes by: the last moment at which a hedge starts.
#[tokio::test(start_paused = true)]
async fn a_hedge_starts_before_the_deadline_with_the_least_time_that_it_needs_and_not_at_it() {
    for (total, least, hedges) in [(30, 0, 0), (31, 0, 1), (40, 10, 1), (39, 10, 0)] {
        let hedge = Hedge::after(ms(30)).min_attempt_time(ms(least)).budget(&Budget::default());
        let hedged = Pipeline::named("search").build().unwrap().hedged(hedge).unwrap();
        let context = Context::builder().deadline_in(ms(total), &Clock::system()).build();
        let stuck = hedged.call(|_| pending::<Result<(), Error>>());
        context.scope(stuck).await.unwrap_err();
        assert_eq!(hedged.hedge().stats().hedges, hedges, "{total} {least}");
    }
}

#[test]
fn pl_4_the_hedge_stands_in_the_description() {
    let plain = pipeline()
        .deadline(secs(2))
        .retry(Retry::fixed(ms(1)).budget(&Budget::default()))
        .breaker(Breaker::consecutive(3))
        .build()
        .unwrap();
    let described = |hedge| plain.hedged(hedge).unwrap().describe();
    let description = described(Hedge::after_p95());
    assert_eq!(description.order(), [P::Deadline, P::Retry, P::Hedge, P::Breaker]);
    assert!(description.to_string().contains("hedge (1 more after p95)"), "{description}");
    assert!(described(Hedge::after(ms(30)).max(2)).to_string().contains("2 more after 30ms"));
    assert!(described(Hedge::after_quantile(0.57)).to_string().contains("1 more after p57"));
    let alone = pipeline().breaker(Breaker::consecutive(3)).build().unwrap().hedged(after_30_ms()).unwrap();
    assert_eq!(alone.describe().order(), [P::Hedge, P::Breaker]);
}

#[tokio::test(start_paused = true)]
async fn a_call_can_be_sent_to_another_thread() {
    fn sent<F: Future + Send>(future: F) -> F {
        future
    }
    let hedged: HedgedPipeline = pipeline().build().unwrap().hedged(after_30_ms()).unwrap();
    assert_eq!(sent(hedged.call(slow_first)).await.unwrap(), 1);
}

#[test]
fn a_call_that_is_ready_allocates_nothing() {
    let plain = pipeline()
        .deadline(secs(2))
        .retry(Retry::fixed(ms(1)).budget(&Budget::default()))
        .breaker(Breaker::rate(0.5).window(secs(10)).min_calls(20))
        .bulkhead(64)
        .attempt_timeout(ms(300))
        .build()
        .unwrap();
    let hedged = plain.hedged(Hedge::after_p95()).unwrap();
    let run = || {
        let mut call = std::pin::pin!(hedged.call(|_| std::future::ready(Ok::<_, Error>(()))));
        assert!(call.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())).is_ready());
    };
    // The first may set up what lasts for the life of the thread.
    run();
    assert_eq!(allocation_counter::measure(run).count_total, 0);
}

#[tokio::test(start_paused = true)]
async fn dropped_at_every_await_nothing_stays() {
    let plain = pipeline()
        .deadline(secs(1))
        .retry(Retry::fixed(ms(7)).no_jitter().attempts(2))
        .breaker(Breaker::consecutive(9))
        .bulkhead(Bulkhead::max(3).max_wait(ms(20)))
        .build()
        .unwrap();
    let hedged = plain.hedged(Hedge::after(ms(5)).max(2).budget(&Budget::default())).unwrap();
    let takes = |wait: Duration| async move {
        Clock::system().sleep(wait).await;
        Err::<(), _>(lost())
    };
    let mut points = 0;
    for polls in 0.. {
        let mut call = Box::pin(hedged.call(|at| takes(ms(12 + 3 * u64::from(at.hedge())))));
        let mut is_done = false;
        for _ in 0..polls {
            if call.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())).is_ready() {
                is_done = true;
                break;
            }
            tokio::time::advance(ms(1)).await;
        }
        drop(call);
        assert_eq!(plain.bulkhead().unwrap().snapshot().in_use, 0, "after {polls} polls");
        if is_done {
            break;
        }
        points += 1;
        plain.breaker().unwrap().close("the next round").unwrap();
    }
    assert!(points > 30, "or it was never dropped half-way: {points}");
}

#[tokio::test(start_paused = true)]
async fn bg_4_a_call_under_retry_and_hedge_is_in_flight_once() {
    let budget = Budget::in_flight(1.0, 1).unwrap();
    let pipeline = pipeline().retry(Retry::fixed(ms(1)).budget(&budget)).build().unwrap();
    let hedged = pipeline.hedged(Hedge::after(secs(1)).budget(&budget)).unwrap();
    let mut calls: Vec<_> =
        (0..4).map(|_| Box::pin(hedged.call(|_| pending::<Result<(), Error>>()))).collect();
    for call in &mut calls {
        assert!(call.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())).is_pending());
    }
    assert!((budget.available(Clock::system().now()) - 4.0).abs() < 1e-9, "{budget:?}");
}

#[tokio::test(start_paused = true)]
async fn the_retry_learns_through_the_hedge_what_kind_of_failure_it_was() {
    let retry = Retry::fixed(ms(10)).no_jitter().attempts(2).only_on(&[core_errors::Category::Network]);
    let hedged = pipeline().retry(retry).build().unwrap().hedged(after_30_ms()).unwrap();
    let error = hedged.call(async |_: Attempt| Err::<(), _>(lost())).await.unwrap_err();
    assert!(matches!(error, CallError::Exhausted { attempts: 2, why: Why::Attempts, .. }), "{error:?}");
}

#[test]
fn bg_4_a_hedged_call_that_is_dropped_is_in_flight_no_more() {
    let (budget, now) = (Budget::in_flight(1.0, 0).unwrap(), Clock::system().now());
    let plain = pipeline().retry(Retry::fixed(ms(10)).budget(&budget)).build().unwrap();
    let hedged = plain.hedged(Hedge::on_failure()).unwrap();
    {
        let mut call = Box::pin(hedged.call(|_: Attempt| pending::<Result<(), Error>>()));
        assert!(call.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())).is_pending());
        assert!((budget.available(now) - 1.0).abs() < 1e-9);
    }
    assert!(budget.available(now).abs() < 1e-9);
}
