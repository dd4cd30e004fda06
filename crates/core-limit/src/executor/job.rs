use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use core_context::Context;
use core_policy::{Counters, quietly};

use super::error::JobError;
use super::workers::{CANCELLED, DONE, PANICKED, Workers};

/// What an [`Executor`](super::Executor) is to do: await its result, or [`join`](Self::join) it on a thread.
///
/// # Cancel safety
/// Dropping it cancels a job that has not begun, which leaves the queue at once; one that runs goes on, and its result is dropped. [`detach`](Self::detach)
/// lets it be done without anybody waiting.
///
/// # Panics
/// Polling it after it was ready panics.
#[must_use = "a job that is dropped before it began is not done"]
#[derive(Debug)]
pub struct Job<T> {
    shared: Arc<Shared<T>>,
    /// Where it waits, or has waited. `None` if nobody is to cancel it.
    place: Option<Place>,
}

/// A place in the queue.
#[derive(Debug)]
struct Place {
    workers: Arc<Workers>,
    number: u64,
}

/// What the job and its handle share.
#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    done: Condvar,
    /// Whether anybody wants the result.
    is_wanted: AtomicBool,
}

#[derive(Debug)]
enum State<T> {
    Pending(Option<Waker>),
    Done(Result<T, JobError>),
    Taken,
}

/// A job in the queue. Dropping it unrun cancels it.
pub(super) trait Task: Send {
    /// Runs it, unless nobody wants it any longer, and counts what came of it before anybody learns of it.
    fn run(self: Box<Self>, counts: &Counters<4>);
}

struct Work<T, F> {
    shared: Arc<Shared<T>>,
    context: Option<Context>,
    run: Option<F>,
}

/// Makes a job and its task, in the context of whoever asks for it.
pub(super) fn job<T, F>(run: F) -> (Job<T>, Box<dyn Task>)
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let state = Mutex::new(State::Pending(None));
    let shared = Arc::new(Shared { state, done: Condvar::new(), is_wanted: AtomicBool::new(true) });
    let work = Work { shared: Arc::clone(&shared), context: Context::current(), run: Some(run) };
    (Job { shared, place: None }, Box::new(work))
}

// === impl Job ===

impl<T> Job<T> {
    /// The job, once it was taken.
    pub(super) fn at(mut self, workers: &Arc<Workers>, number: u64) -> Self {
        self.place = Some(Place { workers: Arc::clone(workers), number });
        self
    }

    /// Blocks the thread until it is done. Not on a thread of the same executor: if all its threads wait for jobs that are
    /// in the queue, none is begun.
    ///
    /// # Errors
    /// If it panicked, or was never begun.
    pub fn join(self) -> Result<T, JobError> {
        let mut state = self.shared.lock();
        while matches!(*state, State::Pending(_)) {
            state = self.shared.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        take(&mut state)
    }

    /// Blocks the thread until it is done, for so long at most.
    ///
    /// # Errors
    /// The job, if it is not done by then.
    pub fn join_within(self, limit: Duration) -> Result<Result<T, JobError>, Self> {
        let state = self.shared.lock();
        let is_pending = |state: &mut State<T>| matches!(state, State::Pending(_));
        let waited = self.shared.done.wait_timeout_while(state, limit, is_pending);
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() && matches!(*state, State::Pending(_)) {
            drop(state);
            return Err(self);
        }
        Ok(take(&mut state))
    }

    /// Whether it is done: awaiting or joining it would not wait.
    #[must_use]
    pub fn is_done(&self) -> bool {
        !matches!(*self.shared.lock(), State::Pending(_))
    }

    /// Lets it be done without anybody waiting for it. A panic of it is counted, and not told to anybody.
    pub fn detach(mut self) {
        self.place = None;
    }
}

impl<T> Future for Job<T> {
    type Output = Result<T, JobError>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut state = self.shared.lock();
        if let State::Pending(waker) = &mut *state {
            match waker {
                Some(waker) => waker.clone_from(cx.waker()),
                None => *waker = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        Poll::Ready(take(&mut state))
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        let Some(Place { workers, number }) = self.place.take() else { return };
        if !self.is_done() {
            // For the thread that has just taken it out of the queue.
            self.shared.is_wanted.store(false, Ordering::Release);
            workers.cancel(number);
        }
    }
}

fn take<T>(state: &mut State<T>) -> Result<T, JobError> {
    match std::mem::replace(state, State::Taken) {
        State::Done(result) => result,
        State::Pending(_) | State::Taken => panic!("a job was polled after it was ready"),
    }
}

// === impl Shared ===

impl<T> Shared<T> {
    fn finish(&self, result: Result<T, JobError>) {
        let before = std::mem::replace(&mut *self.lock(), State::Done(result));
        self.done.notify_all();
        if let State::Pending(Some(waker)) = before {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Work ===

impl<T: Send, F: FnOnce() -> T + Send> Task for Work<T, F> {
    fn run(mut self: Box<Self>, counts: &Counters<4>) {
        let Some(run) = self.run.take() else { return };
        if !self.shared.is_wanted.load(Ordering::Acquire) {
            counts.bump(CANCELLED);
            self.shared.finish(Err(JobError::Cancelled));
            return;
        }
        let context = self.context.take();
        let result = catch_unwind(AssertUnwindSafe(|| match context {
            Some(context) => context.sync_scope(run),
            None => run(),
        }));
        counts.bump(if result.is_ok() { DONE } else { PANICKED });
        match result {
            Ok(result) => self.shared.finish(Ok(result)),
            Err(payload) => {
                self.shared.finish(Err(JobError::of_panic(&*payload)));
                // Last: what a job panics with may panic again when it is dropped.
                quietly(|| drop(payload));
            }
        }
    }
}

impl<T, F> Drop for Work<T, F> {
    fn drop(&mut self) {
        // Told before it is dropped, which may panic: that is code of the user's.
        if let Some(run) = self.run.take() {
            self.shared.finish(Err(JobError::Cancelled));
            drop(run);
        }
    }
}
