use core_time::{Clock, Instant};
use tracing::Span;

/// Measures a part of the work: made by [`timer!`](crate::timer) and [`stage!`](crate::stage).
///
/// It says how long it took when it is dropped. That is `Completed`, unless [`fail`](Self::fail) was called or a panic is on its way.
/// Dropping it in a future that is cancelled says `Completed` too: the timer ran to where the work ended.
#[must_use = "what is dropped at once measures nothing"]
pub struct Timer<F: FnMut(Elapsed)> {
    span: Span,
    clock: Clock,
    start: Instant,
    failed: bool,
    say: F,
}

/// How a measured part ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elapsed {
    /// How long it took, in milliseconds, to two places.
    pub ms: f64,
    /// Whether it failed.
    pub failed: bool,
}

// === impl Timer ===

impl<F: FnMut(Elapsed)> Timer<F> {
    /// For the macros.
    #[doc(hidden)]
    pub fn start(span: Span, clock: Clock, say: F) -> Self {
        let start = clock.now();
        Self { span, clock, start, failed: false, say }
    }

    /// The span of the work: what runs in it logs with its fields, as in `query().instrument(timer.span().clone())`.
    #[must_use]
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Runs a part of the work in the span.
    pub fn in_scope<R>(&self, run: impl FnOnce() -> R) -> R {
        self.span.in_scope(run)
    }

    /// Says that the work failed, whatever happens next.
    pub fn fail(&mut self) {
        self.failed = true;
    }

    /// Ends it with a result: an error is a failure. Returns the result.
    ///
    /// # Errors
    /// The one that it was given.
    pub fn finish<T, E>(mut self, result: Result<T, E>) -> Result<T, E> {
        self.failed |= result.is_err();
        result
    }
}

impl<F: FnMut(Elapsed)> Drop for Timer<F> {
    fn drop(&mut self) {
        let ms = (self.clock.now() - self.start).as_secs_f64() * 1_000.0;
        let failed = self.failed || std::thread::panicking();
        let elapsed = Elapsed { ms: (ms * 100.0).round() / 100.0, failed };
        let Self { span, say, .. } = self;
        span.in_scope(|| say(elapsed));
    }
}

impl<F: FnMut(Elapsed)> std::fmt::Debug for Timer<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timer")
            .field("start", &self.start)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// Measures a scope: says `Starting <name>` at debug, and `Completed <name>` at info with `duration_ms` when it is dropped, or
/// `Failed <name>` as a warning. The fields are in both lines. A first argument `clock: c` takes a clock other than the system's.
///
/// ```
/// fn rows() -> std::io::Result<u64> {
///     let timer = core_log::timer!("database_query", table = "orders");
///     let result = timer.in_scope(|| Ok(3));
///     timer.finish(result)                       // Completed database_query … "duration_ms":0.01,"table":"orders"
/// }
/// # assert!(rows().is_ok());
/// ```
#[macro_export]
macro_rules! timer {
    (clock: $clock:expr, $name:expr $(, $($fields:tt)*)?) => {{
        let span = $crate::__tracing::info_span!("timer", timer = $name $(, $($fields)*)?);
        span.in_scope(|| $crate::__tracing::debug!("Starting {}", $name));
        $crate::Timer::start(span, $clock, |elapsed: $crate::Elapsed| {
            if elapsed.failed {
                $crate::__tracing::warn!(duration_ms = elapsed.ms, "Failed {}", $name);
            } else {
                $crate::__tracing::info!(duration_ms = elapsed.ms, "Completed {}", $name);
            }
        })
    }};
    ($name:expr $(, $($fields:tt)*)?) => {
        $crate::timer!(clock: $crate::__Clock::system(), $name $(, $($fields)*)?)
    };
}
