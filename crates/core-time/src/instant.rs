use std::fmt;
use std::num::NonZeroU64;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment on a [`Clock`](crate::Clock): nanoseconds since that clock's origin, in one word.
///
/// One word so that engines keep moments in atomics; an `Option` of it is one word too, which is why the first moment is
/// one nanosecond and not none. Moments of different clocks are not comparable. All arithmetic saturates; nothing here
/// panics.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(NonZeroU64);

/// `n` milliseconds.
#[must_use]
pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// `n` seconds.
#[must_use]
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

// === impl Instant ===

impl Instant {
    /// The first moment of the clock.
    pub const ORIGIN: Self = Self(NonZeroU64::MIN);

    /// Later than every moment a clock can show (about 584 years after its origin).
    pub const NEVER: Self = Self(NonZeroU64::MAX);

    /// The moment of so many nanoseconds; of none, [`ORIGIN`](Self::ORIGIN).
    #[must_use]
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Self {
        match NonZeroU64::new(nanos) {
            Some(nanos) => Self(nanos),
            None => Self::ORIGIN,
        }
    }

    /// The nanoseconds it is made of.
    #[must_use]
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0.get()
    }

    /// Time from `earlier` to `self`; zero if `earlier` is in fact later.
    #[must_use]
    #[inline]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.as_nanos().saturating_sub(earlier.as_nanos()))
    }
}

/// Saturates at [`Instant::NEVER`].
impl Add<Duration> for Instant {
    type Output = Self;

    #[inline]
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(nanos(rhs)))
    }
}

/// Saturates at [`Instant::ORIGIN`].
impl Sub<Duration> for Instant {
    type Output = Self;

    #[inline]
    fn sub(self, rhs: Duration) -> Self {
        Self::from_nanos(self.as_nanos().saturating_sub(nanos(rhs)))
    }
}

/// The same as [`Instant::since`].
impl Sub for Instant {
    type Output = Duration;

    #[inline]
    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// [`Instant::ORIGIN`].
impl Default for Instant {
    fn default() -> Self {
        Self::ORIGIN
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NEVER {
            f.write_str("never")
        } else {
            write!(f, "+{:?}", Duration::from_nanos(self.as_nanos()))
        }
    }
}

#[inline]
fn nanos(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(duration.subsec_nanos()))
}
