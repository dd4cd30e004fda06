use std::fmt;
use std::time::Duration;

use crate::instant::Instant;
use crate::manual::ManualClock;
use crate::system;

/// Where a policy gets its time from: the system, or a test's hand.
///
/// Cheap to clone. The default is [`Clock::system`].
#[derive(Clone, Default)]
pub struct Clock {
    /// `None` is the system.
    manual: Option<ManualClock>,
}

// === impl Clock ===

impl Clock {
    /// The monotonic clock of the operating system.
    ///
    /// With the feature `test-util` it follows the paused clock of the tokio runtime it is read in.
    #[must_use]
    pub const fn system() -> Self {
        Self { manual: None }
    }

    /// The exact time. About 30 ns on the system clock.
    #[must_use]
    #[inline]
    pub fn now(&self) -> Instant {
        match &self.manual {
            None => Instant::from_nanos(system::exact()),
            Some(manual) => manual.now(),
        }
    }

    /// A reading for how long something took, which is held against other readings of this kind only. About 10 ns with the
    /// feature `counter` on Linux, where the processor has a steady counter; [`now`](Self::now) anywhere else, in tests and on a
    /// manual clock.
    ///
    /// The counter runs evenly: a duration is right to a few parts in 100 000. Two threads may see it a few nanoseconds apart. The first
    /// reading of the process finds out how fast it runs, for which it takes up to 200 ms.
    #[must_use]
    #[inline]
    pub fn now_counted(&self) -> Instant {
        match &self.manual {
            None => Instant::from_nanos(system::counted()),
            Some(manual) => manual.now(),
        }
    }

    /// The time of the last kernel tick: never later than [`now`](Self::now), earlier by less than
    /// [`tick`](Self::tick). About 7 ns on the system clock.
    #[must_use]
    #[inline]
    pub fn now_coarse(&self) -> Instant {
        match &self.manual {
            None => Instant::from_nanos(system::coarse()),
            Some(manual) => manual.now_coarse(),
        }
    }

    /// How far a coarse reading may lag: 25 ms on the system clock, where it rarely is more than 4; zero on a manual clock that
    /// does not [lag](ManualClock::lagging).
    #[must_use]
    #[inline]
    pub fn tick(&self) -> Duration {
        match &self.manual {
            None => system::TICK,
            Some(manual) => manual.lag(),
        }
    }

    /// Whether `at` has come; if not, the time that is left.
    ///
    /// Whether it has is exact. It costs a coarse reading, and an exact one only within a tick of `at`.
    ///
    /// # Errors
    /// The remaining time, when `at` lies ahead: by the coarse reading, and so up to a [`tick`](Self::tick) too long, where that is more than a
    /// tick.
    #[inline]
    pub fn reached(&self, at: Instant) -> Result<Instant, Duration> {
        let coarse = self.now_coarse();
        if coarse >= at {
            return Ok(coarse);
        }
        let left = at - coarse;
        if left > self.tick() { Err(left) } else { self.reached_exactly(at) }
    }

    #[cold]
    fn reached_exactly(&self, at: Instant) -> Result<Instant, Duration> {
        let now = self.now();
        if now >= at { Ok(now) } else { Err(at - now) }
    }

    /// Blocks the thread until `at`. Never returns early (rule RT-6).
    ///
    /// A manual clock does not block: it jumps to `at`.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that puts a thread to sleep")]
    pub fn sleep_until_blocking(&self, at: Instant) {
        if let Some(manual) = &self.manual {
            manual.advance_to(at);
            return;
        }
        while let left @ 1.. = (at - self.now()).as_nanos() {
            std::thread::sleep(Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX)));
        }
    }

    /// A future that is ready once `at` has come. Never ready early (rule RT-6). It reads no clock until then.
    ///
    /// # Panics
    /// Outside a tokio runtime with timers, unless the clock is manual.
    #[cfg(feature = "tokio")]
    #[inline]
    pub fn sleep_until(&self, at: Instant) -> crate::Sleep {
        crate::Sleep::new(self, at)
    }

    /// [`sleep_until`](Self::sleep_until) `duration` from now.
    ///
    /// # Panics
    /// As [`sleep_until`](Self::sleep_until).
    #[cfg(feature = "tokio")]
    pub fn sleep(&self, duration: Duration) -> crate::Sleep {
        self.sleep_until(self.now() + duration)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn manual(&self) -> Option<&ManualClock> {
        self.manual.as_ref()
    }
}

impl From<ManualClock> for Clock {
    fn from(manual: ManualClock) -> Self {
        Self { manual: Some(manual) }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.manual.is_some() { "Clock(manual)" } else { "Clock(system)" })
    }
}
