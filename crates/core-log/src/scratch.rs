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

/// How often logging may lead to more of it: a `Debug` that logs itself, a writer that logs, would never end.
const DEPTH_MAX: u8 = 4;

/// More keys than a line of people has.
const KEYS_MAX: usize = 256;

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
    /// How many run, one inside of another.
    static DEPTH: Cell<u8> = const { Cell::new(0) };
}

/// Runs with the buffers of this thread. Logging inside of it (a `Debug` that logs) gets buffers of its own, and none, so that
/// nothing runs, where that happens again and again.
pub(crate) fn with<R>(run: impl FnOnce(&mut Scratch) -> R) -> Option<R> {
    let _deeper = Deeper::enter()?;
    let mut scratch = SCRATCH.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let result = scratch.lend(run);
    // A thread in its last breath keeps nothing.
    let _ = SCRATCH.try_with(|cell| cell.set(Some(scratch)));
    Some(result)
}

/// One of those that run. The depth is restored also after a panic.
struct Deeper(u8);

// === impl Deeper ===

impl Deeper {
    fn enter() -> Option<Self> {
        let depth = DEPTH.get();
        if depth > DEPTH_MAX {
            return None;
        }
        DEPTH.set(depth + 1);
        Some(Self(depth))
    }
}

impl Drop for Deeper {
    fn drop(&mut self) {
        DEPTH.set(self.0);
    }
}

// === impl Scratch ===

impl Scratch {
    fn lend<R>(&mut self, run: impl FnOnce(&mut Self) -> R) -> R {
        self.line.out.clear();
        self.line.lifted.clear();
        self.line.keys.clear();
        self.fields.clear();
        let result = run(self);
        self.line.out.shrink_to(KEEP_MAX);
        self.line.lifted.shrink_to(KEEP_MAX);
        self.line.keys.shrink_to(KEYS_MAX);
        result
    }
}
