use std::time::Duration;

use core_errors::{Category, Cause};

/// A failure that may pass.
#[derive(Clone, Copy)]
pub(crate) struct Failure {
    pub(crate) wait: Wait,
    pub(crate) cause: Option<Cause>,
    /// A pause that the callee asked for and that is too long to be followed.
    pub(crate) discarded: Option<Duration>,
}

// === impl Failure ===

impl Failure {
    pub(crate) fn new(wait: Wait, cause: Option<Cause>) -> Self {
        Self { wait, cause, discarded: None }
    }

    pub(crate) fn is_timeout(self) -> bool {
        self.cause.is_some_and(|cause| cause.category == Category::Timeout)
    }
}

/// How to wait for the next attempt.
#[derive(Clone, Copy)]
pub(crate) enum Wait {
    /// Not at all.
    None,
    /// As the backoff says, or as the callee asked.
    Backoff(Option<Duration>),
    /// As the backoff says, but no shorter than this.
    AtLeast(Duration),
}
