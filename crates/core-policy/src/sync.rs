//! The locks and atomics of engines, so that models of concurrency can take their place.
//!
//! `genesis_loom` tries every interleaving of a few threads, `genesis_shuttle` many of more threads. `genesis_mutant` lets a bug in, for
//! the models to show that they notice: in atomics, or in locks where `GENESIS_MUTANT` is `locks`.

#[cfg(genesis_loom)]
use loom::sync as plain;
#[cfg(genesis_shuttle)]
use shuttle::sync as plain;
#[cfg(not(any(genesis_loom, genesis_shuttle)))]
use std::sync as plain;

#[cfg(genesis_mutant)]
pub use mutant::{AtomicU8, AtomicU32, AtomicU64, Mutex, MutexGuard};
#[cfg(not(genesis_mutant))]
pub use plain::atomic::{AtomicU8, AtomicU32, AtomicU64};
#[cfg(not(genesis_mutant))]
pub use plain::{Mutex, MutexGuard};

#[cfg(genesis_mutant)]
mod mutant;
