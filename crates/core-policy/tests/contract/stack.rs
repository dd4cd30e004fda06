//! A policy around another.

use core_errors::Error;
use core_policy::{Attempt, ByClass, Call, CallError, Next, Permit, Policy, PolicyKind, Reason, Stack, Why};
use core_time::{ManualClock, ms};

use crate::recorder::{Answer, Log, Recorder, pauses, run};

struct Pair {
    time: ManualClock,
    log: Log,
    stack: Stack<Recorder, Recorder>,
}

impl Pair {
    fn new(outer: impl FnOnce(Recorder) -> Recorder, inner: impl FnOnce(Recorder) -> Recorder) -> Self {
        let (time, log) = (ManualClock::new(), Log::default());
        let make = |label| Recorder::within(&log, label, &time);
        let stack = Stack::new(outer(make("outer")), inner(make("inner")));
        Self { time, log, stack }
    }

    /// Fails so many times, a millisecond each.
    fn run(&self, failures: u32) -> Result<u32, CallError<Error>> {
        let op = async |attempt: Attempt| {
            pauses(1).await;
            let number = attempt.number().get();
            if number <= failures { Err(Error::network("hung up")) } else { Ok(number) }
        };
        run(&self.time, Call::new(&self.stack, op, ByClass))
    }

    fn slots(&self) -> [(u32, u32); 2] {
        [self.stack.outer().slots(), self.stack.inner().slots()]
    }
}

fn plain(policy: Recorder) -> Recorder {
    policy
}

#[test]
fn the_outer_policy_is_asked_first_and_told_last() {
    let pair = Pair::new(plain, plain);
    pair.run(0).unwrap();
    assert_eq!(
        pair.log.take(),
        [
            "outer.begin",
            "outer.admit",
            "inner.begin",
            "inner.admit",
            "inner.settle Success",
            "outer.settle Success"
        ]
    );
}

#[test]
fn when_the_outer_policy_wants_another_attempt_the_inner_one_begins_anew() {
    let pair = Pair::new(|outer| outer.settles(&[Next::Again]), plain);
    assert_eq!(pair.run(1).unwrap(), 2);
    let round = ["outer.admit", "inner.begin", "inner.admit"];
    let failed = ["inner.settle Transient(None)", "outer.settle Transient(None)"];
    let passed = ["inner.settle Success", "outer.settle Success"];
    let expected = [&["outer.begin"][..], &round, &failed, &round, &passed].concat();
    assert_eq!(pair.log.take(), expected);
    assert_eq!(pair.slots(), [(2, 2), (2, 2)]);
}

#[test]
fn when_the_inner_policy_wants_another_attempt_the_outer_one_hears_only_the_end() {
    let pair = Pair::new(plain, |inner| inner.settles(&[Next::Again]));
    assert_eq!(pair.run(1).unwrap(), 2);
    let log = pair.log.take();
    let of_outer: Vec<_> = log.iter().filter(|line| line.starts_with("outer")).collect();
    assert_eq!(of_outer, ["outer.begin", "outer.admit", "outer.settle Success"]);
    assert_eq!(pair.slots(), [(1, 1), (2, 2)]);
}

#[test]
fn pl_3_a_refusal_of_the_inner_policy_is_no_failure_to_the_outer() {
    let pair = Pair::new(plain, |inner| inner.admits(&[Answer::Refuse(Reason::BulkheadFull)]));
    let error = pair.run(0).unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::BulkheadFull);
    let told = pair.log.take();
    assert!(told.contains(&"outer.settle BulkheadFull".to_owned()), "{told:?}");
    assert_eq!(pair.slots(), [(1, 1), (0, 0)], "what the outer one held is given back");
}

#[test]
fn after_a_refusal_of_the_inner_policy_the_outer_one_may_try_again() {
    let inner = |inner: Recorder| inner.admits(&[Answer::Refuse(Reason::RateLimited), Answer::Run]);
    let pair =
        Pair::new(|outer| outer.admits(&[Answer::Run, Answer::Sleep(ms(9))]).settles(&[Next::Again]), inner);
    assert_eq!(pair.run(0).unwrap(), 1, "nothing had been attempted before");
    let log = pair.log.take();
    let at = log.iter().position(|line| line == "inner.abandon").unwrap();
    let then = ["outer.settle RateLimited", "outer.admit", "outer.admit", "inner.begin"];
    assert_eq!(log[at + 1..at + 5], then, "{log:?}");
    assert_eq!(pair.time.elapsed(), ms(9 + 1));
    assert_eq!(pair.slots(), [(2, 2), (1, 1)]);
}

#[test]
fn when_the_outer_policy_refuses_the_next_attempt_the_inner_one_has_given_back_the_last() {
    let answers = [Answer::Run, Answer::Refuse(Reason::BudgetExhausted)];
    let pair = Pair::new(|outer| outer.admits(&answers).settles(&[Next::Again]), plain);
    let error = pair.run(9).unwrap_err();
    let why = Why::Refused(PolicyKind::Breaker, Reason::BudgetExhausted);
    assert!(
        matches!(&error, CallError::Exhausted { attempts: 1, why: told, .. } if *told == why),
        "{error:?}"
    );
    assert_eq!(pair.slots(), [(1, 1), (1, 1)]);
}

#[test]
fn the_inner_policy_is_not_asked_while_the_outer_one_waits() {
    let pair = Pair::new(|outer| outer.admits(&[Answer::Park, Answer::Sleep(ms(5)), Answer::Run]), plain);
    pair.run(0).unwrap();
    let log = pair.log.take();
    let asked = log.iter().position(|line| line == "inner.admit").unwrap();
    assert_eq!(log[..asked].iter().filter(|line| *line == "outer.admit").count(), 3);
}

#[test]
fn while_the_inner_policy_waits_the_outer_one_is_not_asked_again() {
    let pair = Pair::new(plain, |inner| inner.admits(&[Answer::Park, Answer::Park, Answer::Run]));
    pair.run(0).unwrap();
    let log = pair.log.take();
    assert_eq!(log.iter().filter(|line| *line == "outer.admit").count(), 1, "{log:?}");
    assert_eq!(log.iter().filter(|line| *line == "inner.admit").count(), 3, "{log:?}");
}

#[test]
fn rt_8_what_the_inner_policy_gave_up_is_permanent_to_the_outer() {
    let pair = Pair::new(plain, |inner| inner.settles(&[Next::GiveUp(Why::Attempts)]));
    let error = pair.run(9).unwrap_err();
    assert!(matches!(error, CallError::Exhausted { why: Why::Attempts, .. }), "{error:?}");
    assert!(pair.log.take().contains(&"outer.settle Permanent".to_owned()));
}

#[test]
fn rt_8_so_are_attempts_that_ran_out_of_time() {
    let pair = Pair::new(plain, |inner| inner.limit(ms(1)).settles(&[Next::GiveUp(Why::Attempts)]));
    let error =
        run(&pair.time, Call::new(&pair.stack, |_| std::future::pending::<Result<(), Error>>(), ByClass));
    assert!(error.unwrap_err().is_timeout());
    let told = pair.log.take();
    assert!(told.contains(&"outer.settle Permanent".to_owned()), "{told:?}");
}

#[test]
fn rt_8_a_refusal_that_was_waited_for_in_vain_is_still_no_failure() {
    let inner = |inner: Recorder| {
        inner.admits(&[Answer::Park; 9]).wait(ms(1)).settles(&[Next::GiveUp(Why::Attempts)])
    };
    let pair = Pair::new(plain, inner);
    assert_eq!(pair.run(0).unwrap_err().rejection().unwrap().reason(), Reason::QueueTimeout);
    let told = pair.log.take();
    assert!(told.contains(&"outer.settle Ignore".to_owned()), "{told:?}");
}

#[test]
fn of_two_limits_that_have_passed_the_outer_one_counts() {
    let pair = Pair::new(|outer| outer.limit(ms(5)), |inner| inner.limit(ms(5)).settles(&[Next::Again]));
    let call = Call::new(&pair.stack, |_| std::future::pending::<Result<(), Error>>(), ByClass);
    assert!(run(&pair.time, call).unwrap_err().is_timeout());
    assert_eq!(pair.time.elapsed(), ms(5), "nothing inside it goes on");
}

#[test]
fn pl_3_a_limit_that_passes_before_the_callee_was_called_says_nothing_about_it() {
    for answer in [Answer::Park, Answer::Sleep(ms(99))] {
        let pair = Pair::new(|outer| outer.limit(ms(5)), |inner| inner.admits(&[answer; 9]).wait(ms(99)));
        assert_eq!(pair.run(0).unwrap_err().rejection().unwrap().reason(), Reason::TimedOut);
        let told = pair.log.take();
        assert!(told.contains(&"outer.settle DeadlineExceeded".to_owned()), "{told:?}");
        assert!(told.contains(&"inner.settle DeadlineExceeded".to_owned()), "{told:?}");
        assert_eq!((pair.time.elapsed(), pair.slots()), (ms(5), [(1, 1), (0, 0)]));
    }
}

#[test]
fn a_permit_of_a_stack_is_of_both() {
    let pair = Pair::new(plain, plain);
    Permit::acquire(&pair.stack).unwrap().success();
    drop(Permit::acquire(&pair.stack).unwrap());
    assert_eq!(pair.slots(), [(2, 2), (2, 2)]);
}

#[test]
fn the_deadline_of_a_stack_is_the_earlier_of_both() {
    for (outer, inner) in [(5, 50), (50, 5)] {
        let (time, log) = (ManualClock::new(), Log::default());
        let until = |millis| Recorder::within(&log, "", &time).ambient(time.now() + ms(millis));
        let stack = Stack::new(until(outer), until(inner));
        assert_eq!(stack.ambient_deadline(), Some(time.now() + ms(5)));
        let other = Stack::new(Some(until(5)), Recorder::new(&time));
        assert_eq!(other.ambient_deadline(), Some(time.now() + ms(5)));
    }
}

#[test]
fn a_policy_that_is_not_there_changes_nothing() {
    let course = |wrap: &dyn Fn(Recorder) -> Result<u32, CallError<Error>>, log: &Log, policy| {
        let result = wrap(policy);
        (result.unwrap(), log.take())
    };
    let time = ManualClock::new();
    let log = Log::default();
    let policy = || Recorder::within(&log, "", &time).settles(&[Next::Again]);
    let op = async |attempt: Attempt| match attempt.number().get() {
        1 => Err(Error::network("hung up")),
        number => Ok(number),
    };
    let alone = course(&|policy| run(&time, Call::new(&policy, op, ByClass)), &log, policy());
    let inside: &dyn Fn(Recorder) -> _ =
        &|policy| run(&time, Call::new(Stack::new(None::<Recorder>, policy), op, ByClass));
    let around: &dyn Fn(Recorder) -> _ =
        &|policy| run(&time, Call::new(Stack::new(policy, None::<Recorder>), op, ByClass));
    let some: &dyn Fn(Recorder) -> _ = &|policy| run(&time, Call::new(Some(policy), op, ByClass));
    for wrap in [inside, around, some] {
        assert_eq!(course(wrap, &log, policy()), alone);
    }
}

#[test]
fn a_policy_that_is_not_there_has_no_clock_of_its_own() {
    let time = ManualClock::new();
    let sleeps = || Recorder::new(&time).admits(&[Answer::Sleep(ms(7))]);
    let op = async |_: Attempt| Ok::<_, Error>(());
    let absent = || Stack::new(None::<Recorder>, None::<Recorder>);
    run(&time, Call::new(Stack::new(None::<Recorder>, sleeps()), op, ByClass)).unwrap();
    run(&time, Call::new(Stack::new(absent(), Some(sleeps())), op, ByClass)).unwrap();
    run(&time, Call::new(Stack::new(Some(absent()), Stack::new(sleeps(), absent())), op, ByClass)).unwrap();
    assert_eq!(time.elapsed(), ms(21));
}

#[test]
fn nothing_at_all_admits_everything() {
    let time = ManualClock::new();
    let none: Stack<Option<Recorder>, Option<Recorder>> = Stack::new(None, None);
    assert_eq!(none.ambient_deadline(), None);
    assert!(none.is_absent());
    let one = || Some(Recorder::new(&time));
    assert!(
        !Stack::new(one(), None::<Recorder>).is_absent() && !Stack::new(None::<Recorder>, one()).is_absent()
    );
    let result =
        run(&time, Call::new(&none, async |attempt: Attempt| Ok::<_, Error>(attempt.remaining()), ByClass));
    assert_eq!(result.unwrap(), None);
    Permit::acquire(&none).unwrap().failure();
}

#[test]
fn fb_1_both_are_told_of_a_fallback_and_what_is_not_there_is_not() {
    let (time, log) = (ManualClock::new(), Log::default());
    let make = |label| Recorder::within(&log, label, &time);
    Stack::new(Some(make("outer")), Stack::new(None::<Recorder>, make("inner"))).falls_back();
    assert_eq!(log.take(), ["outer.falls_back", "inner.falls_back"]);
}
