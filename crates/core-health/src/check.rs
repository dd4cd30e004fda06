use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use core_time::Instant;

use crate::outcome::CheckOutcome;
use crate::schedule::Schedule;

/// Something that can say how it is.
///
/// # Cancel safety
/// A run is dropped when its deadline passes, at whatever await it stands.
pub trait HealthCheck: Send + Sync + 'static {
    /// A name in reports and logs: 1 to 63 of a–z, 0–9, `_`, `.`, `-`.
    fn name(&self) -> &str;

    /// Looks. A run that panics or does not answer until the deadline is unhealthy.
    fn check(&self, cx: &CheckContext) -> impl Future<Output = CheckOutcome> + Send;

    /// When to look. Default: as the [`Builder`](crate::Builder) says.
    fn schedule(&self) -> Schedule {
        Schedule::default()
    }
}

/// A promise: the check looks at nothing but this process and this machine. Only such a check may decide over liveness or
/// take a single instance out of rotation.
pub trait LocalCheck: HealthCheck {}

/// What a check is told about its run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CheckContext {
    /// Until when an answer counts.
    pub deadline: Instant,
}

/// A check made from a closure. Made by [`check_fn`].
#[derive(Clone)]
pub struct CheckFn<F> {
    name: String,
    schedule: Schedule,
    look: F,
}

/// A local check made from a closure. Made by [`local_check_fn`].
#[derive(Clone)]
pub struct LocalCheckFn<F>(CheckFn<F>);

/// Makes a check of anything, usually of something that is shared with others.
pub fn check_fn<F, Fut>(name: impl Into<String>, look: F) -> CheckFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Into<CheckOutcome>> + Send,
{
    CheckFn { name: name.into(), schedule: Schedule::default(), look }
}

/// Makes a check of something of this instance only. The name is a promise; see [`LocalCheck`].
pub fn local_check_fn<F, Fut>(name: impl Into<String>, look: F) -> LocalCheckFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Into<CheckOutcome>> + Send,
{
    LocalCheckFn(check_fn(name, look))
}

macro_rules! schedule_setters {
    ($($path:tt)+) => {
        /// How long to wait between runs; a day at most. Default: as for all checks.
        #[must_use]
        pub fn interval(mut self, interval: Duration) -> Self {
            self.$($path)+.interval = Some(interval);
            self
        }

        /// How long a run may take; an hour at most. Default: as for all checks.
        #[must_use]
        pub fn timeout(mut self, timeout: Duration) -> Self {
            self.$($path)+.timeout = Some(timeout);
            self
        }

        /// How many successes in a row make it healthy again. Default: as for all checks.
        #[must_use]
        pub fn rise(mut self, successes: u32) -> Self {
            self.$($path)+.rise = Some(successes);
            self
        }

        /// How many failures in a row make it unhealthy. Default: as for all checks.
        #[must_use]
        pub fn fall(mut self, failures: u32) -> Self {
            self.$($path)+.fall = Some(failures);
            self
        }
    };
}

// === impl CheckFn ===

impl<F> CheckFn<F> {
    schedule_setters!(schedule);
}

impl<F, Fut> HealthCheck for CheckFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Into<CheckOutcome>> + Send,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn check(&self, _: &CheckContext) -> CheckOutcome {
        (self.look)().await.into()
    }

    fn schedule(&self) -> Schedule {
        self.schedule
    }
}

impl<F> fmt::Debug for CheckFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckFn")
            .field("name", &self.name)
            .field("schedule", &self.schedule)
            .finish_non_exhaustive()
    }
}

// === impl LocalCheckFn ===

impl<F> LocalCheckFn<F> {
    schedule_setters!(0.schedule);
}

impl<F, Fut> HealthCheck for LocalCheckFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Into<CheckOutcome>> + Send,
{
    fn name(&self) -> &str {
        self.0.name()
    }

    fn check(&self, cx: &CheckContext) -> impl Future<Output = CheckOutcome> + Send {
        self.0.check(cx)
    }

    fn schedule(&self) -> Schedule {
        self.0.schedule
    }
}

impl<F, Fut> LocalCheck for LocalCheckFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Into<CheckOutcome>> + Send,
{
}

impl<F> fmt::Debug for LocalCheckFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalCheckFn").field(&self.0).finish()
    }
}

/// A check of any type, one boxed future for each run.
pub(crate) trait Run: Send + Sync {
    fn run(self: Arc<Self>, cx: CheckContext) -> Pin<Box<dyn Future<Output = CheckOutcome> + Send>>;
}

impl<C: HealthCheck> Run for C {
    fn run(self: Arc<Self>, cx: CheckContext) -> Pin<Box<dyn Future<Output = CheckOutcome> + Send>> {
        Box::pin(async move { self.check(&cx).await })
    }
}
