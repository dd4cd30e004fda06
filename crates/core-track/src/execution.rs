use std::fmt::{self, Display};
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use core_context::{Context, Scoped};
use core_errors::Classify;

use crate::aggregate::Operation;
use crate::arena::Arena;
use crate::current::{Current, Keep};
use crate::failure::{Failure, Failures};
use crate::notes::Notes;
use crate::outcome::Outcome;
use crate::stage::Stage;
use crate::text::cut;
use crate::tracker::{Shared, Tracker};

/// One execution of an operation, until it is finished. Made by [`Tracker::start`].
///
/// Dropped before [`finish`](Self::finish) or [`fail`](Self::fail) it was [cancelled](Outcome::Cancelled), which is neither success nor
/// failure; dropped by a panic it failed.
#[must_use = "an execution that is dropped at once was cancelled"]
pub struct Execution {
    inner: Arc<Inner>,
    outcome: Outcome,
    /// What begins while a panic unwinds is not ended by it.
    was_panicking: bool,
}

/// What stages and the live view share with an execution.
pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) operation: Arc<Operation>,
    /// Its number with the tracker.
    pub(crate) number: u64,
    pub(crate) id: Box<str>,
    /// The one in which it started, or else one of its own, once somebody asks.
    context: OnceLock<Context>,
    pub(crate) started: u64,
    pub(crate) is_sampled: bool,
    pub(crate) is_forced: AtomicBool,
    pub(crate) arena: Arena,
    pub(crate) omitted: AtomicU64,
    failures: Mutex<Failures>,
    pub(crate) notes: Notes,
    /// How old it was when it was last warned of, in nanoseconds.
    pub(crate) warned: AtomicU64,
}

/// The longest id that is kept. It is sampled by all of it.
pub(crate) const ID_LEN_MAX: usize = 256;

// === impl Execution ===

impl Execution {
    pub(crate) fn start(tracker: &Tracker, operation: &'static str, id: &str) -> Self {
        let shared = tracker.shared();
        let context = Context::current();
        let is_forced = context.as_ref().is_some_and(|context| context.get::<Keep>().is_some());
        let inner = Arc::new(Inner {
            operation: shared.operations.get(operation),
            number: shared.next_number(),
            id: cut(id, ID_LEN_MAX).into(),
            context: context.map(|context| OnceLock::from(Current::hidden(context))).unwrap_or_default(),
            started: shared.clock.now_counted().as_nanos(),
            is_sampled: shared.operations.rate(operation).keeps(id),
            is_forced: AtomicBool::new(is_forced),
            arena: Arena::default(),
            omitted: AtomicU64::new(0),
            failures: Mutex::default(),
            notes: Notes::default(),
            warned: AtomicU64::new(0),
            shared: Arc::clone(shared),
        });
        shared.live.add(&inner);
        Self { inner, outcome: Outcome::Cancelled, was_panicking: thread::panicking() }
    }

    /// Begins a stage of this execution, which ends when the guard is dropped.
    ///
    /// A name like `2.1_L1_CACHE_LOOKUP` is taken for an id, with its sequence and the name; another gets the sequence of its place.
    #[inline]
    pub fn stage(&self, name: &'static str) -> Stage<'_> {
        Stage::begin(&self.inner, name, None, 0)
    }

    /// Runs a future in which [`stage`](crate::stage) begins stages of this execution, wherever its context is carried to.
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        Current::context(&self.inner, None, 0).scope(future)
    }

    /// Runs a closure in which [`stage`](crate::stage) begins stages of this execution.
    pub fn sync_scope<R>(&self, run: impl FnOnce() -> R) -> R {
        Current::context(&self.inner, None, 0).sync_scope(run)
    }

    /// Notes something, in place of what was noted under that key. At most 64 notes are kept of an execution and its stages, of at
    /// most 256 bytes each.
    pub fn note<V: Display + ?Sized>(&self, key: &'static str, value: &V) {
        self.inner.notes.put(None, key, value);
    }

    /// Keeps this one, whatever comes of it.
    pub fn keep(&self) {
        self.inner.is_forced.store(true, Ordering::Relaxed);
    }

    /// Whether it is kept whatever comes of it.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.inner.is_sampled || self.inner.is_forced.load(Ordering::Relaxed)
    }

    /// Ends it as a success.
    pub fn finish(mut self) {
        self.outcome = Outcome::Succeeded;
    }

    /// Ends it as a failure, of which the message, the type, the [category](Classify::category) and the [code](Classify::code) are kept.
    /// An error of the category *cancelled* ends it as [cancelled](Outcome::Cancelled).
    pub fn fail<E: Classify + Display + ?Sized>(self, error: &E) {
        self.fail_by(Failure::of(error));
    }

    /// Ends it as a failure for which there is no error, only words.
    pub fn fail_text<M: Display + ?Sized>(self, message: &M) {
        self.fail_by(Failure::text(message));
    }

    /// Ends it as a result says, which is given back: as [finished](Self::finish) or as [failed](Self::fail).
    ///
    /// # Errors
    /// That of the result.
    pub fn judge<T, E: Classify + Display>(self, result: Result<T, E>) -> Result<T, E> {
        match &result {
            Ok(_) => self.finish(),
            Err(error) => self.fail(error),
        }
        result
    }

    fn fail_by(mut self, failure: Failure) {
        self.outcome = failure.outcome();
        self.inner.fail(failure);
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        // Said to be cancelled is not dropped: that has its reason already.
        let is_dropped = self.outcome == Outcome::Cancelled && self.inner.failures().own.is_none();
        if is_dropped && !self.was_panicking && thread::panicking() {
            self.outcome = Outcome::Failed;
            self.inner.fail(Failure::panicked());
        }
        self.inner.shared.finish(&self.inner, self.outcome);
    }
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.inner, f)
    }
}

// === impl Inner ===

impl Inner {
    /// The context it belongs to.
    pub(crate) fn context(&self) -> &Context {
        self.context.get_or_init(Context::new)
    }

    /// The same, where there is one already.
    pub(crate) fn context_if_any(&self) -> Option<&Context> {
        self.context.get()
    }

    /// Whether any stage failed.
    pub(crate) fn has_failed_stage(&self) -> bool {
        self.failures().first.is_some()
    }

    pub(crate) fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, failure: Failure) {
        self.failures().own = Some(failure);
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("operation", &self.operation.name)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
