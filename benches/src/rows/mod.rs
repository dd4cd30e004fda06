//! The situations, one file for each policy.

mod breaker;
mod budget;
mod context;
mod delays;
mod error;
mod executor;
mod guard;
mod keyed;
mod keyed_miss;
mod limit;
mod log;
mod metrics;
mod outlier;
mod pipeline;
mod reserve;
mod retry;
mod seatbelt;
mod timeout;
mod trace;
mod track;
mod tripping;
mod waiting;
mod window;

use std::fmt;
use std::hint::black_box;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use core_errors::{Classify, Recovery};
use tower::Service;

use crate::{Beside, Bound, Loop, Row, looped, looped_with, ready};

/// All of them, in the order of the table.
#[must_use]
pub fn all() -> Vec<Row> {
    let mut rows = breaker::rows();
    rows.extend(tripping::rows());
    rows.extend(outlier::rows());
    rows.extend(retry::rows());
    rows.extend(delays::rows());
    rows.extend(budget::rows());
    rows.extend(limit::rows());
    rows.extend(reserve::rows());
    rows.extend(window::rows());
    rows.extend(guard::rows());
    rows.extend(executor::rows());
    rows.extend(keyed::rows());
    rows.extend(keyed_miss::rows());
    rows.extend(timeout::rows());
    rows.extend(waiting::rows());
    rows.extend(pipeline::rows());
    rows.extend(error::rows());
    rows.extend(context::rows());
    rows.extend(log::rows());
    rows.extend(trace::rows());
    rows.extend(metrics::rows());
    rows.extend(track::rows());
    rows
}

/// The one of that name.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn named(name: &str) -> Row {
    let row = all().into_iter().find(|row| row.name == name);
    row.unwrap_or_else(|| panic!("there is no row {name:?}"))
}

/// The call without any policy.
#[must_use]
pub fn bare() -> Loop {
    looped(|input| ready(call(input)))
}

/// A refusal saves the callee a call: it must not cost more than the decision that lets one pass.
const fn no_dearer_than(row: &'static str) -> Beside {
    Beside { row, bound: Bound::AtMost(1.0) }
}

/// Threads that share nothing but the policy do not slow each other down.
const fn scales_as(row: &'static str) -> Beside {
    Beside { row, bound: Bound::AtMost(1.5) }
}

/// What a policy may take for itself, over what a call through one takes that decides nothing.
const fn decides_in(ns: f64) -> Beside {
    Beside { row: "policy/none", bound: Bound::Over(ns) }
}

/// The rule itself needs one word that all threads write.
const fn one_word(row: &'static str, which: &'static str) -> Beside {
    Beside { row, bound: Bound::Told(which) }
}

/// The least that it could cost on this machine.
const fn floor(row: &'static str) -> Beside {
    Beside { row, bound: Bound::Told("floor") }
}

/// What the measured calls are asked, and answer.
pub const INPUT: u64 = 7;

/// What makes the call fail: it opens circuits before anything is measured.
const BAD: u64 = 0;

/// What the call returns.
type Answer = Result<u64, Failure>;

/// The error of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failure;

/// The call that is protected. It is ready at once.
async fn call(input: u64) -> Answer {
    answer(input)
}

/// The same on a thread.
#[inline]
fn answer(input: u64) -> Answer {
    let input = black_box(input);
    if input == BAD { Err(Failure) } else { Ok(input) }
}

/// The call as a tower service.
fn service()
-> impl Service<u64, Response = u64, Error = Failure, Future: Send> + Clone + Send + Sync + 'static {
    tower::service_fn(call)
}

/// The loop of a tower service: ask whether it is ready, call, poll.
fn tower_loop<S>(service: S) -> Loop
where
    S: Service<u64, Response = u64> + Clone + Send + 'static,
{
    // A service need not be Sync: each loop has a clone of its own.
    let service = Mutex::new(service);
    looped_with(move || service.lock().unwrap_or_else(PoisonError::into_inner).clone(), through)
}

/// One call through a tower service.
#[inline]
fn through<S: Service<u64, Response = u64>>(service: &mut S, input: u64) -> Result<u64, S::Error> {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..crate::POLLS_MAX {
        match service.poll_ready(&mut cx) {
            Poll::Ready(Ok(())) => return ready(service.call(input)),
            Poll::Ready(Err(error)) => return Err(error),
            // Another thread has the lock.
            Poll::Pending => std::hint::spin_loop(),
        }
    }
    panic!("the measured services wait for nothing")
}

// === impl Failure ===

impl Classify for Failure {
    fn recovery(&self) -> Recovery {
        Recovery::Transient
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failure")
    }
}

impl std::error::Error for Failure {}
