//! One run of a check, in a task of its own: it may panic, block its thread, or never end.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use core_time::Clock;
use tokio::task::{JoinError, JoinHandle};

use crate::check::{CheckContext, Run};
use crate::outcome::{CheckOutcome, Code};

/// A run that is under way. Dropping it stops the run at its next await.
pub(crate) struct Running(JoinHandle<CheckOutcome>);

/// How a run went.
pub(crate) enum Ended {
    /// It is over.
    With(CheckOutcome),
    /// It was told to stop, and has not yet.
    NotYet(CheckOutcome, Running),
}

/// Runs a check until its deadline.
pub(crate) async fn run(check: &Arc<dyn Run>, clock: &Clock, timeout: Duration) -> Ended {
    let started = clock.now();
    let cx = CheckContext { deadline: started + timeout };
    let mut running = Running(core_context::spawn(Arc::clone(check).run(cx)));
    match running.wait(clock, timeout).await {
        // A check that blocks its thread answers before the timer can fire, and too late all the same.
        Some(Ok(_)) if clock.now() - started > timeout => Ended::With(late(timeout)),
        Some(result) => Ended::With(settled(result)),
        None => {
            running.0.abort();
            // What awaits anything stops at once; a little patience tells it from what does not.
            match running.wait(clock, timeout).await {
                Some(_) => Ended::With(late(timeout)),
                None => Ended::NotYet(late(timeout), running),
            }
        }
    }
}

// === impl Running ===

impl Running {
    /// Waits for the end of the run, for so long.
    pub(crate) async fn wait(
        &mut self,
        clock: &Clock,
        limit: Duration,
    ) -> Option<Result<CheckOutcome, JoinError>> {
        let mut sleep = pin!(clock.sleep(limit));
        poll_fn(|cx| {
            if let Poll::Ready(result) = Pin::new(&mut self.0).poll(cx) {
                return Poll::Ready(Some(result));
            }
            sleep.as_mut().poll(cx).map(|()| None)
        })
        .await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn settled(result: Result<CheckOutcome, JoinError>) -> CheckOutcome {
    match result {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => {
            CheckOutcome::unhealthy("the check panicked").with_code(Code::Panicked)
        }
        Err(_) => CheckOutcome::unknown(Code::Failed, "the runtime stopped the check"),
    }
}

fn late(timeout: Duration) -> CheckOutcome {
    CheckOutcome::unhealthy(format!("no answer within {timeout:?}")).with_code(Code::Timeout)
}

/// What to report while a run does not end.
pub(crate) fn stuck() -> CheckOutcome {
    CheckOutcome::unknown(Code::Stuck, "the last run does not stop although its deadline has passed")
}
