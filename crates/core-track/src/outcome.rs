use serde::Serialize;

/// What came of an execution or a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was finished.
    Succeeded,
    /// It was said to have failed, or panicked.
    Failed,
    /// It was cut off: neither success nor failure, and how long it took until then is in no percentile.
    Cancelled,
}

// === impl Outcome ===

impl Outcome {
    /// As in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}
