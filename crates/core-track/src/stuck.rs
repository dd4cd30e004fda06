//! Executions that run for longer than they should.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::live::{Live, millis};
use crate::tracker::{Tracker, nanos};

/// The most warnings of one round.
const WARNINGS_MAX: usize = 32;

// === impl Tracker ===

impl Tracker {
    /// Warns of executions that have been running for longer than this, and says of how many it did.
    ///
    /// Each is one `tracing` event: target `core_track`, WARN, in the context of the execution, with `operation`, `execution_id`,
    /// `age_ms`, `stage` and `stage_age_ms`. One execution is warned of once, and again whenever it is twice as old; of at most 32
    /// in one round, the oldest first.
    #[expect(clippy::must_use_candidate, reason = "it is asked to warn; the number is by the way")]
    pub fn warn_stuck(&self, over: Duration) -> usize {
        let now = self.shared().now();
        let mut warned = 0;
        for execution in self.shared().live.all() {
            let age = now.saturating_sub(execution.started);
            let before = execution.warned.load(Ordering::Relaxed);
            if age <= nanos(over) || (before > 0 && age / 2 < before) {
                continue;
            }
            // Another round at once would warn of it too.
            let taken = execution.warned.compare_exchange(before, age, Ordering::Relaxed, Ordering::Relaxed);
            if taken.is_err() {
                continue;
            }
            self.shared().tell(&execution, || warn(&Live::of(&execution, now)));
            warned += 1;
            if warned == WARNINGS_MAX {
                break;
            }
        }
        warned
    }

    /// [Warns](Self::warn_stuck) of executions that run for longer than this, four times in that time, but once a second at most, for
    /// as long as it is polled: for a task of its own.
    ///
    /// # Cancel safety
    /// Dropping it ends the warnings.
    ///
    /// # Panics
    /// When it is first polled outside of a tokio runtime with timers, unless the clock is manual.
    #[cfg(feature = "tokio")]
    pub async fn watch(self, over: Duration) -> std::convert::Infallible {
        let every = (over / 4).max(Duration::from_secs(1));
        let clock = self.shared().clock.clone();
        loop {
            clock.sleep(every).await;
            self.warn_stuck(over);
        }
    }
}

fn warn(live: &Live) {
    tracing::warn!(
        target: "core_track",
        operation = live.operation,
        execution_id = live.id,
        age_ms = millis(live.age),
        stage = live.stage,
        stage_age_ms = live.stage.map(|_| millis(live.stage_age)),
        "execution still runs",
    );
}
