use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use core_time::Clock;

use crate::ConfigError;
use crate::aggregate::Operations;
use crate::line::CanonicalLine;
use crate::sample::SampleRate;
use crate::sink::Sink;
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
    pub(crate) stage_names_max: usize,
    pub(crate) clock: Clock,
    pub(crate) line: CanonicalLine,
    pub(crate) sink: Option<Arc<dyn Sink>>,
}

/// The most of [`Builder::stage_names_max`].
const STAGE_NAMES_BOUND: usize = 256;

// === impl Builder ===

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            sample_rate: 0.1,
            slow_over: None,
            window: Duration::from_secs(600),
            window_short: Duration::from_secs(60),
            rates: Vec::new(),
            stage_names_max: 64,
            clock: Clock::system(),
            line: CanonicalLine::All,
            sink: None,
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

    /// How many names of stages an operation may have with figures of their own, 1 to 256. Default: 64.
    ///
    /// Stages of further names are counted together, under `(other)`, and stand in summaries as that; the first is warned of, once for
    /// each operation. So many names mean mostly that one holds an id, which belongs into a [note](crate::Stage::note). Over all
    /// operations there are 1024 at most.
    pub fn stage_names_max(mut self, names: usize) -> Self {
        self.stage_names_max = names;
        self
    }

    /// Of which executions there is a line in the log. Default: [all](CanonicalLine::All).
    pub fn canonical_line(mut self, line: CanonicalLine) -> Self {
        self.line = line;
        self
    }

    /// Who else is told of executions that are kept. Default: nobody.
    pub fn sink(mut self, sink: impl Sink + 'static) -> Self {
        self.sink = Some(Arc::new(sink));
        self
    }

    /// Checks it.
    ///
    /// # Errors
    /// If a rate is no share, an operation has two, a duration is zero, the short window is not the shorter one, or there are no names
    /// of stages or too many.
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
        if !(1..=STAGE_NAMES_BOUND).contains(&self.stage_names_max) {
            return Err(ConfigError::names(self.stage_names_max, STAGE_NAMES_BOUND));
        }
        let windows = Lens { short: nanos(self.window_short), long: nanos(self.window) };
        let operations = Operations::new(windows, self.stage_names_max, rate, rates);
        Ok(Tracker::new(self, operations))
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
            .field("stage_names_max", &self.stage_names_max)
            .field("canonical_line", &self.line)
            .finish_non_exhaustive()
    }
}
