//! What `ExecuteWithRetry` of the originals promised (F69, B12): a limit for each attempt, and exponential delays between them. And
//! both under a breaker (F73).

use std::cell::Cell;
use std::future::pending;
use std::time::Duration;

use core_breaker::{Breaker, State};
use core_errors::{Error, Reason};
use core_pipeline::Pipeline;
use core_policy::{Attempt, ByClass, Call, CallError, Stack};
use core_retry::Retry;
use core_time::{Clock, ms, secs};
use core_timeout::{Deadline, Timeout};

/// So many retries: one attempt more than that.
fn request(retries: u32) -> Pipeline {
    let retry = Retry::exponential(ms(100)..secs(10)).no_jitter().attempts(retries + 1);
    Pipeline::named("api.request").retry(retry).attempt_timeout(secs(3)).build().expect("valid")
}

/// Fails so many times; how often it was called, whether it worked, and how long it took.
async fn run(retries: u32, failures: u32) -> (u32, bool, Duration) {
    let clock = Clock::system();
    let (start, calls) = (clock.now(), Cell::new(0));
    let result = request(retries)
        .call(|_| {
            calls.set(calls.get() + 1);
            let fails = calls.get() <= failures;
            async move { if fails { Err(Error::network("gone")) } else { Ok(()) } }
        })
        .await;
    (calls.get(), result.is_ok(), clock.now() - start)
}

#[tokio::test(start_paused = true)]
async fn f_69_b_12_so_many_retries_are_one_call_more() {
    assert_eq!(run(3, 0).await, (1, true, ms(0)));
    assert_eq!(run(3, 2).await, (3, true, ms(100 + 200)));
    assert_eq!(run(2, 9).await, (3, false, ms(100 + 200)));
    assert_eq!(run(3, 9).await, (4, false, ms(100 + 200 + 400)));
}

#[tokio::test(start_paused = true)]
async fn f_69_each_attempt_has_the_whole_limit() {
    let clock = Clock::system();
    let start = clock.now();
    let error = request(2).call(|_| pending::<Result<(), Error>>()).await.expect_err("it hangs");
    let rejection = error.rejection().expect("nobody answered");
    assert_eq!((rejection.reason(), rejection.attempts()), (Reason::TimedOut, Some(3)));
    assert_eq!(clock.now() - start, secs(9) + ms(300));
}

#[tokio::test(start_paused = true)]
async fn b_12_the_parents_end_stops_it() {
    let clock = Clock::system();
    let (start, calls) = (clock.now(), Cell::new(0));
    let parent = Deadline::after(ms(150), &clock);
    let request = request(9);
    let whole = parent.run(request.call(|_| {
        calls.set(calls.get() + 1);
        async { Err::<(), _>(Error::network("gone")) }
    }));
    let Err(CallError::Rejected(rejection)) = whole.await else { panic!("its time is up") };
    assert_eq!((rejection.reason(), calls.get()), (Reason::DeadlineExceeded, 2));
    assert_eq!(clock.now() - start, ms(150));
}

/// `@circuit_breaker(failure_threshold=5)` around `@retry(max_attempts=3)` around `@timeout(30)`.
#[tokio::test(start_paused = true)]
async fn f_73_a_breaker_around_a_retry_around_a_limit() {
    let clock = Clock::system();
    let breaker = Breaker::consecutive(5).name("llm").jitter(false).build().expect("valid");
    let retry = Retry::exponential(secs(1)..secs(60)).no_jitter().attempts(3).build().expect("valid");
    let limit = Timeout::attempt(secs(30)).build().expect("valid");
    let stack = Stack::new(&breaker, Stack::new(&retry, &limit));
    let calls = Cell::new(0);
    let hangs = |_: Attempt| {
        calls.set(calls.get() + 1);
        pending::<Result<(), Error>>()
    };

    // A call that gets through tells how often it was tried again.
    let third = |attempt: Attempt| async move {
        let retries = attempt.number().get() - 1;
        if retries < 2 { Err(Error::network("gone")) } else { Ok(retries) }
    };
    let start = clock.now();
    let answered = Call::new(&stack, third, ByClass).await;
    assert_eq!((answered.ok(), clock.now() - start), (Some(2), secs(1 + 2)));
    assert_eq!(breaker.snapshot().totals.failures, 0, "to the breaker that is one success");

    // Calls are counted, not attempts: five of three attempts each.
    for call in 1..=5 {
        assert_eq!(breaker.state(), State::Closed, "before call {call}");
        let start = clock.now();
        let late = Call::new(&stack, hangs, ByClass).await.expect_err("it hangs");
        assert_eq!((late.is_timeout(), clock.now() - start), (true, secs(3 * 30 + 1 + 2)));
        assert_eq!(calls.get(), 3 * call);
    }
    assert_eq!((breaker.state(), breaker.snapshot().totals.failures), (State::Open, 5));
    let start = clock.now();
    let refused = Call::new(&stack, hangs, ByClass).await.expect_err("it is open");
    assert_eq!(refused.rejection().map(core_errors::Rejection::reason), Some(Reason::CircuitOpen));
    assert_eq!((calls.get(), clock.now() - start), (15, Duration::ZERO), "at once, and nobody was called");
}
