//! What a thread needs to write a line, kept from line to line so that writing does not allocate.

use std::cell::Cell;

use crate::key::Keys;
use crate::pen::Ink;
use crate::scope::Fields;
use crate::site::Sites;
use crate::stamp::Stamp;

/// The buffers of one line.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) line: Buffers,
    pub(crate) stamp: Stamp,
    /// What is being recorded into a span.
    pub(crate) fields: Fields,
    pub(crate) sites: Sites,
    pub(crate) ink: Ink,
}

/// A line in the making.
#[derive(Default)]
pub(crate) struct Buffers {
    pub(crate) out: String,
    /// What comes after the fields, and is found among them.
    pub(crate) lifted: String,
    pub(crate) keys: Keys,
    /// How many lines of this place were left out.
    pub(crate) suppressed: u64,
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
    scratch.line.out.clear();
    scratch.line.lifted.clear();
    scratch.line.keys.clear();
    scratch.fields.clear();
    let result = run(&mut scratch);
    scratch.line.out.shrink_to(KEEP_MAX);
    scratch.line.lifted.shrink_to(KEEP_MAX);
    // A thread in its last breath keeps nothing.
    let _ = SCRATCH.try_with(|cell| cell.set(Some(scratch)));
    result
}
