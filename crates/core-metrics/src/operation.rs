use std::fmt::Display;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::panicking;

use core_time::{Clock, Instant};

use crate::gauge::InProgress;
use crate::{Counter, Desc, Gauge, Histogram, MetricsError, Registry};

/// Four metrics of one operation: `{name}_requests_total`, `{name}_errors_total`, `{name}_duration_seconds` and
/// `{name}_in_progress`. Clones are one operation.
///
/// Errors are counted, and logged with how long it took. What is dropped before it ends counts as a request and not as an error.
///
/// ```
/// use core_metrics::{MonitoredOperation, Registry};
/// use core_time::Clock;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::new();
/// let charge = MonitoredOperation::new(&registry, "charge", Clock::system())?;
/// let receipt = charge.call(async { Ok::<_, std::fmt::Error>("charged") }).await?;
/// assert!(registry.respond(None).body.contains("charge_requests_total 1\n"));
/// # let _ = receipt; Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct MonitoredOperation {
    name: &'static str,
    clock: Clock,
    requests: Counter,
    errors: Counter,
    duration: Histogram,
    in_progress: Gauge,
}

/// One run of an operation, until it is dropped. Made by [`MonitoredOperation::start`].
///
/// A panic that drops it counts as an error. One run is one error at most.
#[must_use = "the operation ends when this is dropped"]
#[derive(Debug)]
pub struct Running<'o> {
    operation: &'o MonitoredOperation,
    since: Instant,
    has_failed: AtomicBool,
    /// A panic that went on before it was started is none of its own.
    was_panicking: bool,
    _in_progress: InProgress,
}

// === impl MonitoredOperation ===

impl MonitoredOperation {
    /// The operation of that name, or the one that is there already.
    ///
    /// # Errors
    /// If the names could not be scraped, or are taken by something else.
    pub fn new(registry: &Registry, name: &str, clock: Clock) -> Result<Self, MetricsError> {
        let counter = |suffix: &str, help| Desc::parse_counter(&format!("{name}_{suffix}"), help);
        let requests = counter("requests_total", "How often it was started.")?;
        let errors = counter("errors_total", "How often it failed.")?;
        let duration = Desc::parse_histogram(&format!("{name}_duration_seconds"), "How long it took.")?;
        let in_progress = Desc::parse_gauge(&format!("{name}_in_progress"), "How many run now.")?;
        let name = crate::name::intern(name).ok_or_else(|| MetricsError::names(name))?;
        // All four or none.
        registry.would_take(&requests)?;
        registry.would_take(&errors)?;
        registry.would_take(&duration)?;
        registry.would_take(&in_progress)?;
        Ok(Self {
            name,
            clock,
            requests: registry.get_or_register(&requests)?,
            errors: registry.get_or_register(&errors)?,
            duration: registry.get_or_register(&duration)?,
            in_progress: registry.get_or_register(&in_progress)?,
        })
    }

    /// One run, until the guard is dropped.
    pub fn start(&self) -> Running<'_> {
        self.requests.inc();
        Running {
            operation: self,
            since: self.clock.now(),
            has_failed: AtomicBool::new(false),
            was_panicking: panicking(),
            _in_progress: self.in_progress.in_progress(),
        }
    }

    /// Runs a closure.
    ///
    /// # Errors
    /// Those of the closure.
    pub fn run<T, E: Display>(&self, run: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let running = self.start();
        run().inspect_err(|error| running.failed(error))
    }

    /// Runs a future.
    ///
    /// # Errors
    /// Those of the future.
    ///
    /// # Cancel safety
    /// Dropping it ends the run, which counts as no error.
    pub async fn call<T, E: Display>(&self, future: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let running = self.start();
        future.await.inspect_err(|error| running.failed(error))
    }
}

// === impl Running ===

impl Running<'_> {
    /// Says that it failed: counts, and writes a line at ERROR with the time it took. Said again, it changes nothing.
    pub fn failed(&self, error: &impl Display) {
        if self.has_failed.swap(true, Ordering::Relaxed) {
            return;
        }
        self.operation.errors.inc();
        let took = self.operation.clock.now().since(self.since);
        tracing::error!(
            target: "core_metrics",
            operation = self.operation.name,
            duration_ms = took.as_secs_f64() * 1e3,
            error = %error,
            "operation failed",
        );
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if panicking() && !self.was_panicking {
            self.failed(&"panicked");
        }
        self.operation.duration.observe_since(self.since, &self.operation.clock);
    }
}
