use std::fmt;

use core_errors::{Name, PolicyKind};
use core_limit::{Bulkhead, RateLimit};
use core_retry::{Backoff, Growth, Jitter, Retry};

/// What a pipeline consists of, outermost first: for tests and for the operator's surface (rule PL-4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Description {
    /// The name of the pipeline.
    pub name: Name,
    /// Its policies, outermost first.
    pub layers: Vec<Layer>,
}

/// One policy of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Layer {
    /// Which.
    pub kind: PolicyKind,
    /// How it is set, for people.
    pub text: String,
}

// === impl Description ===

impl Description {
    /// The kinds of its policies, outermost first.
    #[must_use]
    pub fn order(&self) -> Vec<PolicyKind> {
        self.layers.iter().map(|layer| layer.kind).collect()
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.name)?;
        for layer in &self.layers {
            write!(f, " {} ({}) →", layer.kind, layer.text)?;
        }
        f.write_str(" call")
    }
}

// === what is said of a policy ===

pub(crate) fn retry(retry: &Retry) -> String {
    let (attempts, Backoff { growth, jitter, base, max, .. }) = (retry.attempts(), retry.backoff());
    if attempts.get() == 1 {
        return "1 attempt".to_owned();
    }
    let delays = match growth {
        Growth::Fixed => format!("{base:?} apart"),
        Growth::Linear => format!("delays from {base:?} by {base:?} to {max:?}"),
        Growth::Exponential { factor } => format!("delays from {base:?} times {factor} to {max:?}"),
        Growth::Decorrelated => format!("decorrelated delays from {base:?} to {max:?}"),
        Growth::Smooth => format!("smooth delays around {base:?} to {max:?}"),
        other => format!("{other:?} from {base:?} to {max:?}"),
    };
    let jitter = match (growth, jitter) {
        (Growth::Decorrelated | Growth::Smooth, _) => String::new(),
        (_, Jitter::None) => ", no jitter".to_owned(),
        (_, Jitter::Full) => ", full jitter".to_owned(),
        (_, Jitter::Equal) => ", equal jitter".to_owned(),
        (_, Jitter::Plus { up_to }) => format!(", up to {up_to:?} more"),
        // As it was written: 0.07 times 100 is not quite 7.
        (_, Jitter::PlusMinus { fraction }) => format!(", ± {} %", (fraction * 1e5).round() / 1e3),
        (_, other) => format!(", {other:?}"),
    };
    let budget = if retry.budget().is_some() { ", on a budget" } else { "" };
    format!("{attempts} attempts, {delays}{jitter}{budget}")
}

pub(crate) fn limit(limit: &RateLimit) -> String {
    let ((count, period), burst, wait) = (limit.rate(), limit.burst(), limit.max_wait());
    let waits = if wait.is_zero() { String::new() } else { format!(", a call waits up to {wait:?}") };
    format!("{count} in {period:?}, {burst} at once{waits}")
}

pub(crate) fn bulkhead(bulkhead: &Bulkhead) -> String {
    let (shown, wait) = (bulkhead.snapshot(), bulkhead.max_wait());
    let queue =
        if wait.is_zero() { String::new() } else { format!(", {} may wait up to {wait:?}", shown.queue_max) };
    format!("{} slots{queue}", shown.max)
}
