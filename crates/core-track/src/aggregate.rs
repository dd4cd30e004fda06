//! What is counted of all executions of an operation.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;

use crate::latency::{Counted, Latency};
use crate::outcome::Outcome;
use crate::sample::SampleRate;
use crate::window::{Lens, Span, Windows};

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
    /// How many names of stages an operation may have.
    names_max: usize,
    /// Whether somebody was told that there are more operations than places.
    is_told: AtomicBool,
    windows: Lens,
    rate: SampleRate,
    /// Of operations with a rate of their own.
    rates: HashMap<&'static str, SampleRate>,
}

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) total: Aggregate,
    /// From how many nanoseconds an execution is slow.
    slow: AtomicU64,
    finished: AtomicU64,
    /// Never removed, so that they can be read without a lock.
    stages: Box<[OnceLock<Named>]>,
    /// Which number a name of that [slot] had last. Twice as many as there are stages, so that most have one of their own; a power of
    /// two.
    hints: Box<[AtomicU16]>,
    named: AtomicUsize,
    adding: Mutex<()>,
    other: OnceLock<Aggregate>,
    /// Whether somebody was told that there are more names than places.
    is_told: AtomicBool,
    windows: Lens,
}

/// A stage with figures of its own.
#[derive(Debug)]
struct Named {
    name: &'static str,
    figures: Aggregate,
}

/// What is counted of one thing.
#[derive(Debug)]
pub(crate) struct Aggregate {
    pub(crate) latency: Latency,
    pub(crate) failures: AtomicU64,
    /// What was cancelled is counted, and is no sample of how long it takes.
    pub(crate) cancelled: AtomicU64,
    windows: Windows,
}

/// The most operations.
const OPERATIONS_MAX: usize = 128;
/// The most stages with figures of their own, over all operations.
const AGGREGATES_MAX: usize = 1024;
/// What is said of the rest.
pub(crate) const OTHER: &str = "(other)";
/// The number of the rest, which no stage has.
const OTHER_STAGE: u16 = u16::MAX;
/// So many executions are needed to say what is slow, and after so many it is said anew.
const SLOW_MIN: u64 = 100;
const SLOW_EVERY: u64 = 64;

// === impl Operations ===

impl Operations {
    pub(crate) fn new(
        windows: Lens,
        names_max: usize,
        rate: SampleRate,
        rates: HashMap<&'static str, SampleRate>,
    ) -> Self {
        Self {
            by_name: ArcSwap::default(),
            adding: Mutex::default(),
            other: Arc::new(Operation::new(OTHER, names_max, windows)),
            room: AtomicUsize::new(AGGREGATES_MAX),
            names_max,
            is_told: AtomicBool::new(false),
            windows,
            rate,
            rates,
        }
    }

    /// Which share of an operation is kept, whether it has figures of its own or not.
    pub(crate) fn rate(&self, name: &str) -> SampleRate {
        if self.rates.is_empty() { self.rate } else { self.rates.get(name).copied().unwrap_or(self.rate) }
    }

    pub(crate) fn get(&self, name: &'static str) -> Arc<Operation> {
        let by_name = self.by_name.load();
        match by_name.get(name) {
            Some(known) => Arc::clone(known),
            None if by_name.len() >= OPERATIONS_MAX => self.other(name),
            None => {
                drop(by_name);
                self.add(name)
            }
        }
    }

    #[cold]
    fn add(&self, name: &'static str) -> Arc<Operation> {
        let adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let by_name = self.by_name.load_full();
        // Another thread was faster.
        if let Some(known) = by_name.get(name) {
            return Arc::clone(known);
        }
        if by_name.len() >= OPERATIONS_MAX {
            // Whoever listens to what is told may start an execution.
            drop(adding);
            return self.other(name);
        }
        let new = Arc::new(Operation::new(name, self.names_max, self.windows));
        let mut by_name = HashMap::clone(&by_name);
        by_name.insert(name, Arc::clone(&new));
        self.by_name.store(Arc::new(by_name));
        new
    }

    #[cold]
    fn other(&self, name: &'static str) -> Arc<Operation> {
        if is_first(&self.is_told) {
            tracing::warn!(
                target: "core_track",
                operation = name,
                operations_max = OPERATIONS_MAX,
                "too many operations: this one and all that come are counted as (other)",
            );
        }
        Arc::clone(&self.other)
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Operation>> {
        let mut all: Vec<_> = self.by_name.load().values().cloned().collect();
        if self.other.has_any() {
            all.push(Arc::clone(&self.other));
        }
        all.sort_by_key(|operation| operation.name);
        all
    }

    /// The number of a stage with its operation.
    #[inline]
    pub(crate) fn stage(&self, operation: &Operation, name: &'static str) -> u16 {
        let hint = &operation.hints[slot(name) & (operation.hints.len() - 1)];
        let at = hint.load(Ordering::Relaxed);
        match operation.stages.get(usize::from(at)).and_then(OnceLock::get) {
            // Nearly always the very same text.
            Some(known) if std::ptr::eq(known.name, name) => at,
            _ => operation.find_or_add(name, hint, &self.room),
        }
    }
}

// === impl Operation ===

impl Operation {
    fn new(name: &'static str, names_max: usize, windows: Lens) -> Self {
        let hints = (2 * names_max).next_power_of_two();
        Self {
            name,
            total: Aggregate::new(windows),
            slow: AtomicU64::new(u64::MAX),
            finished: AtomicU64::new(0),
            stages: (0..names_max).map(|_| OnceLock::new()).collect(),
            hints: (0..hints).map(|_| AtomicU16::new(0)).collect(),
            named: AtomicUsize::new(0),
            adding: Mutex::default(),
            other: OnceLock::new(),
            is_told: AtomicBool::new(false),
            windows,
        }
    }

    fn has_any(&self) -> bool {
        self.total.cancelled.load(Ordering::Relaxed) + self.finished.load(Ordering::Relaxed) > 0
    }

    /// What a stage of this number is called.
    pub(crate) fn stage_name(&self, number: u16) -> &'static str {
        self.named(number).map_or(OTHER, |named| named.name)
    }

    /// What is counted of a stage.
    #[inline]
    pub(crate) fn stage(&self, number: u16) -> &Aggregate {
        match self.named(number) {
            Some(own) => &own.figures,
            None => self.other.get_or_init(|| Aggregate::new(self.windows)),
        }
    }

    #[inline]
    fn named(&self, number: u16) -> Option<&Named> {
        self.stages.get(usize::from(number)).and_then(OnceLock::get)
    }

    /// All stages that were ever entered.
    pub(crate) fn stages(&self) -> impl Iterator<Item = (&'static str, &Aggregate)> {
        let named = self.stages.iter().filter_map(OnceLock::get);
        named.map(|named| (named.name, &named.figures)).chain(self.other.get().map(|other| (OTHER, other)))
    }

    #[inline(never)]
    fn find_or_add(&self, name: &'static str, hint: &AtomicU16, room: &AtomicUsize) -> u16 {
        let number = match self.find(name, 0) {
            Ok(known) => known,
            // There is no room, and never will be: nobody has to wait to learn that.
            Err(from) if from >= self.stages.len() || room.load(Ordering::Relaxed) == 0 => {
                return self.other_stage(name);
            }
            Err(from) => match self.add(name, from, room) {
                Some(new) => new,
                None => return self.other_stage(name),
            },
        };
        hint.store(number, Ordering::Relaxed);
        number
    }

    /// The number of a name, or from where on nobody has looked. Equal texts from different places are one name.
    fn find(&self, name: &'static str, from: usize) -> Result<u16, usize> {
        // Pairs with the store in `add`: the stages up to there are in place.
        let named = self.named.load(Ordering::Acquire);
        for (at, known) in self.stages.iter().enumerate().take(named).skip(from) {
            if known.get().is_some_and(|known| known.name == name) {
                return Ok(u16::try_from(at).unwrap_or(OTHER_STAGE));
            }
        }
        Err(named)
    }

    #[cold]
    fn other_stage(&self, name: &'static str) -> u16 {
        if is_first(&self.is_told) {
            tracing::warn!(
                target: "core_track",
                operation = self.name,
                stage = name,
                stage_names_max = self.stages.len(),
                "too many names of stages: this one and all that come are counted as (other)",
            );
        }
        OTHER_STAGE
    }

    /// `None` is that there is no room.
    #[cold]
    fn add(&self, name: &'static str, from: usize, room: &AtomicUsize) -> Option<u16> {
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match self.find(name, from) {
            // Another thread was faster.
            Ok(found) => return Some(found),
            Err(named) => named,
        };
        let take = |room: usize| room.checked_sub(1);
        if at == self.stages.len() || room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return None;
        }
        // Nobody else writes while this one adds.
        self.stages[at].get_or_init(|| Named { name, figures: Aggregate::new(self.windows) });
        self.named.store(at + 1, Ordering::Release);
        u16::try_from(at).ok()
    }

    /// Counts an execution that ended, and says whether it was slower than nearly all.
    pub(crate) fn finish(&self, took: u64, outcome: Outcome, now: u64) -> bool {
        let is_slow = took > self.slow.load(Ordering::Relaxed);
        self.total.record(took, outcome, now);
        if outcome == Outcome::Cancelled {
            return is_slow;
        }
        let finished = self.finished.fetch_add(1, Ordering::Relaxed) + 1;
        if finished.is_multiple_of(SLOW_EVERY) {
            let recent = self.total.recent(Span::Long, now);
            let enough = recent.count() >= SLOW_MIN;
            let slow = recent.percentile(99).filter(|_| enough);
            // The figure is off by up to 1/32; what is hardly slower than others is not slow.
            let slow = slow.map_or(u64::MAX, |slow| slow.saturating_add(slow / 16));
            self.slow.store(slow, Ordering::Relaxed);
        }
        is_slow
    }
}

/// Where the number of a name is looked for first. Texts lie one behind the other, so that any bits of the address tell them apart.
#[inline]
fn slot(name: &'static str) -> usize {
    let at = name.as_ptr().addr();
    at ^ at >> 7
}

/// Whether nobody was there before. Whoever comes late pays a load.
fn is_first(told: &AtomicBool) -> bool {
    !told.load(Ordering::Relaxed) && !told.swap(true, Ordering::Relaxed)
}

// === impl Aggregate ===

impl Aggregate {
    fn new(windows: Lens) -> Self {
        Self {
            latency: Latency::new(),
            failures: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            windows: Windows::new(windows),
        }
    }

    #[inline]
    pub(crate) fn record(&self, took: u64, outcome: Outcome, now: u64) {
        if outcome == Outcome::Cancelled {
            self.cancelled.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.windows.turn(&self.latency, now);
        self.latency.record(took);
        if outcome == Outcome::Failed {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was counted in the last one to two windows.
    pub(crate) fn recent(&self, span: Span, now: u64) -> Counted {
        self.windows.recent(&self.latency, now, span)
    }
}
