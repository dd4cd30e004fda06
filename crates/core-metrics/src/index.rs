//! A table that only grows, and is read without a lock, a reference count or any other write.
//!
//! Series are never removed, so a place that is taken stays as it is. A table consists of parts, each four times as large as the one
//! before; what finds no place near its hash in one part goes to the next.

use std::hash::{BuildHasher, Hash};
use std::sync::OnceLock;

use crate::hash::BuildLabelHasher;

pub(crate) struct Index<L, K> {
    parts: [Part<L, K>; PARTS],
}

/// Made when it is needed.
type Part<L, K> = OnceLock<Box<[Slot<L, K>]>>;

/// The hash, so that nearly all that differs is told apart by a word.
type Slot<L, K> = OnceLock<(u64, L, K)>;

/// Up to 262 144 places.
const PARTS: usize = 8;
const FIRST: usize = 16;
/// Places in each part where something may be.
const NEAR: usize = 4;

// === impl Index ===

impl<L: Hash + Eq, K> Index<L, K> {
    pub(crate) const fn new() -> Self {
        Self { parts: [const { OnceLock::new() }; PARTS] }
    }

    #[inline]
    pub(crate) fn get(&self, labels: &L) -> Option<&K> {
        let hash = hash(labels);
        for part in &self.parts {
            for slot in near(part.get()?, hash) {
                // Whatever came later than this free place would be in it.
                let (of, known, value) = slot.get()?;
                if *of == hash && known == labels {
                    return Some(value);
                }
            }
        }
        None
    }

    /// Adds what is not there. `None` when there is no place for it in parts that fit to so many: several places for each,
    /// so that this is for what hashes badly. Only for one thread at a time.
    pub(crate) fn insert(&self, labels: L, value: K, len_max: usize) -> Option<&K> {
        let hash = hash(&labels);
        let parts = self.parts.iter().enumerate().map(|(number, part)| (FIRST << (2 * number), part));
        for (len, part) in parts.take_while(|(len, _)| *len == FIRST || len / 16 <= len_max) {
            let slots = part.get_or_init(|| (0..len).map(|_| OnceLock::new()).collect());
            if let Some(free) = near(slots, hash).find(|slot| slot.get().is_none()) {
                return Some(&free.get_or_init(|| (hash, labels, value)).2);
            }
        }
        None
    }

    /// All labels.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &L> {
        let slots = self.parts.iter().filter_map(OnceLock::get).flatten();
        slots.filter_map(|slot| slot.get().map(|(_, labels, _)| labels))
    }
}

/// The places where something may be, in order.
#[inline]
fn near<L, K>(slots: &[Slot<L, K>], hash: u64) -> impl Iterator<Item = &Slot<L, K>> {
    // The length is a power of two, so that this is a remainder.
    let mask = slots.len() - 1;
    let from = usize::try_from(hash & u64::from(u32::MAX)).unwrap_or_default();
    (0..NEAR).map(move |step| &slots[(from + step) & mask])
}

#[inline]
fn hash<L: Hash>(labels: &L) -> u64 {
    BuildLabelHasher::default().hash_one(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_was_added_is_found_and_nothing_else() {
        let index = Index::new();
        for n in 0..2000_u16 {
            assert_eq!(index.get(&n), None);
            assert_eq!(index.insert(n, u32::from(n) * 2, 2000), Some(&(u32::from(n) * 2)), "{n} has a place");
            assert!((0..=n).step_by(97).all(|known| index.get(&known) == Some(&(u32::from(known) * 2))));
        }
        assert_eq!(index.labels().count(), 2000);
    }

    #[test]
    fn what_all_hashes_alike_runs_out_of_places_and_not_of_memory() {
        #[derive(PartialEq, Eq)]
        struct Alike(u32);
        impl Hash for Alike {
            fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
        }
        let index = Index::new();
        let added = (0..1000).filter(|n| index.insert(Alike(*n), *n, 2000).is_some()).count();
        assert_eq!(added, 6 * NEAR, "and the largest part has 16384 places");
        assert!((0..1000).all(|n| index.get(&Alike(n)) == Some(&n) || n >= 24));
    }
}
