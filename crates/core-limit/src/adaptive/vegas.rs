use std::time::Duration;

/// TCP Vegas for concurrency (rule AL-1): what a call takes longer than the shortest is time in a queue, and there should be
/// a little of it.
///
/// After `concurrency-limits` of Netflix, without its probes, which learn a baseline under load;
/// [`Guard`](super::guard::Guard) does what they are for.
#[derive(Clone, Debug, Default)]
pub(super) struct Vegas {
    /// The shortest time there was, in seconds; 0 before the first.
    rtt_min: f64,
}

/// What to do about the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// It is this now.
    To(f64),
    /// It would be this, if it is the load that made calls slow.
    DownTo(f64),
}

/// How far the shortest time follows when calls are slow for another reason than load.
const DRIFT: f64 = 0.1;

// === impl Vegas ===

impl Vegas {
    pub(super) fn sample(&mut self, limit: f64, rtt: f64, in_flight: f64) -> Step {
        if self.rtt_min == 0.0 || rtt < self.rtt_min {
            self.rtt_min = rtt;
            // The first sample only teaches what is normal. A shorter one than ever has met no queue.
            return Step::To(limit);
        }
        if in_flight * 2.0 < limit {
            return Step::To(limit);
        }
        let queue = (limit * (1.0 - self.rtt_min / rtt)).ceil();
        let step = log(limit);
        let (alpha, beta) = (3.0 * step, 6.0 * step);
        if queue <= step {
            Step::To(limit + beta)
        } else if queue < alpha {
            Step::To(limit + step)
        } else if queue > beta {
            Step::DownTo(limit - step)
        } else {
            Step::To(limit)
        }
    }

    /// Calls are slow, and it is not the load: that is how long they take now.
    pub(super) fn drift(&mut self, rtt: f64) {
        self.rtt_min += (rtt - self.rtt_min).max(0.0) * DRIFT;
    }

    pub(super) fn drop_of(limit: f64) -> f64 {
        limit - log(limit)
    }

    /// The time of a call that meets no queue.
    pub(super) fn baseline(&self) -> Option<Duration> {
        (self.rtt_min > 0.0).then(|| Duration::from_secs_f64(self.rtt_min))
    }
}

/// The common logarithm in whole steps, at least 1.
fn log(limit: f64) -> f64 {
    limit.log10().floor().max(1.0)
}
