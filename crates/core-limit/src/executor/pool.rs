use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use core_errors::{Name, PolicyKind, Reason, Rejection};

use super::config::Builder;
use super::error::StillRunning;
use super::job::{Job, job};
use super::workers::{CANCELLED, DONE, NotTaken, PANICKED, REFUSED, Workers};

/// Threads of their own for work that blocks, with a bounded queue: a bulkhead that brings its threads along. Cheap to
/// clone; clones share the threads.
///
/// Reach for it to keep what computes for long, and libraries that block, off the threads of a runtime, and off each other's: one
/// executor for each. When all threads are busy and the queue is full, a job is refused at once. A job that panics is
/// over, and its thread goes on. Jobs run in the context of whoever asked for them.
///
/// ```
/// use core_limit::Executor;
///
/// let cpu = Executor::cpu().threads(2).queue(16).build()?;
/// let job = cpu.run(|| (1..=10).sum::<u32>()).unwrap();
/// assert_eq!(job.join(), Ok(55));                      // or job.await
/// # Ok::<(), core_limit::ConfigError>(())
/// ```
///
/// # What dropping does
/// When the last clone is dropped, jobs that have not begun are cancelled, and threads end with the job they are at. To let
/// them finish, [`shutdown`](Self::shutdown).
#[derive(Clone, Debug)]
pub struct Executor(Arc<Handle>);

struct Handle {
    name: Name,
    threads: usize,
    queue: usize,
    workers: Arc<Workers>,
}

/// An executor at a moment, and what it has counted since it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The name.
    pub name: Name,
    /// Threads.
    pub threads: usize,
    /// Places in the queue.
    pub queue_max: usize,
    /// Jobs that run.
    pub running: usize,
    /// Jobs that have not begun.
    pub waiting: usize,
    /// Jobs that were done.
    pub done: u64,
    /// Jobs that panicked.
    pub panicked: u64,
    /// Jobs that were refused.
    pub refused: u64,
    /// Jobs that were cancelled before they began.
    pub cancelled: u64,
}

/// As many as the originals had.
const IO_THREADS: usize = 10;

// === impl Executor ===

impl Executor {
    /// For work that computes: a thread for each core, named `cpu_worker`.
    pub fn cpu() -> Builder {
        Builder::new("cpu_worker", thread::available_parallelism().map_or(1, usize::from))
    }

    /// For work that waits: ten threads, named `io_worker`.
    pub fn io() -> Builder {
        Builder::new("io_worker", IO_THREADS)
    }

    /// For work of one kind: ten threads with that name.
    pub fn named(name: impl AsRef<str>) -> Builder {
        Builder::new(name.as_ref(), IO_THREADS)
    }

    pub(super) fn new(name: Name, threads: usize, queue: usize, workers: Arc<Workers>) -> Self {
        Self(Arc::new(Handle { name, threads, queue, workers }))
    }

    /// Has `run` done on one of the threads, in the present context.
    ///
    /// # Errors
    /// The refusal, at once: [`Reason::BulkheadFull`] if all threads are busy and the queue is full, [`Reason::ShutDown`] after
    /// [`close`](Self::close).
    pub fn run<T, F>(&self, run: F) -> Result<Job<T>, Rejection>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (job, task) = job(run);
        match self.0.workers.submit(task) {
            Ok(place) => Ok(job.at(&self.0.workers, place)),
            Err(NotTaken::Full) => Err(self.refusal(Reason::BulkheadFull)),
            Err(NotTaken::Closed) => Err(self.refusal(Reason::ShutDown)),
        }
    }

    /// Takes no more jobs. Those that were taken are done.
    pub fn close(&self) {
        self.0.workers.close();
    }

    /// Takes no more jobs, and blocks the thread until those that were taken are done, for so long at most; then cancels
    /// those that have not begun. Not from a job of the same executor, which would wait for itself.
    ///
    /// # Errors
    /// What was left.
    pub fn shutdown(&self, limit: Duration) -> Result<(), StillRunning> {
        self.close();
        self.0.workers.wait_ended(limit)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.0.name
    }

    /// Everything there is to know about it.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let Handle { name, threads, queue, workers } = &*self.0;
        let (running, waiting) = workers.load();
        Snapshot {
            name: *name,
            threads: *threads,
            queue_max: *queue,
            running,
            waiting,
            done: workers.counts.get(DONE),
            panicked: workers.counts.get(PANICKED),
            refused: workers.counts.get(REFUSED),
            cancelled: workers.counts.get(CANCELLED),
        }
    }

    #[cold]
    fn refusal(&self, reason: Reason) -> Rejection {
        Rejection::new(PolicyKind::Bulkhead, self.0.name, reason)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.workers.close();
        self.workers.cancel_queued();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, threads, queue, .. } = self;
        f.debug_struct("Handle")
            .field("name", name)
            .field("threads", threads)
            .field("queue", queue)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} of {} threads busy, {} of {} waiting",
            self.name, self.running, self.threads, self.waiting, self.queue_max
        )
    }
}
