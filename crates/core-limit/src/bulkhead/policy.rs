use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use core_errors::{Name, PolicyKind, Reason, Rejection};
use core_policy::{Admit, Counters, Cx, Next, Outcome, Permit, Policy, Role};
use core_time::{Clock, Instant};

use super::config::{self, Builder, Rules};
use super::queue::{Fate, Waiter};
use super::slots::{Asked, Slots};
use crate::Criticality;
use crate::error::ConfigError;
use crate::importance::Importance;

/// A bulkhead. Cheap to clone; clones share the slots.
#[derive(Clone)]
pub struct Bulkhead {
    inner: Arc<Inner>,
    importance: Importance,
}

struct Inner {
    name: Name,
    queue: u32,
    max_wait: Duration,
    slots: Slots,
    clock: Clock,
    counts: Counters<4>,
}

/// What a bulkhead remembers of a call.
#[derive(Debug, Default)]
pub struct WaitState(Place);

#[derive(Debug, Default)]
enum Place {
    /// It holds nothing.
    #[default]
    Outside,
    /// It waits.
    Queued { waiter: Arc<Waiter>, since: Option<Instant> },
    /// It holds a slot.
    Inside,
}

/// A bulkhead at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The name.
    pub name: Name,
    /// Slots.
    pub max: u32,
    /// Places in the queue.
    pub queue_max: u32,
    /// Slots in use.
    pub in_use: u64,
    /// Calls that wait.
    pub waiting: u64,
    /// Calls that were admitted since it was made.
    pub admitted: u64,
    /// Calls that were refused because slots and queue were full.
    pub refused: u64,
    /// Calls that waited too long.
    pub timed_out: u64,
    /// Calls that were refused, or had to leave the queue, for what is more important.
    pub shed: u64,
}

const ADMITTED: usize = 0;
const REFUSED: usize = 1;
const TIMED_OUT: usize = 2;
const SHED: usize = 3;

// === impl Bulkhead ===

impl Bulkhead {
    /// A bulkhead with so many slots.
    pub fn max(slots: u32) -> Builder {
        Builder::new(slots)
    }

    pub(super) fn new(name: Name, rules: Rules, importance: Importance, clock: Clock) -> Self {
        let Rules { max, queue, max_wait, is_lifo, shares } = rules;
        let slots = Slots::new(max, shares, queue, is_lifo);
        let inner = Inner { name, queue, max_wait, slots, clock, counts: Counters::new() };
        Self { inner: Arc::new(inner), importance }
    }

    /// The same bulkhead, for calls that are more or less important. Who is more important is served first, takes the place of
    /// who is less so when the queue is full, and may have a larger [share](Builder::share) of the slots.
    #[must_use]
    pub fn with_criticality(&self, criticality: Criticality) -> Self {
        Self { inner: Arc::clone(&self.inner), importance: Importance::said(criticality) }
    }

    /// Changes the number of slots, at once and without waiting for anybody (rule RL-8). New slots go to those who wait;
    /// calls that run go on, and while there are more of them than slots nobody is admitted.
    ///
    /// # Errors
    /// If it is zero or more than a million. Then nothing has changed.
    pub fn resize(&self, slots: u32) -> Result<(), ConfigError> {
        config::check_max(slots)?;
        self.inner.slots.resize(slots);
        Ok(())
    }

    /// Takes a slot that is held until the permit is dropped or recorded. Never waits.
    ///
    /// # Errors
    /// The refusal, if all slots are taken or somebody waits for one.
    pub fn acquire(&self) -> Result<Permit<&Self>, Rejection> {
        Permit::acquire(self)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.inner.name
    }

    /// How long a call may wait for a slot; zero if it may not.
    #[must_use]
    pub fn max_wait(&self) -> Duration {
        self.inner.max_wait
    }

    /// Everything there is to know about it.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let (in_use, waiting) = self.inner.slots.counts();
        Snapshot {
            name: self.inner.name,
            max: self.inner.slots.max(),
            queue_max: self.inner.queue,
            in_use,
            waiting,
            admitted: self.inner.counts.get(ADMITTED),
            refused: self.inner.counts.get(REFUSED),
            timed_out: self.inner.counts.get(TIMED_OUT),
            shed: self.inner.counts.get(SHED),
        }
    }

    #[inline]
    fn enter(&self, state: &mut WaitState) -> Admit {
        state.0 = Place::Inside;
        self.inner.counts.bump(ADMITTED);
        Admit::Run
    }

    /// No slot is free, or somebody waits for one.
    #[cold]
    fn wait(&self, state: &mut WaitState, cx: &Cx<'_>) -> Turn {
        let slots = &self.inner.slots;
        let Some(waker) = cx.waker() else {
            return Turn::refused(slots.is_shed(self.importance.now()));
        };
        if let Place::Queued { waiter, .. } = &state.0 {
            return match waiter.fate(waker) {
                Fate::Granted => Turn::Come,
                Fate::Waiting => Turn::ToCome,
                Fate::Displaced => Turn::Shed,
            };
        }
        match slots.ask(self.importance.now(), waker) {
            Asked::Taken => Turn::Come,
            Asked::Queued(waiter) => {
                state.0 = Place::Queued { waiter, since: None };
                Turn::ToCome
            }
            Asked::Full => Turn::Full,
            Asked::Shed => Turn::Shed,
        }
    }

    #[inline]
    fn refuse(&self, count: usize, reason: Reason) -> Admit {
        self.inner.counts.bump(count);
        Admit::Refuse(Rejection::new(PolicyKind::Bulkhead, self.inner.name, reason))
    }
}

/// What comes of asking for a slot. A word: the refusal is made of it in one place, or it would be copied from several.
enum Turn {
    Come,
    ToCome,
    Full,
    Shed,
}

impl Turn {
    #[inline]
    fn refused(is_shed: bool) -> Self {
        if is_shed { Self::Shed } else { Self::Full }
    }
}

impl Policy for Bulkhead {
    type State = WaitState;

    #[inline]
    fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    #[inline]
    fn begin(&self) -> WaitState {
        WaitState::default()
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a refusal is 56 bytes, which a call would copy")]
    fn admit(&self, state: &mut WaitState, cx: &mut Cx<'_>) -> Admit {
        let turn = if matches!(state.0, Place::Outside) {
            let (slots, criticality) = (&self.inner.slots, self.importance.now());
            if slots.try_take(criticality) {
                Turn::Come
            } else if slots.has_queue() {
                self.wait(state, cx)
            } else {
                // Where nobody may wait, there is nothing to look at under the lock.
                Turn::refused(slots.is_shed(criticality))
            }
        } else {
            self.wait(state, cx)
        };
        match turn {
            Turn::Come => self.enter(state),
            Turn::ToCome => Admit::Park,
            Turn::Full => self.refuse(REFUSED, Reason::BulkheadFull),
            Turn::Shed => self.refuse(SHED, Reason::Shed),
        }
    }

    #[inline]
    fn settle(&self, state: &mut WaitState, _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        self.abandon(state);
        Next::Finish
    }

    #[inline]
    fn abandon(&self, state: &mut WaitState) {
        match std::mem::take(&mut state.0) {
            Place::Outside => {}
            Place::Inside => self.inner.slots.give_back(),
            Place::Queued { waiter, .. } => self.inner.slots.leave(&waiter),
        }
    }

    fn cutoff(&self, state: &mut WaitState, cx: &mut Cx<'_>) -> Option<Instant> {
        let Place::Queued { since, .. } = &mut state.0 else { return None };
        Some(*since.get_or_insert_with(|| cx.now_exact()) + self.inner.max_wait)
    }

    fn expire(&self, state: &mut WaitState, cx: &mut Cx<'_>) -> Option<Rejection> {
        let Place::Queued { since: Some(since), .. } = state.0 else { return None };
        let waited = cx.clock().now() - since;
        if waited < self.inner.max_wait {
            return None;
        }
        self.inner.counts.bump(TIMED_OUT);
        let rejection = Rejection::new(PolicyKind::Bulkhead, self.inner.name, Reason::QueueTimeout);
        Some(rejection.with_limit(self.inner.max_wait, waited))
    }

    fn roles(&self) -> Vec<Role> {
        vec![Role::new(PolicyKind::Bulkhead).queue(self.inner.queue > 0)]
    }
}

core_policy::policy_methods!(Bulkhead, once);
core_policy::policy_layer!(Bulkhead, once);

impl fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slots = self.snapshot();
        f.debug_struct("Bulkhead")
            .field("name", &self.name())
            .field("max", &slots.max)
            .field("in_use", &slots.in_use)
            .field("waiting", &slots.waiting)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} of {} in use, {} of {} waiting",
            self.name, self.in_use, self.max, self.waiting, self.queue_max
        )
    }
}
