//! What a thread needs to write a line, kept from line to line so that writing does not allocate.

use std::cell::Cell;

use crate::scope::Fields;
use crate::stamp::Stamp;

/// The buffers of one line.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) out: String,
    pub(crate) keys: Vec<Key>,
    pub(crate) stamp: Stamp,
    /// What is being recorded into a span.
    pub(crate) fields: Fields,
}

/// A key that the line has.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// Whether it stands in the line as `field_<name>`.
    pub(crate) renamed: bool,
}

/// As much as a line may hold: what a longer text took on its way is given back.
const KEEP_MAX: usize = 64 * 1024;

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Runs with the buffers of this thread. Logging inside of it (a `Debug` that logs) gets buffers of its own.
pub(crate) fn with<R>(run: impl FnOnce(&mut Scratch) -> R) -> R {
    let kept = SCRATCH.try_with(Cell::take).ok().flatten();
    let mut scratch = kept.unwrap_or_default();
    scratch.out.clear();
    scratch.keys.clear();
    scratch.fields.clear();
    let result = run(&mut scratch);
    scratch.out.shrink_to(KEEP_MAX);
    // A thread in its last breath keeps nothing.
    let _ = SCRATCH.try_with(|cell| cell.set(Some(scratch)));
    result
}

// === impl Key ===

impl Key {
    /// Whether both stand in the line under the same name.
    pub(crate) fn is(self, other: Self) -> bool {
        match (self.renamed, other.renamed) {
            (false, true) => self.name.strip_prefix("field_") == Some(other.name),
            (true, false) => other.name.strip_prefix("field_") == Some(self.name),
            _ => self.name == other.name,
        }
    }
}
