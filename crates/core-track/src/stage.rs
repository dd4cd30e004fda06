use std::fmt::{self, Display};
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use core_context::Scoped;

use crate::current::Current;
use crate::execution::Inner;

/// A part of an execution, until it is dropped. Made by [`Execution::stage`](crate::Execution::stage), [`Stage::stage`] and
/// [`stage`](crate::stage).
///
/// One that is dropped by a panic failed; otherwise it succeeded, unless [`fail`](Self::fail) said something else.
#[must_use = "a stage ends when it is dropped"]
pub struct Stage<'e> {
    open: Option<Open<'e>>,
}

struct Open<'e> {
    execution: Held<'e>,
    /// Its place, if there was one left.
    at: Option<u16>,
    /// The place that stages inside it are in: its own, or else that of the stage around it.
    around: Option<u16>,
    name: u16,
    parent: Option<u16>,
    depth: u8,
    started: u64,
    has_failed: bool,
    /// What begins while a panic unwinds is not ended by it.
    was_panicking: bool,
}

/// Stages that are begun by a handle borrow it; others have what is in the context.
enum Held<'e> {
    Borrowed(&'e Arc<Inner>),
    Shared(Arc<Current>),
}

/// Stages inside stages beyond this have no place of their own.
const DEPTH_MAX: u8 = 32;

// === impl Stage ===

impl<'e> Stage<'e> {
    /// One that is part of nothing.
    pub(crate) const NONE: Self = Self { open: None };

    #[inline]
    pub(crate) fn begin(
        execution: &'e Arc<Inner>,
        name: &'static str,
        parent: Option<u16>,
        depth: u8,
    ) -> Self {
        Self { open: Some(Open::begin(Held::Borrowed(execution), name, parent, depth)) }
    }

    #[inline]
    pub(crate) fn begin_in(current: Arc<Current>, name: &'static str) -> Self {
        let (parent, depth) = (current.parent, current.depth);
        Self { open: Some(Open::begin(Held::Shared(current), name, parent, depth)) }
    }

    /// Begins a stage inside this one.
    #[inline]
    pub fn stage(&self, name: &'static str) -> Stage<'_> {
        match &self.open {
            Some(open) => Stage::begin(&open.execution, name, open.around, open.inside()),
            None => Stage::NONE,
        }
    }

    /// Runs a future in which [`stage`](crate::stage) begins stages inside this one.
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        match &self.open {
            Some(open) => open.current().context().scope(future),
            None => Scoped::in_current(future),
        }
    }

    /// Runs a closure in which [`stage`](crate::stage) begins stages inside this one.
    pub fn sync_scope<R>(&self, run: impl FnOnce() -> R) -> R {
        match &self.open {
            Some(open) => open.current().context().sync_scope(run),
            None => run(),
        }
    }

    /// Notes something, in place of what was noted under that key. At most 64 notes are kept of an execution and its stages, of at
    /// most 256 bytes each; a stage that is omitted has none.
    ///
    /// It takes a lock and allocates: for what helps to understand the stage, not for each of a thousand rows.
    pub fn note<V: Display + ?Sized>(&self, key: &'static str, value: &V) {
        if let Some(open) = &self.open
            && let Some(at) = open.at
        {
            open.execution.notes.put(Some(at), key, value);
        }
    }

    /// Says that it failed. The execution is then kept, whether it is sampled or not.
    pub fn fail<E: Display + ?Sized>(&mut self, error: &E) {
        if let Some(open) = &mut self.open {
            open.fail(error);
        }
    }

    /// Ends it as a result says, which is given back.
    ///
    /// # Errors
    /// That of the result.
    pub fn judge<T, E: Display>(mut self, result: Result<T, E>) -> Result<T, E> {
        result.inspect_err(|error| self.fail(error))
    }
}

impl fmt::Debug for Stage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.open.as_ref().map(|open| open.execution.operation.stage_name(open.name));
        f.debug_struct("Stage").field("name", &name).finish_non_exhaustive()
    }
}

// === impl Open ===

impl<'e> Open<'e> {
    #[inline]
    fn begin(execution: Held<'e>, name: &'static str, parent: Option<u16>, depth: u8) -> Self {
        let inner = &*execution;
        let name = inner.shared.operations.stage(&inner.operation, name);
        let started = inner.shared.clock.now_counted().as_nanos();
        let at = if depth < DEPTH_MAX { inner.arena.begin(name, parent, started) } else { None };
        if at.is_none() {
            inner.omitted.fetch_add(1, Ordering::Relaxed);
        }
        let was_panicking = thread::panicking();
        let around = at.or(parent);
        Self { execution, at, around, name, parent, depth, started, has_failed: false, was_panicking }
    }

    /// How deep stages inside it are.
    fn inside(&self) -> u8 {
        self.depth.saturating_add(1)
    }

    fn current(&self) -> Current {
        Current::of(&self.execution, self.around, self.inside())
    }

    fn fail<E: Display + ?Sized>(&mut self, error: &E) {
        if !self.has_failed {
            self.has_failed = true;
            self.execution.fail_stage(self.at, error);
        }
    }
}

impl Drop for Open<'_> {
    #[inline]
    fn drop(&mut self) {
        if thread::panicking() && !self.was_panicking {
            self.fail("panicked");
        }
        let inner = &*self.execution;
        let now = inner.shared.clock.now_counted().as_nanos();
        let took = now.saturating_sub(self.started);
        inner.operation.stage(self.name).record(took, self.has_failed, now);
        if let Some(at) = self.at {
            inner.arena.end(at, self.name, self.parent, took, self.has_failed);
        }
    }
}

// === impl Held ===

impl Deref for Held<'_> {
    type Target = Arc<Inner>;

    fn deref(&self) -> &Arc<Inner> {
        match self {
            Self::Borrowed(inner) => inner,
            Self::Shared(current) => &current.execution,
        }
    }
}
