//! The locks and atomics of the engine, so that loom can take their place.

#[cfg(genesis_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic::AtomicU64};
#[cfg(not(genesis_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic::AtomicU64};
