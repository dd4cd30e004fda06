use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Slots that calls hold, and the calls that wait for one, in the order in which they came.
///
/// One word has both counts: `waiting << 32 | in_use`. While nobody waits, taking and giving back are one
/// compare-and-swap each. Who finds all slots taken joins the queue under a lock; from then on a slot that is given back is
/// handed to the first in the queue and never becomes free in between, so nobody overtakes.
#[derive(Debug)]
pub(crate) struct Slots {
    word: AtomicU64,
    max: u64,
    queue_max: u64,
    queue: Mutex<VecDeque<Arc<Waiter>>>,
}

/// A call that waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    state: AtomicU8,
    waker: Mutex<Waker>,
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
}

const WAITING: u64 = 1 << 32;
const IN_USE_MASK: u64 = WAITING - 1;

const STILL_WAITING: u8 = 0;
const GRANTED: u8 = 1;

// === impl Slots ===

impl Slots {
    pub(crate) fn new(max: u32, queue_max: u32) -> Self {
        let queue = Mutex::new(VecDeque::new());
        Self { word: AtomicU64::new(0), max: max.into(), queue_max: queue_max.into(), queue }
    }

    /// Takes a free slot, unless somebody waits for one.
    #[inline]
    pub(crate) fn try_take(&self) -> bool {
        let mut word = self.word.load(Ordering::Relaxed);
        // Nobody waits, so the word is the number of slots in use.
        while word < self.max {
            // Acquire pairs with the Release in `give_back`: what the last holder did comes before what this one does.
            match self.word.compare_exchange_weak(word, word + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(changed) => word = changed,
            }
        }
        false
    }

    /// Takes a slot, or a place in the queue.
    pub(crate) fn ask(&self, waker: &Waker) -> Asked {
        let mut queue = self.lock();
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let asked = if word < self.max {
                word + 1
            } else if word / WAITING < self.queue_max {
                word + WAITING
            } else {
                return Asked::Full;
            };
            match self.word.compare_exchange_weak(word, asked, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) if asked == word + 1 => return Asked::Taken,
                Ok(_) => break,
                Err(changed) => word = changed,
            }
        }
        let waiter =
            Arc::new(Waiter { state: AtomicU8::new(STILL_WAITING), waker: Mutex::new(waker.clone()) });
        queue.push_back(Arc::clone(&waiter));
        Asked::Queued(waiter)
    }

    /// Gives a slot back: to the first who waits, or to all.
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
        let Some(first) = queue.pop_front() else {
            // The last who waited left between our look at the word and the lock.
            self.word.fetch_sub(1, Ordering::Release);
            return;
        };
        self.word.fetch_sub(WAITING, Ordering::Relaxed);
        // Release pairs with the Acquire in `has_slot`: the slot comes with everything its last holder did.
        first.state.store(GRANTED, Ordering::Release);
        drop(queue);
        first.wake();
    }

    /// Leaves the queue. A slot that was handed over meanwhile goes on to the next.
    pub(crate) fn leave(&self, waiter: &Arc<Waiter>) {
        let mut queue = self.lock();
        if let Some(at) = queue.iter().position(|w| Arc::ptr_eq(w, waiter)) {
            queue.remove(at);
            self.word.fetch_sub(WAITING, Ordering::Relaxed);
            return;
        }
        drop(queue);
        self.give_back();
    }

    /// How many are in use, and how many wait.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let word = self.word.load(Ordering::Relaxed);
        (word & IN_USE_MASK, word / WAITING)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Waiter>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Waiter ===

impl Waiter {
    /// Whether a slot was handed over. If not, `waker` is woken when one is.
    pub(crate) fn has_slot(&self, waker: &Waker) -> bool {
        let mut known = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at under the lock that `wake` takes after it has granted: either we see the slot or it sees our waker.
        if self.state.load(Ordering::Acquire) == GRANTED {
            return true;
        }
        known.clone_from(waker);
        false
    }

    fn wake(&self) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        waker.wake();
    }
}
