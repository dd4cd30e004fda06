use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::ConfigError;

/// How many lines one place in the code may write in a second, so that a storm of one message does not drown the others.
///
/// The first lines of each second are written, and of the rest each so many-th. The next line of that place says how many were left
/// out before it, as `suppressed`. Lines at `ERROR` and above are always written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// How many are written in each second. At least 1.
    pub first: u32,
    /// Of the rest, one in so many is written; 0 is none.
    pub then_every: u32,
}

/// What one place wrote.
#[derive(Default)]
pub(crate) struct Count {
    /// The second in the upper half, how many in the lower.
    word: AtomicU64,
    suppressed: AtomicU64,
}

/// The counts of one log, by the address of the callsite's metadata.
#[derive(Default)]
pub(crate) struct Counts(Mutex<HashMap<usize, Arc<Count>>>);

/// As many places as are counted; where code makes callsites without end, they are forgotten.
const COUNTS_MAX: usize = 16 * 1024;

// === impl Sampling ===

impl Sampling {
    pub(crate) fn checked(self) -> Result<Self, ConfigError> {
        if self.first == 0 { Err(ConfigError::sampling()) } else { Ok(self) }
    }
}

// === impl Count ===

impl Count {
    /// Whether a line in that second is written, and how many were left out before it.
    pub(crate) fn admit(&self, sampling: Sampling, second: u64) -> Option<u64> {
        let second = second & u64::from(u32::MAX);
        let step = |word: u64| {
            // Another thread may have looked at the clock later.
            let second = second.max(word >> 32);
            let count = if word >> 32 == second {
                (word & u64::from(u32::MAX)).min(u64::from(u32::MAX) - 1)
            } else {
                0
            };
            Some(second << 32 | (count + 1))
        };
        // Nothing else is published by it.
        let before = self.word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap_or(0);
        let count = if before >> 32 >= second { before & u64::from(u32::MAX) } else { 0 };
        let over = count.checked_sub(u64::from(sampling.first));
        let is_written = match (over, sampling.then_every) {
            (None, _) => true,
            (Some(_), 0) => false,
            (Some(over), every) => (over + 1) % u64::from(every) == 0,
        };
        if is_written {
            return Some(self.suppressed.swap(0, Ordering::Relaxed));
        }
        self.suppressed.fetch_add(1, Ordering::Relaxed);
        None
    }
}

impl Count {
    /// Takes back what a line would have said that was lost.
    pub(crate) fn give_back(&self, suppressed: u64) {
        self.suppressed.fetch_add(suppressed, Ordering::Relaxed);
    }
}

// === impl Counts ===

impl Counts {
    pub(crate) fn of(&self, address: usize) -> Arc<Count> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= COUNTS_MAX && !counts.contains_key(&address) {
            counts.clear();
        }
        Arc::clone(counts.entry(address).or_default())
    }
}
