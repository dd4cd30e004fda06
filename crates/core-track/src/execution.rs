use std::any::type_name;
use std::fmt::{self, Display};
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use core_context::{Context, Scoped};

use crate::aggregate::Operation;
use crate::arena::Arena;
use crate::current::{Current, Keep};
use crate::notes::Notes;
use crate::stage::Stage;
use crate::summary::Outcome;
use crate::text::{cut, shown};
use crate::tracker::{Shared, Tracker};

/// One execution of an operation, until it is finished. Made by [`Tracker::start`].
///
/// Dropped before [`finish`](Self::finish) or [`fail`](Self::fail) it was cut off, which is neither success nor failure; dropped by a
/// panic it failed.
#[must_use = "an execution that is dropped at once was cut off"]
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

#[derive(Default)]
pub(crate) struct Failures {
    /// Of the execution.
    pub(crate) own: Option<Failure>,
    /// Of stages, by their place.
    pub(crate) of_stages: Vec<(u16, Failure)>,
    /// Whether any stage failed, listed or not.
    pub(crate) any: bool,
}

/// Why something failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) of: &'static str,
    pub(crate) message: String,
}

/// The longest message that is kept.
const MESSAGE_LEN_MAX: usize = 512;
/// The most stages whose messages are kept.
const FAILURES_MAX: usize = 32;
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
            context: context.map(OnceLock::from).unwrap_or_default(),
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
        Self { inner, outcome: Outcome::Dropped, was_panicking: thread::panicking() }
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
        Current::of(&self.inner, None, 0).context().scope(future)
    }

    /// Runs a closure in which [`stage`](crate::stage) begins stages of this execution.
    pub fn sync_scope<R>(&self, run: impl FnOnce() -> R) -> R {
        Current::of(&self.inner, None, 0).context().sync_scope(run)
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

    /// Ends it as a failure.
    pub fn fail<E: Display + ?Sized>(mut self, error: &E) {
        self.outcome = Outcome::Failed;
        self.inner.fail(error);
    }

    /// Ends it as a result says, which is given back.
    ///
    /// # Errors
    /// That of the result.
    pub fn judge<T, E: Display>(self, result: Result<T, E>) -> Result<T, E> {
        match &result {
            Ok(_) => self.finish(),
            Err(error) => self.fail(error),
        }
        result
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        if self.outcome == Outcome::Dropped && !self.was_panicking && thread::panicking() {
            self.outcome = Outcome::Failed;
            self.inner.fail("panicked");
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

    /// Whether it failed, or any stage did.
    pub(crate) fn has_failed(&self) -> bool {
        let failures = self.failures();
        failures.any || failures.own.is_some()
    }

    pub(crate) fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers why a stage failed. `None` is one without a place.
    #[cold]
    pub(crate) fn fail_stage<E: Display + ?Sized>(&self, at: Option<u16>, error: &E) {
        // What is of the user's runs before the lock is taken.
        let failure = Failure::new(error);
        let mut failures = self.failures();
        failures.any = true;
        if let Some(at) = at
            && failures.of_stages.len() < FAILURES_MAX
        {
            failures.of_stages.push((at, failure));
        }
    }

    fn fail<E: Display + ?Sized>(&self, error: &E) {
        let failure = Failure::new(error);
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

// === impl Failure ===

impl Failure {
    fn new<E: Display + ?Sized>(error: &E) -> Self {
        Self { of: type_name::<E>(), message: shown(error, MESSAGE_LEN_MAX) }
    }
}
