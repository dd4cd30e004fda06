//! What a call is told of the attempts that its policies do something about.

use std::cell::{Cell, RefCell};

use core_errors::{Category, Error};
use core_policy::{
    Attempt, ByClass, Cause, Classified, Follows, Judge, Next, Reason, Rejection, Tried, Verdict, Why,
    call_blocking,
};
use core_time::{ManualClock, ms};

use crate::recorder::{Recorder, pauses, run};

/// What was told: what the attempt ended with, how many there were, and what follows.
type Told = (String, u32, Follows);

fn what(tried: &Tried<'_, u32, Error>) -> Told {
    let ended = match (tried.error(), tried.value(), tried.rejection()) {
        (Some(error), None, None) => error.message().to_owned(),
        (None, Some(value), None) => format!("value {value}"),
        (None, None, Some(rejection)) => format!("{:?}", rejection.reason()),
        _ => panic!("it ended in one way: {tried:?}"),
    };
    (ended, tried.attempts, tried.next)
}

fn again() -> Follows {
    Follows::Retry(Recorder::DELAY)
}

fn told(ended: &str, attempts: u32, next: Follows) -> Told {
    (ended.to_owned(), attempts, next)
}

/// Fails, then answers slower than anybody waits, then returns a value that is bad, and another.
async fn bad(attempt: Attempt) -> Result<u32, Error> {
    match attempt.number().get() {
        1 => return Err(Error::network("hung up")),
        2 => pauses(99).await,
        _ => {}
    }
    Ok(attempt.number().get())
}

fn no_value_is_good(result: &Result<u32, Error>) -> Verdict {
    result.as_ref().map_or_else(Verdict::of_error, |_| Verdict::Transient(None))
}

#[test]
fn each_attempt_that_ran_is_told_with_what_follows() {
    let time = ManualClock::new();
    let again_thrice = [Next::Again, Next::Again, Next::Again, Next::GiveUp(Why::BudgetExhausted)];
    let policy = Recorder::new(&time).limit(ms(20)).settles(&again_thrice);
    let log = RefCell::new(Vec::new());
    let judged = Classified::new(&policy, no_value_is_good);
    let notified =
        judged.notify(|tried: &Tried<'_, u32, Error>| log.borrow_mut().push((what(tried), tried.elapsed)));
    assert_eq!(run(&time, notified.call(bad)).unwrap(), 4, "the value that was last");
    let (told_of, elapsed): (Vec<_>, Vec<_>) = log.take().into_iter().unzip();
    assert_eq!(
        told_of,
        [
            told("hung up", 1, again()),
            told("TimedOut", 2, again()),
            told("value 3", 3, again()),
            told("value 4", 4, Follows::GiveUp(Why::BudgetExhausted)),
        ]
    );
    assert_eq!(elapsed, [ms(0), ms(20), ms(20), ms(20)]);
}

#[test]
fn what_nobody_does_anything_about_is_not_told_and_nobody_who_does_not_listen_is_asked() {
    struct Deaf<'a>(&'a Cell<u32>);
    impl Judge<u32, Error> for Deaf<'_> {
        fn judge(&self, result: &Result<u32, Error>) -> Verdict {
            Verdict::of(result)
        }

        fn tried(&self, _: &Tried<'_, u32, Error>) {
            self.0.set(self.0.get() + 1);
        }
    }
    let (time, told) = (ManualClock::new(), Cell::new(0));
    let fails = |_: Attempt| Err(Error::network("hung up"));
    // A panic of it would be caught.
    let hears = ByClass.notify(|_: &Tried<'_, u32, Error>| told.set(told.get() + 1));
    let policy = Recorder::new(&time);
    assert!(call_blocking(&policy, fails, &hears, None).is_err());
    assert_eq!(call_blocking(&policy, |_| Ok::<_, Error>(1), &hears, None).unwrap(), 1);
    let policy = Recorder::new(&time).settles(&[Next::Again]);
    assert!(call_blocking(&policy, fails, &Deaf(&told), None).is_err());
    assert_eq!(told.get(), 0);
}

/// Knows a cause, and refusals of what is further in.
#[derive(Clone, Copy)]
struct Knows;

fn stopped(reason: Reason) -> Rejection {
    Rejection::new(core_policy::PolicyKind::Timeout, core_policy::Name::UNNAMED, reason)
}

impl Judge<u32, Rejection> for Knows {
    fn judge(&self, result: &Result<u32, Rejection>) -> Verdict {
        Verdict::of(result)
    }

    fn cause(&self, _: &Result<u32, Rejection>) -> Option<Cause> {
        Some(Cause::new(Category::Data, None))
    }

    fn refusal<'r>(&self, result: &'r Result<u32, Rejection>) -> Option<&'r Rejection> {
        result.as_ref().err()
    }
}

/// Where attempts are calls under other policies: one that was stopped has run, and one that was refused has not.
#[test]
fn of_refusals_further_in_those_of_attempts_that_ran_are_told() {
    let [timed_out, full] = [Reason::TimedOut, Reason::BulkheadFull].map(stopped);
    let time = ManualClock::new();
    let policy = Recorder::new(&time).settles(&[Next::Again, Next::Again]);
    let log = RefCell::new(Vec::new());
    let judge = Classified::new(&policy, Knows).notify(|tried: &Tried<'_, u32, Rejection>| {
        log.borrow_mut().push((tried.rejection().map(Rejection::reason), tried.attempts, tried.next));
    });
    let mut ends = vec![Ok(7), Err(full), Err(timed_out)];
    assert_eq!(judge.call_blocking(|_| ends.pop().unwrap()).unwrap(), 7);
    assert_eq!(log.take(), [(Some(Reason::TimedOut), 1, again())]);
    assert_eq!(policy.log()[2], "settle TimedOut", "and policies are told of it as of a refusal");
}

#[test]
fn who_listens_judges_as_before() {
    let judge = ByClass.notify(|_: &Tried<'_, u32, Rejection>| {});
    let result = Err(stopped(Reason::TimedOut));
    assert_eq!(judge.judge(&result), Verdict::Transient(None));
    assert_eq!(judge.cause(&result).map(|cause| cause.category), Some(Category::Timeout));
    assert!(Judge::<u32, Rejection>::is_listening(&judge));
    assert!(!Judge::<u32, Rejection>::is_listening(&ByClass));
}
