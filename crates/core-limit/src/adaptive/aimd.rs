use std::time::Duration;

/// Additive increase, multiplicative decrease (rule AL-2): one more for each success that comes in time, a tenth less for each drop.
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

    pub(super) fn sample(&self, limit: f64, rtt: f64, in_flight: f64) -> f64 {
        if rtt > self.timeout {
            Self::drop_of(limit)
        } else if in_flight * 2.0 >= limit {
            limit + 1.0
        } else {
            limit
        }
    }

    pub(super) fn drop_of(limit: f64) -> f64 {
        (limit * BACKOFF).floor()
    }
}
