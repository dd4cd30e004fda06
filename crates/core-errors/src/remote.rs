#[cfg(feature = "json")]
mod json;

use std::fmt;
use std::time::Duration;

use crate::{Category, Classify, Recovery, Verdict};

#[cfg(feature = "json")]
pub use json::RemoteErrorInvalid;

/// What another service said of its failure: read from its problem document, its report, or its gRPC status.
///
/// It keeps its own kind, recovery and hint: what the callee knew, the caller knows. Kinds that this version does not know read as
/// [`Category::Unknown`]. As an [`Error`](crate::Error) it is the cause, and neither its text nor its kind is public.
///
/// Texts are cut off at 2 KiB, and of facts and causes the first 32 are kept, whatever the other side sent.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct RemoteError {
    /// The service that failed, if it says.
    pub service: Option<String>,
    /// The kind of failure.
    pub category: Category,
    /// What helps against it.
    pub recovery: Recovery,
    /// Whether the call may have taken effect.
    pub idempotent_only: bool,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// The stable name.
    pub code: Option<String>,
    /// Its public text.
    pub message: String,
    /// The operation that failed there.
    pub operation: Option<String>,
    /// The id under which it is in the logs there.
    pub correlation_id: Option<String>,
    /// Its facts, as text.
    pub metadata: Vec<(String, String)>,
    /// The texts of its causes, nearest first.
    pub causes: Vec<String>,
}

/// How many facts and causes of another service are kept.
#[cfg(any(feature = "json", feature = "tonic"))]
pub(crate) const LIST_MAX: usize = 32;

#[cfg(any(feature = "json", feature = "tonic"))]
const TEXT_MAX: usize = 2_048;

// === impl RemoteError ===

impl RemoteError {
    /// A failure of that kind, with its public text.
    #[must_use]
    pub fn new(category: Category, message: impl Into<String>) -> Self {
        Self {
            service: None,
            category,
            recovery: category.recovery(),
            idempotent_only: category.idempotent_only(),
            retry_after: None,
            code: None,
            message: message.into(),
            operation: None,
            correlation_id: None,
            metadata: Vec::new(),
            causes: Vec::new(),
        }
    }
}

/// Cut off where it is too long, between characters.
#[cfg(any(feature = "json", feature = "tonic"))]
pub(crate) fn bounded(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_MAX)].to_owned()
}

impl Classify for RemoteError {
    fn recovery(&self) -> Recovery {
        self.recovery
    }

    fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    fn category(&self) -> Category {
        self.category
    }

    fn idempotent_only(&self) -> bool {
        self.idempotent_only
    }

    fn verdict(&self) -> Verdict {
        match self.category {
            // It was cancelled over there: we did not go away.
            Category::Cancelled => Verdict::of_class(self.recovery, Category::Unknown, self.retry_after),
            category => Verdict::of_class(self.recovery, category, self.retry_after),
        }
    }
}

/// Its kind is what the failure is to us: see [`Class::of_callee`](crate::Class::of_callee). What it was to the callee is in
/// [`Error::remote`](crate::Error::remote).
impl From<RemoteError> for crate::Error {
    #[track_caller]
    fn from(remote: RemoteError) -> Self {
        Self::of_class(crate::Class::of(&remote).of_callee(), Box::new(remote))
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} said: {}",
            self.service.as_deref().unwrap_or("the service that was called"),
            self.message
        )
    }
}

impl fmt::Debug for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] ", self.category)?;
        if let Some(code) = &self.code {
            write!(f, "{code} ")?;
        }
        write!(f, "{self}")?;
        if let Some(id) = &self.correlation_id {
            write!(f, " correlation_id={id}")?;
        }
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for RemoteError {}
