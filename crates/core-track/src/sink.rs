use std::fmt::Write as _;

use crate::live::millis;
use crate::summary::{Outcome, StageSummary, Summary};

/// Who is told of each execution that is kept, when it ends.
///
/// It runs when and on the thread where the execution ends, in the context in which that started, with no lock held; what takes long belongs elsewhere. A panic of it stays inside.
pub trait Sink: Send + Sync {
    /// One that is kept.
    fn kept(&self, summary: &Summary);
}

/// One `tracing` event for each execution: target `core_track`, WARN for what failed and INFO for the rest.
///
/// Its fields are `operation`, `execution_id`, `outcome`, `kept`, `duration_ms`, `stage_count`, `omitted`, `failed_stages`, `error`,
/// `metadata`, what was noted of the execution, and `stages`, a text like `1_LOAD=12.31 1.1_CACHE_LOOKUP=3.05 2_CHARGE=40.77!`, in milliseconds, where `!` marks what failed and `…` what
/// still runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line;

/// The longest text of stages.
const STAGES_LEN_MAX: usize = 2048;

// === impl Line ===

impl Sink for Line {
    fn kept(&self, summary: &Summary) {
        let outcome = summary.outcome.map_or("running", Outcome::as_str);
        let kept = summary.kept.map_or("", crate::Kept::as_str);
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "core_track",
                    operation = summary.operation,
                    execution_id = &*summary.id,
                    outcome,
                    kept,
                    duration_ms = millis(summary.duration),
                    stage_count = summary.stage_count(),
                    omitted = summary.omitted,
                    failed_stages = failed(summary),
                    error = summary.error_message,
                    metadata = metadata(summary),
                    stages = stages(summary),
                    "execution {outcome}",
                )
            };
        }
        if kept == "failed" { line!(warn) } else { line!(info) }
    }
}

impl<F: Fn(&Summary) + Send + Sync> Sink for F {
    fn kept(&self, summary: &Summary) {
        self(summary);
    }
}

fn failed(summary: &Summary) -> String {
    let failed: Vec<_> = summary.failed_stages().into_iter().map(|stage| stage.stage_id).collect();
    failed.join(" ")
}

fn metadata(summary: &Summary) -> Option<String> {
    let all: Vec<_> = summary.metadata().iter().map(|(key, value)| format!("{key}={value}")).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

fn stages(summary: &Summary) -> String {
    let mut text = String::new();
    for stage in summary.stages() {
        stage.each(0, &mut |_, stage| show(stage, &mut text));
    }
    text
}

fn show(stage: &StageSummary, text: &mut String) {
    if text.len() > STAGES_LEN_MAX {
        if !text.ends_with(" …") {
            text.push_str(" …");
        }
        return;
    }
    let mark = match (stage.success, stage.ended) {
        (false, _) => "!",
        (true, false) => "…",
        (true, true) => "",
    };
    let space = if text.is_empty() { "" } else { " " };
    let ms = millis(stage.duration);
    // Writing into a text cannot fail.
    let _ = write!(text, "{space}{}={ms:.2}{mark}", stage.stage_id);
}
