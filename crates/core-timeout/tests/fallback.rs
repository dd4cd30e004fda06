//! What may be done where a limit has passed (F95): it is logged, it is an error with a type, or something else is answered.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::cell::RefCell;
use std::future::pending;

use core_errors::{Error, PolicyKind, Reason};
use core_policy::CallError;
use core_time::{ManualClock, ms, secs};
use core_timeout::Timeout;

async fn hangs() -> Result<&'static str, Error> {
    pending().await
}

fn limit() -> Timeout {
    Timeout::attempt(ms(100)).name("rates").build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn f_95_a_limit_that_passed_is_an_error_with_a_type() {
    let error = limit().run(hangs()).await.unwrap_err();
    assert!(error.is_timeout());
    let refused = error.rejection().unwrap();
    assert_eq!((refused.policy(), refused.reason()), (PolicyKind::Timeout, Reason::TimedOut));
    assert_eq!(
        (refused.name().as_str(), refused.limit(), refused.elapsed()),
        ("rates", Some(ms(100)), Some(ms(100)))
    );
}

#[tokio::test(start_paused = true)]
async fn f_95_something_else_is_answered_that_is_cached_or_less() {
    let limit = limit();
    let answer =
        limit.call_or(|_| hangs(), async |error| error.or_valid(Some("cached"), |text| !text.is_empty()));
    assert_eq!(answer.await.unwrap(), "cached");
    // Nothing cached: less, after the look-up has taken its time.
    let degraded = limit.call_or(
        |_| hangs(),
        async |error| {
            tokio::task::yield_now().await;
            error.or_valid(None::<&str>, |_| true).or(Ok("a part"))
        },
    );
    assert_eq!(degraded.await.unwrap(), "a part");
    // Neither: the error that there was.
    let neither = limit.call_or(|_| hangs(), async |error| error.or_valid(Some(""), |text| !text.is_empty()));
    assert!(neither.await.unwrap_err().is_timeout());
}

#[tokio::test(start_paused = true)]
async fn f_95_it_is_logged_and_counted_whatever_is_answered() {
    let (timeout, log) = (limit(), RefCell::new(Vec::new()));
    let answer = timeout.call_or(
        |_| hangs(),
        async |error| {
            log.borrow_mut().push(error.to_string());
            Ok("cached")
        },
    );
    assert_eq!(answer.await.unwrap(), "cached");
    assert_eq!(log.into_inner(), ["timeout `rates`: timed out (limit 100ms, 100ms gone by)"]);
    assert_eq!(timeout.fired(), 1);
}

#[test]
fn f_95_the_same_on_a_thread_for_a_callee_that_was_given_its_time() {
    let time = ManualClock::new();
    let timeout = Timeout::total(secs(1)).clock(time.clock()).build().unwrap();
    let give_up = |attempt: core_policy::Attempt| {
        assert_eq!(attempt.remaining(), Some(secs(1)));
        Err::<&str, _>(Error::timeout("it took all of it"))
    };
    let answer = timeout.call_or_blocking(give_up, |error| error.or_valid(Some("cached"), |_| true));
    assert_eq!(answer.unwrap(), "cached");
    let wrong = timeout.call_or_blocking(|_| Err(Error::validation("no such rate")), |_| Ok("cached"));
    assert!(matches!(wrong, Err(CallError::Failed(_))), "that is the caller's to know");
}
