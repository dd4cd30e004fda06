use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};

use core_time::Instant;

use crate::driver::Driver;
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
pub fn call_blocking<P: Policy, T, E>(
    policy: P,
    op: impl FnMut(Attempt) -> Result<T, E>,
    judge: &impl Judge<T, E>,
    deadline: Option<Instant>,
) -> Result<T, CallError<E>> {
    let mut call = Some((Driver::new(policy, deadline), op));
    let mut drive_with = |waker: &Waker| call.take().map(|(driver, op)| drive(driver, op, judge, waker));
    // The thread may be in its last breath, with its locals gone: then it makes a waker for this call.
    let result = WAKER.try_with(|waker| drive_with(waker)).ok().flatten();
    result
        .or_else(|| drive_with(&unpark_this_thread()))
        .expect("the call is driven once, by the one or the other")
}

fn drive<P: Policy, T, E>(
    mut driver: Driver<P, E>,
    mut op: impl FnMut(Attempt) -> Result<T, E>,
    judge: &impl Judge<T, E>,
    waker: &Waker,
) -> Result<T, CallError<E>> {
    loop {
        let flow = match driver.admit(Some(waker)) {
            Admit::Run => {
                let attempt = driver.attempt();
                let result = driver.running(|| op(attempt));
                driver.judged(result, judge)
            }
            Admit::Refuse(rejection) => driver.refused(rejection),
            Admit::SleepUntil(until) => {
                driver.waiting();
                let cutoff = driver.cutoff().unwrap_or(Instant::NEVER);
                driver.clock().sleep_until_blocking(until.min(cutoff));
                if until <= cutoff { ControlFlow::Continue(()) } else { driver.expired_waiting() }
            }
            Admit::Park => {
                driver.waiting();
                let cutoff = driver.cutoff().unwrap_or(Instant::ORIGIN);
                match driver.clock().reached(cutoff) {
                    Ok(_) => driver.expired_waiting(),
                    Err(left) => {
                        thread::park_timeout(left);
                        ControlFlow::Continue(())
                    }
                }
            }
        };
        if let ControlFlow::Break(result) = flow {
            return result;
        }
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
