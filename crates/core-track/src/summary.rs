use std::collections::BTreeMap;
use std::time::Duration;

use core_context::{CorrelationId, TraceId};
use serde::Serialize;

use crate::arena::{Record, State};
use crate::execution::{Failure, Inner};
use crate::live::{as_ms, as_text};

/// Where the time of one execution went. Serialises as the sources have it, with durations in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Which execution it was.
    #[serde(rename = "execution_id")]
    pub id: String,
    /// What it did.
    pub operation: &'static str,
    /// The correlation id of the context in which it started.
    #[serde(serialize_with = "as_text")]
    pub correlation_id: Option<CorrelationId>,
    /// The trace of the context in which it started.
    #[serde(serialize_with = "as_text")]
    pub trace_id: Option<TraceId>,
    /// From its start to its end, or until now.
    #[serde(rename = "total_duration_ms", serialize_with = "as_ms")]
    pub duration: Duration,
    /// What came of it; `None` while it runs.
    pub outcome: Option<Outcome>,
    /// Whether it succeeded.
    pub success: bool,
    /// Why it is kept; `None` while it runs.
    pub kept: Option<Kept>,
    /// What it failed with.
    pub error_type: Option<String>,
    /// What it failed with, for people.
    pub error_message: Option<String>,
    /// How many stages there are, on all levels.
    pub stage_count: usize,
    /// The outermost stages, in the order in which they began.
    pub stages: Vec<StageSummary>,
    /// The stages that failed, on all levels.
    pub failed_stages: Vec<FailedStage>,
    /// Stages for which there was no place: too many, or too deep.
    pub omitted: u64,
}

/// Where the time of one stage went.
#[derive(Clone, Debug, Serialize)]
pub struct StageSummary {
    /// `{SEQUENCE}_{NAME}`: as it was given, or from its place, as in `2.1_CACHE_LOOKUP`.
    pub stage_id: String,
    /// What it is called.
    pub stage_name: String,
    /// From the start of the execution.
    #[serde(rename = "started_ms", serialize_with = "as_ms")]
    pub started: Duration,
    /// From its start to its end, or until now.
    #[serde(rename = "duration_ms", serialize_with = "as_ms")]
    pub duration: Duration,
    /// Of that, what was in none of the stages inside. Those that overlap may leave nothing of it.
    #[serde(rename = "self_ms", serialize_with = "as_ms")]
    pub self_time: Duration,
    /// Whether it has ended.
    pub ended: bool,
    /// Whether it has not failed.
    pub success: bool,
    /// What it failed with.
    pub error_type: Option<String>,
    /// What it failed with, for people.
    pub error_message: Option<String>,
    /// The stages inside, in the order in which they began.
    pub substages: Vec<StageSummary>,
}

/// A stage that failed.
#[derive(Clone, Debug, Serialize)]
pub struct FailedStage {
    /// As in [`StageSummary`].
    pub stage_id: String,
    /// As in [`StageSummary`].
    pub stage_name: String,
    /// As in [`StageSummary`].
    pub error_type: Option<String>,
    /// As in [`StageSummary`].
    pub error_message: Option<String>,
}

/// What came of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was finished.
    Succeeded,
    /// It was said to have failed, or panicked.
    Failed,
    /// It was cut off.
    Dropped,
}

/// Why an execution is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// It failed, or a stage of it.
    Failed,
    /// It was slower than nearly all of its like, or than was allowed.
    Slow,
    /// Somebody asked for it.
    Forced,
    /// It is of the share that is kept anyway.
    Sampled,
}

// === impl Summary ===

impl Summary {
    pub(crate) fn of(execution: &Inner, now: u64, ended: Option<(Outcome, Kept)>) -> Self {
        let (own, of_stages) = {
            let failures = execution.failures();
            (failures.own.clone(), failures.of_stages.iter().cloned().collect::<BTreeMap<_, _>>())
        };
        let records: Vec<_> = execution.arena.records().collect();
        let mut inside: BTreeMap<Option<u16>, Vec<(u16, Record)>> = BTreeMap::new();
        for (at, record) in &records {
            inside.entry(record.parent).or_default().push((*at, *record));
        }
        let tree = Tree { execution, now, inside, of_stages };
        let stages = tree.stages(None, "");
        let mut failed_stages = Vec::new();
        for stage in &stages {
            stage.failed(&mut failed_stages);
        }
        let (error_type, error_message) = split(own);
        Self {
            id: execution.id.to_string(),
            operation: execution.operation.name,
            correlation_id: execution.correlation_id.clone(),
            trace_id: execution.trace_id,
            duration: Duration::from_nanos(now.saturating_sub(execution.started)),
            outcome: ended.map(|(outcome, _)| outcome),
            success: ended.is_some_and(|(outcome, _)| outcome == Outcome::Succeeded),
            kept: ended.map(|(_, kept)| kept),
            error_type,
            error_message,
            stage_count: records.len(),
            stages,
            failed_stages,
            omitted: execution.omitted.load(std::sync::atomic::Ordering::Relaxed),
        }
    }

    /// All stages on all levels, each with its depth, in the order in which people read them.
    pub fn each_stage(&self) -> impl Iterator<Item = (usize, &StageSummary)> {
        let mut to_visit: Vec<_> = self.stages.iter().rev().map(|stage| (0, stage)).collect();
        std::iter::from_fn(move || {
            let (depth, stage) = to_visit.pop()?;
            to_visit.extend(stage.substages.iter().rev().map(|inside| (depth + 1, inside)));
            Some((depth, stage))
        })
    }
}

// === impl Outcome ===

impl Outcome {
    /// As in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

// === impl Kept ===

impl Kept {
    /// As in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Slow => "slow",
            Self::Forced => "forced",
            Self::Sampled => "sampled",
        }
    }
}

// === impl StageSummary ===

impl StageSummary {
    fn failed(&self, failed: &mut Vec<FailedStage>) {
        if !self.success {
            failed.push(FailedStage {
                stage_id: self.stage_id.clone(),
                stage_name: self.stage_name.clone(),
                error_type: self.error_type.clone(),
                error_message: self.error_message.clone(),
            });
        }
        self.substages.iter().for_each(|inside| inside.failed(failed));
    }
}

/// The records of an execution, by the stage that they are in.
struct Tree<'e> {
    execution: &'e Inner,
    now: u64,
    inside: BTreeMap<Option<u16>, Vec<(u16, Record)>>,
    of_stages: BTreeMap<u16, Failure>,
}

// === impl Tree ===

impl Tree<'_> {
    /// The stages inside one. They are as deep as stages may be, so this ends.
    fn stages(&self, parent: Option<u16>, before: &str) -> Vec<StageSummary> {
        let inside = self.inside.get(&parent).map_or(&[][..], Vec::as_slice);
        inside
            .iter()
            .enumerate()
            .map(|(place, (at, record))| self.stage(*at, *record, &format!("{before}{}", place + 1)))
            .collect()
    }

    fn stage(&self, at: u16, record: Record, sequence: &str) -> StageSummary {
        let (stage_id, stage_name) = identify(self.execution.operation.stage_name(record.name), sequence);
        let substages = self.stages(Some(at), &format!("{sequence}."));
        let took = match record.state {
            State::Running => self.now.saturating_sub(record.started),
            State::Succeeded | State::Failed => record.took,
        };
        let duration = Duration::from_nanos(took);
        let (error_type, error_message) = split(self.of_stages.get(&at).cloned());
        StageSummary {
            stage_id,
            stage_name,
            started: Duration::from_nanos(record.started.saturating_sub(self.execution.started)),
            duration,
            self_time: duration.saturating_sub(substages.iter().map(|inside| inside.duration).sum()),
            ended: record.state != State::Running,
            success: record.state != State::Failed,
            error_type,
            error_message,
            substages,
        }
    }
}

fn split(failure: Option<Failure>) -> (Option<String>, Option<String>) {
    failure.map(|failure| (failure.of.to_owned(), failure.message)).unzip()
}

/// The id and the name of a stage: from `2.1_L1_CACHE_LOOKUP`, or from its name and its place.
fn identify(given: &str, sequence: &str) -> (String, String) {
    let is_sequence = |text: &str| {
        let all = |fits: fn(u8) -> bool| !text.is_empty() && text.bytes().all(fits);
        all(|b| b.is_ascii_digit())
            || (text.contains('.') && all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || b == b'.'))
    };
    match given.split_once('_') {
        Some((own, name)) if is_sequence(own) && !name.is_empty() => (given.to_owned(), name.to_owned()),
        _ => {
            let plain = |c: char| if c.is_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
            (format!("{sequence}_{}", given.chars().map(plain).collect::<String>()), given.to_owned())
        }
    }
}
