//! The hot paths, in the order in which they are written down.

mod carried;
mod log;
mod metrics;
mod policies;
mod rules;
mod track;

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use core_errors::{Classify, Recovery};

/// Makes what is run, once for each process.
pub(crate) type Make = fn() -> Box<dyn FnMut()>;

/// All of them.
pub(crate) fn all() -> Vec<(&'static str, Make)> {
    let mut rows = policies::ROWS.to_vec();
    rows.extend(rules::ROWS);
    rows.extend(carried::ROWS);
    rows.extend(log::ROWS);
    rows.extend(metrics::ROWS);
    rows.extend(track::ROWS);
    rows
}

/// The error of the calls.
#[derive(Clone, Copy, Debug)]
struct Failure;

/// The call that is protected. It is ready at once.
async fn call(input: u64) -> Result<u64, Failure> {
    answer(input)
}

/// The same on a thread.
fn answer(input: u64) -> Result<u64, Failure> {
    let input = black_box(input);
    if input == BAD { Err(Failure) } else { Ok(input) }
}

const GOOD: u64 = 7;
const BAD: u64 = 0;

/// Runs a future that is ready at once.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the measured calls wait for nothing"),
    }
}

// === impl Failure ===

impl Classify for Failure {
    fn recovery(&self) -> Recovery {
        Recovery::Transient
    }
}
