//! Who is an outlier. Pure: what was counted goes in, findings come out.

use super::event::Finding;
use super::rules::{FailurePercentage, NEAR, SuccessRate};

/// What one host answered in an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) successes: u64,
    pub(super) failures: u64,
}

/// A host that was found, by its place among the samples.
pub(super) type Found = (usize, Finding);

// === impl Sample ===

impl Sample {
    fn calls(self) -> u64 {
        self.successes + self.failures
    }

    fn has(self, min_calls: u32) -> bool {
        self.calls() >= u64::from(min_calls)
    }

    #[expect(clippy::cast_precision_loss, reason = "2^53 calls do not fit into an interval")]
    fn success_rate(self) -> f64 {
        self.successes as f64 / self.calls().max(1) as f64
    }
}

/// Hosts that do worse than the others, the worst first.
pub(super) fn by_success_rate(rule: SuccessRate, samples: &[Sample]) -> Vec<Found> {
    let enough = enough(samples, rule.min_calls);
    let rates: Vec<f64> = enough.iter().map(|(_, sample)| sample.success_rate()).collect();
    if rates.len() < rule.min_hosts as usize {
        return Vec::new();
    }
    let (mean, stdev) = spread(&rates);
    let threshold = mean - rule.stdevs * stdev;
    let found = enough.iter().filter(|(_, sample)| sample.success_rate() < threshold - NEAR);
    worst_first(
        found.map(|(at, sample)| {
            let (success_rate, calls) = (sample.success_rate(), sample.calls());
            (*at, Finding::SuccessRate { success_rate, mean, threshold, calls })
        }),
        samples,
    )
}

/// Hosts that fail too much, the worst first.
pub(super) fn by_failure_percentage(rule: FailurePercentage, samples: &[Sample]) -> Vec<Found> {
    let enough = enough(samples, rule.min_calls);
    if enough.len() < rule.min_hosts as usize {
        return Vec::new();
    }
    let found = enough.iter().filter(|(_, sample)| 1.0 - sample.success_rate() >= rule.threshold - NEAR);
    let finding =
        |sample: Sample| Finding::FailurePercentage { failures: sample.failures, calls: sample.calls() };
    worst_first(found.map(|(at, sample)| (*at, finding(*sample))), samples)
}

fn enough(samples: &[Sample], min_calls: u32) -> Vec<(usize, Sample)> {
    samples.iter().copied().enumerate().filter(|(_, sample)| sample.has(min_calls)).collect()
}

/// Mean and standard deviation, of all there are and not of a sample of them.
#[expect(clippy::cast_precision_loss, reason = "there are at most 2^24 hosts")]
fn spread(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

/// Where not all may be ejected, it should be those that harm most.
fn worst_first(found: impl Iterator<Item = Found>, samples: &[Sample]) -> Vec<Found> {
    let mut found: Vec<Found> = found.collect();
    found.sort_by(|(a, _), (b, _)| samples[*a].success_rate().total_cmp(&samples[*b].success_rate()));
    found
}

#[cfg(test)]
mod tests;
