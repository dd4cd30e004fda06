use std::task::Waker;
use std::time::Duration;

use core_time::{Clock, Instant};

/// What a policy may know when it decides: the time, the deadline, and how to be woken.
#[derive(Debug)]
pub struct Cx<'a> {
    clock: &'a Clock,
    waker: Option<&'a Waker>,
    frame: &'a mut Frame,
}

/// What the driver remembers between two questions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// The coarse time, read at most once in a phase. While the call waits for its turn, since when it does.
    now: Option<Instant>,
    /// When the whole call must have ended.
    deadline: Option<Instant>,
    /// When the call first had to wait, or first failed.
    pub(crate) started: Option<Instant>,
    /// How long the attempt may take, as [`u64::MAX`] less the nanoseconds: without a limit it is zero, as all of a new frame is,
    /// which is written at once. A word is copied as it is, a `Duration` in parts. While it is [`ASKED`], after how long the next follows.
    limit: u64,
    /// How long the call has waited for its turn by now, in nanoseconds, and [`FLAGS`].
    waited: u64,
}

const UNLIMITED: u64 = 0;

/// There can be no other attempt.
const ONCE: u64 = 1 << 63;

/// The attempt that has ended is not counted.
const UNCOUNTED: u64 = 1 << 62;

/// The call must not take effect twice.
const UNREPEATABLE: u64 = 1 << 61;

/// The time that is known is exact.
const EXACT: u64 = 1 << 60;

/// The call waits for its turn, since the time that is known.
const PARKED: u64 = 1 << 59;

/// Somebody wants to know after how long the next attempt follows, where there is one.
const ASKED: u64 = 1 << 58;

const FLAGS: u64 = ONCE | UNCOUNTED | UNREPEATABLE | EXACT | PARKED | ASKED;

// === impl Cx ===

impl<'a> Cx<'a> {
    #[inline]
    pub(crate) fn new(clock: &'a Clock, waker: Option<&'a Waker>, frame: &'a mut Frame) -> Self {
        Self { clock, waker, frame }
    }

    /// Hands a copy to a function that is called seldom, and takes over what it notes there. A call that never comes to it keeps
    /// what it knows in registers, and does not write it down for a function that might look.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the copy is there so that the address of this one is not")]
    pub fn aside<R>(&mut self, seldom: impl FnOnce(&mut Cx<'_>) -> R) -> R {
        let mut frame = *self.frame;
        let out = seldom(&mut Cx { clock: self.clock, waker: self.waker, frame: &mut frame });
        *self.frame = frame;
        out
    }

    /// The coarse time: a few milliseconds late at most. Read once, then the same for all policies in one admission.
    #[inline]
    pub fn now(&mut self) -> Instant {
        self.frame.now_shared(self.clock)
    }

    /// The exact time, for [`Policy::cutoff`](crate::Policy::cutoff): where the driver has read it because the call has to wait, that
    /// reading.
    #[must_use]
    pub fn now_exact(&self) -> Instant {
        self.frame.now_exact(self.clock)
    }

    /// The clock, where a coarse and shared reading will not do.
    #[must_use]
    #[inline]
    pub fn clock(&self) -> &'a Clock {
        self.clock
    }

    /// When the whole call must have ended.
    #[must_use]
    #[inline]
    pub fn deadline(&self) -> Option<Instant> {
        self.frame.deadline
    }

    /// The whole call must have ended at `deadline`, if not earlier.
    #[inline]
    pub fn end_by(&mut self, deadline: Instant) {
        self.frame.deadline = Some(self.frame.deadline.map_or(deadline, |set| set.min(deadline)));
    }

    /// Undoes [`end_by`](Self::end_by) with the deadline there was before: the part of the call it bounded is over.
    #[inline]
    pub fn reset_deadline(&mut self, before: Option<Instant>) {
        self.frame.deadline = before;
    }

    /// The attempt that is being admitted may take `limit`, if not less.
    #[inline]
    pub fn limit_attempt(&mut self, limit: Duration) {
        self.frame.limit = self.frame.limit.max(!nanos(limit));
    }

    /// How long the call has waited for its turn by now, in all: what a policy that measures the callee leaves out of account.
    #[must_use]
    #[inline]
    pub fn waited(&self) -> Duration {
        Duration::from_nanos(self.frame.waited & !FLAGS)
    }

    /// Time since the call first had to wait, or first failed, as [`CallError::Exhausted`](crate::CallError::Exhausted) has it; zero before.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.frame.elapsed(self.clock)
    }

    /// Whether there can be another attempt: not where one is admitted and recorded by hand.
    #[must_use]
    #[inline]
    pub fn may_repeat(&self) -> bool {
        self.frame.waited & ONCE == 0
    }

    /// The attempt that has just ended does not count: the next has its number. Said by [`Policy::settle`](crate::Policy::settle) with
    /// [`Next::Again`](crate::Next::Again), of a request that certainly had no effect (rule RT-9).
    #[inline]
    pub fn uncount_attempt(&mut self) {
        self.frame.waited |= UNCOUNTED;
    }

    /// The next attempt follows after `delay`. Said by [`Policy::settle`](crate::Policy::settle) with [`Next::Again`](crate::Next::Again), for whoever
    /// is [told](crate::Judge::tried) of it.
    #[inline]
    pub fn retry_in(&mut self, delay: Duration) {
        if self.frame.waited & ASKED != 0 {
            // Zero would say that nobody has said anything.
            self.frame.limit = (!nanos(delay)).max(1);
        }
    }

    /// The call must not take effect twice: its attempts [say so](crate::Attempt::is_idempotent) from now on.
    #[inline]
    pub fn forbid_doubles(&mut self) {
        self.frame.waited |= UNREPEATABLE;
    }

    /// Whether [`Admit::Park`](crate::Admit::Park) is allowed.
    #[must_use]
    #[inline]
    pub fn may_wait(&self) -> bool {
        self.waker.is_some()
    }

    /// Who to wake. There is one where [`may_wait`](Self::may_wait) is true.
    #[must_use]
    #[inline]
    pub fn waker(&self) -> Option<&'a Waker> {
        self.waker
    }
}

// === impl Frame ===

impl Frame {
    pub(crate) fn new(deadline: Option<Instant>) -> Self {
        Self { now: None, deadline, started: None, limit: UNLIMITED, waited: 0 }
    }

    /// Time has gone by.
    #[inline]
    pub(crate) fn forget_now(&mut self) {
        self.now = None;
    }

    /// The coarse time, or the exact one where that is known.
    #[inline]
    fn now_shared(&mut self, clock: &Clock) -> Instant {
        *self.now.get_or_insert_with(|| clock.now_coarse())
    }

    /// It is `now` by the exact clock, until [`take_exact`](Self::take_exact).
    pub(crate) fn know_exact(&mut self, now: Instant) {
        self.now = Some(now);
        self.waited |= EXACT;
    }

    /// The exact time, where it is known. Time goes by from here on.
    pub(crate) fn take_exact(&mut self) -> Option<Instant> {
        if self.waited & EXACT == 0 {
            return None;
        }
        self.waited &= !EXACT;
        if self.waited & PARKED == 0 { self.now.take() } else { self.now }
    }

    /// The call waits for its turn from now on, until [`unpark`](Self::unpark). Nobody is asked meanwhile.
    pub(crate) fn park(&mut self, clock: &Clock) {
        self.know_exact(self.now_exact(clock));
        self.waited |= PARKED;
    }

    /// The call has waited for its turn, if it has.
    pub(crate) fn unpark(&mut self, clock: &Clock) {
        if self.waited & PARKED != 0 {
            self.waited &= !PARKED;
            let since = self.now.take();
            self.add_wait(since.map_or(Duration::ZERO, |since| clock.now() - since));
        }
    }

    /// The exact time.
    pub(crate) fn now_exact(&self, clock: &Clock) -> Instant {
        match self.now {
            Some(now) if self.waited & EXACT != 0 => now,
            _ => clock.now(),
        }
    }

    /// Time since the call first had to wait, or first failed.
    pub(crate) fn elapsed(&self, clock: &Clock) -> Duration {
        self.started.map_or(Duration::ZERO, |started| clock.now() - started)
    }

    /// There is one attempt.
    #[inline]
    pub(crate) fn forbid_repeats(&mut self) {
        self.waited |= ONCE;
    }

    /// Whether the attempt that has ended does not count. Asked once.
    pub(crate) fn take_uncounted(&mut self) -> bool {
        let is_uncounted = self.waited & UNCOUNTED != 0;
        self.waited &= !UNCOUNTED;
        is_uncounted
    }

    /// Whether the call may take effect twice.
    #[inline]
    pub(crate) fn is_idempotent(&self) -> bool {
        self.waited & UNREPEATABLE == 0
    }

    /// The call has waited for its turn.
    fn add_wait(&mut self, wait: Duration) {
        let sum = (self.waited & !FLAGS).saturating_add(nanos(wait)).min(ASKED - 1);
        self.waited = self.waited & FLAGS | sum;
    }

    /// Another attempt: the limits of the last are not those of the next.
    #[inline]
    pub(crate) fn forget_limit(&mut self) {
        self.limit = UNLIMITED;
    }

    /// Policies may say after how long the next attempt follows, until [`take_delay`](Self::take_delay). The limit of the last is over.
    pub(crate) fn ask_delay(&mut self) {
        self.limit = UNLIMITED;
        self.waited |= ASKED;
    }

    /// After how long the next attempt follows, as somebody has said; zero if nobody has.
    pub(crate) fn take_delay(&mut self) -> Duration {
        self.waited &= !ASKED;
        let said = std::mem::replace(&mut self.limit, UNLIMITED);
        if said == UNLIMITED { Duration::ZERO } else { Duration::from_nanos(!said) }
    }

    /// How long the attempt that starts now may take.
    #[inline]
    pub(crate) fn remaining(&mut self, clock: &Clock) -> Option<Duration> {
        let limit = (self.limit != UNLIMITED).then_some(Duration::from_nanos(!self.limit));
        let Some(deadline) = self.deadline else { return limit };
        let left = deadline - self.now_shared(clock);
        Some(limit.map_or(left, |limit| limit.min(left)))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
