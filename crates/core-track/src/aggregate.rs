//! What is counted of all executions of an operation.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;

use crate::latency::{Counted, Latency};

/// All operations, by name.
#[derive(Debug)]
pub(crate) struct Operations {
    by_name: ArcSwap<HashMap<&'static str, Arc<Operation>>>,
    /// Held by whoever adds one.
    adding: Mutex<()>,
    /// What has no place of its own.
    other: Arc<Operation>,
    /// How many more stages may have figures of their own.
    room: AtomicUsize,
}

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) total: Aggregate,
    pub(crate) dropped: AtomicU64,
    /// From how many nanoseconds an execution is slow.
    slow: AtomicU64,
    recent: Mutex<Recent>,
    finished: AtomicU64,
    /// Names are never removed, so that they can be read without a lock.
    names: [OnceLock<&'static str>; STAGES],
    stages: Box<[OnceLock<Aggregate>]>,
    named: AtomicUsize,
    adding: Mutex<()>,
    other: OnceLock<Aggregate>,
}

/// What is counted of one thing.
#[derive(Debug)]
pub(crate) struct Aggregate {
    pub(crate) latency: Latency,
    pub(crate) failures: AtomicU64,
}

/// What had been counted when the last two windows began.
#[derive(Debug, Default)]
struct Recent {
    began: Option<u64>,
    older: Option<Box<[u64]>>,
    newer: Option<Box<[u64]>>,
}

/// The most operations.
const OPERATIONS_MAX: usize = 128;
/// The most stages with figures of their own, over all operations.
const AGGREGATES_MAX: usize = 1024;
/// The most stages of an operation with figures of their own.
const STAGES: usize = 64;
/// What is said of the rest.
pub(crate) const OTHER: &str = "(other)";
/// The number of the rest: the first that no stage has.
const OTHER_STAGE: u16 = 64;
/// So many executions are needed to say what is slow, and after so many it is said anew.
const SLOW_MIN: u64 = 100;
const SLOW_EVERY: u64 = 64;

// === impl Operations ===

impl Operations {
    pub(crate) fn new() -> Self {
        Self {
            by_name: ArcSwap::default(),
            adding: Mutex::default(),
            other: Arc::new(Operation::new(OTHER)),
            room: AtomicUsize::new(AGGREGATES_MAX),
        }
    }

    pub(crate) fn get(&self, name: &'static str) -> Arc<Operation> {
        if let Some(known) = self.by_name.load().get(name) {
            return Arc::clone(known);
        }
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let by_name = self.by_name.load_full();
        // Another thread was faster.
        if let Some(known) = by_name.get(name) {
            return Arc::clone(known);
        }
        if by_name.len() == OPERATIONS_MAX {
            return Arc::clone(&self.other);
        }
        let new = Arc::new(Operation::new(name));
        let mut by_name = HashMap::clone(&by_name);
        by_name.insert(name, Arc::clone(&new));
        self.by_name.store(Arc::new(by_name));
        new
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Operation>> {
        let mut all: Vec<_> = self.by_name.load().values().cloned().collect();
        if self.other.finished.load(Ordering::Relaxed) > 0 {
            all.push(Arc::clone(&self.other));
        }
        all.sort_by_key(|operation| operation.name);
        all
    }

    /// The number of a stage with its operation.
    #[inline]
    pub(crate) fn stage(&self, operation: &Operation, name: &'static str) -> u16 {
        operation.find(name, 0).unwrap_or_else(|from| operation.add(name, from, &self.room))
    }
}

// === impl Operation ===

impl Operation {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            total: Aggregate::new(),
            dropped: AtomicU64::new(0),
            slow: AtomicU64::new(u64::MAX),
            recent: Mutex::default(),
            finished: AtomicU64::new(0),
            names: [const { OnceLock::new() }; STAGES],
            stages: (0..STAGES).map(|_| OnceLock::new()).collect(),
            named: AtomicUsize::new(0),
            adding: Mutex::default(),
            other: OnceLock::new(),
        }
    }

    /// What a stage of this number is called.
    pub(crate) fn stage_name(&self, number: u16) -> &'static str {
        self.names.get(usize::from(number)).and_then(OnceLock::get).copied().unwrap_or(OTHER)
    }

    /// What is counted of a stage.
    #[inline]
    pub(crate) fn stage(&self, number: u16) -> &Aggregate {
        match self.stages.get(usize::from(number)).and_then(OnceLock::get) {
            Some(own) => own,
            None => self.other.get_or_init(Aggregate::new),
        }
    }

    /// All stages that were ever entered.
    pub(crate) fn stages(&self) -> impl Iterator<Item = (&'static str, &Aggregate)> {
        let named = self.names.iter().zip(&*self.stages);
        let named = named.filter_map(|(name, stage)| Some((*name.get()?, stage.get()?)));
        named.chain(self.other.get().map(|other| (OTHER, other)))
    }

    /// The number of a name, or from where on nobody has looked.
    #[inline]
    fn find(&self, name: &'static str, from: usize) -> Result<u16, usize> {
        // Pairs with the store in `add`: the names up to there are in place.
        let named = self.named.load(Ordering::Acquire);
        for (at, known) in self.names.iter().enumerate().take(named).skip(from) {
            // Nearly always the very same text; equal texts from elsewhere are one name too.
            if known.get().is_some_and(|known| std::ptr::eq(*known, name) || *known == name) {
                return Ok(u16::try_from(at).unwrap_or(OTHER_STAGE));
            }
        }
        Err(named)
    }

    #[cold]
    fn add(&self, name: &'static str, from: usize, room: &AtomicUsize) -> u16 {
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match self.find(name, from) {
            // Another thread was faster.
            Ok(found) => return found,
            Err(named) => named,
        };
        let take = |room: usize| room.checked_sub(1);
        if at == STAGES || room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return OTHER_STAGE;
        }
        // Nobody else writes while this one adds.
        self.names[at].get_or_init(|| name);
        self.stages[at].get_or_init(Aggregate::new);
        self.named.store(at + 1, Ordering::Release);
        u16::try_from(at).unwrap_or(OTHER_STAGE)
    }

    /// Counts an execution that ended, and says whether it was slower than nearly all.
    pub(crate) fn finish(&self, took: u64, window: u64, now: u64) -> bool {
        let is_slow = took > self.slow.load(Ordering::Relaxed);
        self.total.latency.record(took);
        let finished = self.finished.fetch_add(1, Ordering::Relaxed) + 1;
        if finished.is_multiple_of(SLOW_EVERY) {
            let recent = self.recent(window, now);
            let enough = recent.count() >= SLOW_MIN;
            let slow = recent.percentile(0.99).filter(|_| enough);
            // The figure is off by up to 1/32; what is hardly slower than others is not slow.
            self.slow.store(slow.map_or(u64::MAX, |slow| slow + slow / 16), Ordering::Relaxed);
        }
        is_slow
    }

    /// What was counted in the last one to two windows.
    pub(crate) fn recent(&self, window: u64, now: u64) -> Counted {
        let counted = self.total.latency.counted();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(*recent.began.get_or_insert(now)) >= window {
            recent.began = Some(now);
            recent.older = recent.newer.replace(counted.counts.clone());
        }
        match &recent.older {
            Some(older) => counted.since(older),
            None => counted,
        }
    }
}

// === impl Aggregate ===

impl Aggregate {
    fn new() -> Self {
        Self { latency: Latency::new(), failures: AtomicU64::new(0) }
    }

    #[inline]
    pub(crate) fn record(&self, took: u64, failed: bool) {
        self.latency.record(took);
        if failed {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }
}
