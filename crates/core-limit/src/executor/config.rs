use std::sync::Arc;
use std::thread;

use core_errors::{Name, NameError};

use super::pool::Executor;
use super::workers::Workers;
use crate::error::{ConfigError, Kind};

/// Says how many threads, and how many jobs may wait for one. Made by [`Executor::cpu`], [`Executor::io`] or [`Executor::named`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone, Debug)]
pub struct Builder {
    name: Result<Name, NameError>,
    threads: usize,
    queue: usize,
}

const THREADS_MAX: usize = 1_024;
const QUEUE_MAX: usize = 1_000_000;

// === impl Builder ===

impl Builder {
    pub(super) fn new(name: &str, threads: usize) -> Self {
        Self { name: Name::new(name), threads, queue: 100 }
    }

    /// Has so many threads, up to 1 024. Default: for work that computes as many as there are cores, for work that waits ten.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Lets so many jobs wait for a thread, up to a million. Default: 100. With none, a thread that has just told what came
    /// of a job may still count as busy.
    pub fn queue(mut self, jobs: usize) -> Self {
        self.queue = jobs;
        self
    }

    /// Checks everything and starts the threads. They are named after the executor, with a number.
    ///
    /// # Errors
    /// If there are no threads or more than 1 024, the queue is longer than a million, the name cannot be a name, or the
    /// operating system has no thread to give.
    pub fn build(self) -> Result<Executor, ConfigError> {
        let Self { name, threads, queue } = self;
        let name = name?;
        if threads == 0 {
            return Err(ConfigError(Kind::Zero { what: "the number of threads" }));
        }
        for (what, value, max) in
            [("the number of threads", threads, THREADS_MAX), ("the queue", queue, QUEUE_MAX)]
        {
            if value > max {
                return Err(ConfigError(Kind::TooManyFor { what, value, max }));
            }
        }
        let workers = Arc::new(Workers::new(threads, queue));
        // Made first: if a thread cannot be started, dropping it ends those that were.
        let executor = Executor::new(name, threads, queue, Arc::clone(&workers));
        for number in 0..threads {
            let at_work = Arc::clone(&workers);
            // Not in the context of whoever builds it: each job brings its own.
            let thread = thread::Builder::new().name(format!("{name}{number}"));
            if let Err(error) = thread.spawn(move || at_work.work()) {
                (number..threads).for_each(|_| workers.forget_thread());
                return Err(ConfigError(Kind::NoThread(error.kind())));
            }
        }
        Ok(executor)
    }
}
