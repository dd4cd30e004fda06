use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use core_time::Clock;

use crate::ConfigError;
use crate::sample::SampleRate;
use crate::sink::{Line, Sink};
use crate::tracker::Tracker;

/// Says how executions are tracked. Made by [`Tracker::builder`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone)]
pub struct Builder {
    pub(crate) sample_rate: f64,
    pub(crate) slow_over: Option<Duration>,
    pub(crate) window: Duration,
    pub(crate) clock: Clock,
    pub(crate) sink: Arc<dyn Sink>,
}

// === impl Builder ===

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            sample_rate: 0.1,
            slow_over: None,
            window: Duration::from_secs(600),
            clock: Clock::system(),
            sink: Arc::new(Line),
        }
    }

    /// Which share of executions is kept whatever comes of it, 0 to 1. Default: 0.1.
    pub fn sample_rate(mut self, rate: f64) -> Self {
        self.sample_rate = rate;
        self
    }

    /// Keeps every execution that takes longer. Default: none, and what is slower than 99 % of its like is kept anyway, once there
    /// are a hundred.
    pub fn slow_over(mut self, duration: Duration) -> Self {
        self.slow_over = Some(duration);
        self
    }

    /// Of which time the percentiles of [`OperationStats::recent`](crate::OperationStats::recent) are: this long, to twice as long.
    /// Default: 10 minutes.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Where time comes from. Default: the system.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Who is told of executions that are kept. Default: [`Line`], one `tracing` event for each.
    pub fn sink(mut self, sink: impl Sink + 'static) -> Self {
        self.sink = Arc::new(sink);
        self
    }

    /// Checks it.
    ///
    /// # Errors
    /// If the rate is no share, or a duration is zero.
    pub fn build(self) -> Result<Tracker, ConfigError> {
        let rate = SampleRate::new(self.sample_rate)?;
        if self.window.is_zero() {
            return Err(ConfigError::zero("window"));
        }
        if self.slow_over.is_some_and(|slow| slow.is_zero()) {
            return Err(ConfigError::zero("slow_over"));
        }
        Ok(Tracker::new(self, rate))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("sample_rate", &self.sample_rate)
            .field("slow_over", &self.slow_over)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}
