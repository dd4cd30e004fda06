//! A pipeline around services that do what they should not, and beside the middleware of tower that does the same.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::future::{Ready, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use core_breaker::Breaker;
use core_errors::{Error, Reason};
use core_limit::{Bulkhead, Rate};
use core_pipeline::Pipeline;
use core_retry::Retry;
use core_time::{Clock, ManualClock, ms, secs};
use tower::limit::{ConcurrencyLimitLayer, RateLimitLayer};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

/// Where a service panics.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bomb {
    Clone,
    PollReady,
    Call,
    Future,
}

/// Panics in one place, once the fuse is out.
struct Explosive {
    place: Bomb,
    /// So often it goes well.
    fuse: Arc<AtomicU32>,
}

impl Explosive {
    fn new(place: Bomb, fuse: u32) -> Self {
        Self { place, fuse: Arc::new(AtomicU32::new(fuse)) }
    }

    fn at(&self, place: Bomb) {
        let is_out = || self.fuse.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err();
        assert!(self.place != place || !is_out(), "{place:?}");
    }
}

impl Clone for Explosive {
    fn clone(&self) -> Self {
        self.at(Bomb::Clone);
        Self { place: self.place, fuse: Arc::clone(&self.fuse) }
    }
}

impl Service<()> for Explosive {
    type Response = ();
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.at(Bomb::PollReady);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        self.at(Bomb::Call);
        let me = Self { place: self.place, fuse: Arc::clone(&self.fuse) };
        Box::pin(async move {
            me.at(Bomb::Future);
            Err(Error::network("gone"))
        })
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn all_of_them(time: &ManualClock) -> Pipeline {
    Pipeline::named("payments")
        .deadline(secs(9))
        .retry(Retry::fixed(Duration::ZERO).no_jitter().attempts(3))
        .breaker(Breaker::consecutive(100))
        .limit(Rate::per_second(1_000))
        .bulkhead(Bulkhead::max(1).max_wait(secs(1)))
        .attempt_timeout(secs(2))
        .clock(time.clock())
        .build()
        .unwrap()
}

#[test]
fn a_service_that_panics_wherever_it_is_asked_leaves_no_slot_and_no_permit_behind() {
    let time = ManualClock::new();
    // The first attempt goes well so far, or it does not.
    for (place, fuse) in [
        (Bomb::Clone, 0),
        (Bomb::PollReady, 0),
        (Bomb::PollReady, 1),
        (Bomb::Call, 0),
        (Bomb::Call, 1),
        (Bomb::Future, 0),
        (Bomb::Future, 1),
    ] {
        let pipeline = all_of_them(&time);
        let mut service = pipeline.layer().layer(Explosive::new(place, fuse));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let ready = service.poll_ready(&mut Context::from_waker(Waker::noop()));
            assert!(ready.is_ready());
            let mut call = pin!(service.call(()));
            (0..10).for_each(|_| drop(poll(call.as_mut())));
        }));
        let said = panicked.unwrap_err();
        assert_eq!(said.downcast_ref::<String>(), Some(&format!("{place:?}")), "the panic is the service's");
        assert_eq!(pipeline.bulkhead().unwrap().snapshot().in_use, 0, "{place:?} {fuse}");
        let totals = pipeline.breaker().unwrap().snapshot().totals;
        let is_asked = !matches!((place, fuse), (Bomb::Clone, _) | (Bomb::PollReady, 0));
        assert_eq!(totals.failures, if is_asked { u64::from(fuse) + 1 } else { 0 }, "{place:?} {fuse}");
        assert!(pipeline.admit().is_ok(), "{place:?}: whoever comes next finds it as it was");
    }
}

/// Ready once; clones never are.
struct Once(bool);

impl Clone for Once {
    fn clone(&self) -> Self {
        Self(false)
    }
}

impl Service<()> for Once {
    type Response = ();
    type Error = Error;
    type Future = Ready<Result<(), Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.0 { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, (): ()) -> Self::Future {
        assert!(self.0, "called without being ready");
        ready(Err(Error::network("gone")))
    }
}

#[test]
fn a_service_whose_clones_never_are_ready_is_left_after_the_attempt_timeout() {
    let time = ManualClock::new();
    let pipeline = all_of_them(&time);
    let mut call = pin!(pipeline.layer().layer(Once(true)).oneshot(()));
    for fired in 0..2 {
        assert!(poll(call.as_mut()).is_pending());
        assert_eq!(pipeline.bulkhead().unwrap().snapshot().in_use, 1);
        assert_eq!(pipeline.attempt_timeout().unwrap().fired(), fired);
        time.advance(secs(2));
    }
    let Poll::Ready(Err(error)) = poll(call) else { panic!("it waits still") };
    assert!(error.is_timeout() && error.inner().is_some(), "{error:?}");
    assert_eq!(pipeline.attempt_timeout().unwrap().fired(), 2, "the first attempt failed, two hung");
    assert_eq!(pipeline.bulkhead().unwrap().snapshot().in_use, 0);
}

#[test]
fn a_service_that_wakes_its_caller_all_the_time_and_never_answers_is_stopped() {
    let time = ManualClock::new();
    let pipeline = all_of_them(&time);
    let restless = service_fn(|(): ()| {
        std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<Result<(), Error>>::Pending
        })
    });
    let mut call = pin!(pipeline.layer_once().layer(restless).oneshot(()));
    (0..1_000).for_each(|_| assert!(poll(call.as_mut()).is_pending()));
    time.advance(secs(2));
    let Poll::Ready(Err(error)) = poll(call) else { panic!("it goes on") };
    assert_eq!(error.rejection().map(core_errors::Rejection::reason), Some(Reason::TimedOut));
}

#[test]
fn what_holds_a_slot_of_an_inner_service_while_it_waits_for_ours_gives_both_back() {
    let time = ManualClock::new();
    let pipeline = all_of_them(&time);
    let held = pipeline.bulkhead().unwrap().acquire().unwrap();
    let hangs = service_fn(|(): ()| pending::<Result<(), Error>>());
    let limited = ConcurrencyLimitLayer::new(1).layer(hangs);
    let mut service = pipeline.layer_once().layer(limited);
    let is_ready = |service: &mut _| {
        Service::<()>::poll_ready(service, &mut Context::from_waker(Waker::noop())).is_ready()
    };
    assert!(is_ready(&mut service));
    let mut call = Box::pin(service.call(()));
    assert!(
        poll(call.as_mut()).is_pending() && !is_ready(&mut service),
        "the slot of the inner one is taken"
    );
    assert_eq!(pipeline.bulkhead().unwrap().snapshot().waiting, 1);
    time.advance(secs(1));
    let Poll::Ready(Err(error)) = poll(call.as_mut()) else { panic!("it waits still") };
    assert_eq!(error.rejection().map(core_errors::Rejection::reason), Some(Reason::QueueTimeout));
    drop(call);
    assert!(is_ready(&mut service));
    drop(held);
}

// === beside the middleware of tower ===

/// When each request was answered and what came of it, of requests that come at these times and take so long.
async fn answers<S, E>(service: S, requests: &[(Duration, Duration)]) -> Vec<(Duration, bool)>
where
    S: Service<Duration, Response = (), Error = E> + Clone,
{
    let clock = Clock::system();
    let start = clock.now();
    let all = requests.iter().map(|(at, takes)| {
        let (service, clock) = (service.clone(), clock.clone());
        async move {
            clock.sleep(*at).await;
            let is_ok = service.oneshot(*takes).await.is_ok();
            (clock.now() - start, is_ok)
        }
    });
    let mut answers: Vec<_> = all.map(|call| (Box::pin(call), None)).collect();
    std::future::poll_fn(|cx| {
        let mut is_done = true;
        for (call, answer) in &mut answers {
            if answer.is_none() {
                match call.as_mut().poll(cx) {
                    Poll::Ready(done) => *answer = Some(done),
                    Poll::Pending => is_done = false,
                }
            }
        }
        if is_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers.into_iter().filter_map(|(_, answer)| answer).collect()
}

/// Takes as long as it is asked to. When it was called.
fn sleeper() -> (
    impl Service<Duration, Response = (), Error = Error, Future: Send> + Clone + Send + 'static,
    Arc<Mutex<Vec<Duration>>>,
) {
    let called = Arc::new(Mutex::new(Vec::new()));
    let (calls, clock) = (Arc::clone(&called), Clock::system());
    let start = clock.now();
    let service = service_fn(move |takes: Duration| {
        calls.lock().unwrap().push(clock.now() - start);
        let clock = clock.clone();
        async move {
            clock.sleep(takes).await;
            Ok(())
        }
    });
    (service, called)
}

#[tokio::test(start_paused = true)]
async fn a_limit_on_time_is_that_of_tower() {
    let pipeline = Pipeline::named("p").attempt_timeout(ms(20)).build().unwrap();
    let requests: Vec<_> = (0..40).map(|n| (ms(n % 7), ms(n))).collect();
    let ours = answers(pipeline.layer_once().layer(sleeper().0), &requests).await;
    let theirs = answers(ServiceBuilder::new().timeout(ms(20)).service(sleeper().0), &requests).await;
    assert_eq!(ours, theirs);
    assert_eq!(
        ours.iter().filter(|(_, is_ok)| *is_ok).count(),
        21,
        "also the one that is in time to the end"
    );
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_with_room_to_wait_is_the_concurrency_limit_of_tower() {
    let waits = Bulkhead::max(3).queue(100).max_wait(secs(60));
    let pipeline = Pipeline::named("p").bulkhead(waits).build().unwrap();
    let requests: Vec<_> = (0..50).map(|n| (ms(n * 3), ms(5 + n * 7 % 23))).collect();
    let ((one, of_ours), (other, of_theirs)) = (sleeper(), sleeper());
    let ours = answers(pipeline.layer_once().layer(one), &requests).await;
    let theirs = answers(ConcurrencyLimitLayer::new(3).layer(other), &requests).await;
    assert_eq!(ours, theirs);
    assert_eq!(of_ours.lock().unwrap().len(), of_theirs.lock().unwrap().len());
    assert!(ours.iter().all(|(_, is_ok)| *is_ok));
    assert_eq!(pipeline.bulkhead().unwrap().snapshot().in_use, 0);
}

#[tokio::test(start_paused = true)]
async fn a_bursty_rate_lets_through_what_the_rate_limit_of_tower_does() {
    let rate = Rate::per(4, secs(1)).bursty().max_wait(secs(60));
    let pipeline = Pipeline::named("p").limit(rate).build().unwrap();
    let ((one, of_ours), (mut other, of_theirs)) = (sleeper(), sleeper());
    let requests = vec![(Duration::ZERO, Duration::ZERO); 14];
    answers(pipeline.layer_once().layer(one), &requests).await;
    // That of tower is one service for one caller at a time.
    other.ready().await.unwrap();
    let mut theirs = RateLimitLayer::new(4, secs(1)).layer(other);
    of_theirs.lock().unwrap().clear();
    let start = Clock::system().now();
    let mut times = Vec::new();
    for _ in 0..14 {
        theirs.ready().await.unwrap().call(Duration::ZERO).await.unwrap();
        times.push(Clock::system().now() - start);
    }
    assert_eq!(*of_ours.lock().unwrap(), times);
    assert_eq!(times.iter().filter(|at| at.is_zero()).count(), 4);
}
