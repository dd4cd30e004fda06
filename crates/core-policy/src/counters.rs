use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::stripes::{Stripe, Stripes};

/// `N` counters that any number of threads bump without fighting for a cache line. About 1 ns each.
pub struct Counters<const N: usize>(Stripes<Cells<N>>);

struct Cells<const N: usize>([AtomicU64; N]);

// === impl Counters ===

impl<const N: usize> Counters<N> {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        Self(Stripes::new())
    }

    /// Adds one to counter `index`.
    ///
    /// # Panics
    /// If `index` is not below `N`.
    #[inline]
    pub fn bump(&self, index: usize) {
        self.add(index, 1);
    }

    /// Adds `n` to counter `index`.
    ///
    /// # Panics
    /// If `index` is not below `N`.
    #[inline]
    pub fn add(&self, index: usize, n: u64) {
        match self.0.own() {
            Some(cells) => Stripe { value: cells, is_own: true }.add(&cells.0[index], n),
            None => self.add_elsewhere(index, n),
        }
    }

    /// To the stripe that threads share, or the first time.
    #[cold]
    fn add_elsewhere(&self, index: usize, n: u64) {
        let mine = self.0.mine();
        mine.add(&mine.value.0[index], n);
    }

    /// Adds one to counter `index`, and returns how many this thread has counted there then; with more threads than have
    /// [a stripe of their own](crate::stripes), how many those have that share one.
    ///
    /// # Panics
    /// If `index` is not below `N`.
    #[inline]
    #[must_use = "where nobody asks how many there are, `bump` does"]
    pub fn count(&self, index: usize) -> u64 {
        let mine = self.0.mine();
        mine.advance(&mine.value.0[index], 1)
    }

    /// Counter `index`. Sees all that happened before; of what happens meanwhile it may see any part.
    ///
    /// # Panics
    /// If `index` is not below `N`.
    #[must_use]
    pub fn get(&self, index: usize) -> u64 {
        self.0.iter().fold(0, |sum, cells| sum.wrapping_add(cells.0[index].load(Ordering::Relaxed)))
    }
}

/// What they come to.
impl<const N: usize> fmt::Debug for Counters<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..N).map(|index| self.get(index))).finish()
    }
}

impl<const N: usize> Default for Counters<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Default for Cells<N> {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; N])
    }
}
