use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::Waker;

use core_policy::sync::{AtomicU8, Mutex};

use crate::Criticality;
use crate::criticality::{COUNT, index};

/// Who waits, by importance and then by order.
#[derive(Debug)]
#[cfg_attr(genesis_mutant, derive(Clone))]
pub(crate) struct Queue {
    classes: [VecDeque<Arc<Waiter>>; COUNT],
    is_lifo: bool,
}

/// A call that waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    state: AtomicU8,
    waker: Mutex<Waker>,
    criticality: Criticality,
}

/// What has become of a call that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fate {
    /// It waits still.
    Waiting,
    /// It was handed a slot.
    Granted,
    /// It had to make room for a more important one.
    Displaced,
}

// === impl Queue ===

impl Queue {
    pub(crate) fn new(is_lifo: bool) -> Self {
        Self { classes: Default::default(), is_lifo }
    }

    pub(crate) fn push(&mut self, waiter: Arc<Waiter>) {
        self.classes[index(waiter.criticality)].push_back(waiter);
    }

    /// Takes out who is next: of the most important, who came first, or last.
    pub(crate) fn pop(&mut self) -> Option<Arc<Waiter>> {
        let class = self.classes.iter_mut().find(|class| !class.is_empty())?;
        if self.is_lifo { class.pop_back() } else { class.pop_front() }
    }

    /// Takes out who would be the last, if he is less important than that.
    pub(crate) fn displace(&mut self, by: Criticality) -> Option<Arc<Waiter>> {
        let less = &mut self.classes[index(by) + 1..];
        let class = less.iter_mut().rev().find(|class| !class.is_empty())?;
        if self.is_lifo { class.pop_front() } else { class.pop_back() }
    }

    /// Takes `waiter` out. Whether it was there.
    pub(crate) fn remove(&mut self, waiter: &Arc<Waiter>) -> bool {
        let class = &mut self.classes[index(waiter.criticality)];
        let at = class.iter().position(|other| Arc::ptr_eq(other, waiter));
        at.and_then(|at| class.remove(at)).is_some()
    }
}

// === impl Waiter ===

impl Waiter {
    pub(crate) fn new(criticality: Criticality, waker: Waker) -> Self {
        let state = AtomicU8::new(Fate::Waiting as u8);
        Self { state, waker: Mutex::new(waker), criticality }
    }

    /// What has become of it. While it waits, `waker` is woken when that changes.
    pub(crate) fn fate(&self, waker: &Waker) -> Fate {
        let mut known = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at under the lock that `wake` takes after it was decided: either we see it or it sees our waker. Acquire
        // pairs with the Release in `decide`: a slot comes with everything its last holder did.
        let fate = self.state.load(Ordering::Acquire);
        if fate == Fate::Waiting as u8 {
            known.clone_from(waker);
            return Fate::Waiting;
        }
        if fate == Fate::Granted as u8 { Fate::Granted } else { Fate::Displaced }
    }

    /// Decides. The queue is locked, and it was taken out of it.
    pub(crate) fn decide(&self, fate: Fate) {
        self.state.store(fate as u8, Ordering::Release);
    }

    pub(crate) fn is_displaced(&self) -> bool {
        self.state.load(Ordering::Acquire) == Fate::Displaced as u8
    }

    /// Wakes it. No lock of the queue is held.
    pub(crate) fn wake(&self) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        waker.wake();
    }
}
