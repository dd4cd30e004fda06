//! The decisions of a breaker. Pure: time and outcomes go in, decisions come out.

mod admit;
mod change;
mod ledger;
mod operator;
mod persist;
mod record;
mod ticket;

use std::sync::atomic::{AtomicU64 as PlainU64, Ordering};
use std::sync::{Arc, PoisonError, TryLockError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use core_errors::Name;
use core_policy::{Counters, Rng};
use core_time::Instant;

use crate::average::Smoothed;
use crate::plan::Plan;
use crate::sync::{AtomicU64, Mutex, MutexGuard};
use crate::window::{Tally, Windows};
use crate::word::{Codes, Phase, Word};

pub(crate) use ledger::Ledger;
pub(crate) use operator::Order;
pub(crate) use record::{PANICKED, TIMED_OUT};
pub(crate) use ticket::{Refused, Ticket};

/// One atomic word says what callers need to know. While the circuit is closed nothing else is written but the thread's own
/// counters. Whatever changes the state, and whatever a probe does, happens under one lock that guards the ledger; the
/// word is published last.
///
/// What it goes by is a plan that can be put in place of another at any time. Only what is decided on failures, probes and
/// changes reads it; what a success must know, and how slow is slow, stands beside the word.
#[derive(Debug)]
pub(crate) struct Engine {
    name: Name,
    /// Whose it is, where there is one for each key.
    key: Option<Arc<str>>,
    word: AtomicU64,
    /// While open: when a call may probe. While half open: when the first lease ends. While it ramps up: when that ends.
    /// Written before the word.
    until: AtomicU64,
    /// How far away `until` was when it was set, in nanoseconds. If it is further away than that, the clock went back (rule
    /// W-5). Written beside it, under the lock; only refusals read it.
    span: PlainU64,
    /// How many nanoseconds are slow; [`NOT_TIMED`] if nobody asks.
    slow_over: PlainU64,
    windows: Windows,
    average: Smoothed,
    /// The place of the next call in the sequence that says who is admitted while it ramps up.
    ramp: PlainU64,
    /// Until when the callee asked to be left alone, as it said last.
    asked_until: PlainU64,
    /// When a call failed last; 0 before the first.
    failed_at: PlainU64,
    /// In shadow: 1 from when it would have opened until it would not.
    crossed: PlainU64,
    /// The names of failures that opened it, for refusals to quote.
    codes: Codes,
    counts: Counters<COUNTS>,
    plan: ArcSwap<Plan>,
    ledger: Mutex<Ledger>,
    rng: Rng,
    /// Whether shadow is the state it began with.
    in_shadow: bool,
}

/// What is counted over the life of a breaker.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    Successes,
    Failures,
    Slow,
    Ignored,
    Inconclusive,
    Rejected,
    Late,
}

const COUNTS: usize = 7;

const NOT_TIMED: u64 = u64::MAX;

/// The span of what never comes.
const FOR_GOOD: u64 = u64::MAX;

// === impl Engine ===

impl Engine {
    pub(crate) fn new(
        name: Name,
        key: Option<Arc<str>>,
        plan: Plan,
        rng: Rng,
        epoch: Instant,
        in_shadow: bool,
    ) -> Self {
        let rules = plan.rules;
        let phase = if in_shadow { Phase::Shadow } else { rules.closed_phase() };
        let word = Word::new(phase, Word::FIRST.generation(), 0);
        let windows = Windows::new();
        let span = rules.needs_window().then_some(rules.span);
        windows.reshape(span, rules.average.is_some(), word.generation(), epoch);
        Self {
            name,
            key,
            word: AtomicU64::new(word.0),
            until: AtomicU64::new(Instant::NEVER.as_nanos()),
            span: PlainU64::new(FOR_GOOD),
            slow_over: PlainU64::new(slow_nanos(rules.slow_over)),
            windows,
            average: Smoothed::new(word.generation()),
            ramp: PlainU64::new(0),
            asked_until: PlainU64::new(0),
            failed_at: PlainU64::new(0),
            crossed: PlainU64::new(0),
            codes: Codes::default(),
            counts: Counters::new(),
            ledger: Mutex::new(Ledger::new(rules.open_for)),
            plan: ArcSwap::from_pointee(plan),
            rng,
            in_shadow,
        }
    }

    pub(crate) fn name(&self) -> Name {
        self.name
    }

    /// What it goes by now.
    pub(crate) fn plan(&self) -> Guard<Arc<Plan>> {
        self.plan.load()
    }

    /// Longer than this is slow, if anybody asks.
    #[inline]
    pub(crate) fn slow_over(&self) -> Option<Duration> {
        let nanos = self.slow_over.load(Ordering::Relaxed);
        (nanos != NOT_TIMED).then_some(Duration::from_nanos(nanos))
    }

    /// While open: when a call may probe. While half open: when the first lease ends. While it ramps up: when that ends.
    pub(crate) fn until(&self) -> Instant {
        Instant::from_nanos(self.until.load(Ordering::Acquire))
    }

    /// Whether the clock went back behind the moment at which `until` was set, if it is `latest` at most now (rule W-5).
    #[inline]
    pub(crate) fn is_too_far(&self, until: Instant, latest: Instant) -> bool {
        until.as_nanos().saturating_sub(latest.as_nanos()) > self.span.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn load(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Nothing under the lock can panic half-way through a change; a poisoned lock is only a lock.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, if nobody has it.
    pub(crate) fn ledger_if_free(&self) -> Option<MutexGuard<'_, Ledger>> {
        match self.ledger.try_lock() {
            Ok(ledger) => Some(ledger),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Whether it is in a state that must not be lost: one that an operator chose, or open until a time to come. Locks nothing.
    pub(crate) fn is_held(&self, now: Instant) -> bool {
        match self.load().phase() {
            Phase::ForcedOpen | Phase::Disabled => true,
            Phase::Open => self.until() > now,
            Phase::Shadow => !self.in_shadow,
            Phase::Closed | Phase::Plain | Phase::RampUp | Phase::HalfOpen => self.in_shadow,
        }
    }

    /// Whether it is open, and the clock went back behind the moment at which it opened, if it is `latest` at most now.
    pub(crate) fn is_open_too_far(&self, latest: Instant) -> bool {
        self.load().phase() == Phase::Open && self.is_too_far(self.until(), latest)
    }

    pub(crate) fn total(&self, count: Count) -> u64 {
        self.counts.get(count as usize)
    }

    /// When a call failed last.
    pub(crate) fn failed_at(&self) -> Option<Instant> {
        let at = self.failed_at.load(Ordering::Relaxed);
        (at != 0).then(|| Instant::from_nanos(at))
    }

    pub(crate) fn tally(&self, now: Instant) -> Tally {
        self.windows.tally(self.load().generation(), now)
    }

    /// The moving average of successes and the number of calls in it, where a rule goes by it.
    pub(crate) fn average(&self) -> Option<(f64, u64)> {
        self.plan().rules.average.and_then(|_| self.average.get())
    }

    /// How long the present phase lasts: the open time, zero when a call may probe; or the ramp.
    pub(crate) fn left(&self, phase: Phase, now: Instant) -> Option<Duration> {
        let word = self.load();
        let left = self.left_of_phase(now);
        (word.phase() == phase && self.load() == word).then_some(left)
    }

    /// How long it is until `until`, which is no longer than it was at first.
    fn left_of_phase(&self, now: Instant) -> Duration {
        (self.until() - now).min(Duration::from_nanos(self.span.load(Ordering::Relaxed)))
    }
}

fn slow_nanos(over: Option<Duration>) -> u64 {
    over.map_or(NOT_TIMED, |over| u64::try_from(over.as_nanos()).unwrap_or(NOT_TIMED - 1).min(NOT_TIMED - 1))
}

#[cfg(all(test, not(genesis_loom)))]
mod tests;
