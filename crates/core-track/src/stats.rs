use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;

use crate::aggregate::{Aggregate, Operation};
use crate::latency::Counted;
use crate::live::as_ms;
use crate::window::Span;

/// The figures of an operation, over all of its executions.
#[derive(Clone, Debug, Serialize)]
pub struct OperationStats {
    /// What it is.
    pub operation: &'static str,
    /// Of whole executions.
    pub total: StageStats,
    /// Of its stages, by name, wherever in an execution they are. One with the name `(other)` has all those for whose names there was
    /// no place ([`Builder::stage_names_max`](crate::Builder::stage_names_max)).
    pub stages: Vec<StageStats>,
}

/// The figures of a stage, or of whole executions.
#[derive(Clone, Debug, Serialize)]
pub struct StageStats {
    /// What it is called.
    #[serde(rename = "stage_id")]
    pub name: &'static str,
    /// How often it succeeded or failed.
    #[serde(rename = "execution_count")]
    pub count: u64,
    /// How often it failed.
    pub failures: u64,
    /// How often it was [cancelled](crate::Outcome::Cancelled), which is in no other figure here: how long it took says when
    /// somebody gave up, and not how long it takes.
    pub cancelled: u64,
    /// The share of successes among successes and failures, 0 to 1; 1 where there is nothing.
    pub success_rate: f64,
    /// The mean.
    #[serde(rename = "avg_duration_ms", serialize_with = "as_ms")]
    pub avg: Duration,
    /// The least.
    #[serde(rename = "min_duration_ms", serialize_with = "as_ms")]
    pub min: Duration,
    /// The most.
    #[serde(rename = "max_duration_ms", serialize_with = "as_ms")]
    pub max: Duration,
    /// What a share of them did not exceed, since the start.
    #[serde(flatten)]
    pub percentiles: Percentiles,
    /// Of the last one to two [short windows](crate::Builder::window_short).
    pub short: Recent,
    /// Of the last one to two [windows](crate::Builder::window).
    pub long: Recent,
}

/// The figures of lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recent {
    /// How many there were.
    #[serde(rename = "execution_count")]
    pub count: u64,
    /// What a share of them did not exceed.
    #[serde(flatten)]
    pub percentiles: Percentiles,
}

/// What a share of durations did not exceed, each off by at most 1/32 (and 32 ns); what is beyond 39 hours is the most there ever
/// was. Zero where there is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// Half of them.
    #[serde(rename = "p50_duration_ms", serialize_with = "as_ms")]
    pub p50: Duration,
    /// 95 % of them.
    #[serde(rename = "p95_duration_ms", serialize_with = "as_ms")]
    pub p95: Duration,
    /// 99 % of them.
    #[serde(rename = "p99_duration_ms", serialize_with = "as_ms")]
    pub p99: Duration,
}

/// How long executions or stages took, by size: for metrics, which are added up over services before anybody asks for percentiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durations {
    /// The operation.
    pub operation: &'static str,
    /// The stage; `None` for whole executions.
    pub stage: Option<&'static str>,
    /// How many there are between the ends that were asked for, each off by what is within 1/32 of an end. One more than there are
    /// ends.
    pub counts: Vec<u64>,
    /// The sum of them all, which is exact.
    pub sum: Duration,
    /// How many failed.
    pub failures: u64,
    /// How many were cancelled, which are not among the others.
    pub cancelled: u64,
}

// === impl Durations ===

impl Durations {
    pub(crate) fn of(
        operation: &'static str,
        stage: Option<&'static str>,
        aggregate: &Aggregate,
        ends: &[u64],
    ) -> Self {
        let counted = aggregate.latency.counted();
        Self {
            operation,
            stage,
            counts: counted.between(ends),
            sum: Duration::from_nanos(counted.sum),
            failures: aggregate.failures.load(Ordering::Relaxed),
            cancelled: aggregate.cancelled.load(Ordering::Relaxed),
        }
    }
}

// === impl OperationStats ===

impl OperationStats {
    pub(crate) fn of(operation: &Operation, now: u64) -> Self {
        let mut stages: Vec<_> =
            operation.stages().map(|(name, aggregate)| StageStats::of(name, aggregate, now)).collect();
        stages.sort_by_key(|stage| stage.name);
        let total = StageStats::of(operation.name, &operation.total, now);
        Self { operation: operation.name, total, stages }
    }
}

// === impl StageStats ===

impl StageStats {
    fn of(name: &'static str, aggregate: &Aggregate, now: u64) -> Self {
        let recent = |span| Recent::of(&aggregate.recent(span, now));
        let (short, long) = (recent(Span::Short), recent(Span::Long));
        let counted = aggregate.latency.counted();
        let failures = aggregate.failures.load(Ordering::Relaxed);
        let count = counted.count();
        let min = if count == 0 { 0 } else { counted.min };
        Self {
            name,
            count,
            failures,
            cancelled: aggregate.cancelled.load(Ordering::Relaxed),
            success_rate: success_rate(count, failures),
            avg: Duration::from_nanos(counted.sum.checked_div(count).unwrap_or(0)),
            min: Duration::from_nanos(min),
            max: Duration::from_nanos(counted.max),
            percentiles: Percentiles::of(&counted),
            short,
            long,
        }
    }
}

// === impl Recent ===

impl Recent {
    fn of(counted: &Counted) -> Self {
        Self { count: counted.count(), percentiles: Percentiles::of(counted) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
fn success_rate(count: u64, failures: u64) -> f64 {
    if count == 0 { 1.0 } else { count.saturating_sub(failures) as f64 / count as f64 }
}

// === impl Percentiles ===

impl Percentiles {
    fn of(counted: &Counted) -> Self {
        let of = |percent| Duration::from_nanos(counted.percentile(percent).unwrap_or(0));
        Self { p50: of(50), p95: of(95), p99: of(99) }
    }
}
