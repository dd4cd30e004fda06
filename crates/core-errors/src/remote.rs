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
/// The fields are what was said. What is made of it ([`Classify`]) believes that a retry is less safe than the kind of failure tells, and the
/// opposite only of a callee that is [trusted](Self::trusted): whoever asks to be called again without end must be of the house.
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
    /// Whether it asked not to be tried again.
    pub forbids_retry: bool,
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
    is_trusted: bool,
}

/// How many facts and causes of another service are kept.
#[cfg(any(feature = "json", feature = "tonic"))]
pub(crate) const LIST_MAX: usize = 32;

#[cfg(any(feature = "json", feature = "tonic"))]
const TEXT_MAX: usize = 2_048;

// === impl RemoteError ===

impl RemoteError {
    /// The longest hint that is believed: a day. A callee that asks for more means never, and every wait has a bound. Whether a hint is
    /// worth waiting for is for whoever waits: retries take no notice of one above their own bound.
    pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);

    /// A failure of that kind, with its public text.
    #[must_use]
    pub fn new(category: Category, message: impl Into<String>) -> Self {
        Self {
            service: None,
            category,
            recovery: category.recovery(),
            idempotent_only: category.idempotent_only(),
            forbids_retry: false,
            retry_after: None,
            code: None,
            message: message.into(),
            operation: None,
            correlation_id: None,
            metadata: Vec::new(),
            causes: Vec::new(),
            is_trusted: false,
        }
    }

    /// The failure of a callee that is trusted: its word holds also where it says that a retry is safer than its kind tells. Default: it does
    /// not.
    #[must_use]
    pub fn trusted(mut self) -> Self {
        self.is_trusted = true;
        self
    }
}

/// Cut off where it is too long, between characters.
#[cfg(any(feature = "json", feature = "tonic"))]
pub(crate) fn bounded(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_MAX)].to_owned()
}

impl Classify for RemoteError {
    fn recovery(&self) -> Recovery {
        let of_kind = self.category.recovery();
        let is_safe = self.is_trusted || of_kind.is_retriable() || !self.recovery.is_retriable();
        if is_safe { self.recovery } else { of_kind }
    }

    fn retry_after(&self) -> Option<Duration> {
        self.retry_after.map(|after| after.min(Self::RETRY_AFTER_MAX))
    }

    fn category(&self) -> Category {
        self.category
    }

    fn idempotent_only(&self) -> bool {
        self.idempotent_only || (!self.is_trusted && self.category.idempotent_only())
    }

    fn forbids_retry(&self) -> bool {
        self.forbids_retry
    }

    fn verdict(&self) -> Verdict {
        let category = match self.category {
            // It was cancelled over there: we did not go away.
            Category::Cancelled => Category::Unknown,
            category => category,
        };
        Verdict::of_class(Classify::recovery(self), category, Classify::retry_after(self))
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
