use std::fmt::{self, Display};
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use core_context::{Context, Scoped};
use core_errors::{Classify, cut_off_depth};

use crate::current::Current;
use crate::execution::Inner;
use crate::failure::Failure;
use crate::outcome::Outcome;

/// A part of an execution, until it is dropped. Made by [`Execution::stage`](crate::Execution::stage), [`Stage::stage`] and
/// [`stage`](crate::stage).
///
/// What nobody [said](Self::fail) of it is known by how it is dropped: by a panic it failed, with a future that was
/// [cut off](core_errors::cut_off) it was [cancelled](Outcome::Cancelled), and otherwise it succeeded. A future that has not ended is cut
/// off when it is dropped with its scope ([`Tracker::call`](crate::Tracker::call), [`Execution::scope`](crate::Execution::scope),
/// [`Stage::scope`], [`Stage::call`], [`in_stage`](crate::in_stage), and tasks of `core_context`), or by a policy that stops the attempt.
/// Of one that is in no scope, and loses in a `select!` or is stopped by others, nobody knows that it was dropped too soon: there, use
/// [`in_stage`](crate::in_stage).
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
    /// What came of it, once somebody said so.
    said: Option<Outcome>,
    /// What it is when it is dropped before anybody said so.
    unsaid: Outcome,
    /// What begins while a panic unwinds is not ended by it.
    was_panicking: bool,
    /// What begins while a future is dropped is not ended by that.
    depth_cut: u32,
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
        if current.execution.is_none() {
            return Self::NONE;
        }
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
            Some(open) => open.context().scope(future),
            None => Scoped::in_current(future),
        }
    }

    /// Runs a closure in which [`stage`](crate::stage) begins stages inside this one.
    pub fn sync_scope<R>(&self, run: impl FnOnce() -> R) -> R {
        match &self.open {
            Some(open) => open.context().sync_scope(run),
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

    /// Says that it failed, with which message, type, [category](Classify::category) and [code](Classify::code). The execution is then
    /// kept, whether it is sampled or not. An error of the category *cancelled* says that it was [cancelled](Outcome::Cancelled).
    ///
    /// The first that is said of a stage holds.
    pub fn fail<E: Classify + Display + ?Sized>(&mut self, error: &E) {
        if let Some(open) = &mut self.open {
            open.fail(|| Failure::of(error));
        }
    }

    /// The same where there is no error, only words.
    pub fn fail_text<M: Display + ?Sized>(&mut self, message: &M) {
        if let Some(open) = &mut self.open {
            open.fail(|| Failure::text(message));
        }
    }

    /// Ends it as a result says, which is given back: as a success, or as [failed](Self::fail).
    ///
    /// # Errors
    /// That of the result.
    pub fn judge<T, E: Classify + Display>(mut self, result: Result<T, E>) -> Result<T, E> {
        match &result {
            Ok(_) => self.succeed(),
            Err(error) => self.fail(error),
        }
        result
    }

    /// Runs a closure in which [`stage`](crate::stage) begins stages inside this one, and ends it as the result says.
    ///
    /// # Errors
    /// Those of the closure.
    pub fn run<T, E: Classify + Display>(self, run: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let result = self.sync_scope(run);
        self.judge(result)
    }

    /// Runs a future in which [`stage`](crate::stage) begins stages inside this one, and ends it as the result says.
    ///
    /// # Errors
    /// Those of the future.
    ///
    /// # Cancel safety
    /// Dropping it before it has ended ends the stage as [cancelled](Outcome::Cancelled), also where it was never polled.
    pub fn call<T, E, F>(mut self, future: F) -> impl Future<Output = Result<T, E>> + use<'e, T, E, F>
    where
        E: Classify + Display,
        F: Future<Output = Result<T, E>>,
    {
        if let Some(open) = &mut self.open {
            open.unsaid = Outcome::Cancelled;
        }
        async move {
            let result = self.scope(future).await;
            self.judge(result)
        }
    }

    fn succeed(&mut self) {
        if let Some(open) = &mut self.open {
            open.said.get_or_insert(Outcome::Succeeded);
        }
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
        Self {
            execution,
            at,
            around,
            name,
            parent,
            depth,
            started,
            said: None,
            unsaid: Outcome::Succeeded,
            was_panicking,
            depth_cut: cut_off_depth(),
        }
    }

    /// How deep stages inside it are.
    fn inside(&self) -> u8 {
        self.depth.saturating_add(1)
    }

    fn context(&self) -> Context {
        Current::context(&self.execution, self.around, self.inside())
    }

    #[cold]
    fn fail(&mut self, failure: impl FnOnce() -> Failure) {
        if self.said.is_none() {
            // What is of the user's runs before the lock is taken.
            let failure = failure();
            self.said = Some(failure.outcome());
            self.execution.failures().add(self.at, self.name, failure);
        }
    }

    #[inline]
    fn outcome(&mut self) -> Outcome {
        if self.said.is_none() && thread::panicking() && !self.was_panicking {
            self.fail(Failure::panicked);
        }
        match self.said {
            Some(said) => said,
            None if cut_off_depth() > self.depth_cut => Outcome::Cancelled,
            None => self.unsaid,
        }
    }
}

impl Drop for Open<'_> {
    #[inline]
    fn drop(&mut self) {
        let outcome = self.outcome();
        let inner = &*self.execution;
        let now = inner.shared.clock.now_counted().as_nanos();
        let took = now.saturating_sub(self.started);
        inner.operation.stage(self.name).record(took, outcome, now);
        if let Some(at) = self.at {
            inner.arena.end(at, self.name, self.parent, took, outcome);
        }
    }
}

// === impl Held ===

impl Deref for Held<'_> {
    type Target = Arc<Inner>;

    fn deref(&self) -> &Arc<Inner> {
        match self {
            Self::Borrowed(inner) => inner,
            Self::Shared(current) => match &current.execution {
                Some(inner) => inner,
                None => unreachable!("a stage is begun in an execution"),
            },
        }
    }
}
