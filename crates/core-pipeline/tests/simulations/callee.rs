use std::sync::Mutex;
use std::time::Duration;

use core_errors::Error;
use core_time::{Clock, Instant};

use crate::history::History;

/// A server with one queue. What a caller no longer waits for is worked on all the same, as real servers do.
pub(crate) struct Callee {
    clock: Clock,
    queue_max: Duration,
    state: Mutex<State>,
}

struct State {
    /// How long one answer takes; `None` while it is dead, when calls fail at once.
    work: Option<Duration>,
    /// When it has worked off all that is queued.
    free_at: Instant,
    asked: History,
}

// === impl Callee ===

impl Callee {
    /// One that answers `per_second`, and turns away what would wait for longer than `queue_max`.
    pub(crate) fn new(per_second: u32, queue_max: Duration, clock: &Clock) -> Self {
        let now = clock.now();
        let state = State { work: Some(work(per_second)), free_at: now, asked: History::from(now) };
        Self { clock: clock.clone(), queue_max, state: Mutex::new(state) }
    }

    /// From now on it answers so many a second; none is dead.
    pub(crate) fn answers(&self, per_second: Option<u32>) {
        self.state.lock().unwrap().work = per_second.map(work);
    }

    pub(crate) async fn ask(&self) -> Result<(), Error> {
        self.clock.sleep_until(self.enqueue()?).await;
        Ok(())
    }

    /// When the answer is there.
    fn enqueue(&self) -> Result<Instant, Error> {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap();
        state.asked.count(now);
        let work = state.work.ok_or_else(|| Error::network("refused"))?;
        let start = state.free_at.max(now);
        if start - now > self.queue_max {
            return Err(Error::unavailable("the queue is full"));
        }
        state.free_at = start + work;
        Ok(state.free_at)
    }

    /// What it was asked.
    pub(crate) fn asked(&self) -> History {
        self.state.lock().unwrap().asked.clone()
    }
}

fn work(per_second: u32) -> Duration {
    Duration::from_secs(1) / per_second
}
