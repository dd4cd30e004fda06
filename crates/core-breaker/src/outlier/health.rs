//! What is known of one host.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use core_policy::Counters;
use core_time::Instant;

use super::judge::Sample;
use crate::sync::{AtomicU64, Mutex, MutexGuard};

/// Calls write counters of their own thread, and failures one word; sweeps and ejections keep books.
#[derive(Debug)]
pub(super) struct Health {
    key: Arc<str>,
    /// Hosts are looked at in the order in which they came.
    pub(super) serial: u64,
    /// Until when it is ejected; or [`IN_SERVICE`], or [`FORCED`]. Written under the lock of the set only.
    until: AtomicU64,
    /// Failures since the last success, ejection or return.
    run: AtomicU64,
    counts: Counters<COUNTS>,
    books: Mutex<Books>,
}

/// What only whoever has the lock of the set writes.
#[derive(Debug, Default)]
#[cfg_attr(genesis_mutant, derive(Clone))]
pub(super) struct Books {
    /// How often it was ejected in a row; one less for each interval in service.
    pub(super) times: u32,
    /// How often in all.
    pub(super) ejections: u64,
    /// What it had answered when the present interval began.
    seen: Sample,
    /// It is no host of the set any longer, although somebody holds it.
    pub(super) is_gone: bool,
}

/// What is counted over the life of a host.
#[derive(Clone, Copy, Debug)]
pub(super) enum Count {
    Successes,
    Failures,
    Ignored,
    Inconclusive,
    Rejected,
}

/// How long an ejection lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ejection {
    Until(Instant),
    /// Until an operator ends it.
    Forced,
}

const COUNTS: usize = 5;

const IN_SERVICE: u64 = 0;

const FORCED: u64 = u64::MAX;

// === impl Health ===

impl Health {
    pub(super) fn new(key: Arc<str>, serial: u64) -> Self {
        Self {
            key,
            serial,
            until: AtomicU64::new(IN_SERVICE),
            run: AtomicU64::new(0),
            counts: Counters::new(),
            books: Mutex::new(Books::default()),
        }
    }

    pub(super) fn key(&self) -> &Arc<str> {
        &self.key
    }

    #[inline]
    pub(super) fn is_ejected(&self) -> bool {
        self.until.load(Ordering::Acquire) != IN_SERVICE
    }

    pub(super) fn ejection(&self) -> Option<Ejection> {
        match self.until.load(Ordering::Acquire) {
            IN_SERVICE => None,
            FORCED => Some(Ejection::Forced),
            until => Some(Ejection::Until(Instant::from_nanos(until))),
        }
    }

    pub(super) fn set(&self, ejection: Option<Ejection>) {
        let word = match ejection {
            None => IN_SERVICE,
            Some(Ejection::Forced) => FORCED,
            Some(Ejection::Until(until)) => until.as_nanos().min(FORCED - 1),
        };
        // Pairs with the loads above: whoever sees that it is back sees that its run began anew.
        self.until.store(word, Ordering::Release);
    }

    #[inline]
    pub(super) fn count(&self, count: Count) {
        self.counts.bump(count as usize);
    }

    #[inline]
    pub(super) fn succeeded(&self) {
        self.count(Count::Successes);
        // A host that is well is only read, so that threads do not fight for the word.
        if self.run.load(Ordering::Relaxed) != 0 {
            self.run.store(0, Ordering::Relaxed);
        }
    }

    /// One more failure. How many there were in a row.
    pub(super) fn failed(&self) -> u64 {
        self.count(Count::Failures);
        self.run.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The failures in a row, if they are as many as that: they are taken, so that one thread finds them.
    pub(super) fn take_run(&self, max: u64) -> Option<u64> {
        let enough = |run| (run >= max).then_some(0);
        self.run.fetch_update(Ordering::Relaxed, Ordering::Relaxed, enough).ok()
    }

    pub(super) fn forget_run(&self) {
        self.run.store(0, Ordering::Relaxed);
    }

    pub(super) fn run(&self) -> u64 {
        self.run.load(Ordering::Relaxed)
    }

    pub(super) fn total(&self, count: Count) -> u64 {
        self.counts.get(count as usize)
    }

    /// What it answered since this was asked last.
    pub(super) fn take_interval(&self) -> Sample {
        let successes = self.total(Count::Successes);
        let failures = self.total(Count::Failures);
        let seen = std::mem::replace(&mut self.books().seen, Sample { successes, failures });
        Sample {
            successes: successes.wrapping_sub(seen.successes),
            failures: failures.wrapping_sub(seen.failures),
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        // Nothing under the lock can panic half-way; a poisoned lock is only a lock.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
