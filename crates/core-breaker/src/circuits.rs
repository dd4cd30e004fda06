//! All circuits of a set of keys, added up.

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
}
