//! The monotonic clock of the operating system.

use std::time::Duration;

/// The longest time by which a coarse reading may lag an exact one.
///
/// One kernel tick (4 ms at 250 Hz) where the processor that keeps the time runs. A virtual machine may stop that one while
/// another goes on; Linux lets another one take over after 5 ticks. Lags of 6 ms were seen on a busy machine.
pub(crate) const TICK: Duration = Duration::from_millis(25);

#[cfg(all(target_os = "linux", not(feature = "test-util")))]
mod source {
    use rustix::time::{ClockId, Timespec, clock_gettime};

    // Both readings are of the same timeline, so moments taken from one compare with moments taken from the other.
    pub(crate) fn exact() -> u64 {
        nanos(clock_gettime(ClockId::Monotonic))
    }

    pub(crate) fn coarse() -> u64 {
        nanos(clock_gettime(ClockId::MonotonicCoarse))
    }

    #[cfg(feature = "counter")]
    pub(crate) use super::counter::counted;
    #[cfg(not(feature = "counter"))]
    pub(crate) use exact as counted;

    /// The moment as the standard library has it. Its clock is this one, but does not tell its nanoseconds. Never earlier than `at`, and
    /// later by what it took to read both once.
    #[cfg(feature = "tokio")]
    pub(crate) fn to_std(at: u64) -> Option<std::time::Instant> {
        static BEGIN: std::sync::OnceLock<(u64, std::time::Instant)> = std::sync::OnceLock::new();
        let (ours, std) = BEGIN.get_or_init(both);
        std.checked_add(std::time::Duration::from_nanos(at.saturating_sub(*ours)))
    }

    /// Both readings of one moment, ours not later. Whoever is put to sleep between them tries again.
    #[cfg(feature = "tokio")]
    #[cold]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the ambient clock")]
    fn both() -> (u64, std::time::Instant) {
        let pair = || {
            let (ours, std) = (exact(), std::time::Instant::now());
            (exact() - ours, (ours, std))
        };
        let closest = (0..8).map(|_| pair()).min_by_key(|(apart, _)| *apart);
        closest.unwrap_or_else(pair).1
    }

    #[expect(
        clippy::cast_sign_loss,
        reason = "a monotonic clock starts at zero and its parts are never negative"
    )]
    fn nanos(at: Timespec) -> u64 {
        (at.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(at.tv_nsec as u64)
    }
}

/// Platforms without a coarse clock, and tests: nanoseconds since the first reading of the process. The readings go
/// through tokio in tests, so that a paused runtime pauses us.
#[cfg(any(not(target_os = "linux"), feature = "test-util"))]
mod source {
    use std::sync::OnceLock;
    use std::time::{Duration, Instant};

    static ORIGIN: OnceLock<Instant> = OnceLock::new();

    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the ambient clock")]
    fn read() -> Instant {
        #[cfg(feature = "test-util")]
        return tokio::time::Instant::now().into_std();
        #[cfg(not(feature = "test-util"))]
        return Instant::now();
    }

    pub(crate) fn exact() -> u64 {
        u64::try_from(read().saturating_duration_since(origin()).as_nanos()).unwrap_or(u64::MAX)
    }

    fn origin() -> Instant {
        // An hour of margin: a paused clock may have started before the first reading.
        *ORIGIN.get_or_init(|| read().checked_sub(Duration::from_secs(3600)).unwrap_or_else(read))
    }

    pub(crate) fn coarse() -> u64 {
        exact()
    }

    /// The moment as the standard library has it.
    #[cfg(feature = "tokio")]
    pub(crate) fn to_std(at: u64) -> Option<Instant> {
        origin().checked_add(Duration::from_nanos(at))
    }

    pub(crate) use exact as counted;
}

/// The counter of the processor, in nanoseconds of the exact clock: it is as that one was when it was first read.
#[cfg(all(target_os = "linux", feature = "counter", not(feature = "test-util")))]
mod counter {
    use std::sync::OnceLock;

    struct Counter {
        clock: quanta::Clock,
        /// The counter and the exact clock at one moment.
        begin: (u64, u64),
    }

    static COUNTER: OnceLock<Counter> = OnceLock::new();

    #[inline]
    pub(crate) fn counted() -> u64 {
        let Counter { clock, begin: (raw, nanos) } = COUNTER.get_or_init(Counter::calibrated);
        nanos.wrapping_add(clock.delta_as_nanos(*raw, clock.raw()))
    }

    impl Counter {
        #[cold]
        fn calibrated() -> Self {
            let clock = quanta::Clock::new();
            let begin = (clock.raw(), super::exact());
            Self { clock, begin }
        }
    }
}

#[cfg(feature = "tokio")]
pub(crate) use source::to_std;
pub(crate) use source::{coarse, counted, exact};
