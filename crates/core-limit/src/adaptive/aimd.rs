use std::time::Duration;

/// Additive increase, multiplicative decrease (rule AL-2): one more for each success that comes in time, a tenth less for
/// each drop.
#[derive(Clone, Debug)]
pub(super) struct Aimd {
    /// A call that took longer counts as dropped, in seconds.
    timeout: f64,
}

/// What is left of the limit after a drop.
const BACKOFF: f64 = 0.9;

// === impl Aimd ===

impl Aimd {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout: timeout.as_secs_f64() }
    }

    /// The next limit; `None` if the call took too long, and counts as dropped.
    pub(super) fn sample(&self, limit: f64, rtt: f64, in_flight: f64) -> Option<f64> {
        let more = if in_flight * 2.0 >= limit { 1.0 } else { 0.0 };
        (rtt <= self.timeout).then_some(limit + more)
    }

    pub(super) fn drop_of(limit: f64) -> f64 {
        (limit * BACKOFF).floor()
    }
}
