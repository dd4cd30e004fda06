//! The decisions of a breaker. Pure: time and outcomes go in, decisions come out.

mod admit;
mod change;
mod counts;
mod ledger;
mod operator;
mod persist;
mod rare;
mod record;
mod ticket;

use std::sync::atomic::{AtomicU64 as PlainU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use core_errors::Name;
use core_policy::Rng;
use core_time::{Clock, Instant};

use crate::plan::Plan;
use crate::sync::{AtomicU64, MutexGuard};
use crate::window::{Tally, Windows};
use crate::word::{Codes, Phase, Word};
use counts::Counts;
use rare::Lazy;

pub(crate) use counts::Count;
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
///
/// In the order in which it is used: what a call of a closed circuit touches stands at the front, beside the count of whoever
/// holds it. That is one line of cache, and all that is waited for where there are too many circuits for the caches.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Engine {
    word: AtomicU64,
    counts: Counts,
    /// While open: when a call may probe. While half open: when the first lease ends. While it ramps up: when that ends.
    /// Written before the word.
    until: AtomicU64,
    /// How far away `until` was when it was set, in nanoseconds. If it is further away than that, the clock went back (rule
    /// W-5). Written beside it, under the lock; only refusals read it.
    span: PlainU64,
    /// How many nanoseconds are slow; [`NOT_TIMED`] if nobody asks.
    slow_over: PlainU64,
    windows: Windows,
    name: Name,
    plan: ArcSwap<Plan>,
    rare: Lazy,
    /// Whose it is, where there is one for each key.
    key: Option<Arc<str>>,
    rng: Rng,
    /// Whether shadow is the state it began with.
    in_shadow: bool,
    /// In shadow: 1 from when it would have opened until it would not.
    crossed: PlainU64,
    /// How many calls have asked since it began to ramp up: their number says who is admitted.
    ramp: PlainU64,
    /// Until when the callee asked to be left alone, as it said last.
    asked_until: PlainU64,
    /// When a call failed last; 0 before the first.
    failed_at: PlainU64,
}

const NOT_TIMED: u64 = u64::MAX;

/// The span of what never comes.
const FOR_GOOD: u64 = u64::MAX;

// === impl Engine ===

impl Engine {
    pub(crate) fn new(
        name: Name,
        key: Option<Arc<str>>,
        plan: Arc<Plan>,
        rng: Rng,
        epoch: Instant,
        in_shadow: bool,
    ) -> Self {
        let rules = plan.rules;
        let phase = if in_shadow { Phase::Shadow } else { rules.closed_phase() };
        let word = Word::new(phase, Word::FIRST.generation(), 0);
        let windows = Windows::new(key.is_some());
        let span = rules.needs_window().then_some(rules.span);
        windows.reshape(span, rules.average.is_some(), word.generation(), epoch);
        Self {
            word: AtomicU64::new(word.0),
            counts: Counts::new(key.is_some()),
            until: AtomicU64::new(Instant::NEVER.as_nanos()),
            span: PlainU64::new(FOR_GOOD),
            slow_over: PlainU64::new(slow_nanos(rules.slow_over)),
            windows,
            name,
            plan: ArcSwap::new(plan),
            rare: Lazy::default(),
            key,
            rng,
            in_shadow,
            crossed: PlainU64::new(0),
            ramp: PlainU64::new(0),
            asked_until: PlainU64::new(0),
            failed_at: PlainU64::new(0),
        }
    }

    pub(crate) fn name(&self) -> Name {
        self.name
    }

    /// Whose it is, where there is one for each key.
    pub(crate) fn key(&self) -> Option<&Arc<str>> {
        self.key.as_ref()
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
        self.rare().ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same to look at. `None` as long as there was nothing to write in it: whoever only looks makes none.
    pub(crate) fn ledger_if_any(&self) -> Option<MutexGuard<'_, Ledger>> {
        self.rare.get().map(|rare| rare.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn rare(&self) -> &rare::Rare {
        self.rare.get_or_init(|| self.plan().rules.open_for)
    }

    /// The names of failures, where one has opened it.
    fn codes(&self) -> Option<&Codes> {
        self.rare.get().map(|rare| &rare.codes)
    }

    /// Whether it is in a state that must not be lost: one that an operator chose, or open until a time to come. Locks nothing,
    /// unless the clock went back.
    pub(crate) fn is_held(&self, clock: &Clock) -> bool {
        match self.load().phase() {
            Phase::ForcedOpen | Phase::ForcedClosed | Phase::Disabled => true,
            Phase::Open => self.is_open_until_later(clock),
            Phase::Shadow => !self.in_shadow,
            Phase::Closed | Phase::Plain | Phase::RampUp | Phase::HalfOpen => self.in_shadow,
        }
    }

    fn is_open_until_later(&self, clock: &Clock) -> bool {
        let now = clock.now_coarse();
        if self.is_too_far(self.until(), now + clock.tick()) {
            // Nobody may ever ask for it again: its time begins anew here, as it does when a call is refused.
            self.bring_back(clock.now());
        }
        self.until() > now
    }

    /// A fallback answers in place of a call.
    pub(crate) fn count_fallback(&self) {
        self.counts.bump(Count::Fallbacks);
    }

    pub(crate) fn total(&self, count: Count) -> u64 {
        self.counts.get(count)
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
        self.plan().rules.average.and_then(|_| self.rare.get()?.average.get())
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
