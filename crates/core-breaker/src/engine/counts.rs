use std::sync::atomic::{AtomicU64, Ordering};

use core_policy::stripes::{Spread, Stripe};

/// What is counted over the life of a breaker.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    Successes,
    Failures,
    Slow,
    Ignored,
    Inconclusive,
    Rejected,
    Late,
    Fallbacks,
}

/// How often, for each of them. The first is that of successes: with the word it is all that most calls touch.
#[derive(Debug)]
#[repr(transparent)]
pub(super) struct Counts(Spread<Cells>);

#[derive(Debug, Default)]
struct Cells([AtomicU64; 8]);

// === impl Counts ===

impl Counts {
    /// A stripe for each thread; or where there is a breaker for each key, one for all.
    pub(super) fn new(is_of_key: bool) -> Self {
        Self(if is_of_key { Spread::one() } else { Spread::striped() })
    }

    #[inline]
    pub(super) fn bump(&self, count: Count) {
        self.add(count, 1);
    }

    #[inline]
    pub(super) fn add(&self, count: Count, n: u64) {
        match self.0.own() {
            Some(cells) => Stripe { value: cells, is_own: true }.add(cells.of(count), n),
            None => self.add_elsewhere(count, n),
        }
    }

    /// For a key; or by a thread that has no stripe, or not yet.
    #[cold]
    fn add_elsewhere(&self, count: Count, n: u64) {
        let mine = self.0.mine();
        mine.add(mine.value.of(count), n);
    }

    pub(super) fn get(&self, count: Count) -> u64 {
        self.0.iter().fold(0, |sum, cells| sum.wrapping_add(cells.of(count).load(Ordering::Relaxed)))
    }
}

// === impl Cells ===

impl Cells {
    #[inline]
    fn of(&self, count: Count) -> &AtomicU64 {
        &self.0[count as usize]
    }
}
