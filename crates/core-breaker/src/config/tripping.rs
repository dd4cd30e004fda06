//! What trips it.

use std::time::Duration;

use super::Builder;
use crate::average::{Average, Decay};
use crate::window::Span;

// === impl Builder ===

impl Builder {
    /// Trips after this many failures in a row as well. Any success starts the count anew. Default: off.
    pub fn or_consecutive(mut self, failures: u32) -> Self {
        self.settings.rules.consecutive = Some(failures);
        self
    }

    /// Trips when this share of the calls in the window failed as well: at it or over it. Default: off.
    pub fn or_rate(mut self, rate: f64) -> Self {
        self.settings.rules.failure_rate = Some(rate);
        self
    }

    /// Trips when the window holds this many failures as well, whatever else it holds. Default: off.
    pub fn or_failures(mut self, failures: u32) -> Self {
        self.settings.rules.failures = Some(failures);
        self
    }

    /// Trips when a moving average of successes falls below this share as well, once it has seen
    /// [`min_calls`](Self::min_calls). Default: off.
    ///
    /// An average depends on the order of all calls, so every call takes a short lock: about 50 ns in place of 15.
    pub fn or_average(mut self, success_rate: f64, decay: Decay) -> Self {
        self.settings.rules.average = Some(Average { success_rate, decay });
        self
    }

    /// Takes rates over the last `len`. Default: 30 s.
    ///
    /// Windows under 200 ms have one bucket (rule W-3), others ten unless [`buckets`](Self::buckets) says otherwise.
    pub fn window(mut self, len: Duration) -> Self {
        let buckets = if len < Duration::from_millis(200) { 1 } else { 10 };
        self.settings.rules.span = Span::Time { len, buckets };
        self
    }

    /// Lets results leave a time window in this many steps, 1 to 32. Default: 10. Set the window first.
    pub fn buckets(mut self, buckets: u32) -> Self {
        if let Span::Time { len, .. } = self.settings.rules.span {
            self.settings.rules.span = Span::Time { len, buckets };
        }
        self
    }

    /// Takes rates over the last `size` calls instead, up to 200 000.
    ///
    /// Which call is the Nth last is a fact about all threads together: this window has one shared word that every call
    /// writes. A time window has none.
    pub fn window_of_calls(mut self, size: u32) -> Self {
        self.settings.rules.span = Span::Calls { size };
        self
    }

    /// With fewer calls in the window there is no rate, and with fewer calls in all no average. Default: 20. A window of fewer
    /// calls counts as full (rule CB-5).
    pub fn min_calls(mut self, calls: u32) -> Self {
        self.settings.rules.min_calls = calls;
        self
    }

    /// Takes failures that come sooner than this after the last one that counted as one with it: a burst that has one cause
    /// counts once (rule CB-11). Default: off.
    ///
    /// They are in [`Totals`](crate::Totals) and nowhere else. With it each failure takes a lock.
    pub fn lumping(mut self, interval: Duration) -> Self {
        self.settings.rules.lumping = Some(interval);
        self
    }

    /// Calls that take longer than this are slow, whether they fail or not. They trip the breaker at the rate of
    /// [`slow_rate`](Self::slow_rate), or else at the failure rate. Over zero. Default: off.
    ///
    /// Durations of 100 ms and more are measured with the coarse clock: to within its [tick](core_time::Clock::tick). Time in a
    /// queue of ours, as that of a bulkhead, does not count.
    pub fn slow_over(mut self, duration: Duration) -> Self {
        self.settings.rules.slow_over = Some(duration);
        self
    }

    /// Trips when this share of the calls in the window was slow. Default: the failure rate, if
    /// [`slow_over`](Self::slow_over) is set.
    pub fn slow_rate(mut self, rate: f64) -> Self {
        self.settings.slow_rate = Some(rate);
        self
    }
}
