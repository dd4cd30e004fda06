use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use core_policy::Rng;
use tokio::task::JoinHandle;

use crate::health::{Health, Inner};
use crate::run::stuck;
use crate::schedule::Timing;
use crate::state::Role;

/// Runs the checks in the background while it lives. Made by [`Health::start`].
///
/// Dropping it stops them, each at its next await. Results that are there grow old, become stale, and then nothing is green any more.
#[must_use = "checks run only while the monitor lives"]
pub struct Monitor {
    /// Empty if another monitor was first.
    tasks: Vec<JoinHandle<()>>,
    health: Arc<Inner>,
}

/// Checks that nothing waits for start within this time, not all at once.
const SPREAD_MAX: Duration = Duration::from_secs(5);

// === impl Monitor ===

impl Monitor {
    pub(crate) fn start(health: &Health) -> Self {
        let inner = Arc::clone(&health.0);
        let tasks = if inner.monitored.swap(true, Ordering::AcqRel) {
            Vec::new()
        } else {
            let rng = Arc::new(Rng::from_entropy());
            let watch = |at| core_context::spawn(watch(Arc::clone(&inner), at, Arc::clone(&rng)));
            (0..inner.checks.len()).map(watch).collect()
        };
        Self { tasks, health: inner }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        if self.tasks.is_empty() {
            return;
        }
        self.tasks.iter().for_each(JoinHandle::abort);
        self.health.monitored.store(false, Ordering::Release);
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor").field("checks", &self.tasks.len()).finish_non_exhaustive()
    }
}

/// Runs one check again and again; never two of it at a time, also when a monitor that was dropped left one behind that
/// blocks its thread.
async fn watch(inner: Arc<Inner>, at: usize, rng: Arc<Rng>) {
    let (clock, runner) = (&inner.clock, &inner.checks[at]);
    let (role, timing) = inner.timing(at);
    if role == Role::Optional {
        clock.sleep(timing.interval.min(SPREAD_MAX).mul_f64(rng.next_unit())).await;
    }
    loop {
        // The last run was told to stop at its deadline: what awaits anything is gone long since, or at once.
        let mut patience = timing.timeout;
        let turn = loop {
            match runner.turn(clock, patience).await {
                Some(turn) => break turn,
                None => inner.record(at, &stuck(), None),
            }
            patience = timing.interval;
        };
        let (outcome, took) = runner.run(turn, clock, timing.timeout).await;
        inner.record(at, &outcome, Some(took));
        clock.sleep(pause(timing, &rng)).await;
    }
}

/// The interval ±10 %, so that a fleet does not check in step.
fn pause(timing: Timing, rng: &Rng) -> Duration {
    timing.interval.mul_f64(rng.next_unit().mul_add(0.2, 0.9))
}
