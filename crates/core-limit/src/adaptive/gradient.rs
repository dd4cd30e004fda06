use std::time::Duration;

use super::vegas::Step;

/// Gradient2 (rule AL-3): how the time of a call compares with its long average.
///
/// After `concurrency-limits` of Netflix, which does nothing on a drop; here it counts as the steepest gradient.
#[derive(Clone, Debug, Default)]
pub(super) struct Gradient {
    long: Average,
}

/// An exponential average that begins as a plain one.
#[derive(Clone, Debug, Default)]
struct Average {
    value: f64,
    count: u32,
}

/// How much longer than usual a call may take without being slow.
const TOLERANCE: f64 = 1.5;
/// What may queue without the limit falling.
const QUEUE: f64 = 4.0;
const SMOOTHING: f64 = 0.2;
const SLOPE_MIN: f64 = 0.5;

/// Samples in the long average.
const WINDOW: f64 = 600.0;
/// Samples in which it is a plain average.
const WARM_UP: u32 = 10;

// === impl Gradient ===

impl Gradient {
    pub(super) fn sample(&mut self, limit: f64, rtt: f64, in_flight: f64) -> Step {
        self.long.add(rtt);
        let long = self.long.value;
        if long / rtt > 2.0 {
            // It was slow for long, and is well again: the average follows faster.
            self.long.value *= 0.95;
        }
        if in_flight < limit / 2.0 {
            return Step::To(limit);
        }
        let next = step(limit, long, rtt);
        if next < limit { Step::DownTo(next) } else { Step::To(next) }
    }

    pub(super) fn drop_of(limit: f64) -> f64 {
        limit * (1.0 - SMOOTHING) + limit * SLOPE_MIN * SMOOTHING
    }

    /// The time that a call usually takes.
    pub(super) fn baseline(&self) -> Option<Duration> {
        (self.long.count > 0).then(|| Duration::from_secs_f64(self.long.value))
    }
}

/// The limit that follows from the long average and the last time.
pub(super) fn step(limit: f64, long: f64, short: f64) -> f64 {
    let slope = (TOLERANCE * long / short).clamp(SLOPE_MIN, 1.0);
    limit * (1.0 - SMOOTHING) + (limit * slope + QUEUE) * SMOOTHING
}

// === impl Average ===

impl Average {
    fn add(&mut self, sample: f64) {
        if self.count < WARM_UP {
            self.count += 1;
            self.value += (sample - self.value) / f64::from(self.count);
        } else {
            let share = 2.0 / (WINDOW + 1.0);
            self.value = self.value * (1.0 - share) + sample * share;
        }
    }
}
