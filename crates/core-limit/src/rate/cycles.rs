use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::Duration;

use core_time::Instant;

use super::gcra::{Refused, Reserved, Taken};

/// So many in each period, all of them at its start: as contracts count. Pure: the time goes in.
///
/// The word is `cycle << 24 | used`: how many were used as of which period. What is used beyond `count` is taken from the
/// periods that follow; what is not used is lost (rule RL-3). In a penalty the period is the one that begins after it, so
/// that it is exact, whatever the rate is and becomes.
#[derive(Debug)]
pub(crate) struct Cycles {
    word: AtomicU64,
    /// How many in a period; changes with the rate.
    count: AtomicU64,
    /// Apart, since it is rarely looked at, and there may be a bucket for each of very many keys.
    penalty: Box<Penalty>,
    epoch: Instant,
    /// In nanoseconds.
    period: u64,
}

/// In which period the last penalty was given, and which begins after the longest: by which a word that is ahead for a
/// penalty is told from one that a clock has left behind that has gone back. Read only if a word is far ahead.
#[derive(Debug, Default)]
struct Penalty {
    since: AtomicU64,
    until: AtomicU64,
}

/// A word, taken apart and brought up to the present period.
#[derive(Clone, Copy)]
struct State {
    cycle: u64,
    used: u64,
}

/// A period has no more than this; what is reserved ahead may be sixteen times as much.
pub(crate) const COUNT_MAX: u64 = 1_000_000;

/// Shorter periods would let the word overflow within a lifetime.
pub(crate) const PERIOD_MIN: Duration = Duration::from_millis(1);

const USED_BITS: u32 = 24;
const USED_MAX: u64 = (1 << USED_BITS) - 1;

/// Readings of two threads differ by a kernel tick; a clock that goes back does so by more than this second.
const JUMP: u64 = 1_000_000_000;

// === impl Cycles ===

impl Cycles {
    pub(crate) fn new(count: u64, period: Duration, epoch: Instant) -> Self {
        let period = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
        Self { word: AtomicU64::new(0), count: AtomicU64::new(count), penalty: Box::default(), epoch, period }
    }

    /// Another one in which as much was used.
    pub(crate) fn copy(&self) -> Self {
        let copy = |word: &AtomicU64| AtomicU64::new(word.load(Ordering::Relaxed));
        let Self { word, count, penalty, epoch, period } = self;
        let penalty = Penalty { since: copy(&penalty.since), until: copy(&penalty.until) };
        let (word, count) = (copy(word), copy(count));
        Self { word, count, penalty: Box::new(penalty), epoch: *epoch, period: *period }
    }

    pub(crate) fn period(&self) -> Duration {
        Duration::from_nanos(self.period)
    }

    /// Changes how many there are in a period. What was used of a period stays used, up to all of it; what was used ahead is of the same
    /// periods still (rule RL-8).
    ///
    /// `before` is what another change has cut off: where that was of this period it is used again. What this change has cut off, or zero.
    pub(crate) fn follow(&self, count: u64, now: Instant, before: u64) -> u64 {
        let was = self.count();
        // The smaller one holds while the word changes: nobody takes more meanwhile than both allow, which would count as taken ahead.
        self.count.fetch_min(count, Ordering::Relaxed);
        let mut word = self.load(now);
        let cut = loop {
            let state = State::of(word, self.cycle(now), was);
            let ahead = state.used.saturating_sub(1) / was;
            let last = state.used - ahead * was;
            let kept = if before >> USED_BITS == state.cycle { (before & USED_MAX).min(count) } else { 0 };
            let used = ahead.saturating_mul(count).saturating_add(last.min(count)).max(kept).min(USED_MAX);
            match self.exchange(word, State { used, ..state }) {
                Ok(()) => break if last > count { State { used: last, ..state }.word() } else { 0 },
                Err(changed) => word = changed,
            }
        };
        self.count.store(count, Ordering::Relaxed);
        cut
    }

    pub(crate) fn burst(&self) -> u64 {
        self.count()
    }

    pub(crate) fn take(&self, n: u64, now: Instant) -> Result<Taken, Refused> {
        if n > self.count() {
            return Err(Refused::Impossible);
        }
        let (_, after) = self.add(n, now, Duration::ZERO)?;
        Ok(self.taken(after, now))
    }

    pub(crate) fn take_at_most(&self, n: u64, now: Instant) -> u64 {
        let mut word = self.load(now);
        loop {
            let state = self.state(word, now);
            let granted = self.left(state, now).min(n);
            if granted == 0 {
                return 0;
            }
            match self.exchange(word, State { used: state.used + granted, ..state }) {
                Ok(()) => return granted,
                Err(changed) => word = changed,
            }
        }
    }

    pub(crate) fn reserve(&self, n: u64, now: Instant, max_wait: Duration) -> Result<Reserved, Refused> {
        if n > USED_MAX / 2 {
            return Err(Refused::Impossible);
        }
        let (before, after) = self.add(n, now, max_wait)?;
        let wait = if n == 0 { Duration::ZERO } else { self.wait(after, now) };
        Ok(Reserved { before, after: after.word(), wait })
    }

    /// Gives a reservation back, if it is the last one. Whether it was.
    pub(crate) fn cancel(&self, before: u64, after: u64) -> bool {
        self.word.compare_exchange(after, before, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    pub(crate) fn give_back(&self, n: u64, now: Instant) {
        self.update(now, |used| used.saturating_sub(n));
    }

    /// The debt is at most another full period (rule RL-11).
    pub(crate) fn charge(&self, n: u64, now: Instant) {
        let max = 2 * self.count();
        self.update(now, |used| used.saturating_add(n).min(max.max(used)));
    }

    /// Admits nothing for so long: until the period that begins after it. What is owed is paid meanwhile.
    pub(crate) fn penalise(&self, time: Duration, now: Instant) {
        let until = self.nanos(now + time).div_ceil(self.period);
        let mut word = self.load(now);
        self.penalty.since.store(self.cycle(now), Ordering::Relaxed);
        self.penalty.until.fetch_max(until, Ordering::Relaxed);
        // Who sees the word sees the penalty, see `load`.
        fence(Ordering::Release);
        loop {
            match self.exchange(word, self.state_in(word, until.max(self.cycle(now)))) {
                Ok(()) => return,
                Err(changed) => word = changed,
            }
        }
    }

    pub(crate) fn peek(&self, now: Instant) -> Taken {
        self.taken(self.state(self.word.load(Ordering::Relaxed), now), now)
    }

    pub(crate) fn balance(&self, now: Instant) -> i64 {
        let state = self.state(self.word.load(Ordering::Relaxed), now);
        let ahead = (state.cycle - self.cycle(now)).saturating_mul(self.count());
        self.count().cast_signed().saturating_sub_unsigned(state.used.saturating_add(ahead))
    }

    /// Uses `n` more, unless that means to wait for longer. The word before, and the state after.
    fn add(&self, n: u64, now: Instant, max_wait: Duration) -> Result<(u64, State), Refused> {
        let mut word = self.load(now);
        loop {
            let state = self.state(word, now);
            let after = State { used: state.used.saturating_add(n), ..state };
            let wait = if n == 0 { Duration::ZERO } else { self.wait(after, now) };
            if wait > max_wait || after.used > USED_MAX {
                return Err(self.refused(state, n, now, max_wait));
            }
            match self.exchange(word, after) {
                Ok(()) => return Ok((word, after)),
                Err(changed) => word = changed,
            }
        }
    }

    /// Until the period that the last one that was used belongs to.
    fn wait(&self, after: State, now: Instant) -> Duration {
        self.until(after.cycle + after.used.saturating_sub(1) / self.count(), now)
    }

    /// When the same would be granted, if nobody else came.
    ///
    /// What was used ahead is paid for in some period, whose rest is lost at its end. The last one that is asked for comes as many periods
    /// after that as it would alone, or one more, and then it is no later than if it were asked for in the period that follows. So
    /// the moment stays where it is.
    fn refused(&self, state: State, n: u64, now: Instant, max_wait: Duration) -> Refused {
        let count = self.count();
        let start = |cycle| self.until(cycle, now);
        let ahead = n.saturating_sub(1) / count;
        let period = Duration::from_nanos(self.period);
        // At its end a period is never nearer than that to the last one that is asked for.
        if start_after(ahead, period).saturating_sub(max_wait) >= period {
            return Refused::Impossible;
        }
        let after = State { used: state.used.saturating_add(n), ..state };
        let no_room = after.used.saturating_sub(USED_MAX).div_ceil(count);
        let soonest = self.wait(after, now).saturating_sub(max_wait);
        Refused::after(soonest.max(start(state.cycle + no_room)).max(Duration::from_nanos(1)))
    }

    fn taken(&self, state: State, now: Instant) -> Taken {
        let reset = self.until(state.cycle + state.used.div_ceil(self.count()), now);
        Taken { remaining: self.left(state, now), reset }
    }

    /// What is left of the present period: nothing, if the word is ahead of it.
    fn left(&self, state: State, now: Instant) -> u64 {
        if self.until(state.cycle, now).is_zero() { self.count().saturating_sub(state.used) } else { 0 }
    }

    fn until(&self, cycle: u64, now: Instant) -> Duration {
        Duration::from_nanos(cycle.saturating_mul(self.period).saturating_sub(self.nanos(now)))
    }

    fn update(&self, now: Instant, f: impl Fn(u64) -> u64) {
        let mut word = self.load(now);
        loop {
            let state = self.state(word, now);
            match self.exchange(word, State { used: f(state.used).min(USED_MAX), ..state }) {
                Ok(()) => return,
                Err(changed) => word = changed,
            }
        }
    }

    fn exchange(&self, word: u64, state: State) -> Result<(), u64> {
        self.word.compare_exchange_weak(word, state.word(), Ordering::Relaxed, Ordering::Relaxed).map(drop)
    }

    /// The word. One from far ahead, and not for a penalty, was written by a clock that has gone back since: this period counts
    /// as used up, and does so from now on, so that nobody is locked out until the clock has caught up.
    fn load(&self, now: Instant) -> u64 {
        let (word, cycle) = (self.word.load(Ordering::Relaxed), self.cycle(now));
        if (word >> USED_BITS) <= self.soon(cycle) || self.is_penalty(word >> USED_BITS, cycle) {
            return word;
        }
        let full = State { cycle, used: self.count() };
        self.exchange(word, full).map_or_else(|changed| changed, |()| full.word())
    }

    /// Whether a word may be so far ahead for a penalty: one that was given by now, and is not over.
    #[cold]
    fn is_penalty(&self, then: u64, cycle: u64) -> bool {
        fence(Ordering::Acquire);
        let Penalty { since, until } = &*self.penalty;
        since.load(Ordering::Relaxed) <= self.soon(cycle) && then <= until.load(Ordering::Relaxed)
    }

    /// The last period that a word may be in that was written now, on whichever thread.
    fn soon(&self, cycle: u64) -> u64 {
        cycle + 1 + JUMP / self.period
    }

    /// What a word means now.
    fn state(&self, word: u64, now: Instant) -> State {
        self.state_in(word, self.cycle(now))
    }

    /// What a word means in a period.
    fn state_in(&self, word: u64, cycle: u64) -> State {
        State::of(word, cycle, self.count())
    }

    fn cycle(&self, now: Instant) -> u64 {
        self.nanos(now) / self.period
    }

    fn nanos(&self, now: Instant) -> u64 {
        now.as_nanos().saturating_sub(self.epoch.as_nanos())
    }

    fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

fn start_after(periods: u64, period: Duration) -> Duration {
    period.saturating_mul(u32::try_from(periods).unwrap_or(u32::MAX))
}

// === impl State ===

impl State {
    /// What a word means in a period: those that have gone by have paid, by `count` each, for what was used ahead.
    fn of(word: u64, cycle: u64, count: u64) -> Self {
        let (then, used) = (word >> USED_BITS, word & USED_MAX);
        let gone = cycle.saturating_sub(then);
        Self { cycle: cycle.max(then), used: used.saturating_sub(gone.saturating_mul(count)) }
    }

    fn word(self) -> u64 {
        self.cycle << USED_BITS | self.used
    }
}

#[cfg(test)]
mod tests;
