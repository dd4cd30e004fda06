use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};

use core_time::Instant;

use crate::driver::{Cutoff, Driver, FailedAttempt, Flow, Held, deadline_exceeded, in_time};
use crate::{Admit, Attempt, CallError, Judge, Policy};

/// Runs a call under a policy on this thread; sleeps and waits block it.
///
/// The decisions are those of [`Call`](crate::Call). A limit on time cannot interrupt a blocking attempt: hand
/// [`Attempt::remaining`] to it. An attempt that returns after its limit keeps its result, and no other follows
/// once the deadline has passed.
///
/// `deadline` is the one that a caller further out set, if any.
///
/// # Errors
/// See [`CallError`].
///
/// # Panics
/// A panic of the attempt is recorded as a failure and goes on.
#[inline]
pub fn call_blocking<P: Policy, T, E>(
    policy: P,
    mut op: impl FnMut(Attempt) -> Result<T, E>,
    judge: &impl Judge<T, E>,
    deadline: Option<Instant>,
) -> Result<T, CallError<E>> {
    let Ok(ambient) = in_time(&policy, deadline) else {
        return Err(CallError::Rejected(deadline_exceeded()));
    };
    let mut driver = Driver::within(policy, ambient);
    // Nobody waits yet, so nobody need be woken. Whoever then has to wait asks again, with a waker.
    let flow = match driver.admit_first(Some(Waker::noop())) {
        Admit::Run => {
            let attempt = driver.attempt();
            let result = driver.running(|| op(attempt));
            match driver.judged(result, judge) {
                Ok(value) => return Ok(value),
                Err(failed) => Turn::Failed(failed),
            }
        }
        Admit::Refuse(rejection) => {
            driver.refused_first();
            return Err(CallError::Rejected(rejection));
        }
        Admit::SleepUntil(until) => Turn::Sleep(until),
        Admit::Park => Turn::Ask,
    };
    drive(&mut Held(driver), flow, &mut op, judge)
}

/// What comes next in a call.
enum Turn<T, E> {
    /// Ask whether the next attempt may run.
    Ask,
    /// Sleep, then ask.
    Sleep(Instant),
    /// The attempt was no success.
    Failed(FailedAttempt<T, E>),
}

/// Goes on with a call that has to wait, or is to be tried again.
#[cold]
fn drive<P: Policy, T, E>(
    driver: &mut Driver<P, E>,
    mut turn: Turn<T, E>,
    op: &mut impl FnMut(Attempt) -> Result<T, E>,
    judge: &impl Judge<T, E>,
) -> Result<T, CallError<E>> {
    // The thread may be in its last breath, with its locals gone: then it makes a waker for this call.
    let waker = WAKER.try_with(Waker::clone).unwrap_or_else(|_| unpark_this_thread());
    loop {
        let flow = match turn {
            Turn::Failed(failed) => driver.failed(failed, judge),
            Turn::Sleep(until) => sleep(driver, until),
            Turn::Ask => match driver.admit(Some(&waker)) {
                Admit::Run => {
                    let attempt = driver.attempt();
                    let result = driver.running(|| op(attempt));
                    match driver.judged(result, judge) {
                        Ok(value) => return Ok(value),
                        Err(failed) => driver.failed(failed, judge),
                    }
                }
                Admit::Refuse(rejection) => driver.refused(rejection),
                Admit::SleepUntil(until) => sleep(driver, until),
                Admit::Park => park(driver),
            },
        };
        match flow {
            ControlFlow::Continue(()) => turn = Turn::Ask,
            ControlFlow::Break(result) => return result,
        }
    }
}

fn sleep<P: Policy, T, E>(driver: &mut Driver<P, E>, until: Instant) -> Flow<T, E> {
    driver.waiting();
    let cutoff = driver.cutoff().at.unwrap_or(Instant::NEVER);
    driver.clock().sleep_until_blocking(until.min(cutoff));
    if until <= cutoff { ControlFlow::Continue(()) } else { driver.expired_waiting() }
}

fn park<P: Policy, T, E>(driver: &mut Driver<P, E>) -> Flow<T, E> {
    driver.parked();
    let Cutoff { at, now } = driver.cutoff();
    // By the exact clock: a coarse reading lags, and the thread would sleep so much longer.
    let now = now.unwrap_or_else(|| driver.clock().now());
    match at {
        Some(at) if at > now => {
            thread::park_timeout(at - now);
            ControlFlow::Continue(())
        }
        _ => driver.expired_waiting(),
    }
}

thread_local! {
    static WAKER: Waker = unpark_this_thread();
}

fn unpark_this_thread() -> Waker {
    Waker::from(Arc::new(Unpark(thread::current())))
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
