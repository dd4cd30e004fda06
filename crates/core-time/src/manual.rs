use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::Clock;
use crate::instant::Instant;

/// A clock that a test moves by hand. Clones share the hand.
///
/// It starts one hour after its origin, so that a test can look back. Sleepers wake when it is advanced past them; there
/// is one entry for each sleeping future.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    now: AtomicU64,
    /// How far coarse readings lag.
    lag: Duration,
    sleepers: Mutex<Sleepers>,
}

#[derive(Debug, Default)]
struct Sleepers {
    next: u64,
    waiting: BTreeMap<(Instant, u64), Waker>,
}

const START: Instant = Instant::from_nanos(3_600_000_000_000);

// === impl ManualClock ===

impl ManualClock {
    /// A clock that stands still.
    #[must_use]
    pub fn new() -> Self {
        Self::lagging(Duration::ZERO)
    }

    /// A clock that stands still, whose coarse readings lag by `lag`, as those of the system may.
    #[must_use]
    pub fn lagging(lag: Duration) -> Self {
        let now = AtomicU64::new(START.as_nanos());
        Self(Arc::new(Inner { now, lag, sleepers: Mutex::default() }))
    }

    pub(crate) fn lag(&self) -> Duration {
        self.0.lag
    }

    /// What a coarse reading shows.
    #[must_use]
    #[inline]
    pub fn now_coarse(&self) -> Instant {
        let now = self.now();
        if self.0.lag.is_zero() {
            now
        } else {
            Instant::from_nanos(now.as_nanos() - nanos(self.0.lag).min(now.as_nanos()))
        }
    }

    /// The clock to hand to the code under test.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock::from(self.clone())
    }

    /// The time it shows.
    #[must_use]
    pub fn now(&self) -> Instant {
        // Acquire pairs with the Release in `set`: who sees the time sees what was written before it was moved.
        Instant::from_nanos(self.0.now.load(Ordering::Acquire))
    }

    /// Time since the clock was made.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now() - START
    }

    /// Moves the hand forward and wakes who is due.
    pub fn advance(&self, by: Duration) {
        self.set(self.now() + by);
    }

    /// Moves the hand forward to `at`; does nothing when `at` has passed.
    pub fn advance_to(&self, at: Instant) {
        self.set(self.now().max(at));
    }

    /// Puts the hand anywhere, also back: real clocks are known to do it (rule W-5).
    pub fn set(&self, at: Instant) {
        self.0.now.store(at.as_nanos(), Ordering::Release);
        for waker in self.due(at) {
            waker.wake();
        }
    }

    fn due(&self, now: Instant) -> Vec<Waker> {
        let mut sleepers = self.0.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        let later = sleepers.waiting.split_off(&(now + Duration::from_nanos(1), 0));
        std::mem::replace(&mut sleepers.waiting, later).into_values().collect()
    }

    /// Polls a sleeper: ready at `at`, otherwise remembered under `id` until then.
    #[cfg_attr(not(feature = "tokio"), expect(dead_code, reason = "only sleeps poll"))]
    pub(crate) fn poll_until(&self, at: Instant, id: &mut Option<u64>, cx: &Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut sleepers = self.0.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        if self.now() >= at {
            return Poll::Ready(());
        }
        let id = *id.get_or_insert_with(|| {
            sleepers.next += 1;
            sleepers.next
        });
        let before = sleepers.waiting.insert((at, id), waker);
        drop(sleepers);
        // Dropped outside of the lock: with a waker may go a task that has sleepers of its own.
        drop(before);
        Poll::Pending
    }

    /// Forgets a sleeper that was dropped.
    #[cfg_attr(not(feature = "tokio"), expect(dead_code, reason = "only sleeps are forgotten"))]
    pub(crate) fn forget(&self, at: Instant, id: u64) {
        let forgotten =
            self.0.sleepers.lock().unwrap_or_else(PoisonError::into_inner).waiting.remove(&(at, id));
        // As above.
        drop(forgotten);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
