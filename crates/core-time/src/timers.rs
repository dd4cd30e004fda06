//! Setting timers of tokio to moments of the system clock.
//!
//! tokio's clock is that of the standard library, and so is ours: a timer is set without reading either. Where tokio's is another, because
//! a test has paused it and does without our feature `test-util`, timers are set to what is left. That is noticed at the first timer, or
//! when one rings too early.
#![expect(clippy::disallowed_methods, reason = "this is the one place that arms tokio timers")]

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant as TokioInstant, Sleep};

use crate::instant::Instant;
use crate::system;

/// A timer that rings at `at`. tokio rounds it up to its next millisecond. `None`, if it must be set [to what is left](set_in).
pub(crate) fn set_to(at: Instant) -> Option<Sleep> {
    if apart::is_known() {
        return None;
    }
    let at = system::to_std(at.as_nanos())?;
    Some(tokio::time::sleep_until(TokioInstant::from_std(at)))
}

/// A timer that rings when `left` has passed. tokio measures from its own reading, which is later than the one that `left` was found by.
pub(crate) fn set_in(left: Duration) -> Sleep {
    tokio::time::sleep(left)
}

/// The timer has rung that was set to `at`. Was that too early?
pub(crate) fn left_of(at: Instant) -> Option<Duration> {
    apart::left_of(at)
}

/// Sets it to what is left.
#[cold]
pub(crate) fn set_anew(timer: Pin<&mut Sleep>, left: Duration) {
    timer.reset(TokioInstant::now() + left.min(YEARS));
}

/// As far as tokio goes where a moment is too far for it.
const YEARS: Duration = Duration::from_secs(86_400 * 365 * 30);

/// Whether tokio's clock is another than ours.
#[cfg(not(feature = "test-util"))]
mod apart {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant as StdInstant};

    use super::TokioInstant;
    use crate::clock::Clock;
    use crate::instant::Instant;

    static IS_APART: OnceLock<AtomicBool> = OnceLock::new();

    #[inline]
    pub(super) fn is_known() -> bool {
        // Nothing is published by it: who does not know yet finds out by itself.
        IS_APART.get_or_init(|| AtomicBool::new(is_seen())).load(Ordering::Relaxed)
    }

    #[cold]
    fn is_seen() -> bool {
        let (before, tokio, after) = (StdInstant::now(), TokioInstant::now().into_std(), StdInstant::now());
        !(before..=after).contains(&tokio)
    }

    pub(super) fn left_of(at: Instant) -> Option<Duration> {
        // By the exact clock: a timer that is set to what a coarse reading says is left rings late.
        let now = Clock::system().now();
        if now >= at {
            return None;
        }
        if let Some(is_apart) = IS_APART.get() {
            is_apart.store(true, Ordering::Relaxed);
        }
        Some(at - now)
    }
}

/// Ours is tokio's.
#[cfg(feature = "test-util")]
mod apart {
    use std::time::Duration;

    use crate::instant::Instant;

    pub(super) const fn is_known() -> bool {
        false
    }

    pub(super) const fn left_of(_: Instant) -> Option<Duration> {
        None
    }
}
