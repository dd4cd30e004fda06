use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use core_time::Instant;

/// The generic cell rate algorithm over one word. Pure: the time goes in.
///
/// The word is the theoretical arrival time (TAT): when the bucket will be empty again. A call adds `interval` to it and is
/// admitted if it then lies no further ahead than `burst` intervals (rule RL-1).
///
/// Time is kept in units of `1/scale` ns, so that rates which do not divide a second are still exact: with 3 a second the
/// interval is 333 333 333⅓ ns. The word counts from the limiter's own start.
#[derive(Debug)]
pub(crate) struct Gcra {
    tat: AtomicU64,
    epoch: Instant,
    /// Units in a nanosecond.
    scale: u64,
    /// Units between two calls.
    interval: u64,
    /// How many intervals the TAT may lie ahead.
    burst: u64,
    /// The same in units.
    ahead: u64,
    /// A TAT that lies further ahead was written by a clock that has gone back since. In units.
    horizon: u64,
    /// Nanoseconds after which time stands still, so that sums never overflow.
    nanos_max: u64,
}

/// What a call was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How many more would be admitted now.
    pub remaining: u64,
    /// When the bucket is empty again, and everything that `burst` allows would be admitted.
    pub reset: Duration,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// After so long it would be.
    RetryAfter(Duration),
    /// More than `burst` at once is never admitted (rule RL-10).
    Impossible,
}

// === impl Gcra ===

impl Gcra {
    /// `count` in `period`, `burst` at once. The caller has checked that all are in range.
    pub(crate) fn new(count: u64, period: Duration, burst: u64, epoch: Instant) -> Self {
        let (scale, interval) = units_of(count, period, burst);
        Self::of(epoch, scale, interval, burst.min(ROOM / interval))
    }

    /// Whether the rate would be kept only to within more than 1 %.
    pub(crate) fn is_off(count: u64, period: Duration, burst: u64) -> bool {
        let (scale, interval) = units_of(count, period, burst);
        let kept = u128::from(count) * u128::from(interval);
        let asked = period.as_nanos() * u128::from(scale);
        kept * 100 > asked * 101
    }

    fn of(epoch: Instant, scale: u64, interval: u64, burst: u64) -> Self {
        let ahead = burst * interval;
        let (horizon, nanos_max) = (ahead + JUMP * scale, u64::MAX / 4 / scale);
        Self { tat: AtomicU64::new(0), epoch, scale, interval, burst, ahead, horizon, nanos_max }
    }

    /// Takes one, or changes nothing.
    #[inline]
    pub(crate) fn take_one(&self, now: Instant) -> Result<(), Refused> {
        let now = self.units(now);
        let limit = now + self.ahead;
        let mut tat = self.load(now);
        loop {
            let after = tat.max(now) + self.interval;
            if after > limit {
                return Err(Refused::RetryAfter(self.nanos_up(after - limit)));
            }
            match self.tat.compare_exchange_weak(tat, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(changed) => tat = changed,
            }
        }
    }

    /// Takes `n`, or changes nothing.
    #[inline]
    pub(crate) fn take(&self, n: u64, now: Instant) -> Result<Taken, Refused> {
        let now = self.units(now);
        if n > self.burst {
            return Err(Refused::Impossible);
        }
        let limit = now + self.ahead;
        let mut tat = self.load(now);
        loop {
            let after = tat.max(now) + n * self.interval;
            if after > limit {
                return Err(Refused::RetryAfter(self.nanos_up(after - limit)));
            }
            match self.tat.compare_exchange_weak(tat, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(self.taken(after, now, limit)),
                Err(changed) => tat = changed,
            }
        }
    }

    /// Takes as many as there are, up to `n`. How many (rule RL-2).
    pub(crate) fn take_at_most(&self, n: u64, now: Instant) -> u64 {
        let now = self.units(now);
        let limit = now + self.ahead;
        let mut tat = self.load(now);
        loop {
            let from = tat.max(now);
            let granted = (limit.saturating_sub(from) / self.interval).min(n);
            let after = from + granted * self.interval;
            if granted == 0 {
                return 0;
            }
            match self.tat.compare_exchange_weak(tat, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return granted,
                Err(changed) => tat = changed,
            }
        }
    }

    /// What there is. Changes nothing.
    pub(crate) fn peek(&self, now: Instant) -> Taken {
        let now = self.units(now);
        let limit = now + self.ahead;
        self.taken(self.tat.load(Ordering::Relaxed).clamp(now, limit), now, limit)
    }

    /// How long a full bucket takes to empty.
    pub(crate) fn tolerance(&self) -> Duration {
        self.nanos_up(self.ahead)
    }

    /// The TAT. One far beyond the limit means that the clock went back: the bucket counts as full, and is from now on, so
    /// that nobody is locked out until the clock has caught up. A little beyond it is another thread's later reading.
    #[inline]
    fn load(&self, now: u64) -> u64 {
        let tat = self.tat.load(Ordering::Relaxed);
        if tat <= now + self.horizon { tat } else { self.after_jump(tat, now + self.ahead) }
    }

    #[cold]
    fn after_jump(&self, tat: u64, limit: u64) -> u64 {
        match self.tat.compare_exchange(tat, limit, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => limit,
            Err(changed) => changed,
        }
    }

    #[inline]
    fn taken(&self, tat: u64, now: u64, limit: u64) -> Taken {
        Taken { remaining: limit.saturating_sub(tat) / self.interval, reset: self.nanos_up(tat - now) }
    }

    /// Units since the epoch. Stops short of where sums could overflow.
    #[inline]
    fn units(&self, now: Instant) -> u64 {
        let nanos = now.as_nanos().saturating_sub(self.epoch.as_nanos());
        nanos.min(self.nanos_max) * self.scale
    }

    /// Rounded up: a promise of when it is worth coming back must not be a fraction early.
    fn nanos_up(&self, units: u64) -> Duration {
        Duration::from_nanos(units.div_ceil(self.scale))
    }
}

/// Units in a nanosecond, and units between two calls: the smallest scale that makes the interval a whole number of units,
/// as long as that leaves room for years. A rate that odd is rounded to a whole nanosecond a call, never faster than asked for.
fn units_of(count: u64, period: Duration, burst: u64) -> (u64, u64) {
    let period = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
    let common = gcd(count, period);
    let (scale, interval) = (count / common, period / common);
    let fits = scale <= SCALE_MAX && interval.checked_mul(burst).is_some_and(|ahead| ahead <= ROOM);
    if fits { (scale, interval) } else { (1, period.div_ceil(count)) }
}

/// How far ahead the TAT may lie, in units.
const ROOM: u64 = u64::MAX / 4;

/// With this many units in a nanosecond the word lasts for 9 years; rates that would need finer ones are rounded.
const SCALE_MAX: u64 = 16;

/// Readings of two threads differ by a kernel tick; a clock that goes back does so by more than this second.
const JUMP: u64 = 1_000_000_000;

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
