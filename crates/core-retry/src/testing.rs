//! A switch for tests of applications: fewer attempts, and no waiting, in the whole process.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// 0 is off; else so many attempts at most.
static ATTEMPTS: AtomicU32 = AtomicU32::new(0);

/// While it lives, every retry of the process makes at most so many attempts, and does not wait between them (rule RT-12). Hedges are
/// attempts, too.
///
/// For tests of applications, whose retries are deep inside and would make each failure take seconds. It does not touch deadlines,
/// budgets or events. One at a time: the newest counts, and the switch is off as soon as any is
/// dropped.
///
/// ```
/// use core_errors::Error;
/// use core_retry::{Retry, Testing};
///
/// let retry = Retry::critical().build()?;              // 10 attempts, up to 30 s between them
/// let _testing = Testing::attempts(1);
/// let error = retry.call_blocking(|_| Err::<(), _>(Error::network("down"))).unwrap_err();
/// assert!(error.inner().is_some());
/// # Ok::<(), core_retry::ConfigError>(())
/// ```
#[derive(Debug)]
#[must_use = "the switch is off again when this is dropped"]
pub struct Testing(());

// === impl Testing ===

impl Testing {
    /// At most so many attempts; 0 is 1.
    pub fn attempts(attempts: u32) -> Self {
        // Nothing else is published by it.
        ATTEMPTS.store(attempts.max(1), Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Testing {
    fn drop(&mut self) {
        ATTEMPTS.store(0, Ordering::Relaxed);
    }
}

/// Whether a test has limited the attempts.
pub(crate) fn is_on() -> bool {
    ATTEMPTS.load(Ordering::Relaxed) != 0
}

/// How many attempts there may be.
pub(crate) fn attempts_max(attempts: u32) -> u32 {
    match ATTEMPTS.load(Ordering::Relaxed) {
        0 => attempts,
        max => attempts.min(max),
    }
}

/// How many attempts there may be, and how long to wait: as configured, unless a test says otherwise.
pub(crate) fn bounded(attempts: u32, delay: impl FnOnce() -> Duration) -> (u32, Duration) {
    match ATTEMPTS.load(Ordering::Relaxed) {
        0 => (attempts, delay()),
        max => (attempts.min(max), Duration::ZERO),
    }
}
