//! A thread that calls takes the decisions that a future would.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use core_errors::Error;
use core_policy::{Attempt, ByClass, Call, CallError, Next, Reason, Why, call_blocking};
use core_time::{Clock, Instant, ManualClock, ms, secs};

use crate::recorder::{Answer, Recorder, run};

type Answered = Result<u32, CallError<Error>>;

/// What a call came to.
#[derive(Debug, PartialEq)]
struct Course {
    result: Result<u32, CallError<String>>,
    log: Vec<String>,
    slots: (u32, u32),
    took: Duration,
}

/// Runs a script in both shells, checks that they agree, and returns what both came to.
fn both(failures: u32, script: impl Fn(Recorder, Instant) -> Recorder) -> Course {
    let course = |call: &dyn Fn(&ManualClock, &Recorder) -> Answered| {
        let time = ManualClock::new();
        let policy = script(Recorder::new(&time), time.now());
        let result = call(&time, &policy).map_err(|error| error.map(|error| error.message().to_owned()));
        Course { result, log: policy.log(), slots: policy.slots(), took: time.elapsed() }
    };
    let op = |attempt: Attempt| match attempt.number().get() {
        number if number <= failures => Err(Error::unavailable("later")),
        number => Ok(number),
    };
    let future = course(&|time, policy| run(time, Call::new(policy, async |attempt| op(attempt), ByClass)));
    let thread = course(&|_, policy| call_blocking(policy, op, &ByClass, None));
    assert_eq!(future, thread);
    thread
}

#[test]
fn a_success() {
    assert_eq!(both(0, |policy, _| policy).log, ["begin", "admit", "settle Success"]);
}

#[test]
fn a_failure() {
    assert!(matches!(both(1, |policy, _| policy).result, Err(CallError::Failed(_))));
}

#[test]
fn attempts_with_sleeps_between_them() {
    let answers = [Answer::Run, Answer::Sleep(ms(20)), Answer::Run, Answer::Sleep(ms(40))];
    let course = both(2, |policy, _| policy.admits(&answers).settles(&[Next::Again, Next::Again]));
    assert_eq!((course.result, course.took, course.slots), (Ok(3), ms(60), (3, 3)));
}

#[test]
fn a_refusal() {
    let course = both(0, |policy, _| policy.admits(&[Answer::Refuse(Reason::CircuitOpen)]));
    assert_eq!(course.log, ["begin", "admit", "abandon"]);
}

#[test]
fn a_refusal_after_a_failure() {
    let answers = [Answer::Run, Answer::Sleep(ms(5)), Answer::Refuse(Reason::RateLimited)];
    let course = both(9, |policy, _| policy.admits(&answers).settles(&[Next::Again]));
    assert!(
        matches!(course.result, Err(CallError::Exhausted { attempts: 1, elapsed, .. }) if elapsed == ms(5))
    );
}

#[test]
fn giving_up() {
    let course = both(9, |policy, _| policy.settles(&[Next::Again, Next::GiveUp(Why::BudgetExhausted)]));
    assert!(matches!(course.result, Err(CallError::Exhausted { why: Why::BudgetExhausted, .. })));
}

#[test]
fn a_deadline_that_has_passed() {
    assert_eq!(both(0, Recorder::ambient).log, [""; 0]);
}

#[test]
fn a_deadline_that_comes_during_a_sleep() {
    let course = both(0, |policy, now| policy.admits(&[Answer::Sleep(ms(50))]).ambient(now + ms(20)));
    assert_eq!(course.log, ["begin", "admit", "settle DeadlineExceeded", "abandon"]);
    assert_eq!(course.took, ms(20));
}

#[test]
fn cb_37_a_panic_is_settled_once_and_goes_on() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time);
    let op = |_: Attempt| -> Result<(), Error> { panic!("boom") };
    let call = AssertUnwindSafe(|| call_blocking(&policy, op, &ByClass, None));
    assert_eq!(catch_unwind(call).unwrap_err().downcast_ref(), Some(&"boom"));
    assert_eq!(policy.log(), ["begin", "admit", "settle Panicked", "abandon"]);
    assert_eq!(policy.slots(), (1, 1));
}

#[test]
fn a_turn_that_comes_wakes_the_thread() {
    let time = ManualClock::new();
    // Whoever gives the turn may do so before the thread has gone to sleep: it must not sleep then.
    let policy = WakesAtOnce(Recorder::new(&time).admits(&[Answer::Park]));
    call_blocking(&policy, |_| Ok::<_, Error>(()), &ByClass, None).unwrap();
    assert_eq!(policy.0.log(), ["begin", "admit", "admit", "settle Success"]);
}

/// A coarse reading may lag, and a thread that is put to sleep by it comes back so much later than it said it would.
#[test]
fn a_wait_for_a_turn_does_not_outlast_its_limit_by_what_coarse_readings_lag() {
    let time = ManualClock::lagging(secs(5));
    // It is asked once before there is anybody to wake.
    let policy = Recorder::new(&time).admits(&[Answer::Park; 2]).wait(ms(1));
    let (clock, start) = (Clock::system(), Clock::system().now());
    call_blocking(&policy, |_| Ok::<_, Error>(()), &ByClass, None).unwrap();
    assert!(clock.now() - start < secs(5), "it slept for a millisecond and the lag");
    assert_eq!(policy.log(), ["begin", "admit", "admit", "admit", "settle Success"]);
}

/// Gives the turn at the moment at which the limit of the wait is asked for.
struct WakesAtOnce(Recorder);

impl core_policy::Policy for WakesAtOnce {
    type State = <Recorder as core_policy::Policy>::State;

    fn clock(&self) -> &Clock {
        self.0.clock()
    }

    fn begin(&self) -> Self::State {
        self.0.begin()
    }

    fn admit(&self, state: &mut Self::State, cx: &mut core_policy::Cx<'_>) -> core_policy::Admit {
        self.0.admit(state, cx)
    }

    fn settle(
        &self,
        state: &mut Self::State,
        outcome: &core_policy::Outcome<'_>,
        cx: &mut core_policy::Cx<'_>,
    ) -> Next {
        self.0.settle(state, outcome, cx)
    }

    fn abandon(&self, state: &mut Self::State) {
        self.0.abandon(state);
    }

    fn cutoff(&self, state: &mut Self::State, cx: &mut core_policy::Cx<'_>) -> Option<Instant> {
        self.0.wake();
        // Far away: who went to sleep in spite of the wake-up would hang here.
        self.0.cutoff(state, cx).map(|at| at + Duration::from_secs(3_600))
    }
}

#[test]
fn an_attempt_that_takes_too_long_keeps_its_result_and_is_the_last() {
    for (failures, expected) in [(0, Ok(1)), (9, Err(Reason::DeadlineExceeded))] {
        let time = ManualClock::new();
        let policy = Recorder::new(&time).settles(&[Next::Again; 9]).ambient(time.now() + ms(10));
        let made = Cell::new(0);
        let op = |attempt: Attempt| {
            made.set(made.get() + 1);
            time.advance(ms(11));
            if attempt.number().get() > failures { Ok(made.get()) } else { Err(Error::network("hung up")) }
        };
        let result = call_blocking(&policy, op, &ByClass, None);
        let result = result.map_err(|error| match error {
            CallError::Exhausted { why: Why::Refused(_, reason), .. } => reason,
            other => panic!("{other:?}"),
        });
        assert_eq!((result, made.get()), (expected, 1));
    }
}

#[test]
fn rt_1_the_time_that_was_spent_is_counted_from_the_first_failure() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).settles(&[Next::Again, Next::Again, Next::GiveUp(Why::Attempts)]);
    let op = |_: Attempt| {
        time.advance(ms(7));
        Err::<(), _>(Error::network("hung up"))
    };
    let error = call_blocking(&policy, op, &ByClass, None).unwrap_err();
    assert!(
        matches!(error, CallError::Exhausted { attempts: 3, elapsed, .. } if elapsed == ms(14)),
        "{error:?}"
    );
}

#[test]
fn a_call_within_a_call_is_a_call() {
    let time = ManualClock::new();
    let (outer, inner) = (Recorder::new(&time), Recorder::new(&time).admits(&[Answer::Sleep(ms(3))]));
    let result = call_blocking(
        &outer,
        |_| call_blocking(&inner, |_| Ok::<_, Error>(7), &ByClass, None),
        &ByClass,
        None,
    );
    assert_eq!(result.unwrap(), 7);
    assert_eq!((outer.slots(), inner.slots()), ((1, 1), (1, 1)));
}
