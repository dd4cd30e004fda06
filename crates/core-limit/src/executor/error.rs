use std::any::Any;
use std::fmt;

use core_errors::{Category, Classify, Recovery};

/// Why a job has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobError {
    /// It panicked, with these words.
    Panicked(Box<str>),
    /// It was never begun: the executor was shut down before.
    Cancelled,
}

/// What was left when the time for a shutdown was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StillRunning {
    /// Jobs that run still. Nobody can stop a thread from outside: their threads end when they do.
    pub running: usize,
    /// Jobs that were cancelled.
    pub cancelled: usize,
}

// === impl JobError ===

impl JobError {
    pub(super) fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::Panicked(text.unwrap_or("without words").into())
    }
}

/// A panic is a mistake in the job; a job that was never begun says nothing about what it would have called.
impl Classify for JobError {
    fn recovery(&self) -> Recovery {
        Recovery::Fatal
    }

    fn category(&self) -> Category {
        match self {
            Self::Panicked(_) => Category::Internal,
            Self::Cancelled => Category::Cancelled,
        }
    }

    fn idempotent_only(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(text) => write!(f, "the job panicked: {text}"),
            Self::Cancelled => f.write_str("the job was never begun: its executor was shut down"),
        }
    }
}

impl std::error::Error for JobError {}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} jobs still run, and {} were cancelled", self.running, self.cancelled)
    }
}

impl std::error::Error for StillRunning {}
