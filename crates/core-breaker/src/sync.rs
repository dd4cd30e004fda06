//! The locks and atomics of the engine, so that models of concurrency can take their place.
//!
//! `genesis_loom` tries every interleaving of a few threads, `genesis_shuttle` many of more threads. `genesis_mutant` takes the
//! atomicity out of what must be one step, for the models to show that they notice.

#[cfg(genesis_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(genesis_shuttle)]
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(any(genesis_loom, genesis_shuttle)))]
pub(crate) use std::sync::{Mutex, MutexGuard};

#[cfg(genesis_loom)]
pub(crate) use loom::sync::atomic::AtomicU64 as Atomic;
#[cfg(genesis_shuttle)]
pub(crate) use shuttle::sync::atomic::AtomicU64 as Atomic;
#[cfg(not(any(genesis_loom, genesis_shuttle)))]
pub(crate) use std::sync::atomic::AtomicU64 as Atomic;

#[cfg(not(genesis_mutant))]
pub(crate) use Atomic as AtomicU64;
#[cfg(genesis_mutant)]
pub(crate) use mutant::AtomicU64;

#[cfg(genesis_mutant)]
mod mutant {
    use std::sync::atomic::Ordering;

    use super::Atomic;

    /// An atomic whose changes are two steps: what another thread writes in between is lost.
    #[derive(Debug)]
    pub(crate) struct AtomicU64(Atomic);

    impl AtomicU64 {
        pub(crate) fn new(value: u64) -> Self {
            Self(Atomic::new(value))
        }

        pub(crate) fn load(&self, order: Ordering) -> u64 {
            self.0.load(order)
        }

        pub(crate) fn store(&self, value: u64, order: Ordering) {
            self.0.store(value, order);
        }

        pub(crate) fn fetch_add(&self, n: u64, _: Ordering) -> u64 {
            let before = self.0.load(Ordering::Acquire);
            self.0.store(before + n, Ordering::Release);
            before
        }

        pub(crate) fn swap(&self, value: u64, _: Ordering) -> u64 {
            let before = self.0.load(Ordering::Acquire);
            self.0.store(value, Ordering::Release);
            before
        }

        pub(crate) fn compare_exchange(
            &self,
            expected: u64,
            value: u64,
            _: Ordering,
            _: Ordering,
        ) -> Result<u64, u64> {
            self.fetch_update(Ordering::AcqRel, Ordering::Acquire, |held| (held == expected).then_some(value))
        }

        pub(crate) fn fetch_update(
            &self,
            _: Ordering,
            _: Ordering,
            change: impl Fn(u64) -> Option<u64>,
        ) -> Result<u64, u64> {
            let before = self.0.load(Ordering::Acquire);
            let Some(after) = change(before) else { return Err(before) };
            self.0.store(after, Ordering::Release);
            Ok(before)
        }
    }
}
