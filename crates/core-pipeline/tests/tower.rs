//! A pipeline as a layer of tower.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context as TaskContext, Poll, Waker};

use core_breaker::{Breaker, State};
use core_context::Context;
use core_errors::{Error, Reason};
use core_limit::Bulkhead;
use core_pipeline::Pipeline;
use core_policy::{CallError, Verdict};
use core_retry::Retry;
use core_time::{Clock, ManualClock, ms, secs};
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

fn pipeline() -> core_pipeline::Builder {
    Pipeline::named("payments")
        .deadline(secs(2))
        .retry(Retry::fixed(ms(100)).no_jitter().attempts(3))
        .breaker(Breaker::consecutive(5).open_for(secs(5)).jitter(false))
        .bulkhead(Bulkhead::max(2).max_wait(ms(200)))
        .attempt_timeout(ms(50))
}

/// Fails so many requests, then echoes them.
fn flaky(
    failures: u32,
) -> (
    impl Service<String, Response = String, Error = Error, Future: Send> + Clone + Send + 'static,
    Arc<AtomicU32>,
) {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&calls);
    let service = service_fn(move |request: String| {
        let number = counter.fetch_add(1, Relaxed) + 1;
        async move { if number <= failures { Err(Error::network("hung up")) } else { Ok(request) } }
    });
    (service, calls)
}

#[tokio::test(start_paused = true)]
async fn it_repeats_the_request() {
    let (service, calls) = flaky(2);
    let pipeline = pipeline().build().unwrap();
    let start = Clock::system().now();
    assert_eq!(pipeline.layer().layer(service).oneshot("hello".to_owned()).await.unwrap(), "hello");
    assert_eq!((calls.load(Relaxed), Clock::system().now() - start), (3, ms(200)));
}

#[tokio::test(start_paused = true)]
async fn all_services_of_a_pipeline_share_it() {
    let pipeline = pipeline().build().unwrap();
    let (failing, _) = flaky(u32::MAX);
    let (working, calls) = flaky(0);
    for _ in 0..2 {
        let _ = pipeline.layer().layer(failing.clone()).oneshot(String::new()).await;
    }
    assert_eq!(pipeline.breaker().unwrap().state(), State::Open);
    let mut service = pipeline.layer().layer(working).clone();
    let error = service.ready().await.unwrap().call(String::new()).await.unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::CircuitOpen);
    assert_eq!(calls.load(Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_is_stopped_and_asked_again() {
    let pipeline = pipeline().build().unwrap();
    let service = service_fn(|(): ()| pending::<Result<(), Error>>());
    let error = pipeline.layer().layer(service).oneshot(()).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(pipeline.attempt_timeout().unwrap().fired(), 3);
    assert_eq!(pipeline.bulkhead().unwrap().snapshot().in_use, 0);
}

#[tokio::test(start_paused = true)]
async fn a_response_may_be_a_failure() {
    let pipeline = pipeline().build().unwrap();
    let judge = |result: &Result<u16, Error>| match result {
        Ok(500..) => Verdict::Transient(None),
        other => Verdict::of(other),
    };
    let service = service_fn(|(): ()| async { Ok::<_, Error>(503) });
    let last = pipeline.layer().classify(judge).layer(service).oneshot(()).await.unwrap();
    assert_eq!(last, 503, "the client gets what the callee said last");
    assert_eq!(pipeline.breaker().unwrap().snapshot().totals.failures, 3);
}

#[tokio::test(start_paused = true)]
async fn it_stands_among_the_layers_of_tower() {
    let (service, calls) = flaky(2);
    let pipeline = pipeline().build().unwrap();
    let mut service = ServiceBuilder::new()
        .timeout(secs(5))
        .concurrency_limit(1)
        .layer(pipeline.layer())
        .service(ConcurrencyLimit::new(service, 1));
    let first = service.ready().await.unwrap().call("first".to_owned());
    assert!(service.poll_ready(&mut TaskContext::from_waker(Waker::noop())).is_pending(), "one is out");
    assert_eq!(first.await.unwrap(), "first");
    assert_eq!(service.ready().await.unwrap().call("second".to_owned()).await.unwrap(), "second");
    assert_eq!(calls.load(Relaxed), 4);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_gives_everything_back() {
    let pipeline = pipeline().build().unwrap();
    let mut service = pipeline.layer().layer(service_fn(|(): ()| pending::<Result<(), Error>>()));
    let mut call = Box::pin(service.ready().await.unwrap().call(()));
    assert!(matches!(call.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())), Poll::Pending));
    assert_eq!(pipeline.bulkhead().unwrap().snapshot().in_use, 1);
    drop(call);
    assert_eq!(pipeline.bulkhead().unwrap().snapshot().in_use, 0);
    let totals = pipeline.breaker().unwrap().snapshot().totals;
    assert_eq!((totals.inconclusive, totals.failures), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn requests_may_be_made_on_any_thread() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let (service, _) = flaky(0);
    let call = assert_send(pipeline().build().unwrap().layer().layer(service).oneshot("hello".to_owned()));
    assert_eq!(call.await.unwrap(), "hello");
}

// === hedged ===

#[tokio::test(start_paused = true)]
async fn a_hedged_pipeline_repeats_what_fails_and_doubles_what_is_slow() {
    let budget = core_retry::Budget::default();
    let plain = Pipeline::named("search")
        .deadline(secs(2))
        .retry(Retry::fixed(ms(100)).no_jitter().attempts(2).budget(&budget))
        .breaker(Breaker::consecutive(5))
        .bulkhead(2)
        .build()
        .unwrap();
    let hedged = plain.hedged(core_retry::Hedge::after(ms(30))).unwrap();
    let calls = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&calls);
    // The first is slow, the second fails; so does the first of the retry; the last answers.
    let service = service_fn(move |request: String| {
        let number = counter.fetch_add(1, Relaxed) + 1;
        async move {
            Clock::system().sleep(ms(if number == 1 { 50 } else { 5 })).await;
            if number <= 3 { Err(Error::network("hung up")) } else { Ok(request) }
        }
    });
    let mut service = ServiceBuilder::new()
        .layer(hedged.layer())
        .layer(tower::limit::ConcurrencyLimitLayer::new(2))
        .service(service);
    let start = Clock::system().now();
    let call = service.ready().await.unwrap().call("hello".to_owned());
    assert_eq!(call.await.unwrap(), "hello");
    assert_eq!(calls.load(Relaxed), 4);
    assert_eq!((Clock::system().now() - start, hedged.hedge().stats().hedges), (ms(160), 2));
    assert_eq!(plain.bulkhead().unwrap().snapshot().in_use, 0);
}

#[tokio::test(start_paused = true)]
async fn a_hedged_request_may_be_made_on_any_thread_and_gives_everything_back_when_dropped() {
    fn sent<T: Send>(value: T) -> T {
        value
    }
    let plain = Pipeline::named("search").bulkhead(2).build().unwrap();
    let hedge = core_retry::Hedge::after(ms(10)).budget(&core_retry::Budget::default());
    let hedged = plain.hedged(hedge).unwrap();
    let hangs = service_fn(|(): ()| pending::<Result<(), Error>>());
    let mut call = sent(hedged.layer().layer(hangs).oneshot(()));
    let mut poll = || Pin::new(&mut call).poll(&mut TaskContext::from_waker(Waker::noop())).is_pending();
    assert!(poll());
    tokio::time::advance(ms(11)).await;
    assert!(poll());
    assert_eq!(plain.bulkhead().unwrap().snapshot().in_use, 2);
    drop(call);
    assert_eq!(plain.bulkhead().unwrap().snapshot().in_use, 0);
}

/// A request of which there is but one, to a service that never answers.
type Hanging = Pin<Box<dyn Future<Output = Result<(), CallError<Error>>>>>;

fn hanging(pipeline: &Pipeline) -> Hanging {
    let mut service = pipeline.layer_once().layer(service_fn(|(): ()| pending::<Result<(), Error>>()));
    let mut cx = TaskContext::from_waker(Waker::noop());
    assert!(Service::<()>::poll_ready(&mut service, &mut cx).is_ready());
    Box::pin(service.call(()))
}

fn poll(call: &mut Hanging) -> Poll<Option<Reason>> {
    let result = call.as_mut().poll(&mut TaskContext::from_waker(Waker::noop()));
    result.map(|result| Some(result.err()?.rejection()?.reason()))
}

#[test]
fn a_request_that_is_made_once_keeps_to_the_limits_and_leaves_its_slot() {
    let time = ManualClock::new();
    let pipeline = pipeline().clock(time.clock()).build().unwrap();
    let in_use = || pipeline.bulkhead().unwrap().snapshot().in_use;
    let mut call = hanging(&pipeline);
    assert_eq!((poll(&mut call), in_use()), (Poll::Pending, 1));
    drop(call);
    assert_eq!(in_use(), 0, "dropped");
    let mut call = hanging(&pipeline);
    assert!(poll(&mut call).is_pending());
    time.advance(ms(49));
    assert!(poll(&mut call).is_pending());
    time.advance(ms(1));
    assert_eq!((poll(&mut call), in_use()), (Poll::Ready(Some(Reason::TimedOut)), 0));
}

#[test]
fn a_request_that_is_made_once_ends_with_the_deadline_of_whom_it_is_for() {
    let time = ManualClock::new();
    let pipeline = Pipeline::named("payments").clock(time.clock()).bulkhead(2).build().unwrap();
    let context = Context::builder().deadline_at(time.now() + ms(30)).build();
    context.sync_scope(|| {
        let mut call = hanging(&pipeline);
        assert!(poll(&mut call).is_pending());
        time.advance(ms(30));
        assert_eq!(poll(&mut call), Poll::Ready(Some(Reason::DeadlineExceeded)));
    });
}
