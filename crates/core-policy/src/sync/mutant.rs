//! There to be wrong.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering;
use std::sync::{LockResult, OnceLock, PoisonError};

use super::plain;

/// A lock that does not keep others out: each holder has a copy, which is what is there once it lets go. Who held it at the same time is
/// forgotten.
#[derive(Debug, Default)]
pub struct Mutex<T: Clone>(plain::Mutex<T>);

/// What a holder has.
pub struct MutexGuard<'a, T: Clone> {
    lock: &'a plain::Mutex<T>,
    held: Held<'a, T>,
}

enum Held<'a, T> {
    Right(plain::MutexGuard<'a, T>),
    Copy(T),
}

/// Whether it is locks that are wrong, or atomics.
fn is_of_locks() -> bool {
    static OF_LOCKS: OnceLock<bool> = OnceLock::new();
    *OF_LOCKS.get_or_init(|| std::env::var_os("GENESIS_MUTANT").is_some_and(|of| of == "locks"))
}

// === impl Mutex ===

impl<T: Clone> Mutex<T> {
    pub fn new(value: T) -> Self {
        Self(plain::Mutex::new(value))
    }

    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = if is_of_locks() { Held::Copy(T::clone(&held)) } else { Held::Right(held) };
        Ok(MutexGuard { lock: &self.0, held })
    }
}

// === impl MutexGuard ===

impl<T: Clone> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.held {
            Held::Right(held) => held,
            Held::Copy(copy) => copy,
        }
    }
}

impl<T: Clone> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.held {
            Held::Right(held) => held,
            Held::Copy(copy) => copy,
        }
    }
}

impl<T: Clone> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        if let Held::Copy(copy) = &self.held {
            *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = copy.clone();
        }
    }
}

impl<T: Clone + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

/// An atomic whose changes are two steps, so that what another thread writes in between is lost, and whose stores publish
/// nothing but themselves.
macro_rules! torn {
    ($name:ident, $number:ty) => {
        #[derive(Debug)]
        pub struct $name(plain::atomic::$name);

        impl $name {
            pub fn new(value: $number) -> Self {
                Self(plain::atomic::$name::new(value))
            }

            pub fn load(&self, order: Ordering) -> $number {
                self.0.load(order)
            }

            pub fn store(&self, value: $number, order: Ordering) {
                self.0.store(value, if is_of_locks() { order } else { Ordering::Relaxed });
            }

            pub fn swap(&self, value: $number, order: Ordering) -> $number {
                self.change(order, |_| value)
            }

            pub fn fetch_add(&self, value: $number, order: Ordering) -> $number {
                self.change(order, |before| before.wrapping_add(value))
            }

            pub fn fetch_sub(&self, value: $number, order: Ordering) -> $number {
                self.change(order, |before| before.wrapping_sub(value))
            }

            pub fn fetch_min(&self, value: $number, order: Ordering) -> $number {
                self.change(order, |before| before.min(value))
            }

            pub fn compare_exchange(
                &self,
                expected: $number,
                value: $number,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$number, $number> {
                if is_of_locks() {
                    return self.0.compare_exchange(expected, value, success, failure);
                }
                self.fetch_update(success, failure, |held| (held == expected).then_some(value))
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
                success: Ordering,
                failure: Ordering,
                mut change: impl FnMut($number) -> Option<$number>,
            ) -> Result<$number, $number> {
                if is_of_locks() {
                    return self.0.fetch_update(success, failure, change);
                }
                let before = self.0.load(Ordering::Acquire);
                let Some(after) = change(before) else { return Err(before) };
                self.0.store(after, Ordering::Release);
                Ok(before)
            }

            fn change(&self, order: Ordering, change: impl Fn($number) -> $number) -> $number {
                let changed = self.fetch_update(order, Ordering::Relaxed, |before| Some(change(before)));
                changed.unwrap_or_else(|before| before)
            }
        }
    };
}

torn!(AtomicU8, u8);
torn!(AtomicU32, u32);
torn!(AtomicU64, u64);
