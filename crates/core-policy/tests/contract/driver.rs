//! The order in which a policy is asked and told.

use std::cell::Cell;
use std::future::{Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};

use core_errors::{Category, Error};
use core_policy::{Attempt, ByClass, Call, CallError, Cause, Judge, Next, PolicyKind, Reason, Verdict, Why};
use core_time::{ManualClock, ms};

use crate::recorder::{Answer, Recorder, pauses, run};

fn reset() -> Error {
    Error::network("hung up")
}

/// Fails so many times, then says which attempt it is.
fn fails(failures: u32, attempt: Attempt) -> Ready<Result<u32, Error>> {
    let number = attempt.number().get();
    ready(if number <= failures { Err(reset()) } else { Ok(number) })
}

#[test]
fn a_success_is_begun_admitted_and_settled_once() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time);
    assert_eq!(run(&time, Call::new(&policy, |attempt| fails(0, attempt), ByClass)).unwrap(), 1);
    assert_eq!(policy.log(), ["begin", "admit", "settle Success"]);
    assert_eq!(policy.slots(), (1, 1));
}

#[test]
fn a_failure_is_settled_with_its_verdict_and_comes_back_as_it_is() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time);
    let error = run(&time, Call::new(&policy, |attempt| fails(9, attempt), ByClass)).unwrap_err();
    assert!(matches!(&error, CallError::Failed(error) if error.message() == "hung up"), "{error:?}");
    assert_eq!(policy.log(), ["begin", "admit", "settle Transient(None)"]);
}

#[test]
fn another_attempt_is_admitted_anew_and_the_call_is_begun_once() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).settles(&[Next::Again, Next::Again]);
    assert_eq!(run(&time, Call::new(&policy, |attempt| fails(2, attempt), ByClass)).unwrap(), 3);
    let round = ["admit", "settle Transient(None)"];
    assert_eq!(policy.log(), [&["begin"][..], &round, &round, &["admit", "settle Success"]].concat());
    assert_eq!(policy.slots(), (3, 3));
}

#[test]
fn after_a_sleep_it_is_asked_again_and_not_before() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).admits(&[Answer::Sleep(ms(7)), Answer::Sleep(ms(5))]);
    let started = Cell::new(None);
    let op = |attempt| {
        started.set(Some(time.elapsed()));
        fails(0, attempt)
    };
    run(&time, Call::new(&policy, op, ByClass)).unwrap();
    assert_eq!(policy.log(), ["begin", "admit", "admit", "admit", "settle Success"]);
    assert_eq!(started.get(), Some(ms(12)));
}

#[test]
fn a_refusal_ends_the_call_before_it_was_made() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).admits(&[Answer::Refuse(Reason::CircuitOpen)]);
    let op = |_: Attempt| -> Ready<Result<(), Error>> { panic!("it was refused") };
    let error = run(&time, Call::new(&policy, op, ByClass)).unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::CircuitOpen);
    assert_eq!(policy.log(), ["begin", "admit", "abandon"]);
    assert_eq!(policy.slots(), (0, 0));
}

#[test]
fn a_refusal_after_a_failure_keeps_the_failure() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time)
        .admits(&[Answer::Run, Answer::Sleep(ms(30)), Answer::Refuse(Reason::RateLimited)])
        .settles(&[Next::Again]);
    let error = run(&time, Call::new(&policy, |attempt| fails(9, attempt), ByClass)).unwrap_err();
    let CallError::Exhausted { last, attempts: 1, elapsed, why } = &error else { panic!("{error:?}") };
    assert_eq!(*why, Why::Refused(PolicyKind::Breaker, Reason::RateLimited));
    assert_eq!((last.message(), *elapsed), ("hung up", ms(30)), "from the first failure");
    assert_eq!(policy.log(), ["begin", "admit", "settle Transient(None)", "admit", "admit", "abandon"]);
}

#[test]
fn an_attempt_that_expires_is_settled_as_a_refusal() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).limit(ms(20));
    let call = Call::new(&policy, |_| std::future::pending::<Result<(), Error>>(), ByClass);
    let error = run(&time, call).unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::TimedOut);
    assert_eq!(time.elapsed(), ms(20));
    assert_eq!(policy.log(), ["begin", "admit", "settle TimedOut", "abandon"]);
    assert_eq!(policy.slots(), (1, 1));
}

#[test]
fn after_an_expiry_there_may_be_another_attempt_with_a_limit_of_its_own() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).limit(ms(20)).settles(&[Next::Again]);
    let op = async |attempt: Attempt| {
        pauses(if attempt.is_retry() { 19 } else { 99 }).await;
        fails(0, attempt).await
    };
    assert_eq!(run(&time, Call::new(&policy, op, ByClass)).unwrap(), 2);
    assert_eq!(time.elapsed(), ms(20 + 19));
    assert_eq!(policy.log(), ["begin", "admit", "settle TimedOut", "admit", "settle Success"]);
}

#[test]
fn who_gives_up_says_why() {
    for why in [Why::Attempts, Why::BudgetExhausted, Why::DeadlineWouldExceed] {
        let time = ManualClock::new();
        let policy = Recorder::new(&time).settles(&[Next::Again, Next::GiveUp(why)]);
        let error = run(&time, Call::new(&policy, |attempt| fails(9, attempt), ByClass)).unwrap_err();
        let CallError::Exhausted { attempts: 2, why: told, .. } = error else { panic!("{error:?}") };
        assert_eq!(told, why);
        assert_eq!(policy.log().last().unwrap(), "settle Transient(None)", "nothing is left to abandon");
    }
}

#[test]
fn cb_37_a_panic_is_settled_once_and_goes_on() {
    let in_the_closure: fn(Attempt) -> Ready<Result<(), Error>> = |_| panic!("boom");
    panics_once(in_the_closure);
    panics_once(|_| async { panic!("boom") });
    panics_once(|_| async {
        pauses(2).await;
        panic!("boom")
    });
}

fn panics_once<F: Future<Output = Result<(), Error>>>(op: impl FnMut(Attempt) -> F) {
    let time = ManualClock::new();
    let policy = Recorder::new(&time);
    let call = Call::new(&policy, op, ByClass);
    let payload = catch_unwind(AssertUnwindSafe(|| run(&time, call))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"boom"));
    assert_eq!(policy.log(), ["begin", "admit", "settle Panicked", "abandon"]);
    assert_eq!(policy.slots(), (1, 1));
}

#[test]
fn a_judge_that_panics_says_nothing_about_the_callee_and_keeps_no_slot() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time);
    let judge = |_: &Result<u32, Error>| -> Verdict { panic!("the judge erred") };
    let call = Call::new(&policy, |attempt| fails(0, attempt), judge);
    assert!(catch_unwind(AssertUnwindSafe(|| run(&time, call))).is_err());
    assert_eq!(policy.log(), ["begin", "admit", "abandon"]);
    assert_eq!(policy.slots(), (1, 1));
}

#[test]
fn a_value_may_be_a_failure() {
    let judge = |result: &Result<u32, Error>| match result {
        Ok(2..) => Verdict::Success,
        _ => Verdict::Permanent,
    };
    let value = |nexts: &[Next]| {
        let time = ManualClock::new();
        let policy = Recorder::new(&time).settles(nexts);
        run(&time, Call::new(&policy, |attempt| fails(0, attempt), judge))
    };
    assert_eq!(value(&[]).unwrap(), 1, "nobody wanted another: it is what there is");
    assert_eq!(value(&[Next::Again]).unwrap(), 2);
    assert_eq!(value(&[Next::GiveUp(Why::Attempts)]).unwrap(), 1, "and so it is when no more may follow");
}

#[test]
fn the_judge_is_asked_once_for_each_attempt_and_for_the_cause_of_failures_only() {
    #[derive(Default)]
    struct Counting {
        judged: Cell<u32>,
        causes: Cell<u32>,
    }
    impl Judge<u32, Error> for &Counting {
        fn judge(&self, result: &Result<u32, Error>) -> Verdict {
            self.judged.set(self.judged.get() + 1);
            Verdict::of(result)
        }

        fn cause(&self, _: &Result<u32, Error>) -> Option<Cause> {
            self.causes.set(self.causes.get() + 1);
            Some(Cause::new(Category::Network, None))
        }
    }
    let time = ManualClock::new();
    let policy = Recorder::new(&time).settles(&[Next::Again, Next::Again]);
    let judge = Counting::default();
    run(&time, Call::new(&policy, |attempt| fails(2, attempt), &judge)).unwrap();
    assert_eq!((judge.judged.get(), judge.causes.get()), (3, 2));
}

#[test]
#[should_panic(expected = "polled after it was ready")]
fn a_call_that_is_over_cannot_be_polled() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time);
    let mut call = std::pin::pin!(Call::new(&policy, |attempt| fails(0, attempt), ByClass));
    run(&time, call.as_mut()).unwrap();
    let _ = run(&time, call);
}
