//! The situations, one file for each policy.

mod breaker;
mod limit;
mod pipeline;
mod retry;
mod timeout;

use std::hint::black_box;

use core_errors::{Classify, Recovery};

use crate::{Loop, Row, looped, ready};

/// All of them, in the order of the table.
#[must_use]
pub fn all() -> Vec<Row> {
    let mut rows = breaker::rows();
    rows.extend(retry::rows());
    rows.extend(limit::rows());
    rows.extend(timeout::rows());
    rows.extend(pipeline::rows());
    rows
}

/// The error of the measured calls, which never comes.
#[derive(Clone, Copy, Debug)]
pub struct Failure;

impl Classify for Failure {
    fn recovery(&self) -> Recovery {
        Recovery::Transient
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failure")
    }
}

impl std::error::Error for Failure {}

/// The call that is protected: ready at once, and successful.
async fn call(input: u64) -> Result<u64, Failure> {
    Ok(black_box(input))
}

fn bare() -> Loop {
    looped(|| {
        let _ = black_box(ready(call(black_box(7))));
    })
}

/// The call as a tower service.
fn service() -> impl tower::Service<u64, Response = u64, Error = Failure, Future: Send> + Clone + Send + Sync + 'static {
    tower::service_fn(call)
}

/// The loop of a tower service: ready, call, poll.
fn tower_loop<S>(service: S) -> Loop
where
    S: tower::Service<u64> + Clone + Send + 'static,
{
    // A service need not be Sync: each loop has a clone of its own.
    let service = std::sync::Mutex::new(service);
    crate::looped_with(
        move || service.lock().expect("nobody panics while cloning").clone(),
        |service| {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            let is_ready = service.poll_ready(&mut cx);
            assert!(matches!(is_ready, std::task::Poll::Ready(Ok(()))), "the measured services are ready");
            let _ = black_box(ready(service.call(black_box(7))).is_ok());
        },
    )
}
