//! What the documents promise of retries (F64 to F71), as their examples have it.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use core_errors::{Category, Error, Recovery};
use core_policy::{CallError, Why};
use core_retry::{Builder, Follows, Jitter, Retry};
use core_time::{Clock, ManualClock, ms, secs};

/// When each attempt of a call began that always fails, with the call's future and on a thread.
async fn begins(builder: &Builder, error: fn() -> Error) -> [Vec<Duration>; 2] {
    let (clock, time) = (Clock::system(), ManualClock::new());
    let (start, hand) = (clock.now(), time.now());
    let begun = RefCell::new([Vec::new(), Vec::new()]);
    let waits = builder.clone().build().unwrap();
    let failed = waits.call(|_| {
        begun.borrow_mut()[0].push(clock.now() - start);
        async { Err::<(), _>(error()) }
    });
    assert!(failed.await.is_err());
    let blocks = builder.clone().clock(time.clock()).build().unwrap();
    let failed = blocks.call_blocking(|_| {
        begun.borrow_mut()[1].push(time.now() - hand);
        Err::<(), _>(error())
    });
    assert!(failed.is_err());
    begun.into_inner()
}

fn lost() -> Error {
    Error::network("lost")
}

#[tokio::test(start_paused = true)]
async fn f_64_f_65_f_70_each_kind_of_delays_with_a_future_and_on_a_thread() {
    let longest = secs(60);
    for (builder, expected) in [
        (Retry::fixed(secs(1)), vec![0, 1, 2]),
        (Retry::fixed(secs(2)).attempts(4), vec![0, 2, 4, 6]),
        (Retry::linear(secs(1)..longest).attempts(4), vec![0, 1, 3, 6]),
        // max_attempts 3, initial_delay 1.0, backoff_factor 2.0, which is what there is unless somebody says otherwise.
        (Retry::exponential(secs(1)..longest), vec![0, 1, 3]),
        (Retry::exponential(secs(1)..longest).factor(2.0).attempts(3), vec![0, 1, 3]),
        (Retry::exponential(secs(1)..longest).factor(3.0).attempts(4), vec![0, 1, 4, 13]),
        (Retry::exponential(secs(1)..secs(2)).attempts(5), vec![0, 1, 3, 5, 7]),
    ] {
        let builder = builder.no_jitter();
        // The timers of a runtime are a millisecond wide, and never early.
        let [waited, blocked] = begins(&builder, lost).await;
        assert_eq!(blocked, expected.iter().copied().map(secs).collect::<Vec<_>>(), "{builder:?}");
        assert_eq!(waited, blocked, "{builder:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn f_65_f_68_callers_that_failed_together_come_back_apart() {
    let mut seconds = Vec::new();
    for seed in 0..20 {
        let builder = Retry::exponential(secs(10)..secs(60)).attempts(2).seed(seed);
        let [waited, blocked] = begins(&builder, lost).await;
        assert!(waited[1] <= secs(10) && blocked[1] <= secs(10));
        seconds.push(blocked[1].as_secs());
    }
    seconds.sort_unstable();
    seconds.dedup();
    assert!(seconds.len() >= 6, "of ten seconds, by default: {seconds:?}");
}

#[tokio::test(start_paused = true)]
async fn f_66_what_helps_against_a_failure_is_what_its_class_says() {
    let of = |recovery| match recovery {
        Recovery::Retriable => || lost().with_recovery(Recovery::Retriable),
        Recovery::Transient => || lost().with_recovery(Recovery::Transient),
        Recovery::Fatal => || lost().with_recovery(Recovery::Fatal),
        Recovery::InvalidInput => || lost().with_recovery(Recovery::InvalidInput),
        Recovery::Unknown => (|| lost().with_recovery(Recovery::Unknown)) as fn() -> Error,
    };
    for (recovery, expected) in [
        (Recovery::Retriable, vec![0, 0, 0]),
        (Recovery::Transient, vec![0, 1, 3]),
        (Recovery::Fatal, vec![0]),
        (Recovery::InvalidInput, vec![0]),
        (Recovery::Unknown, vec![0]),
    ] {
        let builder = Retry::exponential(secs(1)..secs(60)).no_jitter();
        let [waited, blocked] = begins(&builder, of(recovery)).await;
        assert_eq!(blocked, expected.into_iter().map(secs).collect::<Vec<_>>(), "{recovery:?}");
        assert_eq!(waited, blocked, "{recovery:?}");
    }
}

/// `RetryPolicy(max_attempts=5, initial_delay=0.5, max_delay=30.0, backoff_factor=1.5, jitter=True, retry_on=…, dont_retry_on=…,
/// on_retry=…, on_failure=…)`.
#[test]
fn f_71_a_policy_with_every_field_of_the_documents() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let [retries, ends] = [(); 2].map(|()| Arc::clone(&told));
    let policy = || {
        let (retries, ends) = (Arc::clone(&retries), Arc::clone(&ends));
        Retry::exponential(ms(500)..secs(30))
            .attempts(5)
            .factor(1.5)
            .equal_jitter()
            .only_on(&[Category::Network, Category::Timeout])
            .never_on(&[Category::Validation, Category::Authentication])
            .on_retry(move |event| {
                retries.lock().unwrap().push((event.attempts, event.cause.unwrap().category));
            })
            .on_give_up(move |event| {
                assert_eq!(event.next, Follows::GiveUp(Why::Attempts));
                ends.lock().unwrap().push((event.attempts, event.cause.unwrap().category));
            })
            .clock(ManualClock::new().clock())
    };
    assert_eq!(policy().backoff().jitter, Jitter::Equal);
    let exact: Vec<_> = policy().no_jitter().build().unwrap().delays().collect();
    assert_eq!(exact, [ms(500), ms(750), ms(1_125), Duration::from_micros(1_687_500)]);
    let seeded: Vec<_> = policy().seed(7).build().unwrap().delays().collect();
    for (drawn, exact) in seeded.iter().zip(&exact) {
        assert!(drawn <= exact && *drawn >= *exact / 2, "{drawn:?} of {exact:?}");
    }
    let run = |error: fn() -> Error| policy().build().unwrap().call_blocking(|_| Err::<(), _>(error()));
    assert!(matches!(run(lost), Err(CallError::Exhausted { attempts: 5, .. })));
    let seen: Vec<_> = told.lock().unwrap().drain(..).collect();
    assert_eq!(seen, [1, 2, 3, 4, 5].map(|attempt| (attempt, Category::Network)));
    for error in [|| Error::validation("bad"), || Error::authentication("who"), || Error::unavailable("busy")]
    {
        assert!(matches!(run(error), Err(CallError::Failed(_))));
    }
    assert!(told.lock().unwrap().is_empty(), "who never retries gives nothing up");
}

/// What an attempt comes to tells how many there were, where that is of interest: `metadata.retry_count`.
#[tokio::test(start_paused = true)]
async fn f_73_a_result_may_carry_the_number_of_its_retries() {
    let retry = Retry::fixed(ms(1)).no_jitter().build().unwrap();
    let third = retry.call(|attempt| async move {
        let retries = attempt.number().get() - 1;
        if retries < 2 { Err(lost()) } else { Ok(("charged", retries)) }
    });
    assert_eq!(third.await.unwrap(), ("charged", 2));
}

/// 123 ms, then 4 s; then the delays from the first on, until all attempts are made: as grpc-java's `pushback` has it.
#[test]
fn rt_4_pauses_one_after_the_other_and_then_the_delays_from_the_first_on_until_all_attempts_are_made() {
    let time = ManualClock::new();
    let retry =
        Retry::exponential(ms(10)..secs(20)).no_jitter().attempts(6).clock(time.clock()).build().unwrap();
    let begun = RefCell::new(Vec::new());
    let mut pauses = [Some(ms(123)), Some(secs(4))].into_iter();
    let error = retry.call_blocking(|_| {
        begun.borrow_mut().push(time.now());
        let busy = Error::unavailable("later");
        Err::<(), _>(match pauses.next().flatten() {
            Some(pause) => busy.with_retry_after(pause),
            None => busy,
        })
    });
    assert!(matches!(error, Err(CallError::Exhausted { attempts: 6, why: Why::Attempts, .. })), "{error:?}");
    let gaps: Vec<_> = begun.borrow().windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps, [ms(123), secs(4), ms(10), ms(20), ms(40)]);
}

/// Whatever a policy further in refuses with, there is no retry unless somebody asked for that (rule RT-7).
#[test]
fn rt_7_no_refusal_of_any_kind_is_retried() {
    use core_errors::{Name, PolicyKind, Reason, Rejection};
    let retry = Retry::fixed(ms(1)).clock(ManualClock::new().clock()).build().unwrap();
    for reason in [
        Reason::CircuitOpen,
        Reason::HalfOpenFull,
        Reason::ForcedOpen,
        Reason::RateLimited,
        Reason::BulkheadFull,
        Reason::BudgetExhausted,
        Reason::Shed,
        Reason::DeadlineExceeded,
    ] {
        // As an error of the attempt, which is a call under policies of its own.
        let mut calls = 0;
        let refused = retry.call_blocking(|_| {
            calls += 1;
            let rejection = Rejection::new(PolicyKind::Breaker, Name::UNNAMED, reason);
            Err::<(), CallError<Error>>(rejection.with_retry_after(ms(1)).into())
        });
        assert!(refused.is_err());
        assert_eq!(calls, 1, "{reason:?}");
    }
    assert_eq!(retry.stats().retries, 0);
}
