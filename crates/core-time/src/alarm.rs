use std::fmt;
use std::task::{Context, Poll};

use crate::clock::Clock;
use crate::instant::Instant;
use crate::sleep::Sleep;
use crate::spare::{Place, Spare};

/// Rings at a moment of a [`Clock`]: for futures that seldom wait, and hold one word for it.
///
/// A [`Sleep`] lies in the future that waits, and weighs some 120 bytes there also while nobody waits. An alarm that is set lies outside. Its
/// memory comes from the thread that sets it and goes to the one that clears it, which keeps some: 64 pieces at most, of some 120 bytes
/// each, until it ends. Setting one allocates where the thread keeps none: the first times, where waits begin and end by hundreds, or where
/// many begin on one thread and end on another. The timer itself is not kept, as it belongs to a runtime.
///
/// # Cancel safety
/// Dropping it forgets the timer; nothing else happens.
#[derive(Default)]
#[must_use = "it rings for who polls it"]
pub struct Alarm {
    timer: Option<Timer>,
}

/// Set in an alarm, and not set where a thread keeps it.
type Timer = Place<Sleep>;

thread_local! {
    static KEPT: Spare<Sleep> = const { Spare::new() };
}

// === impl Alarm ===

impl Alarm {
    /// One that is not set.
    pub const fn new() -> Self {
        Self { timer: None }
    }

    /// What it is set to.
    #[must_use]
    pub fn at(&self) -> Option<Instant> {
        self.timer.as_ref()?.as_ref().get_ref().as_ref().map(Sleep::at)
    }

    /// Ready once `at` has come, never early (rule RT-6). It is set, if it is not set to this moment already.
    ///
    /// # Panics
    /// Outside a tokio runtime with timers, unless the clock is manual. Also where the runtime in which it was set is gone, until it is
    /// [cleared](Self::clear) or set to another moment.
    pub fn poll_until(&mut self, clock: &Clock, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if self.at() != Some(at) {
            self.set(clock.sleep_until(at));
        }
        let sleep = self.timer.as_mut().and_then(|timer| timer.as_mut().as_pin_mut());
        sleep.map_or(Poll::Pending, |sleep| sleep.poll(cx))
    }

    /// Forgets what it is set to.
    #[inline]
    pub fn clear(&mut self) {
        if self.timer.is_some() {
            self.clear_set();
        }
    }

    #[inline(never)]
    fn clear_set(&mut self) {
        if let Some(timer) = self.timer.take() {
            // With the timer goes its waker, and with that perhaps a task, which may have alarms of its own.
            Spare::give_back(&KEPT, timer);
        }
    }

    fn set(&mut self, sleep: Sleep) {
        let timer = self.timer.get_or_insert_with(|| Spare::take(&KEPT));
        timer.as_mut().set(Some(sleep));
    }
}

impl Drop for Alarm {
    #[inline]
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").field("at", &self.at()).finish()
    }
}
