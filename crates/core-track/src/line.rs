//! The canonical line: all that is known of an execution, in one event when it ends.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::sync::atomic::Ordering;
use std::time::Duration;

use core_context::OneLine;
use core_errors::{Category, Code};

use crate::arena::State;
use crate::execution::Inner;
use crate::failure::Class;
use crate::live::millis;
use crate::notes::Note;
use crate::outcome::Outcome;
use crate::summary::{FailedStage, Kept, StageSummary, Summary, identify};

/// Of which executions there is a canonical line in the log.
///
/// It is one `tracing` event when the execution ends, in the context in which it started: target `core_track`, WARN where the execution or
/// a stage failed and INFO otherwise. Its fields are
///
/// * `operation`, `execution_id`, `outcome`, `duration_ms`, and `kept` where it is kept;
/// * `stages`, the stages in order with their milliseconds, as in `1_LOAD=12.31 1.1_CACHE_LOOKUP=3.05 2_CHARGE=40.77!`, where `!` marks
///   what failed, `~` what was cancelled and `…` what still runs. Of executions that are not kept there are the
///   outermost stages only;
/// * `stage_count`, on all levels, and `omitted`, for which there was no place;
/// * `error`, `error_type`, `error_category` and `error_code`, if it failed;
/// * `failed_stages`, each with the code or else the category of its error, as in `2_CHARGE:CARD_DECLINED`;
/// * `metadata`, what was noted of the execution, as in `tier=premium name="Ada L."`, with quotes where they are needed.
///
/// Each of the texts that are made of several parts (`stages`, `failed_stages`, `metadata`) ends in `…` where it was cut, after 2 KiB. So a
/// line is about 8 KiB at most.
///
/// For Cloud Logging it is an operation of its own, with the `execution_id` for its id, which this line is the first and the last of
/// ([`OneLine`]).
///
/// One line each is what people look for when they ask what became of a request, and what figures can be made of that nobody thought of
/// before. It is also one line each: about as much as an access log. A service with more than that in mind keeps to [`Kept`](Self::Kept), or
/// leaves `core_track` at WARN, where the line is not even made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CanonicalLine {
    /// Of all, whether they are kept or not.
    #[default]
    All,
    /// Of those that are kept: the share that is sampled, what failed, what was slow and what was asked for.
    Kept,
    /// Of none.
    None,
}

/// How long a text of several parts is when it is cut.
const TEXT_LEN_MAX: usize = 2048;

/// What stands in the line.
struct Line<'l> {
    operation: &'static str,
    id: &'l str,
    outcome: Option<Outcome>,
    kept: Option<Kept>,
    duration: Duration,
    stage_count: usize,
    omitted: u64,
    failed: Option<String>,
    error: Option<&'l str>,
    error_type: Option<&'static str>,
    error_category: Option<Category>,
    error_code: Option<Code>,
    metadata: Option<String>,
    stages: String,
}

/// Parts of a text, one behind the other, as many as fit.
#[derive(Default)]
struct Parts(String);

/// A value beside its key: in quotes where it could be taken for something else.
struct Quoted<'v>(&'v str);

/// Whether anybody listens to the line of an execution that went well.
pub(crate) fn is_wanted() -> bool {
    tracing::enabled!(target: "core_track", tracing::Level::INFO)
}

/// The line of an execution that is kept.
pub(crate) fn write_kept(summary: &Summary) {
    let is_wanted = match summary.kept {
        Some(Kept::Failed) => tracing::enabled!(target: "core_track", tracing::Level::WARN),
        _ => is_wanted(),
    };
    if !is_wanted {
        return;
    }
    let mut stages = Parts::default();
    for stage in summary.stages() {
        stage.each(0, &mut |_, StageSummary { stage_id, duration, outcome, .. }| {
            stages.stage(stage_id, *duration, *outcome);
        });
    }
    Line {
        operation: summary.operation,
        id: &summary.id,
        outcome: summary.outcome,
        kept: summary.kept,
        duration: summary.duration,
        stage_count: summary.stage_count(),
        omitted: summary.omitted,
        failed: failed(&summary.failed_stages()),
        error: summary.error_message.as_deref(),
        error_type: summary.error_type,
        error_category: summary.error_category,
        error_code: summary.error_code,
        metadata: metadata(summary.metadata().iter().map(|(key, value)| (*key, value.as_str()))),
        stages: stages.0,
    }
    .tell();
}

/// The line of one that is not: without a summary of it, and with its outermost stages.
pub(crate) fn write(execution: &Inner, outcome: Outcome, now: u64) {
    let records = execution.arena.records();
    let mut stages = Parts::default();
    let outermost = records.iter().map(|(_, record)| record).filter(|record| record.parent.is_none());
    for (place, record) in outermost.enumerate() {
        let (stage_id, _) = identify(execution.operation.stage_name(record.name), &(place + 1).to_string());
        let (took, outcome) = match record.state {
            State::Running => (now.saturating_sub(record.started), None),
            State::Ended(outcome) => (record.took, Some(outcome)),
        };
        stages.stage(&stage_id, Duration::from_nanos(took), outcome);
    }
    let own = execution.failures().own.clone();
    let class: Option<Class> = own.as_ref().and_then(|own| own.class);
    let mut notes = execution.notes.all();
    notes.retain(|note| note.of.is_none());
    notes.sort_by_key(|note| note.key);
    Line {
        operation: execution.operation.name,
        id: &execution.id,
        outcome: Some(outcome),
        kept: None,
        duration: Duration::from_nanos(now.saturating_sub(execution.started)),
        stage_count: records.len(),
        omitted: execution.omitted.load(Ordering::Relaxed),
        failed: None,
        error: own.as_ref().map(|own| own.message.as_str()),
        error_type: own.as_ref().and_then(|own| own.of),
        error_category: class.map(|class| class.category),
        error_code: class.and_then(|class| class.code),
        metadata: metadata(notes.iter().map(|Note { key, value, .. }| (*key, value.as_str()))),
        stages: stages.0,
    }
    .tell();
}

// === impl Line ===

impl Line<'_> {
    fn tell(&self) {
        let outcome = self.outcome.map_or("running", Outcome::as_str);
        let id = OneLine::new(self.id);
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "core_track",
                    operation = self.operation,
                    execution_id = &id as &(dyn Error + 'static),
                    outcome,
                    kept = self.kept.map(Kept::as_str),
                    duration_ms = millis(self.duration),
                    stage_count = self.stage_count,
                    omitted = self.omitted,
                    failed_stages = self.failed,
                    error = self.error,
                    error_type = self.error_type,
                    error_category = self.error_category.map(Category::as_str),
                    error_code = self.error_code.map(Code::as_str),
                    metadata = self.metadata,
                    stages = self.stages,
                    "execution {outcome}",
                )
            };
        }
        if self.kept == Some(Kept::Failed) { line!(warn) } else { line!(info) }
    }
}

fn failed(stages: &[FailedStage]) -> Option<String> {
    let mut parts = Parts::default();
    for FailedStage { stage_id, error_code, error_category, .. } in stages {
        match (error_code, error_category) {
            (Some(code), _) => parts.push(format_args!("{stage_id}:{code}")),
            (None, Some(category)) => parts.push(format_args!("{stage_id}:{category}")),
            (None, None) => parts.push(format_args!("{stage_id}")),
        }
    }
    parts.any()
}

fn metadata<'n>(notes: impl Iterator<Item = (&'static str, &'n str)>) -> Option<String> {
    let mut parts = Parts::default();
    notes.for_each(|(key, value)| parts.push(format_args!("{key}={}", Quoted(value))));
    parts.any()
}

// === impl Parts ===

impl Parts {
    fn push(&mut self, part: fmt::Arguments<'_>) {
        if self.0.len() > TEXT_LEN_MAX {
            if !self.0.ends_with(" …") {
                self.0.push_str(" …");
            }
            return;
        }
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        // Writing into a text cannot fail.
        let _ = self.0.write_fmt(part);
    }

    fn stage(&mut self, stage_id: &str, duration: Duration, outcome: Option<Outcome>) {
        let mark = match outcome {
            Some(Outcome::Succeeded) => "",
            Some(Outcome::Failed) => "!",
            Some(Outcome::Cancelled) => "~",
            None => "…",
        };
        let ms = millis(duration);
        self.push(format_args!("{stage_id}={ms:.2}{mark}"));
    }

    /// The text, if there is any.
    fn any(self) -> Option<String> {
        (!self.0.is_empty()).then_some(self.0)
    }
}

// === impl Quoted ===

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |c: char| !(c.is_whitespace() || c.is_control() || matches!(c, '"' | '='));
        if !self.0.is_empty() && self.0.chars().all(is_plain) {
            f.write_str(self.0)
        } else {
            write!(f, "{:?}", self.0)
        }
    }
}
