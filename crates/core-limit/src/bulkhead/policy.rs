use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use core_errors::{Name, PolicyKind, Reason, Rejection};
use core_policy::{Admit, Counters, Cx, Next, Outcome, Permit, Policy};
use core_time::{Clock, Instant};

use super::config::Builder;
use super::slots::{Asked, Slots, Waiter};

/// A bulkhead. Cheap to clone; clones share the slots.
#[derive(Clone, Debug)]
pub struct Bulkhead(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: Name,
    max: u32,
    queue: u32,
    max_wait: Duration,
    slots: Slots,
    clock: Clock,
    counts: Counters<3>,
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
}

const ADMITTED: usize = 0;
const REFUSED: usize = 1;
const TIMED_OUT: usize = 2;

// === impl Bulkhead ===

impl Bulkhead {
    /// A bulkhead with so many slots.
    pub fn max(slots: u32) -> Builder {
        Builder::new(slots)
    }

    pub(crate) fn new(name: Name, max: u32, queue: u32, max_wait: Duration, clock: Clock) -> Self {
        let slots = Slots::new(max, queue);
        Self(Arc::new(Inner { name, max, queue, max_wait, slots, clock, counts: Counters::new() }))
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
        self.0.name
    }

    /// Everything there is to know about it.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let (in_use, waiting) = self.0.slots.counts();
        Snapshot {
            name: self.0.name,
            max: self.0.max,
            queue_max: self.0.queue,
            in_use,
            waiting,
            admitted: self.0.counts.get(ADMITTED),
            refused: self.0.counts.get(REFUSED),
            timed_out: self.0.counts.get(TIMED_OUT),
        }
    }

    fn enter(&self, state: &mut WaitState) -> Admit {
        state.0 = Place::Inside;
        self.0.counts.bump(ADMITTED);
        Admit::Run
    }

    /// No slot is free, or somebody waits for one.
    #[cold]
    fn wait(&self, state: &mut WaitState, cx: &Cx<'_>) -> Admit {
        let Some(waker) = cx.waker() else { return self.refuse() };
        if let Place::Queued { waiter, .. } = &state.0 {
            return if waiter.has_slot(waker) { self.enter(state) } else { Admit::Park };
        }
        match self.0.slots.ask(waker) {
            Asked::Taken => self.enter(state),
            Asked::Queued(waiter) => {
                state.0 = Place::Queued { waiter, since: None };
                Admit::Park
            }
            Asked::Full => self.refuse(),
        }
    }

    fn refuse(&self) -> Admit {
        self.0.counts.bump(REFUSED);
        Admit::Refuse(Rejection::new(PolicyKind::Bulkhead, self.0.name, Reason::BulkheadFull))
    }
}

impl Policy for Bulkhead {
    type State = WaitState;

    #[inline]
    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    #[inline]
    fn begin(&self) -> WaitState {
        WaitState::default()
    }

    #[inline]
    fn admit(&self, state: &mut WaitState, cx: &mut Cx<'_>) -> Admit {
        if matches!(state.0, Place::Outside) && self.0.slots.try_take() {
            return self.enter(state);
        }
        self.wait(state, cx)
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
            Place::Inside => self.0.slots.give_back(),
            Place::Queued { waiter, .. } => self.0.slots.leave(&waiter),
        }
    }

    fn cutoff(&self, state: &mut WaitState, cx: &mut Cx<'_>) -> Option<Instant> {
        let Place::Queued { since, .. } = &mut state.0 else { return None };
        Some(*since.get_or_insert_with(|| cx.clock().now()) + self.0.max_wait)
    }

    fn expire(&self, state: &mut WaitState, cx: &mut Cx<'_>) -> Option<Rejection> {
        let Place::Queued { since: Some(since), .. } = state.0 else { return None };
        let waited = cx.clock().now() - since;
        if waited < self.0.max_wait {
            return None;
        }
        self.0.counts.bump(TIMED_OUT);
        let rejection = Rejection::new(PolicyKind::Bulkhead, self.0.name, Reason::QueueTimeout);
        Some(rejection.with_limit(self.0.max_wait, waited))
    }
}

core_policy::policy_methods!(Bulkhead, once);
core_policy::policy_layer!(Bulkhead, once);

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} of {} in use, {} of {} waiting",
            self.name, self.in_use, self.max, self.waiting, self.queue_max
        )
    }
}
