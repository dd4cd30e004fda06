use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::Waker;

use core_policy::sync::{AtomicU32, AtomicU64, Mutex, MutexGuard};

use super::queue::{Fate, Queue, Waiter};
use crate::Criticality;
use crate::criticality::{COUNT, Shares, index};

/// Slots that calls hold, and the calls that wait for one.
///
/// One word has both counts: `waiting << 32 | in_use`. While nobody waits, taking and giving back are one
/// compare-and-swap each. Who finds all slots taken joins the queue under a lock; from then on a slot that is given back is
/// handed to the next in the queue and never becomes free in between, so nobody overtakes.
#[derive(Debug)]
pub(crate) struct Slots {
    word: AtomicU64,
    /// How many slots may be in use for a call of each criticality to be admitted; the first is all there are.
    limits: [AtomicU32; COUNT],
    shares: Shares,
    queue_max: u64,
    queue: Mutex<Queue>,
}

/// What came of asking for a slot.
#[derive(Debug)]
pub(crate) enum Asked {
    /// It is yours.
    Taken,
    /// You are in the queue.
    Queued(Arc<Waiter>),
    /// All slots and all places are taken.
    Full,
    /// There are slots, but not for you.
    Shed,
}

const WAITING: u64 = 1 << 32;
const IN_USE_MASK: u64 = WAITING - 1;

// === impl Slots ===

impl Slots {
    pub(crate) fn new(max: u32, shares: Shares, queue_max: u32, is_lifo: bool) -> Self {
        let limits = Criticality::ALL.map(|criticality| AtomicU32::new(shares.of(criticality, max)));
        let (word, queue) = (AtomicU64::new(0), Mutex::new(Queue::new(is_lifo)));
        Self { word, limits, shares, queue_max: queue_max.into(), queue }
    }

    /// Takes a slot that is free for a call of this criticality, unless somebody waits for one.
    #[inline]
    pub(crate) fn try_take(&self, criticality: Criticality) -> bool {
        let limit = self.limit(criticality);
        let mut word = self.word.load(Ordering::Relaxed);
        // Nobody waits, so the word is the number of slots in use.
        while word < limit {
            // Acquire pairs with the Release in `give_back`: what the last holder did comes before what this one does.
            match self.word.compare_exchange_weak(word, word + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(changed) => word = changed,
            }
        }
        false
    }

    /// Whether somebody may wait at all.
    #[inline]
    pub(crate) fn has_queue(&self) -> bool {
        self.queue_max > 0
    }

    /// Takes a slot, or a place in the queue: that of somebody less important, if all are taken.
    pub(crate) fn ask(&self, criticality: Criticality, waker: &Waker) -> Asked {
        // Code of the user's: it runs before the lock is taken and before anybody is counted as waiting, and panics where it harms nobody.
        let waker = waker.clone();
        let mut queue = self.lock();
        let (limit, max) = (self.limit(criticality), self.limit(Criticality::CriticalPlus));
        let mut word = self.word.load(Ordering::Relaxed);
        let mut displaced = None;
        loop {
            let asked = if word < limit {
                word + 1
            } else if limit < max {
                return Asked::Shed;
            } else if word / WAITING < self.queue_max {
                word + WAITING
            } else {
                // Somebody waits, so all others need the lock, and the word stays what it is.
                displaced = queue.displace(criticality);
                if displaced.is_none() {
                    return Asked::Full;
                }
                break;
            };
            match self.word.compare_exchange_weak(word, asked, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) if asked == word + 1 => return Asked::Taken,
                Ok(_) => break,
                Err(changed) => word = changed,
            }
        }
        let waiter = Arc::new(Waiter::new(criticality, waker));
        queue.push(Arc::clone(&waiter));
        if let Some(displaced) = &displaced {
            displaced.decide(Fate::Displaced);
        }
        drop(queue);
        if let Some(displaced) = displaced {
            displaced.wake();
        }
        Asked::Queued(waiter)
    }

    /// Gives a slot back: to the next who waits, or to all.
    #[inline]
    pub(crate) fn give_back(&self) {
        let mut word = self.word.load(Ordering::Relaxed);
        while word < WAITING {
            match self.word.compare_exchange_weak(word, word - 1, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(changed) => word = changed,
            }
        }
        self.hand_over();
    }

    #[cold]
    fn hand_over(&self) {
        let mut queue = self.lock();
        let word = self.word.load(Ordering::Relaxed);
        // There may be fewer slots by now than are in use; or the last who waited has left since we looked.
        let is_surplus = word & IN_USE_MASK > self.limit(Criticality::CriticalPlus);
        let Some(next) = (if is_surplus { None } else { queue.pop() }) else {
            self.word.fetch_sub(1, Ordering::Release);
            return;
        };
        self.word.fetch_sub(WAITING, Ordering::Relaxed);
        next.decide(Fate::Granted);
        drop(queue);
        next.wake();
    }

    /// Leaves the queue. A slot that was handed over meanwhile goes on to the next.
    pub(crate) fn leave(&self, waiter: &Arc<Waiter>) {
        let mut queue = self.lock();
        if queue.remove(waiter) {
            self.word.fetch_sub(WAITING, Ordering::Relaxed);
            return;
        }
        drop(queue);
        if !waiter.is_displaced() {
            self.give_back();
        }
    }

    /// Changes how many slots there are. New ones go to those who wait; of those that are too many none is taken from
    /// anybody, they go as they are given back (rule RL-8).
    pub(crate) fn resize(&self, max: u32) {
        let mut granted = Vec::new();
        let mut queue = self.lock();
        for criticality in Criticality::ALL {
            let limit = self.shares.of(criticality, max);
            self.limits[index(criticality)].store(limit, Ordering::Relaxed);
        }
        // While somebody waits nobody changes the word without the lock.
        let mut word = self.word.load(Ordering::Relaxed);
        while word >= WAITING && word & IN_USE_MASK < u64::from(max) {
            let Some(next) = queue.pop() else { break };
            word = self.word.fetch_sub(WAITING - 1, Ordering::Relaxed) - (WAITING - 1);
            next.decide(Fate::Granted);
            granted.push(next);
        }
        drop(queue);
        for next in granted {
            next.wake();
        }
    }

    /// Whether a call of this criticality would find slots that are not for it.
    #[inline]
    pub(crate) fn is_shed(&self, criticality: Criticality) -> bool {
        let max = self.limit(Criticality::CriticalPlus);
        self.limit(criticality) < max
    }

    /// How many slots there are.
    pub(crate) fn max(&self) -> u32 {
        self.limits[0].load(Ordering::Relaxed)
    }

    /// How many are in use, and how many wait.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let word = self.word.load(Ordering::Relaxed);
        (word & IN_USE_MASK, word / WAITING)
    }

    #[inline]
    fn limit(&self, criticality: Criticality) -> u64 {
        self.limits[index(criticality)].load(Ordering::Relaxed).into()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
