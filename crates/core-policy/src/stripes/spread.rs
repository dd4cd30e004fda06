use super::{Lanes, Stripe};

/// Stripes, or one value in their place, where it stands beside what is used with it.
///
/// For what there is one of, or as many as keys: keys spread the threads already, and what they cost is memory. One value takes up
/// no more than itself, and whoever counts there adds atomically: 5 ns where no other thread counts at the same moment.
#[derive(Debug)]
#[repr(C)]
pub struct Spread<T> {
    lanes: Lanes<T>,
    /// The one value, where there are no lanes.
    one: T,
}

// === impl Spread ===

impl<T: Default> Spread<T> {
    /// A stripe for each thread, see [`Stripes`](super::Stripes).
    #[must_use]
    pub fn striped() -> Self {
        Self { lanes: Lanes::with(T::default), one: T::default() }
    }

    /// One value for all threads.
    #[must_use]
    pub fn one() -> Self {
        Self { lanes: Lanes::none(), one: T::default() }
    }
}

impl<T> Spread<T> {
    /// The value that only this thread writes. `None` if it has none, or has not yet asked for [`mine`](Self::mine): what is
    /// counted then is counted there.
    #[inline]
    #[must_use]
    pub fn own(&self) -> Option<&T> {
        self.lanes.own()
    }

    /// The value that this thread counts in.
    #[inline]
    #[must_use]
    pub fn mine(&self) -> Stripe<'_, T> {
        if self.lanes.all.is_empty() {
            Stripe { value: &self.one, is_own: false }
        } else {
            self.lanes.found()
        }
    }

    /// All of them, to add up.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let one = self.lanes.all.is_empty().then_some(&self.one);
        one.into_iter().chain(self.lanes.iter())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn counted(spread: &Spread<AtomicU64>) -> (bool, u64) {
        let mine = spread.mine();
        mine.add(mine.value, 2);
        mine.add(mine.value, 1);
        (mine.is_own, spread.iter().map(|value| value.load(Ordering::Relaxed)).sum())
    }

    #[test]
    fn one_value_is_nobodys_own_and_all_there_is() {
        let one = Spread::one();
        assert_eq!(counted(&one), (false, 3));
        assert!(one.own().is_none());
        assert_eq!((one.iter().count(), size_of_val(&one)), (1, 24));
    }

    #[cfg(not(any(genesis_loom, genesis_shuttle)))]
    #[test]
    fn of_stripes_the_one_value_is_not_counted_in() {
        let striped = Spread::striped();
        assert_eq!(counted(&striped), (true, 3));
        assert!(striped.own().is_some());
        assert_eq!(striped.one.load(Ordering::Relaxed), 0);
        assert_eq!(striped.iter().count(), super::super::Stripes::<u8>::new().iter().count());
    }
}
