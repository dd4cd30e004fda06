use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use core_errors::{Name, Rejection};
use core_policy::{Counters, Cx};
use core_time::{Clock, Instant};

use super::config::{Builder, Checked};
use super::engine::Engine;
use super::gcra::{Refused, Reserved, Taken};
use super::reservation::Reservation;
use crate::error::ConfigError;

/// A rate limit. Cheap to clone; clones share the rate.
#[derive(Clone)]
pub struct RateLimit(Arc<Inner>);

struct Inner {
    name: Name,
    engine: Engine,
    max_wait: Duration,
    clock: Clock,
    /// Whether a kernel tick matters: it does where a burst is soon over.
    exact: AtomicBool,
    counts: Counters<4>,
    /// Locked to change the rate and to tell it, never to decide.
    settings: Mutex<Checked>,
}

/// What a rate limit has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests that were admitted, those that were reserved among them.
    pub allowed: u64,
    /// Requests that were refused; of one that asks for more than a burst, the burst.
    pub refused: u64,
    /// Requests that were reserved for later.
    pub reserved: u64,
    /// Reservations that were dropped before they were used.
    pub cancelled: u64,
}

const ALLOWED: usize = 0;
const REFUSED: usize = 1;
const RESERVED: usize = 2;
const CANCELLED: usize = 3;

/// A coarse clock stands still for up to 4 ms. Bursts that last this long lose no more than 4 % of their evenness by that;
/// shorter ones would be throttled by the clock instead of the limit, so they read the exact one.
pub(crate) const COARSE_FROM: Duration = Duration::from_millis(100);

/// A server that asks for a longer pause has made a mistake (rule RL-11).
const PENALTY_MAX: Duration = Duration::from_secs(3_600);

// === impl RateLimit ===

impl RateLimit {
    pub(super) fn new(
        name: Name,
        settings: Checked,
        engine: Engine,
        max_wait: Duration,
        clock: Clock,
    ) -> Self {
        let exact = AtomicBool::new(engine.tolerance() < COARSE_FROM);
        let (counts, settings) = (Counters::new(), Mutex::new(settings));
        Self(Arc::new(Inner { name, engine, max_wait, clock, exact, counts, settings }))
    }

    /// Takes one.
    ///
    /// # Errors
    /// The refusal, which says after how long it would be admitted: never too short, too long by as much as the coarse clock
    /// lags. A refusal takes nothing.
    #[inline]
    pub fn check(&self) -> Result<(), Rejection> {
        // Made where the caller is, who would copy it otherwise.
        self.decide().map_err(|refused| refused.rejection(self.0.name))
    }

    /// Takes `n` at once, or nothing. Zero takes nothing and always succeeds.
    ///
    /// # Errors
    /// The refusal; [`Reason::Impossible`](core_errors::Reason::Impossible) if `n` is more than the burst ever admits (rule RL-10).
    #[inline]
    pub fn take(&self, n: u64) -> Result<Taken, Rejection> {
        self.take_at(n, self.now())
    }

    /// Takes as many as there are, up to `n`. How many.
    #[must_use = "only so many were granted"]
    pub fn take_at_most(&self, n: u64) -> u64 {
        let granted = self.0.engine.take_at_most(n, self.now());
        self.0.counts.add(ALLOWED, granted);
        self.0.counts.add(REFUSED, self.counted(n - granted));
        granted
    }

    /// Takes `n` as of the moment when they will be there, however many others have reserved before. One reservation of `n`
    /// waits as long as the last of `n` reservations of one (rule RL-5). What is there at once is taken by the coarse clock, as
    /// [`take`](Self::take) does; a wait is reckoned by the exact one.
    ///
    /// # Errors
    /// The refusal, at once and without taking anything, if the wait would be longer than `max_wait` (rule RL-6): it says
    /// after how long it would not be. [`Reason::Impossible`](core_errors::Reason::Impossible) if it always would.
    ///
    /// ```
    /// use core_limit::Rate;
    /// use core_time::{ManualClock, ms};
    ///
    /// let time = ManualClock::new();
    /// let limit = Rate::per_second(2).smooth().max_wait(ms(600)).clock(time.clock()).build()?;
    /// limit.reserve(1).unwrap().ready_blocking();          // at once
    /// let second = limit.reserve(1).unwrap();
    /// assert_eq!(second.wait(), ms(500));
    /// assert!(limit.reserve(1).is_err(), "a wait of a second is too long");
    /// second.ready_blocking();
    /// assert_eq!(time.elapsed(), ms(500));
    /// # Ok::<(), core_limit::ConfigError>(())
    /// ```
    pub fn reserve(&self, n: u64) -> Result<Reservation, Rejection> {
        let (mut now, is_exact) = (self.now(), self.is_exact());
        let wait_max = if is_exact { self.0.max_wait } else { Duration::ZERO };
        let mut reserved = self.reserve_within(n, now, wait_max);
        if reserved.is_err() && !is_exact {
            // What is there by a coarse reading is there. A wait is for a moment, which is one of the exact clock.
            now = self.0.clock.now();
            reserved = self.reserve_within(n, now, self.0.max_wait);
        }
        match reserved {
            Ok(reserved) => Ok(Reservation::new(self.clone(), reserved, now)),
            Err(refused) => Err(self.rejection(n, refused)),
        }
    }

    /// Takes `n`, and waits until they are there: [`reserve`](Self::reserve) and [`ready`](Reservation::ready) in one. What is there at
    /// once costs no more than taking it, since there is nothing to give back. It waits for the limit's [`max_wait`](Self::max_wait) at most,
    /// which is not at all unless it was set, and looks at no deadline: a [call](Self::call) does.
    ///
    /// # Errors
    /// As [`reserve`](Self::reserve), at once.
    ///
    /// # Cancel safety
    /// Dropping the future while it waits gives back what it has taken, if no other has reserved after it (rule RL-7).
    ///
    /// # Panics
    /// As [`Clock::sleep_until`], where it has to wait.
    ///
    /// ```
    /// use core_limit::Rate;
    /// use core_time::{ManualClock, ms};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let time = ManualClock::new();
    /// let limit = Rate::per_second(2).smooth().max_wait(ms(600)).clock(time.clock()).build()?;
    /// limit.until_ready(1).await?;
    /// assert_eq!(time.elapsed(), ms(0), "at once");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn until_ready(&self, n: u64) -> Result<(), Rejection> {
        if !self.is_taken(n) {
            let reserved = self.reserve(n)?;
            reserved.came().await;
            reserved.spend();
        }
        Ok(())
    }

    /// Takes `n` if they are there; says nothing of a refusal, as of one that is about to wait.
    #[inline]
    fn is_taken(&self, n: u64) -> bool {
        if n == 1 {
            return self.take_one(self.now()).is_ok();
        }
        let is_taken = self.0.engine.take(n, self.now()).is_ok();
        if is_taken {
            self.0.counts.add(ALLOWED, n);
        }
        is_taken
    }

    /// Puts right what was taken for an estimate: gives the rest of `taken` back, or charges what was used above it.
    pub fn settle(&self, taken: u64, used: u64) {
        if used > taken { self.charge(used - taken) } else { self.give_back(taken - used) }
    }

    /// Gives `n` back that were taken and not used. There are never more than the burst.
    pub fn give_back(&self, n: u64) {
        self.0.engine.give_back(n, self.now());
    }

    /// Charges `n` that were used and not taken, whether they are there or not: who comes next waits for them. The debt is never
    /// more than one full burst, so that nobody is locked out by one mistake (rule RL-11).
    pub fn charge(&self, n: u64) {
        self.0.engine.charge(n, self.now());
        self.0.counts.add(ALLOWED, self.counted(n));
    }

    /// Admits nothing for so long, as when the callee said `Retry-After`, and then one after the other. An hour at most,
    /// longer is taken for an hour (rule RL-11); a bursty limit goes on with the next period.
    pub fn penalise(&self, time: Duration) {
        self.0.engine.penalise(time.min(PENALTY_MAX), self.0.clock.now());
    }

    /// Changes the rate and the burst to those of `rate`, at once and without stopping anybody (rule RL-8). Its name, clock and
    /// wait are not looked at. What was taken stays taken, up to a full burst; reservations keep their time.
    ///
    /// # Errors
    /// If the rate could not be built, a limit that is bursty would no longer be or the other way round, a bursty one would
    /// change its period, or the new rate is so much faster that it could not be kept to within 1 %. Then nothing has changed.
    #[expect(clippy::needless_pass_by_value, reason = "a builder is used once")]
    pub fn set_rate(&self, rate: Builder) -> Result<(), ConfigError> {
        let rate = rate.check()?;
        let mut settings = self.settings();
        self.0.engine.change(rate, self.0.clock.now())?;
        *settings = rate;
        self.0.exact.store(self.0.engine.tolerance() < COARSE_FROM, Ordering::Relaxed);
        Ok(())
    }

    /// What would be admitted now. Changes nothing.
    #[must_use]
    pub fn peek(&self) -> Taken {
        self.0.engine.peek(self.now())
    }

    /// How many would be admitted now; if that is negative, how many were reserved or charged ahead. Changes nothing.
    #[must_use]
    pub fn balance(&self) -> i64 {
        self.0.engine.balance(self.now())
    }

    /// Whether all that it gives at once is there at `now`. For maps of limits: locks nothing, and takes nanoseconds.
    #[doc(hidden)]
    #[must_use]
    pub fn is_full(&self, now: Instant) -> bool {
        self.0.engine.is_full(now)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.0.name
    }

    /// How many in how long.
    #[must_use]
    pub fn rate(&self) -> (u64, Duration) {
        let settings = self.settings();
        (settings.count, settings.period)
    }

    /// How many at once.
    #[must_use]
    pub fn burst(&self) -> u64 {
        self.settings().burst
    }

    /// How long it takes until all that was used is there again: a full bucket, or a period. What was reserved or charged ahead, and a
    /// penalty, come on top.
    #[must_use]
    pub fn refill(&self) -> Duration {
        self.0.engine.tolerance()
    }

    /// How long a call may wait for its turn.
    #[must_use]
    pub fn max_wait(&self) -> Duration {
        self.0.max_wait
    }

    /// What it has counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counts = &self.0.counts;
        Stats {
            allowed: counts.get(ALLOWED),
            refused: counts.get(REFUSED),
            reserved: counts.get(RESERVED),
            cancelled: counts.get(CANCELLED),
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// A reservation is not used.
    pub(super) fn cancel(&self, before: u64, after: u64) {
        self.0.engine.cancel(before, after);
        self.0.counts.bump(CANCELLED);
    }

    pub(super) fn reserve_within(
        &self,
        n: u64,
        now: Instant,
        max_wait: Duration,
    ) -> Result<Reserved, Refused> {
        let reserved = self.0.engine.reserve(n, now, max_wait)?;
        self.0.counts.add(ALLOWED, n);
        if !reserved.wait.is_zero() {
            self.0.counts.add(RESERVED, n);
        }
        Ok(reserved)
    }

    /// Takes one. The answer is two words, and goes in registers.
    #[inline(never)]
    fn decide(&self) -> Result<(), Refused> {
        let Err(refused) = self.0.engine.take_one(self.now()) else {
            self.0.counts.bump(ALLOWED);
            return Ok(());
        };
        self.confirm(1, refused).inspect_err(|_| self.0.counts.bump(REFUSED))
    }

    fn settings(&self) -> MutexGuard<'_, Checked> {
        self.0.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is counted of `n` that were refused or charged: a burst at most, so that who asks for all there is does not spoil the
    /// counts.
    #[inline]
    fn counted(&self, n: u64) -> u64 {
        if n <= 1 { n } else { n.min(self.0.engine.burst()) }
    }

    #[inline]
    fn is_exact(&self) -> bool {
        self.0.exact.load(Ordering::Relaxed)
    }

    #[inline]
    fn now(&self) -> Instant {
        if self.is_exact() { self.0.clock.now() } else { self.0.clock.now_coarse() }
    }

    /// The same within a call: the reading that all policies share, where it will do.
    #[inline]
    pub(super) fn now_in(&self, cx: &mut Cx<'_>) -> Instant {
        if self.is_exact() { self.0.clock.now() } else { cx.now() }
    }

    #[inline]
    fn take_at(&self, n: u64, now: Instant) -> Result<Taken, Rejection> {
        let taken = match self.0.engine.take(n, now) {
            Ok(taken) => {
                self.0.counts.add(ALLOWED, n);
                Ok(taken)
            }
            Err(refused) if self.is_certain(refused) => Err(refused),
            Err(_) => self.ask_again(n),
        };
        taken.map_err(|refused| self.rejection(n, refused))
    }

    /// The same refusal, or what the exact clock says where it depends on less than a tick.
    #[inline]
    pub(super) fn confirm(&self, n: u64, refused: Refused) -> Result<(), Refused> {
        if self.is_certain(refused) { Err(refused) } else { self.ask_again(n).map(drop) }
    }

    #[inline]
    pub(super) fn take_one(&self, now: Instant) -> Result<(), Refused> {
        self.0.engine.take_one(now)?;
        self.0.counts.add(ALLOWED, 1);
        Ok(())
    }

    /// Whether the exact clock would say the same.
    #[inline]
    fn is_certain(&self, refused: Refused) -> bool {
        !refused.is_within(self.0.clock.tick()) || self.is_exact()
    }

    /// What the exact clock says, where the answer depends on less than a tick.
    #[cold]
    fn ask_again(&self, n: u64) -> Result<Taken, Refused> {
        let taken = self.0.engine.take(n, self.0.clock.now())?;
        self.0.counts.add(ALLOWED, n);
        Ok(taken)
    }

    #[inline]
    pub(super) fn rejection(&self, n: u64, refused: Refused) -> Rejection {
        self.0.counts.add(REFUSED, self.counted(n));
        refused.rejection(self.0.name)
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("name", &self.name())
            .field("rate", &self.rate())
            .field("burst", &self.burst())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use core_time::ManualClock;

    use super::*;
    use crate::Rate;

    /// A thread that waited would not come to an end: the lock is held as long as the test lasts.
    #[test]
    fn rl_8_nobody_waits_for_a_change_of_the_rate() {
        let limit = Rate::per_second(10).clock(ManualClock::new().clock()).build().unwrap();
        let _changing = limit.settings();
        let (done, is_done) = std::sync::mpsc::sync_channel(1);
        let other = limit.clone();
        std::thread::Builder::new()
            .spawn(move || {
                let taken = (other.check().is_ok(), other.take(2).is_ok(), other.take_at_most(1));
                let reserved = other.reserve(1).map(Reservation::spend).is_ok();
                other.settle(1, 2);
                other.penalise(Duration::from_secs(1));
                let called = other.call_blocking(|_| Ok::<_, core_errors::Error>(())).is_ok();
                let _ = (other.peek(), other.stats(), other.max_wait());
                done.send((taken, reserved, called, other.balance())).unwrap();
            })
            .unwrap();
        let came = is_done.recv_timeout(Duration::from_secs(60)).expect("it waits for the change");
        assert_eq!(came, ((true, true, 1), true, false, -9));
    }
}
