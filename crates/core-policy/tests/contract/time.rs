//! Deadlines, limits and waits: which of them counts, and from when.

use core_errors::Error;
use core_policy::{Attempt, ByClass, Call, CallError, Next, PolicyKind, Reason, Stack, Why, call_blocking};
use core_time::{Instant, ManualClock, ms};

use crate::recorder::{Answer, Log, Recorder, pauses, run};

/// Takes so many milliseconds under [`run`].
async fn takes(millis: u32) -> Result<u32, Error> {
    pauses(millis).await;
    Ok(millis)
}

fn reason<T>(result: Result<T, CallError<Error>>) -> Option<Reason> {
    result.err()?.rejection().map(core_errors::Rejection::reason)
}

#[test]
fn a_deadline_that_has_passed_refuses_before_anybody_is_asked() {
    let time = ManualClock::new();
    for deadline in [time.now(), Instant::ORIGIN] {
        let policy = Recorder::new(&time).ambient(deadline);
        let error = run(&time, Call::new(&policy, |_| takes(0), ByClass)).unwrap_err();
        let rejection = error.rejection().unwrap();
        assert_eq!(
            (rejection.policy(), rejection.reason()),
            (PolicyKind::Deadline, Reason::DeadlineExceeded)
        );
        assert_eq!(policy.log(), [""; 0]);
    }
}

#[test]
fn of_the_deadline_that_was_given_and_the_one_around_the_earlier_counts() {
    for (given, around) in [(5, 50), (50, 5)] {
        let time = ManualClock::new();
        let policy = Recorder::new(&time).ambient(time.now() + ms(around));
        let left = |attempt: Attempt| Ok::<_, Error>(attempt.remaining());
        let left = call_blocking(&policy, left, &ByClass, Some(time.now() + ms(given)));
        assert_eq!(left.unwrap(), Some(ms(5)));
    }
}

#[test]
fn a_deadline_that_comes_during_a_sleep_ends_it() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).admits(&[Answer::Sleep(ms(50))]).ambient(time.now() + ms(20));
    assert_eq!(reason(run(&time, Call::new(&policy, |_| takes(0), ByClass))), Some(Reason::DeadlineExceeded));
    assert_eq!(time.elapsed(), ms(20));
    assert_eq!(policy.log(), ["begin", "admit", "settle DeadlineExceeded", "abandon"]);
}

#[test]
fn a_deadline_that_has_passed_stops_a_policy_that_would_go_on() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).settles(&[Next::Again]).ambient(time.now() + ms(20));
    assert_eq!(
        reason(run(&time, Call::new(&policy, |_| takes(99), ByClass))),
        Some(Reason::DeadlineExceeded)
    );
    assert_eq!(policy.log(), ["begin", "admit", "settle DeadlineExceeded", "abandon"]);
    assert_eq!(policy.slots(), (1, 1));
}

#[test]
fn to_1_a_result_that_is_ready_when_the_limit_comes_wins_and_a_later_one_loses() {
    for (millis, wins) in [(19, true), (20, true), (21, false)] {
        let time = ManualClock::new();
        let policy = Recorder::new(&time).limit(ms(20));
        let result = run(&time, Call::new(&policy, |_| takes(millis), ByClass));
        assert_eq!(result.is_ok(), wins, "{millis}");
    }
}

#[test]
fn a_wait_that_is_not_ended_ends_at_its_limit() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).admits(&[Answer::Park; 99]).wait(ms(10));
    assert_eq!(reason(run(&time, Call::new(&policy, |_| takes(0), ByClass))), Some(Reason::QueueTimeout));
    assert_eq!(time.elapsed(), ms(10));
    assert_eq!(policy.slots(), (0, 0));
}

/// A policy that may be there is, where it is there, that policy.
#[test]
fn so_does_one_of_a_policy_that_might_not_be_there() {
    let time = ManualClock::new();
    let policy = Some(Recorder::new(&time).admits(&[Answer::Park; 99]).wait(ms(10)));
    assert_eq!(reason(run(&time, Call::new(&policy, |_| takes(0), ByClass))), Some(Reason::QueueTimeout));
    assert_eq!(time.elapsed(), ms(10));
    let policy = Some(Recorder::new(&time));
    drop(core_policy::Permit::acquire(&policy).unwrap());
    assert_eq!(policy.as_ref().map(Recorder::slots), Some((1, 1)), "and is told when a call is dropped");
}

#[test]
fn an_attempt_that_had_to_wait_for_its_turn_is_not_held_to_the_limit_of_that_wait() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).admits(&[Answer::Park]).wait(ms(10));
    assert_eq!(run(&time, Call::new(&policy, |_| takes(500), ByClass)).unwrap(), 500);
}

#[test]
fn an_attempt_that_had_to_wait_for_its_turn_has_its_own_limit() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).admits(&[Answer::Park]).wait(ms(10)).limit(ms(20));
    assert_eq!(reason(run(&time, Call::new(&policy, |_| takes(99), ByClass))), Some(Reason::TimedOut));
    assert_eq!(time.elapsed(), ms(1 + 20));
}

#[test]
fn a_sleep_that_follows_a_wait_has_its_own_length() {
    let time = ManualClock::new();
    let answers = [Answer::Park, Answer::Sleep(ms(40))];
    let policy = Recorder::new(&time).admits(&answers).wait(ms(10));
    run(&time, Call::new(&policy, |_| takes(0), ByClass)).unwrap();
    assert_eq!(time.elapsed(), ms(1 + 40));
}

#[test]
fn a_second_wait_has_its_own_limit() {
    let time = ManualClock::new();
    let log = Log::default();
    let outer = Recorder::within(&log, "outer", &time).admits(&[Answer::Park; 5]).wait(ms(10));
    let inner = Recorder::within(&log, "inner", &time).admits(&[Answer::Park; 99]).wait(ms(50));
    let stack = Stack::new(outer, inner);
    assert_eq!(reason(run(&time, Call::new(&stack, |_| takes(0), ByClass))), Some(Reason::QueueTimeout));
    assert_eq!(time.elapsed(), ms(5 + 50), "five for the outer turn, fifty in vain for the inner");
    assert_eq!((stack.outer().slots(), stack.inner().slots()), ((1, 1), (0, 0)));
}

#[test]
fn the_attempt_is_told_what_is_left_when_it_starts() {
    let time = ManualClock::new();
    let deadline = time.now() + ms(100);
    let policy = Recorder::new(&time).admits(&[Answer::Park, Answer::Sleep(ms(29))]).ambient(deadline);
    let told =
        run(&time, Call::new(&policy, async |attempt: Attempt| Ok::<_, Error>(attempt.remaining()), ByClass));
    assert_eq!(told.unwrap(), Some(ms(70)));

    let unbounded = Recorder::new(&time);
    let told = run(
        &time,
        Call::new(&unbounded, async |attempt: Attempt| Ok::<_, Error>(attempt.remaining()), ByClass),
    );
    assert_eq!(told.unwrap(), None);
}

#[test]
fn each_attempt_is_told_its_own_limit() {
    let time = ManualClock::new();
    let answers = [Answer::RunWithin(ms(10)), Answer::RunWithin(ms(20)), Answer::Run];
    let policy = Recorder::new(&time).admits(&answers).settles(&[Next::Again, Next::Again]);
    let told = std::cell::RefCell::new(Vec::new());
    let op = |attempt: Attempt| {
        told.borrow_mut().push(attempt.remaining());
        std::future::ready(Err::<(), _>(Error::network("hung up")))
    };
    run(&time, Call::new(&policy, op, ByClass)).unwrap_err();
    assert_eq!(told.take(), [Some(ms(10)), Some(ms(20)), None]);
}

#[test]
fn when_deadline_and_limit_come_at_once_it_is_the_deadline() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).limit(ms(20)).ambient(time.now() + ms(20));
    assert_eq!(
        reason(run(&time, Call::new(&policy, |_| takes(99), ByClass))),
        Some(Reason::DeadlineExceeded)
    );
}

#[test]
fn an_attempt_that_expires_after_a_failure_keeps_the_failure() {
    for (next, expected) in [
        (Next::GiveUp(Why::BudgetExhausted), Why::BudgetExhausted),
        (Next::GiveUp(Why::Attempts), Why::Refused(PolicyKind::Timeout, Reason::TimedOut)),
        (Next::Finish, Why::Refused(PolicyKind::Timeout, Reason::TimedOut)),
    ] {
        let time = ManualClock::new();
        let policy = Recorder::new(&time).limit(ms(20)).settles(&[Next::Again, next]);
        let op = async |attempt: Attempt| {
            if attempt.is_retry() { takes(99).await } else { Err(Error::network("hung up")) }
        };
        let error = run(&time, Call::new(&policy, op, ByClass)).unwrap_err();
        let CallError::Exhausted { attempts: 2, why, elapsed, .. } = error else { panic!("{error:?}") };
        assert_eq!((why, elapsed), (expected, ms(20)));
    }
}

#[test]
fn a_call_that_is_over_keeps_no_timer() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).limit(ms(20));
    let mut call = std::pin::pin!(Call::new(&policy, |_| takes(3), ByClass));
    let sleepers = || format!("{time:?}").matches("Waker").count();
    assert!(call.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending());
    assert_eq!(sleepers(), 1);
    run(&time, call.as_mut()).unwrap();
    assert_eq!(sleepers(), 0);
}

#[test]
fn a_wake_up_asks_again() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).admits(&[Answer::Park, Answer::Park]);
    let woken = std::sync::Arc::new(Woken::default());
    let waker = std::task::Waker::from(woken.clone());
    let mut call = std::pin::pin!(Call::new(&policy, |_| takes(0), ByClass));
    let mut cx = std::task::Context::from_waker(&waker);
    assert!(call.as_mut().poll(&mut cx).is_pending());
    policy.wake();
    assert!(call.as_mut().poll(&mut cx).is_pending());
    policy.wake();
    assert!(call.as_mut().poll(&mut cx).is_ready());
    assert_eq!(woken.0.load(std::sync::atomic::Ordering::Relaxed), 2);
    assert_eq!(policy.log(), ["begin", "admit", "admit", "admit", "settle Success"]);
}

#[derive(Default)]
struct Woken(std::sync::atomic::AtomicU32);

impl std::task::Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}
