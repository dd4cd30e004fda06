//! The stages of one execution, in the order in which they began. Written by any number of threads without a lock.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::outcome::Outcome;

/// The most stages of an execution.
pub(crate) const STAGES_MAX: usize = 256;
/// Stages that need no memory of their own.
const INLINE: usize = 16;
/// Parts that are allocated as they are needed: 16, 32, 64 and 128 stages.
const CHUNKS: usize = 4;

#[derive(Debug, Default)]
pub(crate) struct Arena {
    next: AtomicUsize,
    inline: [Slot; INLINE],
    chunks: [OnceLock<Box<[Slot]>>; CHUNKS],
}

/// One stage. Only whoever began it writes it.
#[derive(Debug, Default)]
struct Slot {
    word: AtomicU64,
    started: AtomicU64,
    took: AtomicU64,
}

/// What is known of one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The number of its name with its operation.
    pub(crate) name: u16,
    /// The stage that it is a part of.
    pub(crate) parent: Option<u16>,
    pub(crate) state: State,
    /// In nanoseconds of the clock.
    pub(crate) started: u64,
    pub(crate) took: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Ended(Outcome),
}

const NO_PARENT: u64 = 0xFFFF;

// === impl Arena ===

impl Arena {
    /// Takes a place for a stage that begins. `None` when there is none left.
    #[inline]
    pub(crate) fn begin(&self, name: u16, parent: Option<u16>, now: u64) -> Option<u16> {
        // Once it is full, it counts no further.
        if self.next.load(Ordering::Relaxed) >= STAGES_MAX {
            return None;
        }
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        let slot = (at < STAGES_MAX).then(|| self.slot_or_new(at))?;
        slot.started.store(now, Ordering::Relaxed);
        // Pairs with the load in `get`: whoever sees that it runs sees when it began.
        slot.word.store(word(name, parent, 1), Ordering::Release);
        u16::try_from(at).ok()
    }

    #[inline]
    pub(crate) fn end(&self, at: u16, name: u16, parent: Option<u16>, took: u64, outcome: Outcome) {
        if let Some(slot) = self.slot(at.into()) {
            slot.took.store(took, Ordering::Relaxed);
            // Pairs with the load in `get`: whoever sees that it ended sees how long it took.
            let state = match outcome {
                Outcome::Succeeded => 2,
                Outcome::Failed => 3,
                Outcome::Cancelled => 4,
            };
            slot.word.store(word(name, parent, state), Ordering::Release);
        }
    }

    /// All stages, with the place of each.
    pub(crate) fn records(&self) -> Vec<(u16, Record)> {
        // The last first: whoever sees a stage then sees the one around it, which began before and has the smaller place.
        let mut records: Vec<_> = self.places().rev().filter_map(|at| Some((at, self.get(at)?))).collect();
        records.reverse();
        records
    }

    /// The stage that began last of those that run.
    pub(crate) fn last_running(&self) -> Option<Record> {
        self.places().rev().filter_map(|at| self.get(at)).find(|record| record.state == State::Running)
    }

    fn places(&self) -> Range<u16> {
        let len = self.next.load(Ordering::Relaxed).min(STAGES_MAX);
        0..u16::try_from(len).unwrap_or_default()
    }

    fn get(&self, at: u16) -> Option<Record> {
        let slot = self.slot(at.into())?;
        let word = slot.word.load(Ordering::Acquire);
        let state = match word >> 32 {
            1 => State::Running,
            2 => State::Ended(Outcome::Succeeded),
            3 => State::Ended(Outcome::Failed),
            4 => State::Ended(Outcome::Cancelled),
            // Its place is taken, and nothing is in it yet.
            _ => return None,
        };
        let half = |word: u64| u16::try_from(word & 0xFFFF).unwrap_or_default();
        Some(Record {
            name: half(word),
            parent: Some(half(word >> 16)).filter(|parent| u64::from(*parent) != NO_PARENT),
            state,
            started: slot.started.load(Ordering::Relaxed),
            took: slot.took.load(Ordering::Relaxed),
        })
    }

    #[inline]
    fn slot(&self, at: usize) -> Option<&Slot> {
        if at < INLINE {
            return self.inline.get(at);
        }
        let (chunk, at) = place(at);
        self.chunks[chunk].get()?.get(at)
    }

    fn slot_or_new(&self, at: usize) -> &Slot {
        if at < INLINE {
            return &self.inline[at];
        }
        let (chunk, at) = place(at);
        &self.chunks[chunk].get_or_init(|| (0..INLINE << chunk).map(|_| Slot::default()).collect())[at]
    }
}

/// The chunk of a place, and the place in it.
fn place(at: usize) -> (usize, usize) {
    let chunk = (at / INLINE).ilog2() as usize;
    (chunk, at - (INLINE << chunk))
}

fn word(name: u16, parent: Option<u16>, state: u64) -> u64 {
    state << 32 | parent.map_or(NO_PARENT, u64::from) << 16 | u64::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTCOMES: [Outcome; 3] = [Outcome::Succeeded, Outcome::Failed, Outcome::Cancelled];

    #[test]
    fn every_place_is_there_once_and_none_beyond() {
        let arena = Arena::default();
        for at in 0..300_u16 {
            let parent = at.checked_sub(1);
            let begun = arena.begin(at % 7, parent, u64::from(at) * 10);
            assert_eq!(begun, (at < 256).then_some(at));
            if at % 2 == 0 && at < 256 {
                arena.end(at, at % 7, parent, 5, OUTCOMES[usize::from(at / 2 % 3)]);
            }
        }
        let records = arena.records();
        assert_eq!(records.len(), 256);
        for (at, record) in records {
            let ended = State::Ended(OUTCOMES[usize::from(at / 2 % 3)]);
            let state = if at % 2 == 0 { ended } else { State::Running };
            let took = if at % 2 == 0 { 5 } else { 0 };
            let expected =
                Record { name: at % 7, parent: at.checked_sub(1), state, started: u64::from(at) * 10, took };
            assert_eq!(record, expected);
        }
        assert_eq!(arena.last_running().map(|record| record.started), Some(2550));
    }
}
