//! All circuits of a set of keys, added up.

use std::sync::{Mutex, PoisonError};

use core_errors::Name;
use core_policy::KeyedStats;

use crate::State;
use crate::snapshot::Totals;

/// What the circuits of all keys come to: for metrics, where a key must not be a label. Made by
/// [`KeyedBreaker::summary`](crate::KeyedBreaker::summary).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyedSummary {
    /// The name that all of them have.
    pub name: Name,
    /// How many keys there are, may be, were made, forgotten and refused.
    pub keys: KeyedStats,
    /// How many circuits are in which state.
    pub circuits: Circuits,
    /// The calls of all keys, those that were forgotten among them. Never goes down.
    pub totals: Totals,
}

/// How many circuits are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circuits([usize; State::ALL.len()]);

/// What was counted for keys that are there no more.
#[derive(Debug, Default)]
pub(crate) struct Past(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    forgotten: Totals,
    /// The most that was told of all: what is about to be forgotten is in neither place for a moment.
    most: Totals,
}

// === impl Circuits ===

impl Circuits {
    /// Counts one.
    pub fn add(&mut self, state: State) {
        self.0[usize::from(state.as_gauge())] += 1;
    }

    /// How many are in that state.
    #[must_use]
    pub fn of(&self, state: State) -> usize {
        self.0[usize::from(state.as_gauge())]
    }
}

// === impl Past ===

impl Past {
    pub(crate) fn forget(&self, totals: Totals) {
        self.with(|told| told.forgotten = told.forgotten.plus(totals));
    }

    pub(crate) fn forgotten(&self) -> Totals {
        self.with(|told| told.forgotten)
    }

    /// The sum, or what was told before if that is more.
    pub(crate) fn at_least(&self, sum: Totals) -> Totals {
        self.with(|told| {
            told.most = told.most.max(sum);
            told.most
        })
    }

    fn with<R>(&self, change: impl FnOnce(&mut Told) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_place() {
        let mut circuits = Circuits::default();
        for (times, state) in (1..).zip(State::ALL) {
            (0..times).for_each(|_| circuits.add(state));
        }
        assert_eq!(State::ALL.map(|state| circuits.of(state)), [1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_sum_that_misses_what_is_about_to_be_forgotten_is_not_told() {
        let (past, calls) = (Past::default(), |successes| Totals { successes, ..Totals::default() });
        assert_eq!(past.at_least(calls(10)), calls(10));
        assert_eq!(past.at_least(calls(7)), calls(10));
        past.forget(calls(3));
        past.forget(calls(1));
        assert_eq!(past.at_least(calls(8).plus(past.forgotten())), calls(12));
    }
}
