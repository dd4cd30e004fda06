//! The adapter to tower, around services that insist on the contract of `tower::Service`.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use core_errors::Error;
use core_policy::tower::{PolicyLayer, RepeatLayer};
use core_policy::{
    Admit, AtMostOnce, CallError, Cx, Name, Next, Outcome, Policy, PolicyKind, Reason, Rejection, Verdict,
};
use core_time::{Clock, ms};
use tower::limit::ConcurrencyLimit;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};

/// A service that panics when it is called without having been ready, and tells what was done to it.
struct Probe {
    id: u32,
    is_ready: bool,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    instances: AtomicU32,
    /// Which instances became ready, and which were called.
    ready: Mutex<Vec<u32>>,
    called: Mutex<Vec<u32>>,
    /// What the next polls for readiness answer: pending, or broken. Ready when it is over.
    polls: Mutex<VecDeque<Poll<Error>>>,
    /// So many calls fail.
    failures: AtomicU32,
}

/// Admits so many attempts of a request, or refuses all; counts what it is told.
#[derive(Default)]
struct Gate {
    clock: Clock,
    attempts: u32,
    refuses: bool,
    admitted: Cell<u32>,
    failed: Cell<u32>,
    abandoned: Cell<u32>,
}

// === impl Probe ===

impl Probe {
    fn new() -> Self {
        Self { id: 0, is_ready: false, seen: Arc::default() }
    }

    fn script(&self, failures: u32, polls: impl IntoIterator<Item = Poll<Error>>) {
        self.seen.failures.store(failures, Relaxed);
        self.seen.polls.lock().unwrap().extend(polls);
    }
}

/// Readiness is of one instance: a clone has none.
impl Clone for Probe {
    fn clone(&self) -> Self {
        let id = self.seen.instances.fetch_add(1, Relaxed) + 1;
        Self { id, is_ready: false, seen: Arc::clone(&self.seen) }
    }
}

impl Service<&'static str> for Probe {
    type Response = &'static str;
    type Error = Error;
    type Future = Ready<Result<&'static str, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self.seen.polls.lock().unwrap().pop_front() {
            Some(Poll::Pending) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Poll::Ready(error)) => return Poll::Ready(Err(error)),
            None => {}
        }
        if !self.is_ready {
            self.seen.ready.lock().unwrap().push(self.id);
        }
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: &'static str) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "instance {} was called without being ready", self.id);
        self.seen.called.lock().unwrap().push(self.id);
        let fails = self.seen.failures.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
        ready(if fails { Err(Error::unavailable("later")) } else { Ok(request) })
    }
}

// === impl Gate ===

impl Gate {
    fn attempts(attempts: u32) -> Self {
        Self { attempts, ..Self::default() }
    }

    fn refusing() -> Self {
        Self { refuses: true, ..Self::default() }
    }

    /// Admitted, failed, abandoned.
    fn counts(&self) -> (u32, u32, u32) {
        (self.admitted.get(), self.failed.get(), self.abandoned.get())
    }
}

fn bump(count: &Cell<u32>) {
    count.set(count.get() + 1);
}

impl Policy for Gate {
    /// Attempts of this call.
    type State = u32;

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn begin(&self) -> u32 {
        0
    }

    fn admit(&self, attempts: &mut u32, _: &mut Cx<'_>) -> Admit {
        if self.refuses {
            return Admit::Refuse(Rejection::new(PolicyKind::Breaker, Name::UNNAMED, Reason::CircuitOpen));
        }
        bump(&self.admitted);
        *attempts += 1;
        Admit::Run
    }

    fn settle(&self, attempts: &mut u32, outcome: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        let Outcome::Judged(verdict, _) = outcome else { return Next::Finish };
        if verdict.is_failure() {
            bump(&self.failed);
        }
        if verdict.is_retriable() && *attempts < self.attempts { Next::Again } else { Next::Finish }
    }

    fn abandon(&self, _: &mut u32) {
        bump(&self.abandoned);
    }
}

/// Only those gates that are made with one attempt stand under a layer that asks for it.
impl AtMostOnce for Gate {}

fn once(
    policy: &Gate,
    probe: &Probe,
) -> impl Service<&'static str, Response = &'static str, Error = CallError<Error>> + Clone {
    PolicyLayer::new(policy).layer(probe.clone())
}

fn again(
    policy: &Gate,
    probe: &Probe,
) -> impl Service<&'static str, Response = &'static str, Error = CallError<Error>> + Clone {
    RepeatLayer::new(policy).layer(probe.clone())
}

// === readiness ===

#[tokio::test]
async fn the_instance_that_was_ready_is_the_one_that_is_called() {
    let (policy, probe) = (Gate::attempts(1), Probe::new());
    let mut service = once(&policy, &probe);
    for _ in 0..3 {
        assert_eq!(service.ready().await.unwrap().call("hello").await.unwrap(), "hello");
    }
    let (ready, called) = (probe.seen.ready.lock().unwrap(), probe.seen.called.lock().unwrap());
    assert_eq!((ready.len(), *ready == *called), (3, true), "{ready:?} {called:?}");
}

#[tokio::test]
async fn before_each_repeat_the_service_is_asked_whether_it_is_ready() {
    let (policy, probe) = (Gate::attempts(5), Probe::new());
    probe.script(4, []);
    assert_eq!(again(&policy, &probe).oneshot("hello").await.unwrap(), "hello");
    let (ready, called) = (probe.seen.ready.lock().unwrap(), probe.seen.called.lock().unwrap());
    assert_eq!((ready.len(), *ready == *called), (5, true), "{ready:?} {called:?}");
    assert_eq!(policy.counts(), (5, 4, 0));
}

#[tokio::test]
async fn readiness_that_takes_a_while_is_waited_for() {
    let (policy, probe) = (Gate::attempts(1), Probe::new());
    probe.script(0, [Poll::Pending, Poll::Pending, Poll::Pending]);
    let mut service = once(&policy, &probe);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..3 {
        assert!(service.poll_ready(&mut cx).is_pending());
    }
    assert!(service.poll_ready(&mut cx).is_ready());
    assert_eq!(service.call("hello").await.unwrap(), "hello");
}

#[tokio::test]
async fn so_is_that_of_a_repeat() {
    let (policy, probe) = (Gate::attempts(2), Probe::new());
    let mut service = again(&policy, &probe);
    let call = service.ready().await.unwrap().call("hello");
    probe.script(1, [Poll::Pending, Poll::Pending]);
    assert_eq!(call.await.unwrap(), "hello");
    assert_eq!(probe.seen.called.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_service_that_is_broken_says_so_and_no_policy_is_asked() {
    let (policy, probe) = (Gate::attempts(1), Probe::new());
    probe.script(0, [Poll::Ready(Error::network("the pool is gone"))]);
    let error = once(&policy, &probe).oneshot("hello").await.unwrap_err();
    assert!(matches!(&error, CallError::Failed(error) if error.message() == "the pool is gone"));
    assert_eq!(policy.counts(), (0, 0, 0));
}

#[tokio::test]
async fn a_service_that_breaks_before_a_repeat_has_failed_that_attempt() {
    let (policy, probe) = (Gate::attempts(3), Probe::new());
    let mut service = again(&policy, &probe);
    let call = service.ready().await.unwrap().call("hello");
    probe.script(1, [Poll::Ready(Error::network("the pool is gone"))]);
    assert_eq!(call.await.unwrap(), "hello");
    assert_eq!(policy.counts(), (3, 2, 0));
    assert_eq!(probe.seen.called.lock().unwrap().len(), 2, "the broken one was not called");
}

#[tokio::test]
async fn a_clone_is_ready_by_itself() {
    let (policy, probe) = (Gate::attempts(1), Probe::new());
    let mut one = once(&policy, &probe);
    one.ready().await.unwrap();
    let mut other = one.clone();
    assert_eq!(other.ready().await.unwrap().call("other").await.unwrap(), "other");
    assert_eq!(one.call("one").await.unwrap(), "one", "it was ready before, and still is");
}

#[tokio::test]
#[should_panic(expected = "called without being ready")]
async fn a_caller_that_does_not_ask_is_not_covered_for() {
    let (policy, probe) = (Gate::attempts(1), Probe::new());
    let _ = once(&policy, &probe).call("hello").await;
}

// === refusals, verdicts, drops ===

#[tokio::test]
async fn a_refusal_does_not_reach_the_service_and_keeps_no_slot_of_it() {
    let (policy, probe) = (Gate::refusing(), Probe::new());
    let mut service = PolicyLayer::new(&policy).layer(ConcurrencyLimit::new(probe.clone(), 1));
    for _ in 0..3 {
        let error = service.ready().await.unwrap().call("hello").await.unwrap_err();
        assert_eq!(error.rejection().unwrap().reason(), Reason::CircuitOpen);
    }
    assert!(probe.seen.called.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_request_that_is_dropped_keeps_no_slot_of_the_service() {
    let (policy, probe) = (Gate::attempts(1), Probe::new());
    let mut service = PolicyLayer::new(&policy).layer(ConcurrencyLimit::new(probe.clone(), 1));
    drop(service.ready().await.unwrap().call("never polled"));
    assert_eq!(service.ready().await.unwrap().call("hello").await.unwrap(), "hello");
    assert_eq!(policy.counts(), (1, 0, 0), "the call that was dropped never began");
}

#[tokio::test]
async fn a_judge_may_find_a_response_a_failure() {
    let (policy, probe) = (Gate::attempts(2), Probe::new());
    let judge = |result: &Result<&str, Error>| match result {
        Ok("503") => Verdict::Transient(None),
        other => Verdict::of(other),
    };
    let service = RepeatLayer::new(&policy).classify(judge).layer(probe.clone());
    assert_eq!(service.oneshot("503").await.unwrap(), "503");
    assert_eq!(policy.counts(), (2, 2, 0));
    let once = Gate::attempts(1);
    PolicyLayer::new(&once).classify(judge).layer(probe).oneshot("503").await.unwrap();
    assert_eq!(once.counts(), (1, 1, 0));
}

// === among the layers of tower ===

#[tokio::test]
async fn a_repeat_does_not_wait_for_the_slot_of_the_attempt_before() {
    let (policy, probe) = (Gate::attempts(4), Probe::new());
    probe.script(3, []);
    let limited = ConcurrencyLimit::new(probe, 1);
    let mut call = pin!(RepeatLayer::new(&policy).layer(limited).oneshot("hello"));
    let answer = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(answer, Poll::Ready(Ok("hello"))), "{answer:?}");
}

#[tokio::test]
async fn a_limit_outside_counts_the_call_with_its_repeats_as_one() {
    let (policy, probe) = (Gate::attempts(3), Probe::new());
    probe.script(2, []);
    let mut service =
        ServiceBuilder::new().concurrency_limit(1).layer(RepeatLayer::new(&policy)).service(probe);
    let call = service.ready().await.unwrap().call("hello");
    assert!(service.poll_ready(&mut Context::from_waker(Waker::noop())).is_pending(), "one is out");
    assert_eq!(call.await.unwrap(), "hello");
    assert!(service.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_timeout_outside_drops_the_call_which_is_abandoned() {
    let policy = Gate::attempts(1);
    let service = ServiceBuilder::new()
        .timeout(ms(20))
        .layer(PolicyLayer::new(&policy))
        .service(service_fn(|(): ()| std::future::pending::<Result<(), Error>>()));
    let error = service.oneshot(()).await.unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>(), "{error}");
    assert_eq!(policy.counts(), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_is_an_error_of_the_service() {
    let policy = Gate::attempts(1);
    let service = ServiceBuilder::new()
        .layer(PolicyLayer::new(&policy))
        .timeout(ms(20))
        .service(service_fn(|(): ()| std::future::pending::<Result<(), Error>>()));
    let error: CallError<BoxError> = service.oneshot(()).await.unwrap_err();
    assert!(error.into_inner().unwrap().is::<tower::timeout::error::Elapsed>());
    assert_eq!(policy.counts(), (1, 1, 0));
}

#[tokio::test]
async fn layers_of_ours_go_around_each_other() {
    let (outer, inner, probe) = (Gate::attempts(3), Gate::attempts(1), Probe::new());
    probe.script(2, []);
    let service = ServiceBuilder::new()
        .layer(RepeatLayer::new(&outer))
        .layer(PolicyLayer::new(&inner))
        .service(probe.clone());
    assert_eq!(service.oneshot("hello").await.unwrap(), "hello");
    assert_eq!((outer.counts(), inner.counts()), ((3, 2, 0), (3, 2, 0)));
    assert_eq!(*probe.seen.ready.lock().unwrap(), *probe.seen.called.lock().unwrap());
}
