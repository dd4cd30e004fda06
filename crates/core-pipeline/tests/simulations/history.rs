use std::time::Duration;

use core_time::{Instant, ms};

/// How often something happened in each tenth of a second.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct History {
    start: Instant,
    counts: Vec<u32>,
}

const STEP: Duration = ms(100);

// === impl History ===

impl History {
    pub(crate) fn from(start: Instant) -> Self {
        Self { start, counts: Vec::new() }
    }

    pub(crate) fn count(&mut self, at: Instant) {
        let step = usize::try_from((at - self.start).as_nanos() / STEP.as_nanos()).unwrap();
        if self.counts.len() <= step {
            self.counts.resize(step + 1, 0);
        }
        self.counts[step] += 1;
    }

    /// How often it happened a second, on average, between two moments in seconds.
    pub(crate) fn rate(&self, from: u32, to: u32) -> f64 {
        let steps = (from * 10) as usize..(to * 10) as usize;
        let sum: u32 = steps.filter_map(|step| self.counts.get(step)).sum();
        f64::from(sum) / f64::from(to - from)
    }

    /// The most that happened in a tenth of a second, from a moment in seconds on.
    pub(crate) fn peak(&self, from: u32) -> u32 {
        self.counts.iter().skip((from * 10) as usize).copied().max().unwrap_or(0)
    }

    /// How often it happened in each second.
    pub(crate) fn per_second(&self, seconds: u32) -> Vec<f64> {
        (0..seconds).map(|second| self.rate(second, second + 1)).collect()
    }

    /// How often it happened in each tenth of a second.
    pub(crate) fn per_step(&self, seconds: u32) -> Vec<f64> {
        let steps = 0..(seconds * 10) as usize;
        steps.map(|step| self.counts.get(step).copied().map_or(0.0, f64::from)).collect()
    }
}
