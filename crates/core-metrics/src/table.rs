//! Where the metric of a set of labels is found: by its number where it has one, or by its hash.

use std::sync::OnceLock;

use crate::index::Index;
use crate::labels::Labels;

/// A table that only grows, and is read without a lock, a reference count or any other write.
pub(crate) struct Table<L, K> {
    /// A place for each set of labels that has a number; none where there are more than there may be series.
    numbered: Box<[OnceLock<(L, K)>]>,
    hashed: Index<L, K>,
    len_max: usize,
}

// === impl Table ===

impl<L: Labels, K> Table<L, K> {
    /// For so many sets of labels.
    pub(crate) fn new(len_max: usize) -> Self {
        let places = if L::COUNT <= len_max { L::COUNT } else { 0 };
        Self { numbered: (0..places).map(|_| OnceLock::new()).collect(), hashed: Index::new(), len_max }
    }

    #[inline]
    pub(crate) fn get(&self, labels: &L) -> Option<&K> {
        match self.place(labels) {
            // Compared, so that a type that numbers badly is slow and never wrong.
            Some(place) => place.get().filter(|(known, _)| known == labels).map(|(_, value)| value),
            None => self.hashed.get(labels),
        }
    }

    /// Adds what is not there, where there is a place for it. Only for one thread at a time.
    pub(crate) fn insert(&self, labels: L, value: K) {
        match self.place(&labels) {
            Some(place) => drop(place.set((labels, value))),
            None => drop(self.hashed.insert(labels, value, self.len_max)),
        }
    }

    /// All labels.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &L> {
        let numbered = self.numbered.iter().filter_map(|place| place.get().map(|(labels, _)| labels));
        numbered.chain(self.hashed.labels())
    }

    #[inline]
    fn place(&self, labels: &L) -> Option<&OnceLock<(L, K)>> {
        if L::COUNT == 0 { None } else { self.numbered.get(labels.number()) }
    }
}
