//! The canonical order of a pipeline, as it describes itself and as it behaves (rules PL-3 and PL-4).

use std::cell::Cell;
use std::time::Duration;

use core_breaker::Breaker;
use core_errors::{Error, PolicyKind, Reason};
use core_limit::{Bulkhead, Rate};
use core_pipeline::Pipeline;
use core_policy::{CallError, Keyed, Why};
use core_retry::{Budget, Hedge, Jitter, Retry};
use core_time::{Clock, ManualClock, ms, secs};

fn three() -> core_retry::Builder {
    Retry::fixed(ms(100)).no_jitter().attempts(3)
}

fn everything() -> core_pipeline::Builder {
    Pipeline::named("payments")
        .deadline(secs(2))
        .retry(three())
        .breaker(Breaker::rate(0.5).or_consecutive(8).window(secs(10)))
        .limit(Rate::per_second(500).burst(50))
        .bulkhead(64)
        .attempt_timeout(ms(300))
}

async fn sleep(duration: Duration) {
    Clock::system().sleep(duration).await;
}

/// Runs `test` and returns how much time went by.
async fn time_of(test: impl Future<Output = ()>) -> Duration {
    let start = Clock::system().now();
    test.await;
    Clock::system().now() - start
}

// === as it describes itself ===

#[test]
fn pl_4_a_pipeline_tells_its_policies_from_the_outside_in() {
    let pipeline = everything().build().unwrap();
    assert_eq!(
        pipeline.describe().order(),
        [
            PolicyKind::Deadline,
            PolicyKind::Retry,
            PolicyKind::Breaker,
            PolicyKind::RateLimit,
            PolicyKind::Bulkhead,
            PolicyKind::Timeout
        ]
    );
    assert_eq!(
        pipeline.describe().to_string(),
        "payments: deadline (2s) → retry (3 attempts, 100ms apart, no jitter) → breaker (50 % failures or 8 failures in a row of at least 20 \
         calls in 10s) → rate_limit (500 in 1s, 50 at once) → bulkhead (64 slots) → timeout (300ms) → call"
    );
    assert_eq!(format!("{pipeline:?}"), format!("Pipeline({})", pipeline.describe()));
}

#[test]
fn pl_4_what_is_set_stands_in_the_description() {
    let text = |builder: core_pipeline::Builder| {
        let layers = builder.build().unwrap().describe().layers;
        layers.into_iter().map(|layer| layer.text).collect::<Vec<_>>().join("; ")
    };
    let retry = |retry| text(Pipeline::named("p").retry(retry));
    for (builder, says) in [
        (Retry::fixed(ms(5)).attempts(1), "1 attempt"),
        (
            Retry::exponential(ms(50)..secs(1)).full_jitter().attempts(4),
            "4 attempts, delays from 50ms times 2 to 1s, full jitter",
        ),
        (
            Retry::linear(ms(50)..secs(1)).equal_jitter().attempts(2).budget(&Budget::default()),
            "2 attempts, delays from 50ms by 50ms to 1s, equal jitter, on a budget",
        ),
        (
            Retry::fixed(ms(5)).jitter(Jitter::PlusMinus { fraction: 0.25 }).attempts(2),
            "2 attempts, 5ms apart, ± 25 %",
        ),
        (
            Retry::fixed(ms(5)).jitter(Jitter::PlusMinus { fraction: 0.07 }).attempts(2),
            "2 attempts, 5ms apart, ± 7 %",
        ),
        (
            Retry::fixed(ms(5)).jitter(Jitter::PlusMinus { fraction: 0.125 }).attempts(2),
            "2 attempts, 5ms apart, ± 12.5 %",
        ),
        (
            Retry::fixed(ms(5)).jitter(Jitter::Plus { up_to: ms(3) }).attempts(2),
            "2 attempts, 5ms apart, up to 3ms more",
        ),
        (Retry::decorrelated(ms(5)..secs(1)).attempts(2), "2 attempts, decorrelated delays from 5ms to 1s"),
        (Retry::smooth(ms(5)..secs(1)).attempts(2), "2 attempts, smooth delays around 5ms to 1s"),
    ] {
        assert_eq!(retry(builder), says);
    }
    assert_eq!(
        text(
            Pipeline::named("p")
                .limit(Rate::per_second(5).max_wait(ms(20)))
                .bulkhead(Bulkhead::max(8).queue(3).max_wait(ms(10)))
        ),
        "5 in 1s, 5 at once, a call waits up to 20ms; 8 slots, 3 may wait up to 10ms"
    );
    let plain = everything().build().unwrap();
    let keyed = plain.keyed::<u8>(Keyed::max(3)).unwrap();
    assert_eq!(keyed.describe(), plain.describe());
    keyed.reconfigure(|c| c.bulkhead(9)).unwrap();
    assert!(keyed.describe().to_string().contains("9 slots"));
    assert_eq!(keyed.get(&1).unwrap().describe(), keyed.describe());
    let hedged = plain.hedged(Hedge::after(ms(20)).budget(&Budget::default())).unwrap();
    let of_keys = hedged.keyed::<u8>(Keyed::max(3)).unwrap().describe();
    assert_eq!(of_keys, hedged.describe());
}

#[test]
fn pl_3_the_order_does_not_depend_on_the_order_of_the_builder() {
    let backwards = Pipeline::named("payments")
        .attempt_timeout(ms(300))
        .bulkhead(64)
        .limit(Rate::per_second(500).burst(50))
        .breaker(Breaker::rate(0.5).or_consecutive(8).window(secs(10)))
        .retry(three())
        .deadline(secs(2));
    assert_eq!(backwards.build().unwrap().describe(), everything().build().unwrap().describe());
}

#[test]
fn pl_4_a_policy_that_is_not_set_is_not_there() {
    let bare = Pipeline::named("bare").build().unwrap();
    assert_eq!((bare.describe().order(), bare.describe().to_string()), (vec![], "bare: call".to_owned()));
    assert!(bare.deadline().is_none() && bare.retry().is_none() && bare.breaker().is_none());
    assert!(bare.limit().is_none() && bare.bulkhead().is_none() && bare.attempt_timeout().is_none());
    assert_eq!(bare.call_blocking(|attempt| Ok::<_, Error>(attempt.remaining())).unwrap(), None);

    let two = Pipeline::named("two").attempt_timeout(ms(300)).retry(three()).build().unwrap();
    assert_eq!(two.describe().order(), [PolicyKind::Retry, PolicyKind::Timeout]);
}

#[test]
fn all_its_policies_have_its_name() {
    let pipeline = everything().build().unwrap();
    let names = [
        pipeline.name(),
        pipeline.deadline().unwrap().name(),
        pipeline.retry().unwrap().name(),
        pipeline.breaker().unwrap().name(),
        pipeline.limit().unwrap().name(),
        pipeline.bulkhead().unwrap().name(),
        pipeline.attempt_timeout().unwrap().name(),
    ];
    assert!(names.iter().all(|name| name.as_str() == "payments"), "{names:?}");
}

// === as it behaves ===

#[tokio::test(start_paused = true)]
async fn pl_3_the_deadline_is_around_the_retry() {
    let pipeline = Pipeline::named("p").deadline(ms(250)).retry(three()).build().unwrap();
    let took = time_of(async {
        let hanging = pipeline.call(|_| std::future::pending::<Result<(), Error>>()).await.unwrap_err();
        let rejection = hanging.rejection().unwrap();
        assert_eq!((rejection.policy(), rejection.reason()), (PolicyKind::Deadline, Reason::TimedOut));
        assert_eq!(rejection.limit(), Some(ms(250)));
    });
    assert_eq!(took.await, ms(250), "not three times that");
}

#[tokio::test(start_paused = true)]
async fn pl_3_the_retry_is_around_the_breaker() {
    let breaker = Breaker::consecutive(2).open_for(secs(5)).jitter(false);
    let pipeline = Pipeline::named("p").retry(three().attempts(9)).breaker(breaker).build().unwrap();
    let calls = Cell::new(0);
    let error = pipeline
        .call(|_| {
            calls.set(calls.get() + 1);
            async { Err::<(), _>(Error::network("hung up")) }
        })
        .await
        .unwrap_err();
    let open = Why::Refused(PolicyKind::Breaker, Reason::CircuitOpen);
    assert!(matches!(&error, CallError::Exhausted { attempts: 2, why, .. } if *why == open), "{error:?}");
    assert_eq!((calls.get(), error.inner().unwrap().message()), (2, "hung up"));
    assert_eq!(pipeline.breaker().unwrap().snapshot().totals.failures, 2, "each attempt counts");
}

#[test]
fn pl_3_the_breaker_is_around_the_rate_limit() {
    let pipeline =
        Pipeline::named("p").breaker(Breaker::consecutive(1)).limit(Rate::per_second(9)).build().unwrap();
    pipeline.breaker().unwrap().force_open("test").unwrap();
    assert!(pipeline.call_blocking(|_| Ok::<_, Error>(())).is_err());
    assert_eq!(pipeline.limit().unwrap().stats().allowed, 0, "an open circuit takes nothing from the rate");
}

#[test]
fn pl_3_the_rate_limit_is_around_the_bulkhead() {
    let time = ManualClock::new();
    let rate = Rate::per_second(1);
    let pipeline = Pipeline::named("p").limit(rate).bulkhead(1).clock(time.clock()).build().unwrap();
    let held = pipeline.admit().unwrap();
    assert_eq!(pipeline.admit().unwrap_err().reason(), Reason::RateLimited);
    assert_eq!(pipeline.bulkhead().unwrap().snapshot().refused, 0, "it was not asked");
    time.advance(secs(1));
    assert_eq!(pipeline.admit().unwrap_err().reason(), Reason::BulkheadFull);
    held.success();
}

#[tokio::test(start_paused = true)]
async fn pl_3_the_bulkhead_is_around_the_attempt_timeout() {
    let bulkhead = Bulkhead::max(1).max_wait(ms(100));
    let pipeline = Pipeline::named("p").bulkhead(bulkhead).attempt_timeout(ms(80)).build().unwrap();
    let work = |_| async {
        sleep(ms(70)).await;
        Ok::<_, Error>(())
    };
    let took = time_of(async {
        let (first, second) = tokio::join!(pipeline.call(work), pipeline.call(work));
        first.unwrap();
        second.unwrap();
    });
    assert_eq!(took.await, ms(140), "the second waits 70 ms, and then has its 80 ms, whatever it waited");
}

#[tokio::test(start_paused = true)]
async fn pl_3_the_attempt_timeout_is_inside_the_retry() {
    let pipeline = Pipeline::named("p").retry(three()).attempt_timeout(ms(50)).build().unwrap();
    let took = time_of(async {
        let error = pipeline.call(|_| std::future::pending::<Result<(), Error>>()).await.unwrap_err();
        assert_eq!(error.rejection().unwrap().policy(), PolicyKind::Timeout);
    });
    assert_eq!(took.await, ms(50 + 100 + 50 + 100 + 50));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_sleeps_before_a_retry_holds_no_slot() {
    let pipeline = Pipeline::named("p").retry(three().attempts(2)).bulkhead(1).build().unwrap();
    let failing = pipeline.call(|attempt| async move {
        if attempt.is_retry() { Ok(()) } else { Err(Error::network("hung up")) }
    });
    let other = async {
        sleep(ms(50)).await;
        assert_eq!(pipeline.bulkhead().unwrap().snapshot().in_use, 0);
        pipeline.call(|_| async { Ok::<_, Error>(()) }).await.unwrap();
    };
    let (failing, ()) = tokio::join!(failing, other);
    failing.unwrap();
}

#[tokio::test(start_paused = true)]
async fn cb_4_a_call_that_waited_for_a_slot_further_out_is_slow_by_its_own_time() {
    let slots = Bulkhead::max(1).max_wait(secs(9)).build().unwrap();
    let breaker = Breaker::rate(0.5).slow_rate(0.5).slow_over(ms(100)).build().unwrap();
    for (takes, slow) in [(ms(50), 0), (ms(150), 1)] {
        let held = slots.acquire().unwrap();
        let call = |_| async move {
            sleep(takes).await;
            Ok::<_, Error>(())
        };
        let waits = async {
            sleep(secs(2)).await;
            drop(held);
        };
        let stack = core_policy::Stack::new(&slots, &breaker);
        let (done, ()) = tokio::join!(core_policy::Call::new(stack, call, core_policy::ByClass), waits);
        assert!(done.is_ok());
        assert_eq!(breaker.snapshot().window.slow, slow, "{takes:?}");
    }
}
