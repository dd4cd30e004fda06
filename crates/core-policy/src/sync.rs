//! The locks and atomics of engines, so that models of concurrency can take their place.
//!
//! `genesis_loom` tries every interleaving of a few threads, `genesis_shuttle` many of more threads. `genesis_mutant` takes the
//! atomicity out of what must be one step, and the order out of what is published, for the models to show that they notice.

#[cfg(genesis_loom)]
pub use loom::sync::{Mutex, MutexGuard};
#[cfg(genesis_shuttle)]
pub use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(any(genesis_loom, genesis_shuttle)))]
pub use std::sync::{Mutex, MutexGuard};

#[cfg(genesis_loom)]
use loom::sync::atomic;
#[cfg(genesis_shuttle)]
use shuttle::sync::atomic;
#[cfg(not(any(genesis_loom, genesis_shuttle)))]
use std::sync::atomic;

#[cfg(not(genesis_mutant))]
pub use atomic::{AtomicU8, AtomicU32, AtomicU64};
#[cfg(genesis_mutant)]
pub use mutant::{AtomicU8, AtomicU32, AtomicU64};

#[cfg(genesis_mutant)]
mod mutant {
    use std::sync::atomic::Ordering;

    use super::atomic;

    /// An atomic whose changes are two steps, so that what another thread writes in between is lost, and whose stores publish
    /// nothing but themselves.
    macro_rules! torn {
        ($name:ident, $number:ty) => {
            #[derive(Debug)]
            pub struct $name(atomic::$name);

            impl $name {
                pub fn new(value: $number) -> Self {
                    Self(atomic::$name::new(value))
                }

                pub fn load(&self, order: Ordering) -> $number {
                    self.0.load(order)
                }

                pub fn store(&self, value: $number, _: Ordering) {
                    self.0.store(value, Ordering::Relaxed);
                }

                pub fn swap(&self, value: $number, _: Ordering) -> $number {
                    let before = self.0.load(Ordering::Acquire);
                    self.0.store(value, Ordering::Release);
                    before
                }

                pub fn fetch_add(&self, value: $number, order: Ordering) -> $number {
                    let before = self.0.load(order);
                    self.0.store(before.wrapping_add(value), Ordering::Relaxed);
                    before
                }

                pub fn fetch_sub(&self, value: $number, order: Ordering) -> $number {
                    self.fetch_add(value.wrapping_neg(), order)
                }

                pub fn fetch_min(&self, value: $number, order: Ordering) -> $number {
                    let before = self.0.load(order);
                    self.0.store(before.min(value), Ordering::Relaxed);
                    before
                }

                pub fn compare_exchange(
                    &self,
                    expected: $number,
                    value: $number,
                    _: Ordering,
                    _: Ordering,
                ) -> Result<$number, $number> {
                    self.fetch_update(Ordering::AcqRel, Ordering::Acquire, |held| {
                        (held == expected).then_some(value)
                    })
                }

                pub fn compare_exchange_weak(
                    &self,
                    expected: $number,
                    value: $number,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$number, $number> {
                    self.compare_exchange(expected, value, success, failure)
                }

                pub fn fetch_update(
                    &self,
                    _: Ordering,
                    _: Ordering,
                    mut change: impl FnMut($number) -> Option<$number>,
                ) -> Result<$number, $number> {
                    let before = self.0.load(Ordering::Acquire);
                    let Some(after) = change(before) else { return Err(before) };
                    self.0.store(after, Ordering::Release);
                    Ok(before)
                }
            }
        };
    }

    torn!(AtomicU8, u8);
    torn!(AtomicU32, u32);
    torn!(AtomicU64, u64);
}
