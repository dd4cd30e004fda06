//! One run of a check, in a task of its own: it may panic, block its thread, or never end.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use core_time::Clock;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::{JoinError, JoinHandle};

use crate::check::{CheckContext, Run};
use crate::outcome::{CheckOutcome, Code};

/// A check and whether it runs. Outlives the monitors.
pub(crate) struct Runner {
    check: Arc<dyn Run>,
    /// Locked by a run for as long as its future exists: a task that was told to stop may go on for as long as it does not await.
    turn: Arc<Mutex<()>>,
}

/// The right to run a check.
pub(crate) struct Turn(OwnedMutexGuard<()>);

/// A run that is under way. Dropping it stops the run at its next await.
struct Running(JoinHandle<CheckOutcome>);

// === impl Runner ===

impl Runner {
    pub(crate) fn new(check: Arc<dyn Run>) -> Self {
        Self { check, turn: Arc::default() }
    }

    /// Waits for the last run to be gone, for so long.
    pub(crate) async fn turn(&self, clock: &Clock, limit: Duration) -> Option<Turn> {
        within(clock, limit, pin!(Arc::clone(&self.turn).lock_owned())).await.map(Turn)
    }

    /// Runs the check until its deadline. Says how long that took.
    pub(crate) async fn run(
        &self,
        Turn(turn): Turn,
        clock: &Clock,
        timeout: Duration,
    ) -> (CheckOutcome, Duration) {
        let started = clock.now();
        let check = Arc::clone(&self.check).run(CheckContext { deadline: started + timeout });
        let mut running = Running(core_context::spawn(async move {
            let _turn = turn;
            check.await
        }));
        let result = within(clock, timeout, Pin::new(&mut running.0)).await;
        let took = clock.now() - started;
        let outcome = match result {
            // A check that blocks its thread answers before the timer can fire, and too late all the same.
            Some(Ok(_)) if took > timeout => late(timeout),
            Some(result) => settled(result),
            None => late(timeout),
        };
        (outcome, took)
    }
}

// === impl Running ===

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the future comes to, if it does within the limit.
async fn within<F: Future>(clock: &Clock, limit: Duration, mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut sleep = pin!(clock.sleep(limit));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
    })
    .await
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
