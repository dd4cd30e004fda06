//! What runs now.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use core_context::{Context, CorrelationId, TraceId};
use core_errors::{Category, Code};
use serde::{Serialize, Serializer};

use crate::execution::Inner;

/// An execution that runs now.
#[derive(Clone, Debug, Serialize)]
pub struct Live {
    /// What it does.
    pub operation: &'static str,
    /// Which one it is.
    #[serde(rename = "execution_id")]
    pub id: String,
    /// How long it has been running. Written in milliseconds, as `age_ms`.
    #[serde(rename = "age_ms", serialize_with = "as_ms")]
    pub age: Duration,
    /// The stage that began last of those that run.
    pub stage: Option<&'static str>,
    /// How long that stage has been running.
    #[serde(rename = "stage_age_ms", serialize_with = "as_ms")]
    pub stage_age: Duration,
    /// The first stage that failed, if one did: the execution may go on without it.
    pub failed_stage: Option<&'static str>,
    /// What kind of failure that was, if it was an error.
    #[serde(serialize_with = "as_text")]
    pub error_category: Option<Category>,
    /// The code of that error, if it has one.
    #[serde(serialize_with = "as_text")]
    pub error_code: Option<Code>,
    /// The correlation id of the context in which it started.
    #[serde(serialize_with = "as_text")]
    pub correlation_id: Option<CorrelationId>,
    /// The trace of the context in which it started.
    #[serde(serialize_with = "as_text")]
    pub trace_id: Option<TraceId>,
}

/// All that run, up to a number.
#[derive(Debug, Default)]
pub(crate) struct Table {
    shards: [Mutex<HashMap<u64, Arc<Inner>>>; SHARDS],
    len: AtomicUsize,
}

const SHARDS: usize = 16;
/// The most executions that are listed.
const LIVE_MAX: usize = 10_000;

// === impl Table ===

impl Table {
    pub(crate) fn add(&self, execution: &Arc<Inner>) {
        let room = |len: usize| (len < LIVE_MAX).then_some(len + 1);
        if self.len.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok() {
            self.shard(execution.number).insert(execution.number, Arc::clone(execution));
        }
    }

    pub(crate) fn remove(&self, number: u64) {
        if self.shard(number).remove(&number).is_some() {
            self.len.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Those that run, the oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Inner>> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(lock(shard).values().cloned());
        }
        all.sort_by_key(|execution| execution.number);
        all
    }

    fn shard(&self, number: u64) -> MutexGuard<'_, HashMap<u64, Arc<Inner>>> {
        // Never out of range: it is a remainder.
        lock(&self.shards[usize::try_from(number % SHARDS as u64).unwrap_or_default()])
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Live ===

impl Live {
    pub(crate) fn of(execution: &Inner, now: u64) -> Self {
        let stage = execution.arena.last_running();
        let age = |since: u64| Duration::from_nanos(now.saturating_sub(since));
        let failed = execution.failures().first;
        let class = failed.and_then(|(_, class)| class);
        Self {
            operation: execution.operation.name,
            id: execution.id.to_string(),
            age: age(execution.started),
            stage: stage.map(|stage| execution.operation.stage_name(stage.name)),
            stage_age: stage.map_or(Duration::ZERO, |stage| age(stage.started)),
            failed_stage: failed.map(|(name, _)| execution.operation.stage_name(name)),
            error_category: class.map(|class| class.category),
            error_code: class.and_then(|class| class.code),
            correlation_id: execution.context_if_any().map(|context| context.correlation_id().clone()),
            trace_id: execution.context_if_any().and_then(Context::trace).map(|trace| trace.trace_id),
        }
    }
}

pub(crate) fn as_ms<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(millis(*duration))
}

/// In milliseconds, rounded once: 435.126 µs are 0.435126.
#[expect(clippy::cast_precision_loss, reason = "of 104 days the nanoseconds are exact")]
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}

#[expect(clippy::ref_option, reason = "serde hands it over so")]
pub(crate) fn as_text<T: ToString, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.serialize_some(&value.to_string()),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_rounded_once() {
        assert_eq!(millis(Duration::from_nanos(435_126)).to_string(), "0.435126");
        assert_eq!(millis(Duration::from_nanos(6_139_197)).to_string(), "6.139197");
    }
}
