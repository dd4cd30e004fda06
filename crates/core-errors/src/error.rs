use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::{Category, Class, Classify, Code, Problem, Recovery, Rejection, class_of};

/// A failure: what, where, why, and whether trying again helps. One word wide.
///
/// `Display` prints the public text only; `{:#}` adds the causes; `Debug` is the full report for people who run the
/// service. What a client may see is [`to_problem`](Self::to_problem).
pub struct Error(Box<Inner>);

struct Inner {
    category: Category,
    recovery: Recovery,
    code: Option<Code>,
    message: Cow<'static, str>,
    internal: Option<Cow<'static, str>>,
    operation: Cow<'static, str>,
    retry_after: Option<Duration>,
    metadata: Vec<Metadata>,
    location: &'static Location<'static>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// One fact about an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub key: &'static str,
    /// Its value.
    pub value: Cow<'static, str>,
    /// Who may see it.
    pub visibility: Visibility,
}

/// Who may see a fact about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Clients too.
    Public,
    /// Those who run the service: it is written to logs.
    Internal,
    /// Nobody: it is kept for code to read and printed as `***`.
    Sensitive,
}

/// More facts than this are not kept: an error is no database.
const METADATA_MAX: usize = 32;

macro_rules! constructors {
    ($($(#[doc = $doc:literal])+ $name:ident => $category:ident;)+) => { $(
        $(#[doc = $doc])+
        #[doc = concat!("\n\nOf category [`Category::", stringify!($category), "`].")]
        #[must_use]
        #[track_caller]
        pub fn $name(message: impl Into<Cow<'static, str>>) -> Self {
            Self::new(Category::$category, message)
        }
    )+ };
}

// === impl Error ===

impl Error {
    /// A failure of a category, with text that a client may see. Costs one allocation.
    #[must_use]
    #[track_caller]
    pub fn new(category: Category, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            category,
            recovery: category.recovery(),
            code: None,
            message: message.into(),
            internal: None,
            operation: Cow::Borrowed(""),
            retry_after: None,
            metadata: Vec::new(),
            location: Location::caller(),
            source: None,
        }))
    }

    constructors! {
        /// The ground under the service gave way.
        infrastructure => Infrastructure;
        /// The connection failed.
        network => Network;
        /// No answer in time.
        timeout => Timeout;
        /// The request is wrong.
        validation => Validation;
        /// The caller is not known.
        authentication => Authentication;
        /// The caller may not do this.
        authorization => Authorization;
        /// The service was set up wrongly.
        configuration => Configuration;
        /// A service that we call failed.
        external_service => ExternalService;
        /// The caller asked too often.
        rate_limit => RateLimit;
        /// What was asked for does not exist.
        not_found => Resource;
        /// The request contradicts the present state.
        conflict => Conflict;
        /// A pool, queue or quota is used up.
        resource_exhausted => ResourceExhausted;
        /// The service cannot answer now.
        unavailable => Unavailable;
        /// The caller went away.
        cancelled => Cancelled;
        /// Stored data is wrong or lost.
        data => Data;
        /// A bug.
        internal => Internal;
    }

    /// Converts any error, keeping it as the cause. Never panics.
    ///
    /// An [`Error`] comes back as itself. The category is that of the first known error of the chain. The text of a
    /// foreign error is not shown to clients: the public text is the category's title.
    #[must_use]
    #[track_caller]
    pub fn convert(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(ours) => *ours,
            Err(foreign) => {
                let Class { category, recovery, retry_after, code } = class_of(foreign.as_ref());
                let mut error = Self::new(category, category.title()).with_recovery(recovery);
                error.0.retry_after = retry_after;
                error.0.code = code;
                error.0.source = Some(foreign);
                error
            }
        }
    }

    /// Converts an error that classifies itself, keeping it as the cause.
    ///
    /// Category, recovery, code and hint are its own answers. Its text is not shown to clients: the public text is the
    /// category's title. Costs one allocation more than [`new`](Self::new), for the cause.
    #[must_use]
    #[track_caller]
    pub fn classified<E>(error: E) -> Self
    where
        E: Classify + StdError + Send + Sync + 'static,
    {
        let category = error.category();
        let mut classified = Self::new(category, category.title()).with_recovery(error.recovery());
        classified.0.retry_after = error.retry_after();
        classified.0.code = error.code();
        classified.cause(error)
    }

    /// Sets the stable name.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.0.code = Some(code);
        self
    }

    /// Says what helps, where the error knows better than its category.
    #[must_use]
    pub fn with_recovery(mut self, recovery: Recovery) -> Self {
        self.0.recovery = recovery;
        self
    }

    /// Says when trying again is worth it.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Adds text for those who run the service. Clients never see it.
    #[must_use]
    pub fn with_internal(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.0.internal = Some(text.into());
        self
    }

    /// Adds a fact that is written to logs. Facts after the 32nd are dropped.
    #[must_use]
    pub fn with(self, key: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.with_visible(key, value, Visibility::Internal)
    }

    /// Adds a fact and says who may see it. Facts after the 32nd are dropped.
    #[must_use]
    pub fn with_visible(
        mut self,
        key: &'static str,
        value: impl Into<Cow<'static, str>>,
        visibility: Visibility,
    ) -> Self {
        if self.0.metadata.len() < METADATA_MAX {
            self.0.metadata.push(Metadata { key, value: value.into(), visibility });
        }
        self
    }

    /// Names the operation that failed. Naming it again further out gives `outer.inner`.
    #[must_use]
    pub fn op(mut self, operation: impl Into<Cow<'static, str>>) -> Self {
        let outer = operation.into();
        self.0.operation =
            if self.0.operation.is_empty() { outer } else { format!("{outer}.{}", self.0.operation).into() };
        self
    }

    /// Sets what caused it.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(cause.into());
        self
    }

    /// The text that clients may see.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The text for those who run the service.
    #[must_use]
    pub fn internal_message(&self) -> Option<&str> {
        self.0.internal.as_deref()
    }

    /// The operation that failed; outer names first, joined by dots.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        Some(&*self.0.operation).filter(|op| !op.is_empty())
    }

    /// The facts, in the order in which they were added.
    #[must_use]
    pub fn metadata(&self) -> &[Metadata] {
        &self.0.metadata
    }

    /// Where it was made.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.0.location
    }

    /// The kind of failure.
    #[must_use]
    pub fn category(&self) -> Category {
        self.0.category
    }

    /// What helps against it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        self.0.recovery
    }

    /// The stable name.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.0.code
    }

    /// When trying again is worth it.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What an HTTP client may know of it.
    #[must_use]
    pub fn to_problem(&self) -> Problem {
        Problem::of(self)
    }

    /// The causes, nearest first.
    fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        std::iter::successors(self.source(), |&e| e.source()).take(32)
    }
}

impl Classify for Error {
    fn recovery(&self) -> Recovery {
        self.0.recovery
    }

    fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    fn category(&self) -> Category {
        self.0.category
    }

    fn code(&self) -> Option<Code> {
        self.0.code
    }
}

impl From<Rejection> for Error {
    #[track_caller]
    fn from(rejection: Rejection) -> Self {
        let mut error = Self::new(rejection.category(), rejection.public_message());
        error.0.recovery = rejection.recovery();
        error.0.retry_after = rejection.retry_after();
        error.0.code = Some(rejection.reason().code());
        error.cause(rejection)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if f.alternate() {
            let mut said = self.0.message.to_string();
            for cause in self.causes() {
                let text = cause.to_string();
                // Many errors already print their cause; saying it twice helps nobody.
                if !said.ends_with(&text) {
                    write!(f, ": {text}")?;
                }
                said = text;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] ", self.0.category)?;
        if let Some(code) = self.0.code {
            write!(f, "{code} ")?;
        }
        if let Some(operation) = self.operation() {
            write!(f, "{operation}: ")?;
        }
        write!(f, "{self:#}")?;
        if let Some(internal) = &self.0.internal {
            write!(f, " ({internal})")?;
        }
        for fact in &self.0.metadata {
            write!(f, " {}={:?}", fact.key, fact.shown())?;
        }
        write!(f, " at {}", self.0.location)
    }
}

// === impl Metadata ===

impl Metadata {
    /// The value, or `***` if it is sensitive.
    #[must_use]
    pub fn shown(&self) -> &str {
        if self.visibility == Visibility::Sensitive { "***" } else { &self.value }
    }
}
