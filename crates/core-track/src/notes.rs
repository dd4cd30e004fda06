//! What was noted of an execution and its stages.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::text::shown;

/// A few keys with values. Nothing is allocated until the first.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    all: Mutex<Vec<Note>>,
    omitted: AtomicU64,
}

#[derive(Clone, Debug)]
pub(crate) struct Note {
    /// The place of the stage; `None` is the execution.
    pub(crate) of: Option<u16>,
    pub(crate) key: &'static str,
    pub(crate) value: String,
}

/// The most notes of an execution and its stages.
const NOTES_MAX: usize = 64;
/// The longest value that is kept.
const VALUE_LEN_MAX: usize = 256;

// === impl Notes ===

impl Notes {
    pub(crate) fn put<V: Display + ?Sized>(&self, of: Option<u16>, key: &'static str, value: &V) {
        // What is of the user's runs before the lock is taken.
        let value = shown(value, VALUE_LEN_MAX);
        let mut all = self.lock();
        if let Some(known) = all.iter_mut().find(|note| note.of == of && note.key == key) {
            known.value = value;
        } else if all.len() < NOTES_MAX {
            all.push(Note { of, key, value });
        } else {
            self.omitted.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn all(&self) -> Vec<Note> {
        self.lock().clone()
    }

    pub(crate) fn omitted(&self) -> u64 {
        self.omitted.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Note>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
