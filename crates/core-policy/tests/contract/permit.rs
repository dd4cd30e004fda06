//! One admission, held by hand.

use core_errors::Error;
use core_policy::{Permit, Reason, Verdict};
use core_time::{ManualClock, ms};

use crate::recorder::{Answer, Recorder};

#[test]
fn an_outcome_is_settled_once() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time);
    for (record, settled) in [
        ((|permit| permit.success()) as fn(Permit<&Recorder>), "settle Success"),
        (|permit| permit.failure(), "settle Transient(None)"),
        (|permit| permit.record_verdict(Verdict::Ignore), "settle Ignore"),
        (|permit| permit.record(&Ok::<_, Error>(())), "settle Success"),
        (|permit| permit.record(&Err::<(), _>(Error::internal("bug"))), "settle Permanent"),
    ] {
        record(Permit::acquire(&policy).unwrap());
        assert_eq!(policy.log(), ["begin", "admit", settled]);
    }
    assert_eq!(policy.slots(), (5, 5));
}

#[test]
fn cb_25_without_an_outcome_it_is_abandoned() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time);
    drop(Permit::acquire(&policy).unwrap());
    assert_eq!(policy.log(), ["begin", "admit", "abandon"]);
    assert_eq!(policy.slots(), (1, 1));
}

#[test]
fn cb_25_a_panic_while_it_is_held_is_no_outcome() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time);
    let holder = std::panic::AssertUnwindSafe(|| {
        let _permit = Permit::acquire(&policy).unwrap();
        panic!("boom");
    });
    assert!(std::panic::catch_unwind(holder).is_err());
    assert_eq!(policy.log(), ["begin", "admit", "abandon"]);
}

#[test]
fn a_refusal_is_returned_and_nothing_is_held() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).admits(&[Answer::Refuse(Reason::BulkheadFull)]);
    assert_eq!(Permit::acquire(&policy).unwrap_err().reason(), Reason::BulkheadFull);
    assert_eq!(policy.slots(), (0, 0));
}

#[test]
fn it_never_waits() {
    for answer in [Answer::Park, Answer::Sleep(ms(1))] {
        let time = ManualClock::new();
        let policy = Recorder::new(&time).admits(&[answer]);
        assert!(Permit::acquire(&policy).is_err());
        assert_eq!(policy.log().last().unwrap(), "abandon");
        assert_eq!(time.elapsed(), ms(0));
    }
}

#[test]
fn a_deadline_that_has_passed_refuses_it() {
    let time = ManualClock::new();
    let policy = Recorder::new(&time).ambient(time.now());
    assert_eq!(Permit::acquire(&policy).unwrap_err().reason(), Reason::DeadlineExceeded);
    assert_eq!(policy.log(), ["begin", "abandon"]);
}
