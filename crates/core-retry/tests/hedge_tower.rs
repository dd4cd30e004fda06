//! Hedges as a layer of tower: readiness, clones, hostile services, and tower's own hedge beside ours.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use core_errors::Error;
use core_policy::{CallError, Verdict};
use core_retry::{Budget, Hedge};
use core_time::{Clock, ms, secs};
use tower::hedge::Policy;
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

/// Each instance is ready for itself, and only once; requests take so long, one after the other.
struct Replicas {
    shared: Arc<Shared>,
    is_ready: bool,
}

#[derive(Default)]
struct Shared {
    plan: Mutex<Vec<(Duration, Result<u32, &'static str>)>>,
    calls: AtomicU32,
    running: AtomicU32,
    /// How often a clone says that it is not ready, and is never heard of again.
    never_ready: AtomicU32,
}

struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
    }
}

impl Replicas {
    fn new(plan: &[(Duration, Result<u32, &'static str>)]) -> Self {
        let plan = Mutex::new(plan.iter().rev().copied().collect());
        Self { shared: Arc::new(Shared { plan, ..Shared::default() }), is_ready: false }
    }
}

/// As with every service: that one is ready says nothing of its clones.
impl Clone for Replicas {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), is_ready: false }
    }
}

impl Service<&'static str> for Replicas {
    type Response = u32;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<u32, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let is_first = self.shared.calls.load(Relaxed) == 0;
        if !is_first && self.shared.never_ready.load(Relaxed) > 0 {
            return Poll::Pending;
        }
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: &'static str) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without being ready");
        let (takes, answer) = self.shared.plan.lock().unwrap().pop().expect("no more requests than planned");
        self.shared.calls.fetch_add(1, Relaxed);
        self.shared.running.fetch_add(1, Relaxed);
        let running = Running(Arc::clone(&self.shared));
        Box::pin(async move {
            let _running = running;
            Clock::system().sleep(takes).await;
            answer.map_err(Error::network)
        })
    }
}

fn hedge() -> Hedge {
    Hedge::after(ms(30)).budget(&Budget::default()).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_long_goes_to_a_clone_too_and_the_loser_is_dropped() {
    let replicas = Replicas::new(&[(secs(1), Ok(1)), (ms(5), Ok(2))]);
    let hedge = hedge();
    let mut service = hedge.layer().layer(replicas.clone());
    let (clock, start) = (Clock::system(), Clock::system().now());
    let mut call = std::pin::pin!(service.ready().await.unwrap().call("hello"));
    assert_eq!(call.as_mut().await.unwrap(), 2);
    assert_eq!((clock.now() - start, replicas.shared.running.load(Relaxed)), (ms(35), 0));
    assert_eq!((hedge.stats().hedges, hedge.stats().won), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_answered_in_time_is_made_once_by_the_instance_that_was_ready() {
    let replicas = Replicas::new(&[(ms(29), Ok(1))]);
    assert_eq!(hedge().layer().layer(replicas.clone()).oneshot("hello").await.unwrap(), 1);
    assert_eq!(replicas.shared.calls.load(Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_clone_that_is_never_ready_does_not_hold_the_first() {
    let replicas = Replicas::new(&[(ms(100), Ok(1))]);
    replicas.shared.never_ready.store(1, Relaxed);
    let hedge = hedge();
    assert_eq!(hedge.layer().layer(replicas.clone()).oneshot("hello").await.unwrap(), 1);
    assert_eq!((hedge.stats().hedges, replicas.shared.calls.load(Relaxed)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_limit_inside_is_kept_and_its_slot_is_free_when_the_answer_is_here() {
    let replicas = Replicas::new(&[(ms(100), Ok(1)), (ms(1), Ok(2))]);
    let hedge = hedge();
    let mut service = hedge.layer().layer(ConcurrencyLimit::new(replicas.clone(), 1));
    assert_eq!(
        service.ready().await.unwrap().call("hello").await.unwrap(),
        1,
        "there was no room for a second"
    );
    assert_eq!(service.ready().await.unwrap().call("hello").await.unwrap(), 2);
    let roomy = Replicas::new(&[(secs(9), Ok(1)), (ms(1), Ok(2)), (ms(1), Ok(3))]);
    let mut service = hedge.layer().layer(ConcurrencyLimit::new(roomy, 2));
    assert_eq!(service.ready().await.unwrap().call("hello").await.unwrap(), 2);
    assert_eq!(service.ready().await.unwrap().call("hello").await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_broken_says_so_and_a_failure_brings_the_hedge_forward() {
    let broken = service_fn(|_: &'static str| async { Err::<u32, _>(Error::network("gone")) });
    let error = hedge().layer().layer(broken).oneshot("hello").await.unwrap_err();
    assert!(matches!(error, CallError::Failed(_)));
    let replicas = Replicas::new(&[(ms(3), Err("lost")), (ms(4), Ok(2))]);
    let start = Clock::system().now();
    assert_eq!(hedge().layer().layer(replicas).oneshot("hello").await.unwrap(), 2);
    assert_eq!(Clock::system().now() - start, ms(7));
}

#[tokio::test(start_paused = true)]
async fn a_judge_may_find_a_response_a_failure() {
    let replicas = Replicas::new(&[(ms(1), Ok(503)), (ms(1), Ok(200))]);
    let judge = |result: &Result<u32, Error>| match result {
        Ok(500..) => Verdict::Transient(None),
        other => Verdict::of(other),
    };
    assert_eq!(hedge().layer().classify(judge).layer(replicas).oneshot("hello").await.unwrap(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_drops_all_its_attempts() {
    let replicas = Replicas::new(&[(secs(9), Ok(1)), (secs(9), Ok(2))]);
    let mut service = hedge().layer().layer(replicas.clone());
    let mut call = Box::pin(service.ready().await.unwrap().call("hello"));
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    tokio::time::advance(ms(31)).await;
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(replicas.shared.running.load(Relaxed), 2);
    drop(call);
    assert_eq!(replicas.shared.running.load(Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn it_stands_among_the_layers_of_tower_and_goes_to_other_threads() {
    fn sent<T: Send + 'static>(value: T) -> T {
        value
    }
    let hedge = hedge();
    let service = ServiceBuilder::new()
        .timeout(ms(50))
        .concurrency_limit(4)
        .layer(hedge.layer())
        .service(service_fn(|_: &'static str| pending::<Result<u32, Error>>()));
    let error = sent(service.oneshot("hello")).await.unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>(), "{error}");
    assert_eq!(hedge.stats().hedges, 1);
}

#[tokio::test]
#[should_panic(expected = "called without being ready")]
async fn a_caller_that_does_not_ask_is_not_covered_for() {
    let _ = hedge().layer().layer(Replicas::new(&[(ms(1), Ok(1))])).call("hello").await;
}

// === beside tower's ===

#[derive(Clone)]
struct Always;

impl Policy<&'static str> for Always {
    fn clone_request(&self, request: &&'static str) -> Option<&'static str> {
        Some(request)
    }

    fn can_retry(&self, _: &&'static str) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn it_answers_what_towers_own_does_for_replicas_that_do_not_fail() {
    for first in [1, 10, 29, 60, 90, 500] {
        for second in [1, 20, 200, 900] {
            let plan = [(ms(first), Ok(1)), (ms(second), Ok(2))];
            let clock = Clock::system();
            let start = clock.now();
            let ours = hedge().layer().layer(Replicas::new(&plan)).oneshot("hello").await.unwrap();
            let our_time = clock.now() - start;
            // Its delay is what 95 of 100 took: 30 ms, told by a histogram of thirty-millisecond samples.
            let theirs = tower::hedge::Hedge::new_with_mock_latencies(
                Replicas::new(&plan),
                Always,
                1,
                0.95,
                secs(60),
                &[30; 50],
            );
            let start = clock.now();
            let answer = theirs.oneshot("hello").await.unwrap();
            let their_time = clock.now() - start;
            assert_eq!(answer, ours, "{first} {second}");
            assert!(their_time.abs_diff(our_time) <= ms(2), "{first} {second}: {their_time:?} {our_time:?}");
        }
    }
}
