//! Requests that certainly had no effect are made anew as if they had not been made (rule RT-9).
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::cell::RefCell;
use std::time::Duration;

use core_errors::{Delivery, Error};
use core_policy::{ByClass, CallError, Why};
use core_retry::{Budget, Builder, Retry};
use core_time::{Instant, ManualClock, ms, secs};

/// Fails with these deliveries, one after the other, then with none; what came of it, the numbers of the attempts, and the time.
fn run(
    builder: Builder,
    deliveries: &[Delivery],
    failures: usize,
    within: Option<Duration>,
) -> (Result<(), CallError<Error>>, Vec<u32>, Duration) {
    let time = ManualClock::new();
    let retry = builder.clock(time.clock()).build().unwrap();
    let numbers = RefCell::new(Vec::new());
    let deadline = within.map(|within| time.now() + within);
    let result = core_policy::call_blocking(
        &retry,
        |attempt| {
            let made = numbers.borrow().len();
            numbers.borrow_mut().push(attempt.number().get());
            if made >= failures {
                return Ok(());
            }
            let delivery = deliveries.get(made).copied().unwrap_or_default();
            Err(Error::network("gone").with_delivery(delivery))
        },
        &ByClass,
        deadline,
    );
    let numbers = numbers.into_inner();
    (result, numbers, time.elapsed())
}

fn exact(attempts: u32) -> Builder {
    Retry::fixed(ms(10)).no_jitter().attempts(attempts)
}

const UNSENT: Delivery = Delivery::NeverSent;
const REFUSED: Delivery = Delivery::NotProcessed;

#[test]
fn rt_9_a_request_that_never_left_is_no_attempt() {
    let (result, numbers, elapsed) = run(exact(2), &[UNSENT; 5], 5, Some(secs(9)));
    assert!(result.is_ok());
    assert_eq!(numbers, [1; 6], "each is the first");
    assert_eq!(elapsed, ms(40), "the first time at once, then slower");
}

#[test]
fn rt_9_all_attempts_are_left_afterwards() {
    let (result, numbers, _) = run(exact(3), &[UNSENT; 4], usize::MAX, Some(secs(9)));
    let Err(CallError::Exhausted { attempts: 3, why: Why::Attempts, .. }) = result else {
        panic!("{result:?}")
    };
    assert_eq!(numbers, [1, 1, 1, 1, 1, 2, 3]);
}

#[test]
fn rt_9_in_the_middle_of_a_call_too() {
    let deliveries = [Delivery::Unknown, UNSENT, Delivery::Unknown];
    let (_, numbers, _) = run(exact(3), &deliveries, usize::MAX, None);
    assert_eq!(numbers, [1, 2, 2, 3]);
}

#[test]
fn rt_9_what_was_refused_unprocessed_is_made_anew_once() {
    let (_, numbers, _) = run(exact(2), &[REFUSED; 9], usize::MAX, Some(secs(9)));
    assert_eq!(numbers, [1, 1, 2], "once, then it is a failure like others");
    let (_, numbers, _) = run(exact(2), &[UNSENT, REFUSED, UNSENT, REFUSED], usize::MAX, Some(secs(9)));
    assert_eq!(numbers, [1, 1, 1, 1, 2]);
}

#[test]
fn rt_9_the_deadline_ends_it() {
    let (result, numbers, elapsed) = run(exact(2), &[UNSENT; 1_000], usize::MAX, Some(ms(5_005)));
    let Err(CallError::Exhausted { why: Why::DeadlineWouldExceed, .. }) = result else {
        panic!("{result:?}")
    };
    assert_eq!((numbers.len(), elapsed), (502, secs(5)));
}

#[test]
fn rt_9_something_ends_it_always() {
    // No deadline; and no delay, with one.
    for (builder, within) in [(exact(2), None), (Retry::fixed(Duration::ZERO).attempts(2), Some(secs(9)))] {
        let (result, numbers, _) = run(builder, &[UNSENT; 1_000], usize::MAX, within);
        assert!(matches!(result, Err(CallError::Exhausted { why: Why::Attempts, .. })), "{result:?}");
        assert_eq!(numbers.len(), 102);
    }
}

#[test]
fn rt_9_the_budget_hears_nothing_of_it() {
    for (budget, full) in [
        (Budget::new(10, 0.1).unwrap(), 10.0),
        (Budget::costs(50).unwrap(), 50.0),
        (Budget::deposit(0.1, 5, secs(1)).unwrap(), 5.0),
    ] {
        let (result, _, _) = run(exact(2).budget(&budget), &[UNSENT; 4], usize::MAX, Some(ms(15)));
        assert!(result.is_err());
        assert!((budget.available(Instant::ORIGIN) - full).abs() < 1e-9, "{budget:?}");
    }
    let spent = Budget::new(3, 0.1).unwrap();
    assert!(spent.failed(true, || Instant::ORIGIN));
    assert!(!spent.failed(true, || Instant::ORIGIN));
    let (result, _, _) = run(exact(2).budget(&spent), &[UNSENT], 1, None);
    assert!(result.is_ok(), "a spent budget does not forbid it");
}

#[test]
fn rt_9_it_does_no_harm_to_what_must_not_be_done_twice() {
    let (result, numbers, _) = run(exact(3).not_idempotent(), &[UNSENT, REFUSED], usize::MAX, None);
    assert!(matches!(result, Err(CallError::Failed(_))), "the third may have taken effect");
    assert_eq!(numbers, [1, 1, 1]);
}

#[test]
fn rt_9_who_never_retries_does_not_do_this_either() {
    let (result, numbers, _) = run(exact(1), &[UNSENT; 3], usize::MAX, None);
    assert!(matches!(result, Err(CallError::Failed(_))));
    assert_eq!(numbers, [1]);
}

#[test]
fn rt_9_it_is_counted_apart() {
    let retry = exact(2).clock(ManualClock::new().clock()).build().unwrap();
    let mut left = 3;
    let result = retry.call_blocking(|_| {
        left -= 1;
        if left > 0 { Err(Error::network("gone").with_delivery(UNSENT)) } else { Ok(()) }
    });
    assert!(result.is_ok());
    assert_eq!((retry.stats().transparent, retry.stats().retries), (2, 2));
}

#[test]
fn an_error_that_says_how_far_it_came_keeps_saying_so() {
    let error = Error::network("gone").with_delivery(REFUSED);
    assert!(!error.idempotent_only(), "nothing happened");
    let wrapped: Box<dyn std::error::Error + Send + Sync> = Box::new(error);
    assert_eq!(Error::convert(wrapped).delivery(), REFUSED);
}
