use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use core_time::{Alarm, Instant};

use super::gcra::Reserved;
use super::limit::RateLimit;

/// Calls that were taken from a [`RateLimit`] as of a moment to come. Made by [`RateLimit::reserve`].
///
/// Wait for it with [`ready`](Self::ready) or [`ready_blocking`](Self::ready_blocking), or [`spend`](Self::spend) it and see
/// to it that nothing happens before [`at`](Self::at). Dropped before that, it is given back if no other was made after it
/// (rule RL-7); those that were made later keep their time, so otherwise it is lost.
#[must_use = "a reservation that is dropped is given back"]
#[derive(Debug)]
pub struct Reservation {
    limit: RateLimit,
    before: u64,
    after: u64,
    at: Instant,
    /// Whether its time had come when it was made, so that nobody asks the clock again.
    is_due: bool,
    is_spent: bool,
}

// === impl Reservation ===

impl Reservation {
    /// What was reserved at `now`.
    pub(super) fn new(limit: RateLimit, reserved: Reserved, now: Instant) -> Self {
        let Reserved { before, after, wait } = reserved;
        Self { limit, before, after, at: now + wait, is_due: wait.is_zero(), is_spent: false }
    }

    /// When its time comes.
    #[must_use]
    pub fn at(&self) -> Instant {
        self.at
    }

    /// How long it is until then; zero once it has come.
    #[must_use]
    pub fn wait(&self) -> Duration {
        if self.is_due {
            return Duration::ZERO;
        }
        self.at - self.limit.clock().now()
    }

    /// Waits for its time, and spends it. Never ready early.
    ///
    /// # Cancel safety
    /// Dropping the future gives the reservation back, as dropping the reservation does.
    ///
    /// # Panics
    /// As [`Clock::sleep_until`](core_time::Clock::sleep_until), where it has to wait.
    pub async fn ready(self) {
        self.came().await;
        self.spend();
    }

    /// Ready once its time has come.
    pub(super) fn came(&self) -> impl Future<Output = ()> + '_ {
        let (mut alarm, clock) = (Alarm::new(), self.limit.clock());
        poll_fn(move |cx| {
            // A task that has spent its budget never sees its timer fire: the clock has the last word.
            if self.is_due || clock.reached(self.at).is_ok() {
                return Poll::Ready(());
            }
            alarm.poll_until(clock, self.at, cx)
        })
    }

    /// Blocks the thread until its time has come, and spends it.
    pub fn ready_blocking(self) {
        if !self.is_due {
            self.limit.clock().sleep_until_blocking(self.at);
        }
        self.spend();
    }

    /// Spends it now: what it is for happens, or has happened.
    pub fn spend(mut self) {
        self.is_spent = true;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.is_spent {
            self.limit.cancel(self.before, self.after);
        }
    }
}
