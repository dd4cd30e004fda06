//! What calls cost that have to wait: no allocation once as many have waited on the thread, and futures of 256 bytes and the attempt.
#![expect(clippy::disallowed_methods, reason = "threads of tests have no context to lose")]
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::future::{Ready, pending, poll_fn, ready};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;

use core_breaker::Breaker;
use core_errors::{BacktracePolicy, Error, Reason};
use core_pipeline::Pipeline;
use core_policy::{Attempt, CallError};
use core_retry::{Budget, Hedge, Retry};
use core_time::{Clock, ms, secs};
use tokio::runtime::{Builder, Runtime};

fn six_policies() -> Pipeline {
    Pipeline::named("search")
        .deadline(secs(2))
        .retry(Retry::fixed(ms(1)).budget(&Budget::default()))
        .breaker(Breaker::rate(0.5).window(secs(10)).min_calls(20))
        .limit(core_limit::Rate::per_second(500_000).burst(50_000))
        .bulkhead(64)
        .attempt_timeout(ms(300))
        .build()
        .unwrap()
}

fn runtime(is_paused: bool) -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(is_paused).build().unwrap()
}

/// Ready when it is asked for the second time.
async fn slow(_: Attempt) -> Result<u8, Error> {
    let mut asked = false;
    poll_fn(|_| if std::mem::replace(&mut asked, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    Ok(7)
}

fn polled<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Waits once, and is done.
fn waits(call: impl Future<Output = Result<u8, CallError<Error>>>) {
    let mut call = pin!(call);
    assert!(polled(call.as_mut()).is_pending());
    assert!(matches!(polled(call), Poll::Ready(Ok(7))));
}

/// Allocations of the second run: the first may set up what lasts for the life of the thread.
fn allocations(run: impl Fn()) -> u64 {
    run();
    allocation_counter::measure(run).count_total
}

#[test]
fn a_call_that_waits_for_the_callee_allocates_nothing() {
    let runtime = runtime(false);
    let _entered = runtime.enter();
    let plain = six_policies();
    assert_eq!(allocations(|| (0..100).for_each(|_| waits(plain.call(slow)))), 0);
    // Its own timer for the hedge, and one for each of the calls around that have a limit.
    let hedged = plain.hedged(Hedge::after(ms(30))).unwrap();
    assert_eq!(allocations(|| (0..100).for_each(|_| waits(hedged.call(slow)))), 0);
}

#[test]
fn neither_do_sixty_at_once() {
    let runtime = runtime(false);
    let _entered = runtime.enter();
    let plain = six_policies();
    let several = || {
        let mut calls: Vec<_> = (0..60).map(|_| Box::pin(plain.call(slow))).collect();
        let waiting = allocation_counter::measure(|| {
            for call in &mut calls {
                assert!(polled(call.as_mut()).is_pending());
            }
        });
        waiting.count_total
    };
    assert!(several() >= 60, "or this test is worth nothing");
    assert_eq!(several(), 0);
}

#[test]
fn neither_does_one_that_waits_between_attempts() {
    // How much a backtrace takes is not ours to say.
    BacktracePolicy::NEVER.install();
    let runtime = runtime(true);
    let plain = six_policies();
    let second = |at: Attempt| async move {
        Clock::system().sleep(ms(2)).await;
        // An error that takes nothing, whether or not backtraces are asked for.
        if at.is_retry() { Ok(7) } else { Err(io::Error::from(io::ErrorKind::ConnectionReset)) }
    };
    let calls = || runtime.block_on(async { assert_eq!(plain.call(second).await.unwrap(), 7) });
    assert_eq!(allocations(calls), 0);
}

#[test]
fn a_call_that_moves_between_threads_goes_on_there_and_ends_in_time() {
    let runtime = runtime(false);
    let pipeline = Pipeline::named("search").bulkhead(1).attempt_timeout(ms(30)).build().unwrap();
    let clock = Clock::system();
    let entered = runtime.enter();
    let kept = pipeline.clone();
    let mut call = Box::pin(async move { kept.call(|_| pending::<Result<u8, Error>>()).await });
    assert!(polled(call.as_mut()).is_pending());
    let began = clock.now();
    drop(entered);
    let handle = runtime.handle().clone();
    let other = thread::spawn(move || handle.block_on(call));
    runtime.block_on(async {
        while !other.is_finished() {
            Clock::system().sleep(ms(1)).await;
        }
    });
    let ended = other.join().unwrap().unwrap_err();
    assert_eq!(ended.rejection().map(core_errors::Rejection::reason), Some(Reason::TimedOut));
    assert!(clock.now() - began >= ms(20));
    assert_eq!(pipeline.bulkhead().unwrap().snapshot().in_use, 0);
}

/// Six policies around an attempt; and a hedged call around the calls that its attempts are.
#[test]
fn a_call_is_at_most_256_bytes_larger_than_what_it_calls() {
    fn check<T: Send + 'static>(value: fn() -> T) {
        let inner = size_of::<Ready<Result<T, Error>>>();
        let attempt = move |_| ready(Ok::<_, Error>(value()));
        // What makes attempts is in each call, so that the call of an attempt can make it by itself.
        let op = size_of_val(&attempt);
        let plain = six_policies();
        let size = size_of_val(&plain.call(attempt));
        assert!(size <= 248 + op + inner, "{size} around {inner}");
        let hedged = plain.hedged(Hedge::after_p95().max(8)).unwrap();
        let size = size_of_val(&hedged.call(attempt));
        // The call of an attempt through four policies; around it five words of the hedge, and the call around all attempts.
        assert!(size <= 256 + 240 + 3 * op + inner, "{size} around {inner}");
    }
    check(|| 1_u8);
    check(|| [0_u8; 1_024]);
}
