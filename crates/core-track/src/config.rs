use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use core_time::Clock;

use crate::ConfigError;
use crate::aggregate::Operations;
use crate::sample::SampleRate;
use crate::sink::{Line, Sink};
use crate::tracker::{Tracker, nanos};
use crate::window::Lens;

/// Says how executions are tracked. Made by [`Tracker::builder`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone)]
pub struct Builder {
    pub(crate) sample_rate: f64,
    pub(crate) slow_over: Option<Duration>,
    pub(crate) window: Duration,
    pub(crate) window_short: Duration,
    pub(crate) rates: Vec<(&'static str, f64)>,
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
            window_short: Duration::from_secs(60),
            rates: Vec::new(),
            clock: Clock::system(),
            sink: Arc::new(Line),
        }
    }

    /// Which share of executions is kept whatever comes of it, 0 to 1. Default: 0.1.
    pub fn sample_rate(mut self, rate: f64) -> Self {
        self.sample_rate = rate;
        self
    }

    /// The same for the executions of one operation. Default: that of all.
    pub fn sample_rate_of(mut self, operation: &'static str, rate: f64) -> Self {
        self.rates.push((operation, rate));
        self
    }

    /// Keeps every execution that takes longer. Default: none, and what is slower than 99 % of its like is kept anyway, once there
    /// are a hundred.
    pub fn slow_over(mut self, duration: Duration) -> Self {
        self.slow_over = Some(duration);
        self
    }

    /// Of which time the percentiles of [`StageStats::long`](crate::StageStats::long) are: this long, to twice as long. Default: 10
    /// minutes.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Of which time the percentiles of [`StageStats::short`](crate::StageStats::short) are: this long, to twice as long. Default: 60 s.
    pub fn window_short(mut self, window: Duration) -> Self {
        self.window_short = window;
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
    /// If a rate is no share, an operation has two, a duration is zero, or the short window is not the shorter one.
    pub fn build(self) -> Result<Tracker, ConfigError> {
        let rate = SampleRate::new(self.sample_rate)?;
        let mut rates = HashMap::new();
        for (operation, rate) in &self.rates {
            if rates.insert(*operation, SampleRate::new(*rate)?).is_some() {
                return Err(ConfigError::twice(operation));
            }
        }
        let slow_over = self.slow_over.unwrap_or(Duration::MAX);
        let durations =
            [("window", self.window), ("window_short", self.window_short), ("slow_over", slow_over)];
        if let Some((zero, _)) = durations.iter().find(|(_, duration)| duration.is_zero()) {
            return Err(ConfigError::zero(zero));
        }
        if self.window_short >= self.window {
            return Err(ConfigError::windows(self.window_short, self.window));
        }
        let windows = Lens { short: nanos(self.window_short), long: nanos(self.window) };
        Ok(Tracker::new(self, Operations::new(windows, rate, rates)))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("sample_rate", &self.sample_rate)
            .field("slow_over", &self.slow_over)
            .field("window", &self.window)
            .field("window_short", &self.window_short)
            .field("rates", &self.rates)
            .finish_non_exhaustive()
    }
}
