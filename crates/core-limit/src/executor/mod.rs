//! Threads of their own for work that blocks, with a bounded queue.

mod config;
mod error;
mod job;
mod pool;
mod workers;

pub use config::Builder;
pub use error::{JobError, StillRunning};
pub use job::Job;
pub use pool::{Executor, Snapshot};
