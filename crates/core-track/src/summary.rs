use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use core_context::{Context, CorrelationId, TraceId};
use core_errors::{Category, Code};
use serde::{Serialize, Serializer};

use crate::aggregate::Operation;
use crate::arena::{Record, State};
use crate::execution::Inner;
use crate::failure::Failure;
use crate::live::{as_ms, as_text};
use crate::notes::Note;
use crate::outcome::Outcome;

/// Where the time of one execution went. Serialises as the sources have it, with durations in milliseconds.
///
/// Its stages are put together when somebody asks: most summaries are only kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// Which execution it was.
    pub id: Box<str>,
    /// What it did.
    pub operation: &'static str,
    /// The correlation id of the context in which it started.
    pub correlation_id: Option<CorrelationId>,
    /// The trace of the context in which it started.
    pub trace_id: Option<TraceId>,
    /// From its start to its end, or until now.
    pub duration: Duration,
    /// What came of it; `None` while it runs.
    pub outcome: Option<Outcome>,
    /// Why it is kept; `None` while it runs.
    pub kept: Option<Kept>,
    /// What it failed with: the type of the error, or `panic`.
    pub error_type: Option<&'static str>,
    /// What kind of failure that error is.
    pub error_category: Option<Category>,
    /// The code of that error, if it has one.
    pub error_code: Option<Code>,
    /// What it failed with, for people.
    pub error_message: Option<String>,
    /// Stages for which there was no place: too many, or too deep.
    pub omitted: u64,
    /// Notes for which there was no place.
    pub notes_omitted: u64,
    notes: Vec<Note>,
    names: Arc<Operation>,
    started: u64,
    now: u64,
    records: Vec<(u16, Record)>,
    of_stages: Vec<(u16, Failure)>,
}

/// What is written of a summary.
#[derive(Serialize)]
struct Written<'s> {
    execution_id: &'s str,
    operation: &'s str,
    #[serde(serialize_with = "as_text")]
    correlation_id: &'s Option<CorrelationId>,
    #[serde(serialize_with = "as_text")]
    trace_id: &'s Option<TraceId>,
    #[serde(serialize_with = "as_ms")]
    total_duration_ms: Duration,
    outcome: Option<Outcome>,
    success: bool,
    kept: Option<Kept>,
    error_type: Option<&'s str>,
    #[serde(serialize_with = "as_text")]
    error_category: &'s Option<Category>,
    #[serde(serialize_with = "as_text")]
    error_code: &'s Option<Code>,
    error_message: Option<&'s str>,
    stage_count: usize,
    stages: Vec<StageSummary>,
    failed_stages: Vec<FailedStage>,
    omitted: u64,
    metadata: BTreeMap<&'static str, String>,
    notes_omitted: u64,
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
    /// Of that, when none of the stages inside ran. Where several ran at once, that time is taken off once.
    #[serde(rename = "self_ms", serialize_with = "as_ms")]
    pub self_time: Duration,
    /// What came of it; `None` while it runs.
    pub outcome: Option<Outcome>,
    /// Whether it has ended.
    pub ended: bool,
    /// Whether it has neither failed nor been cancelled.
    pub success: bool,
    /// What it failed with: the type of the error, or `panic`.
    pub error_type: Option<&'static str>,
    /// What kind of failure that error is.
    #[serde(serialize_with = "as_text")]
    pub error_category: Option<Category>,
    /// The code of that error, if it has one.
    #[serde(serialize_with = "as_text")]
    pub error_code: Option<Code>,
    /// What it failed with, for people.
    pub error_message: Option<String>,
    /// What was [noted](crate::Stage::note) of it.
    pub metadata: BTreeMap<&'static str, String>,
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
    pub error_type: Option<&'static str>,
    /// As in [`StageSummary`].
    #[serde(serialize_with = "as_text")]
    pub error_category: Option<Category>,
    /// As in [`StageSummary`].
    #[serde(serialize_with = "as_text")]
    pub error_code: Option<Code>,
    /// As in [`StageSummary`].
    pub error_message: Option<String>,
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
            (failures.own.clone(), failures.of_stages.clone())
        };
        let error = Told::of(own);
        Self {
            id: execution.id.clone(),
            operation: execution.operation.name,
            correlation_id: execution.context_if_any().map(|context| context.correlation_id().clone()),
            trace_id: execution.context_if_any().and_then(Context::trace).map(|trace| trace.trace_id),
            duration: Duration::from_nanos(now.saturating_sub(execution.started)),
            outcome: ended.map(|(outcome, _)| outcome),
            kept: ended.map(|(_, kept)| kept),
            error_type: error.of,
            error_category: error.category,
            error_code: error.code,
            error_message: error.message,
            omitted: execution.omitted.load(Ordering::Relaxed),
            notes_omitted: execution.notes.omitted(),
            notes: execution.notes.all(),
            names: Arc::clone(&execution.operation),
            started: execution.started,
            now,
            records: execution.arena.records(),
            of_stages,
        }
    }

    /// Whether it succeeded.
    #[must_use]
    pub fn success(&self) -> bool {
        self.outcome == Some(Outcome::Succeeded)
    }

    /// How many stages there are, on all levels.
    #[must_use]
    pub fn stage_count(&self) -> usize {
        self.records.len()
    }

    /// The outermost stages, in the order in which they began, each with those inside.
    #[must_use]
    pub fn stages(&self) -> Vec<StageSummary> {
        let mut inside: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (at, record) in &self.records {
            inside.entry(record.parent).or_default().push((*at, *record));
        }
        let of_stages = self.of_stages.iter().map(|(at, failure)| (*at, failure)).collect();
        Tree { summary: self, inside, of_stages }.stages(None, "")
    }

    /// What was [noted](crate::Execution::note) of the execution.
    #[must_use]
    pub fn metadata(&self) -> BTreeMap<&'static str, String> {
        self.noted(None)
    }

    fn noted(&self, of: Option<u16>) -> BTreeMap<&'static str, String> {
        let notes = self.notes.iter().filter(|note| note.of == of);
        notes.map(|note| (note.key, note.value.clone())).collect()
    }

    /// The stages that failed, on all levels.
    #[must_use]
    pub fn failed_stages(&self) -> Vec<FailedStage> {
        let mut failed = Vec::new();
        if self.records.iter().any(|(_, record)| record.state == State::Ended(Outcome::Failed)) {
            for stage in self.stages() {
                stage.failed(&mut failed);
            }
        }
        failed
    }
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = Written {
            execution_id: &self.id,
            operation: self.operation,
            correlation_id: &self.correlation_id,
            trace_id: &self.trace_id,
            total_duration_ms: self.duration,
            outcome: self.outcome,
            success: self.success(),
            kept: self.kept,
            error_type: self.error_type,
            error_category: &self.error_category,
            error_code: &self.error_code,
            error_message: self.error_message.as_deref(),
            stage_count: self.stage_count(),
            stages: self.stages(),
            failed_stages: self.failed_stages(),
            omitted: self.omitted,
            metadata: self.metadata(),
            notes_omitted: self.notes_omitted,
        };
        written.serialize(serializer)
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
    /// Shows this stage and all inside, each with its depth, in the order in which people read them.
    pub fn each(&self, depth: usize, show: &mut impl FnMut(usize, &Self)) {
        show(depth, self);
        for inside in &self.substages {
            inside.each(depth + 1, show);
        }
    }

    fn failed(&self, failed: &mut Vec<FailedStage>) {
        if self.outcome == Some(Outcome::Failed) {
            failed.push(FailedStage {
                stage_id: self.stage_id.clone(),
                stage_name: self.stage_name.clone(),
                error_type: self.error_type,
                error_category: self.error_category,
                error_code: self.error_code,
                error_message: self.error_message.clone(),
            });
        }
        self.substages.iter().for_each(|inside| inside.failed(failed));
    }
}

/// The records of an execution, by the stage that they are in.
struct Tree<'s> {
    summary: &'s Summary,
    inside: BTreeMap<Option<u16>, Vec<(u16, Record)>>,
    of_stages: BTreeMap<u16, &'s Failure>,
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
        let (stage_id, stage_name) = identify(self.summary.names.stage_name(record.name), sequence);
        let substages = self.stages(Some(at), &format!("{sequence}."));
        let (took, outcome) = match record.state {
            State::Running => (self.summary.now.saturating_sub(record.started), None),
            State::Ended(outcome) => (record.took, Some(outcome)),
        };
        let started = Duration::from_nanos(record.started.saturating_sub(self.summary.started));
        let duration = Duration::from_nanos(took);
        let error = Told::of(self.of_stages.get(&at).map(|failure| Failure::clone(failure)));
        StageSummary {
            stage_id,
            stage_name,
            started,
            duration,
            self_time: duration.saturating_sub(covered(started, duration, &substages)),
            outcome,
            ended: outcome.is_some(),
            success: outcome.is_none_or(|outcome| outcome == Outcome::Succeeded),
            error_type: error.of,
            error_category: error.category,
            error_code: error.code,
            error_message: error.message,
            metadata: self.summary.noted(Some(at)),
            substages,
        }
    }
}

/// For how long of this time any of the stages inside ran.
fn covered(started: Duration, duration: Duration, inside: &[StageSummary]) -> Duration {
    let end = started.saturating_add(duration);
    let mut spans: Vec<_> =
        inside.iter().map(|stage| (stage.started, stage.started + stage.duration)).collect();
    spans.sort_unstable();
    let mut covered = Duration::ZERO;
    let mut until = started;
    for (from, to) in spans {
        let to = to.min(end);
        covered += to.saturating_sub(from.max(until));
        until = until.max(to);
    }
    covered
}

/// What is told of a failure, if there was one.
#[derive(Default)]
struct Told {
    of: Option<&'static str>,
    category: Option<Category>,
    code: Option<Code>,
    message: Option<String>,
}

impl Told {
    fn of(failure: Option<Failure>) -> Self {
        failure.map_or_else(Self::default, |Failure { of, message, class }| Self {
            of,
            category: class.map(|class| class.category),
            code: class.and_then(|class| class.code),
            message: Some(message),
        })
    }
}

/// The id and the name of a stage: from `2.1_L1_CACHE_LOOKUP`, or from its name and its place.
pub(crate) fn identify(given: &str, sequence: &str) -> (String, String) {
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
