//! A host is a policy like the others.

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use core_breaker::{Breaker, ConsecutiveFailures, OutliersBuilder};
use core_errors::{Error, PolicyKind, Reason};
use core_policy::{CallError, Policy, Role, Stack, Verdict};
use core_time::secs;

use crate::bench::{Bench, by_sweeps};

/// Two failures in a row eject.
fn touchy() -> OutliersBuilder {
    by_sweeps().consecutive(ConsecutiveFailures::of(2))
}

/// The failures in a row of the first host.
fn run(bench: &Bench) -> u64 {
    bench.hosts[0].snapshot().consecutive_failures
}

#[test]
fn a_host_refuses_while_it_is_ejected() {
    let bench = Bench::new(3, touchy().name("search"));
    for _ in 0..2 {
        let failed = bench.hosts[0].call_blocking(|_| Err::<(), _>(Error::network("hung up")));
        assert!(matches!(failed, Err(CallError::Failed(_))));
    }
    let refused = bench.hosts[0].call_blocking(|_| Ok::<_, Error>(7)).unwrap_err();
    let rejection = refused.rejection().unwrap();
    assert_eq!((rejection.policy(), rejection.reason()), (PolicyKind::Outlier, Reason::HostEjected));
    assert_eq!((rejection.name().as_str(), rejection.retry_after()), ("search", Some(secs(30))));
    assert_eq!(rejection.to_string(), "outlier `search`: the host is ejected, worth trying again in 30s");
    assert_eq!(bench.hosts[0].snapshot().rejected, 1);
    assert_eq!(bench.hosts[1].call_blocking(|_| Ok::<_, Error>(7)).unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_says_nothing() {
    let bench = Bench::new(3, touchy());
    for _ in 0..5 {
        let mut call = Box::pin(bench.hosts[0].run(pending::<Result<(), Error>>()));
        let polled = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await;
        assert!(polled, "it waits, and is dropped");
    }
    let host = bench.hosts[0].snapshot();
    assert_eq!((run(&bench), host.inconclusive, host.failures), (0, 5, 0));
    drop(bench.hosts[0].acquire().unwrap());
    assert_eq!(bench.hosts[0].snapshot().inconclusive, 6);
}

#[test]
fn what_a_policy_further_in_refuses_says_nothing() {
    let bench = Bench::new(3, touchy());
    let open = Breaker::consecutive(1).build().unwrap();
    open.acquire().unwrap().failure();
    let stack = Stack::new(bench.hosts[0].clone(), open);
    for _ in 0..5 {
        let refused = core_policy::Permit::acquire(&stack).unwrap_err();
        assert_eq!(refused.reason(), Reason::CircuitOpen);
    }
    assert_eq!((run(&bench), bench.hosts[0].snapshot().inconclusive), (0, 5));
}

#[test]
fn an_ejected_host_is_no_failure_to_a_breaker_around_it() {
    let bench = Bench::new(3, touchy());
    bench.answer(0, 0, 2);
    let breaker = Breaker::consecutive(1).build().unwrap();
    let stack = Stack::new(&breaker, &bench.hosts[0]);
    let refused = core_policy::call_blocking(stack, |_| Ok::<_, Error>(7), &core_policy::ByClass, None);
    assert_eq!(refused.unwrap_err().rejection().unwrap().reason(), Reason::HostEjected);
    assert_eq!((breaker.snapshot().totals.failures, breaker.snapshot().totals.inconclusive), (0, 1));
}

#[test]
fn what_is_the_caller_s_fault_is_ignored_and_keeps_the_run() {
    let bench = Bench::new(3, touchy());
    bench.answer(0, 0, 1);
    bench.hosts[0].acquire().unwrap().record_verdict(Verdict::Ignore);
    assert_eq!((run(&bench), bench.hosts[0].snapshot().ignored), (1, 1));
    let bad = bench.hosts[0].call_blocking(|_| Err::<(), _>(Error::validation("no such order")));
    assert!(bad.is_err());
    assert_eq!((run(&bench), bench.hosts[0].snapshot().ignored), (1, 2));
}

#[test]
fn a_panic_is_a_failure_unless_the_rules_say_otherwise() {
    let panics = |bench: &Bench| {
        let call = || bench.hosts[0].call_blocking(|_| -> Result<(), Error> { panic!("a bug") });
        assert!(catch_unwind(AssertUnwindSafe(call)).is_err(), "it goes on");
        (bench.hosts[0].snapshot().failures, bench.hosts[0].snapshot().ignored)
    };
    assert_eq!(panics(&Bench::new(3, touchy())), (1, 0));
    assert_eq!(panics(&Bench::new(3, touchy().count_panics(false))), (0, 1));
}

#[test]
fn a_judge_of_its_own_says_what_failed() {
    let bench = Bench::new(3, touchy());
    let status = |result: &Result<u16, String>| match result {
        Ok(500..) => Verdict::Transient(None),
        Ok(_) => Verdict::Success,
        Err(_) => Verdict::Ignore,
    };
    for _ in 0..2 {
        assert_eq!(bench.hosts[0].classify(status).call_blocking(|_| Ok(503)).unwrap(), 503);
    }
    assert_eq!(bench.ejected(), [0]);
}

#[cfg(feature = "tower")]
#[test]
fn a_host_has_a_layer() {
    let bench = Bench::new(3, touchy());
    let _layer: core_policy::tower::PolicyLayer<core_breaker::Host> = bench.hosts[0].layer();
}

#[test]
fn a_host_says_that_it_is_one() {
    let bench = Bench::new(1, touchy());
    assert_eq!(bench.hosts[0].roles(), [Role::new(PolicyKind::Outlier)]);
}
