use std::sync::{Mutex, PoisonError};

/// What parts have counted that are there no more, so that a sum over all parts never goes down: for maps that forget their keys.
///
/// ```
/// use core_policy::Past;
///
/// let past = Past::default();
/// let mut parts = vec![[3, 1], [4, 0]];
/// let sum = |parts: &[[u64; 2]]| past.sum(|add| parts.iter().for_each(|part| add(*part)));
/// assert_eq!(sum(&parts), [7, 1]);
///
/// past.forget(parts.pop().unwrap());
/// assert_eq!(sum(&parts), [7, 1]);
/// ```
///
/// # Cost
/// A lock for each part that is forgotten, and two for each sum.
#[derive(Debug)]
pub struct Past<const N: usize>(Mutex<Told<N>>);

#[derive(Debug)]
struct Told<const N: usize> {
    forgotten: [u64; N],
    /// The most that was told of all: what is about to be forgotten is in neither place for a moment.
    most: [u64; N],
}

// === impl Past ===

impl<const N: usize> Past<N> {
    /// A part is gone that had counted so much.
    pub fn forget(&self, counts: [u64; N]) {
        self.with(|told| add(&mut told.forgotten, counts));
    }

    /// What was forgotten, and what `parts` says by calling its argument for each part that is there. No less than last time: a part that
    /// goes in this moment may be missed, and none is counted twice.
    pub fn sum(&self, parts: impl FnOnce(&mut dyn FnMut([u64; N]))) -> [u64; N] {
        // Before the parts: who is forgotten from here on is missed at worst.
        let mut sum = self.with(|told| told.forgotten);
        parts(&mut |counts| add(&mut sum, counts));
        self.with(|told| {
            for (most, now) in told.most.iter_mut().zip(sum) {
                *most = now.max(*most);
            }
            told.most
        })
    }

    fn with<R>(&self, change: impl FnOnce(&mut Told<N>) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn add<const N: usize>(sum: &mut [u64; N], counts: [u64; N]) {
    for (sum, count) in sum.iter_mut().zip(counts) {
        *sum = sum.saturating_add(count);
    }
}

impl<const N: usize> Default for Past<N> {
    fn default() -> Self {
        Self(Mutex::new(Told { forgotten: [0; N], most: [0; N] }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_misses_what_is_about_to_be_forgotten_is_not_told() {
        let past = Past::default();
        let sum = |counts| past.sum(|add| add(counts));
        assert_eq!(sum([10, 1]), [10, 1]);
        assert_eq!(sum([7, 2]), [10, 2], "of each the more");
        past.forget([3, 0]);
        past.forget([1, 1]);
        assert_eq!(sum([8, 1]), [12, 2]);
    }

    #[test]
    fn one_that_is_forgotten_while_the_others_are_summed_up_is_not_counted_twice() {
        let past = Past::default();
        let looked_at = |add: &mut dyn FnMut([u64; 1])| {
            add([5]);
            past.forget([5]);
        };
        assert_eq!(past.sum(looked_at), [5]);
        assert_eq!(past.sum(|_| ()), [5]);
    }
}
