use std::num::NonZeroU8;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use core_errors::{Name, PolicyKind, Reason, Rejection};
use core_time::Instant;

/// The generic cell rate algorithm over one word. Pure: the time goes in.
///
/// The word is the theoretical arrival time (TAT): when the bucket will be empty again. A call adds `interval` to it and is
/// admitted if it then lies no further ahead than `burst` intervals (rule RL-1).
///
/// Time is kept in units of `1/scale` ns, so that rates which do not divide a second are still exact: with 3 a second the
/// interval is 333 333 333⅓ ns. The word counts from the limiter's own start. The scale stays when the rate is changed.
#[derive(Debug)]
pub(crate) struct Gcra {
    tat: AtomicU64,
    /// Units between two calls. This and what follows changes with the rate, one word after the other: who decides meanwhile may
    /// take the one from before and the other from after, and admits what one of the two rates would.
    interval: AtomicU64,
    /// How far the TAT may lie ahead: `burst` intervals.
    ahead: AtomicU64,
    /// How much further it may lie because of reservations, charges and penalties, in units. What lies further still was
    /// written by a clock that has gone back since.
    beyond: AtomicU64,
    epoch: Instant,
    /// Units in a nanosecond. Small, since there may be a bucket for each of very many keys.
    scale: NonZeroU8,
}

/// What a call was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How many more would be admitted now.
    pub remaining: u64,
    /// When the bucket is empty again, and everything that `burst` allows would be admitted.
    pub reset: Duration,
}

/// What was reserved: the word before and after, and how long it is until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reserved {
    pub(crate) before: u64,
    pub(crate) after: u64,
    pub(crate) wait: Duration,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// After so many nanoseconds it would be. A number, since a refusal must cost no more than what it refuses.
    RetryAfter(u64),
    /// More than `burst` at once is never admitted (rule RL-10).
    Impossible,
}

// === impl Refused ===

impl Refused {
    /// After so long it would be.
    pub(crate) fn after(wait: Duration) -> Self {
        Self::RetryAfter(nanos(wait))
    }

    /// Whether the answer depends on less than `tick`.
    #[inline]
    pub(crate) fn is_within(self, tick: Duration) -> bool {
        match self {
            Self::RetryAfter(wait) => wait <= nanos(tick),
            Self::Impossible => false,
        }
    }

    /// What the caller is told. Made where the caller is, so that nothing large is handed from function to function.
    #[inline]
    pub(crate) fn rejection(self, name: Name) -> Rejection {
        let rejection = |reason| Rejection::new(PolicyKind::RateLimit, name, reason);
        match self {
            Self::RetryAfter(wait) => rejection(Reason::RateLimited).with_retry_after_nanos(wait),
            Self::Impossible => rejection(Reason::Impossible),
        }
    }
}

// === impl Gcra ===

impl Gcra {
    /// `count` in `period`, `burst` at once, reservations up to `max_wait` ahead. The caller has checked that all are in range.
    pub(crate) fn new(count: u64, period: Duration, burst: u64, max_wait: Duration, epoch: Instant) -> Self {
        let (scale, interval) = units_of(count, period, burst);
        let burst = burst.min(ROOM / interval);
        Self {
            tat: AtomicU64::new(0),
            interval: AtomicU64::new(interval),
            ahead: AtomicU64::new(burst * interval),
            beyond: AtomicU64::new(nanos(max_wait).saturating_mul(scale).min(ROOM / 4)),
            epoch,
            scale: u8::try_from(scale).ok().and_then(NonZeroU8::new).unwrap_or(NonZeroU8::MIN),
        }
    }

    /// Another one in which as much was used.
    pub(crate) fn copy(&self) -> Self {
        let copy = |word: &AtomicU64| AtomicU64::new(word.load(Ordering::Relaxed));
        let Self { tat, interval, ahead, beyond, epoch, scale } = self;
        let (tat, interval, ahead, beyond) = (copy(tat), copy(interval), copy(ahead), copy(beyond));
        Self { tat, interval, ahead, beyond, epoch: *epoch, scale: *scale }
    }

    /// Whether the rate would be kept only to within more than 1 %.
    pub(crate) fn is_off(count: u64, period: Duration, burst: u64) -> bool {
        let (scale, interval) = units_of(count, period, burst);
        is_off(count, period, scale, interval)
    }

    /// Whether the rate of a limiter that is at work could be changed to this one, and kept.
    pub(crate) fn can_be(&self, count: u64, period: Duration) -> bool {
        !is_off(count, period, self.scale(), self.interval_of(count, period))
    }

    /// Changes the rate. What was taken counts as that many calls still, and a bucket is at most full; what was reserved
    /// keeps its time (rule RL-8).
    pub(crate) fn change(&self, count: u64, period: Duration, burst: u64, now: Instant) {
        self.follow(count, period, burst, now, 0);
    }

    /// The same, where the TAT stood at `before` when a change cut it off: it is there again, if the bucket has room for it. Where this
    /// change has cut it off, or zero.
    pub(crate) fn follow(&self, count: u64, period: Duration, burst: u64, now: Instant, before: u64) -> u64 {
        let interval = self.interval_of(count, period);
        let burst = burst.min(ROOM / interval);
        let ahead = burst * interval;
        let now = self.units(now);
        let was = self.interval.swap(interval, Ordering::Relaxed);
        let was_ahead = self.ahead.swap(ahead, Ordering::Relaxed);
        // What lies further ahead is of a larger bucket than this one, or of before the clock went back.
        let before = if before.saturating_sub(now) <= ahead { before } else { 0 };
        let mut cut = 0;
        self.update(|tat| {
            let lead = tat.saturating_sub(now);
            let taken = lead.min(was_ahead);
            let taken_now = u128::from(taken) * u128::from(interval) / u128::from(was);
            let taken_now = u64::try_from(taken_now).unwrap_or(u64::MAX);
            cut = if taken_now > ahead { now + taken } else { 0 };
            (now + taken_now.min(ahead)).max(before).saturating_add(lead - taken)
        });
        cut
    }

    /// Whether a TAT that was cut off has come.
    pub(crate) fn has_paid(&self, cut: u64, now: Instant) -> bool {
        cut <= self.units(now)
    }

    /// Takes one, or changes nothing.
    #[inline]
    pub(crate) fn take_one(&self, now: Instant) -> Result<(), Refused> {
        let now = self.units(now);
        let limit = now + self.ahead();
        let interval = self.interval();
        let mut tat = self.load(now);
        loop {
            let after = tat.max(now) + interval;
            if after > limit {
                return Err(Refused::RetryAfter(self.whole_nanos(after - limit)));
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
        let ahead = self.ahead();
        let cost = n.saturating_mul(self.interval());
        if cost > ahead {
            return Err(Refused::Impossible);
        }
        let limit = now + ahead;
        let mut tat = self.load(now);
        loop {
            let after = tat.max(now) + cost;
            if after > limit && n > 0 {
                return Err(Refused::RetryAfter(self.whole_nanos(after - limit)));
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
        let limit = now + self.ahead();
        let interval = self.interval();
        let mut tat = self.load(now);
        loop {
            let from = tat.max(now);
            let granted = (limit.saturating_sub(from) / interval).min(n);
            let after = from + granted * interval;
            if granted == 0 {
                return 0;
            }
            match self.tat.compare_exchange_weak(tat, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return granted,
                Err(changed) => tat = changed,
            }
        }
    }

    /// Takes `n` as of the moment when they are there, if that is not further away than `max_wait`; or changes nothing. One
    /// reservation of `n` waits as long as the last of `n` reservations of one (rule RL-5).
    pub(crate) fn reserve(&self, n: u64, now: Instant, max_wait: Duration) -> Result<Reserved, Refused> {
        let now = self.units(now);
        let (ahead, wait_max) = (self.ahead(), self.wait_units(max_wait));
        let limit = now + ahead;
        let cost = n.saturating_mul(self.interval());
        if cost > ahead.saturating_add(wait_max) {
            return Err(Refused::Impossible);
        }
        let mut tat = self.load(now);
        loop {
            let after = tat.max(now).saturating_add(cost);
            let wait = after.saturating_sub(limit);
            if wait > wait_max && n > 0 {
                return Err(Refused::RetryAfter(self.whole_nanos(wait - wait_max)));
            }
            match self.tat.compare_exchange_weak(tat, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(before) => return Ok(Reserved { before, after, wait: self.nanos_up(wait) }),
                Err(changed) => tat = changed,
            }
        }
    }

    /// Gives a reservation back, if it is the last one; others keep their time (rule RL-7). Whether it was.
    pub(crate) fn cancel(&self, before: u64, after: u64) -> bool {
        self.tat.compare_exchange(after, before, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Gives `n` back that were taken and not used. The bucket is never more than empty.
    pub(crate) fn give_back(&self, n: u64, now: Instant) {
        let (now, returned) = (self.units(now), n.saturating_mul(self.interval()));
        self.update(|tat| if tat > now { tat.saturating_sub(returned).max(now) } else { tat });
    }

    /// Charges `n` that were used and not taken, be they there or not. The debt is at most another full bucket (rule RL-11).
    pub(crate) fn charge(&self, n: u64, now: Instant) {
        let (now, ahead) = (self.units(now), self.ahead());
        let cost = n.saturating_mul(self.interval());
        self.beyond.fetch_max(ahead, Ordering::Relaxed);
        self.update(|tat| {
            let from = tat.max(now);
            from.saturating_add(cost).min(from.max(now.saturating_add(2 * ahead)))
        });
    }

    /// Admits nothing for so long, and then one after the other.
    pub(crate) fn penalise(&self, time: Duration, now: Instant) {
        let (now, ahead) = (self.units(now), self.ahead());
        let time = self.wait_units(time);
        self.beyond.fetch_max(time, Ordering::Relaxed);
        let until = now + time + ahead - self.interval().min(ahead);
        self.update(|tat| tat.max(until));
    }

    /// What there is. Changes nothing.
    pub(crate) fn peek(&self, now: Instant) -> Taken {
        let now = self.units(now);
        self.taken(self.seen(now), now, now + self.ahead())
    }

    /// How many there are; if less than none, how many were reserved or charged ahead.
    pub(crate) fn balance(&self, now: Instant) -> i64 {
        let now = self.units(now);
        let (limit, tat) = (now + self.ahead(), self.seen(now));
        let calls = (i128::from(limit) - i128::from(tat)).div_euclid(i128::from(self.interval()));
        i64::try_from(calls).unwrap_or(i64::MIN)
    }

    /// How long a full bucket takes to empty.
    pub(crate) fn tolerance(&self) -> Duration {
        self.nanos_up(self.ahead())
    }

    pub(crate) fn burst(&self) -> u64 {
        self.ahead() / self.interval()
    }

    fn update(&self, mut f: impl FnMut(u64) -> u64) {
        let mut tat = self.tat.load(Ordering::Relaxed);
        while let Err(changed) =
            self.tat.compare_exchange_weak(tat, f(tat), Ordering::Relaxed, Ordering::Relaxed)
        {
            tat = changed;
        }
    }

    /// The TAT for who only looks: one that lies too far ahead counts as the end of what there may be.
    fn seen(&self, now: u64) -> u64 {
        let end = (now + self.ahead()).saturating_add(self.beyond.load(Ordering::Relaxed));
        self.tat.load(Ordering::Relaxed).clamp(now, end)
    }

    /// The TAT. One far beyond the limit means that the clock went back: the bucket counts as full, and is from now on, so
    /// that nobody is locked out until the clock has caught up. A little beyond it is another thread's later reading.
    #[inline]
    fn load(&self, now: u64) -> u64 {
        let tat = self.tat.load(Ordering::Relaxed);
        if tat <= now + self.ahead() + JUMP { tat } else { self.far_ahead(tat, now) }
    }

    #[cold]
    fn far_ahead(&self, tat: u64, now: u64) -> u64 {
        let limit = now + self.ahead();
        if tat <= limit.saturating_add(self.beyond.load(Ordering::Relaxed) + JUMP * self.scale()) {
            return tat;
        }
        match self.tat.compare_exchange(tat, limit, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => limit,
            Err(changed) => changed,
        }
    }

    #[inline]
    fn ahead(&self) -> u64 {
        self.ahead.load(Ordering::Relaxed)
    }

    #[inline]
    fn interval(&self) -> u64 {
        self.interval.load(Ordering::Relaxed)
    }

    #[inline]
    fn scale(&self) -> u64 {
        self.scale.get().into()
    }

    /// Units between two calls at another rate, never less than it asks for.
    fn interval_of(&self, count: u64, period: Duration) -> u64 {
        let units = (period.as_nanos() * u128::from(self.scale())).div_ceil(u128::from(count));
        u64::try_from(units).unwrap_or(ROOM).min(ROOM)
    }

    #[inline]
    fn taken(&self, tat: u64, now: u64, limit: u64) -> Taken {
        Taken { remaining: limit.saturating_sub(tat) / self.interval(), reset: self.nanos_up(tat - now) }
    }

    /// Units since the epoch. Stops short of where sums could overflow.
    #[inline]
    fn units(&self, now: Instant) -> u64 {
        let nanos = now.as_nanos().saturating_sub(self.epoch.as_nanos());
        // Most rates have whole nanoseconds.
        if self.scale.get() == 1 {
            nanos.min(NANOS_MAX)
        } else {
            nanos.min(NANOS_MAX / SCALE_MAX) * self.scale()
        }
    }

    fn wait_units(&self, wait: Duration) -> u64 {
        nanos(wait).saturating_mul(self.scale()).min(ROOM / 4)
    }

    /// Rounded up: a promise of when it is worth coming back must not be a fraction early.
    #[inline]
    fn nanos_up(&self, units: u64) -> Duration {
        Duration::from_nanos(self.whole_nanos(units))
    }

    #[inline]
    fn whole_nanos(&self, units: u64) -> u64 {
        // Most rates need no fractions of a nanosecond, and a division takes as long as all the rest.
        if self.scale.get() == 1 { units } else { units.div_ceil(self.scale()) }
    }
}

fn is_off(count: u64, period: Duration, scale: u64, interval: u64) -> bool {
    let kept = u128::from(count) * u128::from(interval);
    let asked = period.as_nanos() * u128::from(scale);
    kept * 100 > asked * 101
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

/// Nanoseconds after which time stands still, so that sums never overflow.
const NANOS_MAX: u64 = u64::MAX / 4;

/// With this many units in a nanosecond the word lasts for 9 years; rates that would need finer ones are rounded.
const SCALE_MAX: u64 = 16;

/// Readings of two threads differ by a kernel tick; a clock that goes back does so by more than this second.
const JUMP: u64 = 1_000_000_000;

#[inline]
fn nanos(duration: Duration) -> u64 {
    let nanos = duration.as_secs().saturating_mul(1_000_000_000);
    nanos.saturating_add(u64::from(duration.subsec_nanos()))
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests;
