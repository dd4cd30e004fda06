use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt::{self, Display};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use core_errors::Classify;
use core_policy::quietly;
use core_time::Clock;

use crate::aggregate::Operations;
use crate::config::Builder;
use crate::execution::{Execution, ID_LEN_MAX, Inner};
use crate::line::{self, CanonicalLine};
use crate::live::{self, Live};
use crate::outcome::Outcome;
use crate::sink::Sink;
use crate::summary::{Kept, Summary};
use crate::text::cut;
use crate::{ConfigError, Durations, OperationStats};

/// Tracks executions. Cheap to clone; clones are one.
#[derive(Clone)]
pub struct Tracker(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) operations: Operations,
    pub(crate) live: live::Table,
    /// In nanoseconds.
    slow_over: u64,
    numbers: AtomicU64,
    line: CanonicalLine,
    sink: Option<Arc<dyn Sink>>,
    kept: Mutex<VecDeque<Arc<Summary>>>,
    kept_total: AtomicU64,
    sink_panics: AtomicU64,
}

/// How many summaries are kept; the oldest make place.
const KEPT_MAX: usize = 256;

static GLOBAL: OnceLock<Tracker> = OnceLock::new();

thread_local! {
    /// Whether what is of others is told of an execution on this thread.
    static IS_TELLING: Cell<bool> = const { Cell::new(false) };
}

// === impl Tracker ===

impl Tracker {
    /// Starts to say how.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(builder: Builder, operations: Operations) -> Self {
        // The first reading of the process takes its time: here, and not in somebody's stage.
        let _ = builder.clock.now_counted();
        Self(Arc::new(Shared {
            clock: builder.clock,
            operations,
            live: live::Table::default(),
            slow_over: builder.slow_over.map_or(u64::MAX, nanos),
            numbers: AtomicU64::new(0),
            line: builder.line,
            sink: builder.sink,
            kept: Mutex::default(),
            kept_total: AtomicU64::new(0),
            sink_panics: AtomicU64::new(0),
        }))
    }

    /// The tracker of the process: the one that was [set](Self::set_global), or else one with all defaults.
    ///
    /// # Panics
    /// Never: the defaults are right.
    #[must_use]
    pub fn global() -> &'static Self {
        GLOBAL.get_or_init(|| Builder::new().build().expect("the defaults are right"))
    }

    /// Makes this the tracker of the process.
    ///
    /// # Errors
    /// If it has one already, which may be by [`global`](Self::global).
    pub fn set_global(self) -> Result<(), ConfigError> {
        GLOBAL.set(self).map_err(|_| ConfigError::global())
    }

    /// Starts an execution of an operation. The id decides whether it is sampled; any text will do.
    pub fn start(&self, operation: &'static str, id: &str) -> Execution {
        Execution::start(self, operation, id)
    }

    /// Runs a closure as an execution, in its scope, and ends it as the result [says](Execution::judge).
    ///
    /// # Errors
    /// Those of the closure.
    pub fn run<T, E: Classify + Display>(
        &self,
        operation: &'static str,
        id: &str,
        run: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let execution = self.start(operation, id);
        let result = execution.sync_scope(run);
        execution.judge(result)
    }

    /// Runs a future as an execution, in its scope, and ends it as the result [says](Execution::judge). It begins when it is first
    /// polled.
    ///
    /// # Errors
    /// Those of the future.
    ///
    /// # Cancel safety
    /// Dropping it cancels the execution and the stages that are open in it, which is neither success nor failure.
    pub async fn call<T, E: Classify + Display>(
        &self,
        operation: &'static str,
        id: &str,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let execution = self.start(operation, id);
        let result = execution.scope(future).await;
        execution.judge(result)
    }

    /// What runs now, the oldest first. At most 10 000 are listed.
    #[must_use]
    pub fn live(&self) -> Vec<Live> {
        let now = self.0.now();
        self.0.live.all().iter().map(|execution| Live::of(execution, now)).collect()
    }

    /// The figures of each operation, by name.
    #[must_use]
    pub fn stats(&self) -> Vec<OperationStats> {
        let now = self.0.now();
        self.0.operations.all().iter().map(|operation| OperationStats::of(operation, now)).collect()
    }

    /// How long executions and stages took since the start, between these ends, which increase.
    #[must_use]
    pub fn durations(&self, ends: &[Duration]) -> Vec<Durations> {
        let ends: Vec<_> = ends.iter().copied().map(nanos).collect();
        let mut all = Vec::new();
        for operation in self.0.operations.all() {
            all.push(Durations::of(operation.name, None, &operation.total, &ends));
            let stages = operation.stages();
            all.extend(stages.map(|(name, of)| Durations::of(operation.name, Some(name), of, &ends)));
        }
        all
    }

    /// How many executions run now, of those that are listed.
    #[must_use]
    pub fn in_progress(&self) -> usize {
        self.0.live.len()
    }

    /// The executions that were kept, the oldest first. There are at most 256.
    #[must_use]
    pub fn kept(&self) -> Vec<Arc<Summary>> {
        self.0.kept_now().iter().cloned().collect()
    }

    /// How many executions were kept in all.
    #[must_use]
    pub fn kept_total(&self) -> u64 {
        self.0.kept_total.load(Ordering::Relaxed)
    }

    /// How often the sink panicked, or what writes the line.
    #[must_use]
    pub fn sink_panics(&self) -> u64 {
        self.0.sink_panics.load(Ordering::Relaxed)
    }

    /// The last execution of that id: as it stands if it runs, or as it was kept.
    #[must_use]
    pub fn summary(&self, id: &str) -> Option<Arc<Summary>> {
        let id = cut(id, ID_LEN_MAX);
        let running = self.0.live.all().into_iter().rev().find(|execution| &*execution.id == id);
        if let Some(running) = running {
            return Some(Arc::new(Summary::of(&running, self.0.now(), None)));
        }
        self.0.kept_now().iter().rev().find(|summary| &*summary.id == id).cloned()
    }

    /// Forgets the summaries of that id, and says how many there were. Nothing has to be cleared: all is bounded.
    #[expect(clippy::must_use_candidate, reason = "it is asked to forget; the number is by the way")]
    pub fn clear(&self, id: &str) -> usize {
        let id = cut(id, ID_LEN_MAX);
        let mut kept = self.0.kept_now();
        let before = kept.len();
        kept.retain(|summary| &*summary.id != id);
        before - kept.len()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker").field("in_progress", &self.in_progress()).finish_non_exhaustive()
    }
}

// === impl Shared ===

impl Shared {
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes an execution that ended.
    pub(crate) fn finish(&self, execution: &Inner, outcome: Outcome) {
        let now = self.now();
        let took = now.saturating_sub(execution.started);
        let operation = &execution.operation;
        let was_slow = operation.finish(took, outcome, now) || took > self.slow_over;
        self.live.remove(execution.number);
        let kept = if outcome == Outcome::Failed || execution.has_failed_stage() {
            Some(Kept::Failed)
        } else if was_slow {
            Some(Kept::Slow)
        } else if execution.is_forced.load(Ordering::Relaxed) {
            Some(Kept::Forced)
        } else {
            execution.is_sampled.then_some(Kept::Sampled)
        };
        match kept {
            Some(kept) => self.keep(execution, now, (outcome, kept)),
            None if self.is_line_wanted(execution) => {
                self.tell(execution, || line::write(execution, outcome, now));
            }
            None => {}
        }
    }

    /// Whether there is a line of an execution that is not kept.
    fn is_line_wanted(&self, execution: &Inner) -> bool {
        if self.line != CanonicalLine::All {
            return false;
        }
        // A context may ask for more to be logged. One is not made for that.
        let asked = || match execution.context_if_any() {
            Some(context) => context.sync_scope(line::is_wanted),
            None => line::is_wanted(),
        };
        self.guarded(asked).unwrap_or(false)
    }

    fn keep(&self, execution: &Inner, now: u64, ended: (Outcome, Kept)) {
        // Whoever has none gets one, so that the ids of the summary are those in the log.
        let _ = execution.context();
        let summary = Arc::new(Summary::of(execution, now, Some(ended)));
        self.kept_total.fetch_add(1, Ordering::Relaxed);
        if self.line != CanonicalLine::None {
            self.tell(execution, || line::write_kept(&summary));
        }
        if let Some(sink) = &self.sink {
            self.tell(execution, || sink.kept(&summary));
        }
        let oldest = {
            let mut kept = self.kept_now();
            let oldest = if kept.len() == KEPT_MAX { kept.pop_front() } else { None };
            kept.push_back(summary);
            oldest
        };
        drop(oldest);
    }

    /// Runs what is of others, where the execution was: whoever ends it may be anywhere.
    pub(crate) fn tell(&self, execution: &Inner, tell: impl FnOnce()) {
        let _ = self.guarded(|| execution.context().sync_scope(tell));
    }

    /// An execution may end while its thread unwinds: a panic in what is of others would then end the process. What is of others may
    /// run executions, too, of which nobody is told: that would have no end.
    fn guarded<R>(&self, run: impl FnOnce() -> R) -> Option<R> {
        if IS_TELLING.replace(true) {
            return None;
        }
        let ran = quietly(run);
        IS_TELLING.set(false);
        if ran.is_none() {
            self.sink_panics.fetch_add(1, Ordering::Relaxed);
        }
        ran
    }

    fn kept_now(&self) -> MutexGuard<'_, VecDeque<Arc<Summary>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.now_counted().as_nanos()
    }
}

/// More than 584 years are taken for 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
