use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use core_policy::{Counters, quietly};

use super::error::StillRunning;
use super::job::Task;

/// The queue, and what its threads know.
pub(super) struct Workers {
    state: Mutex<State>,
    /// There is work, or none will come.
    work: Condvar,
    /// A thread has ended.
    ended: Condvar,
    queue_max: usize,
    pub(super) counts: Counters<4>,
}

struct State {
    /// By their place: first come, first served, and one whose job is dropped leaves from wherever it is.
    queue: BTreeMap<u64, Box<dyn Task>>,
    /// The place of the next.
    next: u64,
    /// Threads that wait for work, those that were not started by the system yet among them.
    idle: usize,
    /// Threads there are.
    alive: usize,
    is_closed: bool,
}

/// Why a task was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    Full,
    Closed,
}

pub(super) const DONE: usize = 0;
pub(super) const PANICKED: usize = 1;
pub(super) const REFUSED: usize = 2;
pub(super) const CANCELLED: usize = 3;

// === impl Workers ===

impl Workers {
    pub(super) fn new(threads: usize, queue_max: usize) -> Self {
        let state =
            State { queue: BTreeMap::new(), next: 0, idle: threads, alive: threads, is_closed: false };
        let (work, ended) = (Condvar::new(), Condvar::new());
        Self { state: Mutex::new(state), work, ended, queue_max, counts: Counters::new() }
    }

    /// Takes a task, if a thread is idle or there is a place in the queue. Its place.
    pub(super) fn submit(&self, task: Box<dyn Task>) -> Result<u64, NotTaken> {
        let mut state = self.lock();
        let why = if state.is_closed {
            NotTaken::Closed
        } else if state.queue.len() < state.idle + self.queue_max {
            let place = state.next;
            state.next += 1;
            state.queue.insert(place, task);
            drop(state);
            self.work.notify_one();
            return Ok(place);
        } else {
            NotTaken::Full
        };
        drop(state);
        self.counts.bump(REFUSED);
        Err(why)
    }

    /// Works until the executor is closed and the queue is empty.
    pub(super) fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some((_, task)) = state.queue.pop_first() {
                state.idle -= 1;
                drop(state);
                self.run(task);
                state = self.lock();
                state.idle += 1;
            } else if state.is_closed {
                break;
            } else {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        state.idle -= 1;
        state.alive -= 1;
        drop(state);
        self.ended.notify_all();
    }

    fn run(&self, task: Box<dyn Task>) {
        // The job catches its own panic; what is left is that of a result that nobody wants, and is dropped here.
        quietly(|| task.run(&self.counts));
    }

    /// A thread that was counted could not be started.
    pub(super) fn forget_thread(&self) {
        let mut state = self.lock();
        state.idle -= 1;
        state.alive -= 1;
    }

    /// Takes no more tasks.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.work.notify_all();
    }

    /// Takes a task out of the queue, and cancels it, if it has not begun.
    pub(super) fn cancel(&self, place: u64) {
        let task = self.lock().queue.remove(&place);
        if let Some(task) = task {
            self.counts.bump(CANCELLED);
            // Without the lock: that is code of the user's.
            quietly(|| drop(task));
        }
    }

    /// Takes what was not begun out of the queue, and cancels it. How many.
    pub(super) fn cancel_queued(&self) -> usize {
        let queued = std::mem::take(&mut self.lock().queue);
        self.counts.add(CANCELLED, queued.len() as u64);
        let cancelled = queued.len();
        // Dropped one by one, without the lock: that is code of the user's.
        for task in queued.into_values() {
            quietly(|| drop(task));
        }
        cancelled
    }

    /// Waits until all threads have ended, for so long at most; then cancels what was not begun.
    pub(super) fn wait_ended(&self, limit: Duration) -> Result<(), StillRunning> {
        let waited = self.ended.wait_timeout_while(self.lock(), limit, |state| state.alive > 0);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.alive == 0 {
            return Ok(());
        }
        drop(state);
        let cancelled = self.cancel_queued();
        let state = self.lock();
        let running = state.alive - state.idle;
        if running == 0 && cancelled == 0 { Ok(()) } else { Err(StillRunning { running, cancelled }) }
    }

    /// How many jobs run, and how many wait.
    pub(super) fn load(&self) -> (usize, usize) {
        let state = self.lock();
        (state.alive - state.idle, state.queue.len())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("queue_max", &self.queue_max).finish_non_exhaustive()
    }
}
