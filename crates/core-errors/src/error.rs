//! The error of the house, and what is said about it: made in `construct`, printed in `show`.

mod construct;
mod show;

use std::backtrace::Backtrace;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::foreign::without_secrets;
use crate::{
    Category, Classify, Code, Delivery, ErrorContext, Metadata, Problem, Recovery, RemoteError, Value,
    Verdict, Visibility,
};

/// A failure: what, where, why, and whether trying again helps. One word wide.
///
/// `Display` prints the public text only; `{:#}` adds the texts of the causes, for logs; `Debug` is the full report for
/// people who run the service. What a client may see is [`to_problem`](Self::to_problem), what goes to a log as JSON is
/// `for_log` (feature `serde`).
pub struct Error(Box<Inner>);

struct Inner {
    category: Category,
    recovery: Recovery,
    /// That of the error it was made from. Otherwise recovery, category and hint decide.
    verdict: Option<Verdict>,
    idempotent_only: bool,
    delivery: Delivery,
    forbids_retry: bool,
    code: Option<Code>,
    message: Cow<'static, str>,
    operation: Cow<'static, str>,
    retry_after: Option<Duration>,
    metadata: Vec<Metadata>,
    location: &'static Location<'static>,
    context: Option<Arc<dyn ErrorContext>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    aside: Option<Box<Aside>>,
}

/// What few errors have: apart, so that the others need not be made and dropped with it.
#[derive(Default)]
struct Aside {
    internal: Option<Cow<'static, str>>,
    backtrace: Option<Backtrace>,
}

/// More facts than this are not kept: an error is no database.
const METADATA_MAX: usize = 32;

/// No chain of causes is followed further: nobody reads more, and a cycle must end.
pub(crate) const CAUSES_MAX: usize = 32;

/// The longest name of an operation, in bytes. Naming further out stops there, so that recursion costs no memory.
const OPERATION_MAX: usize = 512;

// === impl Error ===

impl Error {
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
        self.0.verdict = None;
        self
    }

    /// Says whether the call may have taken effect although it failed, where the error knows better than its category:
    /// then only a call that may be made twice may be tried again.
    #[must_use]
    pub fn with_idempotent_only(mut self, only: bool) -> Self {
        self.0.idempotent_only = only;
        self
    }

    /// Says how far the request came, where the client knows: a call that certainly had no effect may always be tried again.
    #[must_use]
    pub fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.0.delivery = delivery;
        self.0.idempotent_only &= !delivery.had_no_effect();
        self
    }

    /// Says that the callee asked not to be tried again: it is of no use, whatever kind it is, and budgets of retries take it for a failure.
    #[must_use]
    pub fn forbidding_retry(mut self) -> Self {
        self.0.forbids_retry = true;
        self.with_recovery(Recovery::Fatal)
    }

    /// Says when trying again is worth it.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self.0.verdict = None;
        self
    }

    /// Replaces the text that clients may see.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Adds text for those who run the service. Clients never see it.
    #[must_use]
    pub fn with_internal(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.0.aside.get_or_insert_default().internal = Some(text.into());
        self
    }

    /// Adds a fact that is written to logs. Facts after the 32nd are dropped.
    #[must_use]
    pub fn with(self, key: &'static str, value: impl Into<Value>) -> Self {
        self.with_visible(key, value, Visibility::Internal)
    }

    /// Adds a fact that clients may see, too. Facts after the 32nd are dropped.
    #[must_use]
    pub fn with_public(self, key: &'static str, value: impl Into<Value>) -> Self {
        self.with_visible(key, value, Visibility::Public)
    }

    /// Adds a fact, in place of one of the same name, and says who may see it. Facts after the 32nd are dropped.
    #[must_use]
    pub fn with_visible(
        mut self,
        key: &'static str,
        value: impl Into<Value>,
        visibility: Visibility,
    ) -> Self {
        let fact = Metadata { key, value: value.into(), visibility };
        let facts = &mut self.0.metadata;
        match facts.iter().position(|known| known.key == key) {
            Some(at) => facts[at] = fact,
            None if facts.len() < METADATA_MAX => facts.push(fact),
            None => {}
        }
        self
    }

    /// Names the operation that failed. Naming it again further out gives `outer.inner`; past 512 bytes nothing is added.
    #[must_use]
    pub fn op(mut self, operation: impl Into<Cow<'static, str>>) -> Self {
        let outer = operation.into();
        let inner = &self.0.operation;
        if inner.is_empty() {
            self.0.operation = outer;
        } else if outer.len() + inner.len() < OPERATION_MAX {
            self.0.operation = format!("{outer}.{inner}").into();
        }
        self
    }

    /// Sets what caused it. Of an error of reqwest the URL is kept up to its path: what follows may be a secret.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(without_secrets(cause.into()));
        self
    }

    /// Says for whom it was made, in place of the context that was current then.
    #[must_use]
    pub fn in_context(mut self, context: impl Into<Arc<dyn ErrorContext>>) -> Self {
        self.0.context = Some(context.into());
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
        self.0.aside.as_ref()?.internal.as_deref()
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

    /// The first fact of that name.
    #[must_use]
    pub fn fact(&self, key: &str) -> Option<&Metadata> {
        self.0.metadata.iter().find(|fact| fact.key == key)
    }

    /// Where it was made.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.0.location
    }

    /// For whom it was made: what was current then.
    #[must_use]
    pub fn context(&self) -> Option<&dyn ErrorContext> {
        self.0.context.as_deref()
    }

    /// How the code came to where it was made, if the [policy](crate::BacktracePolicy) asked for that.
    #[must_use]
    pub fn backtrace(&self) -> Option<&Backtrace> {
        self.0.aside.as_ref()?.backtrace.as_ref()
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

    /// Whether the call may have taken effect although it failed: then only a call that may be made twice may be tried
    /// again.
    #[must_use]
    pub fn idempotent_only(&self) -> bool {
        self.0.idempotent_only
    }

    /// How far the request came.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        self.0.delivery
    }

    /// The stable name that this service gave it. What another service called it is in [`remote`](Self::remote), and
    /// [`has_code`](Self::has_code) knows both.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.0.code
    }

    /// Whether it, or an error of ours or of another service among its causes, has that name.
    #[must_use]
    pub fn has_code(&self, code: Code) -> bool {
        let of_remote = |remote: &RemoteError| remote.code.as_deref() == Some(code.as_str());
        let has = |cause: &(dyn StdError + 'static)| {
            cause.downcast_ref().is_some_and(|ours: &Self| ours.code() == Some(code))
                || cause.downcast_ref().is_some_and(of_remote)
        };
        self.0.code == Some(code) || self.causes().any(has)
    }

    /// When trying again is worth it.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What another service said, if that is what caused it.
    #[must_use]
    pub fn remote(&self) -> Option<&RemoteError> {
        self.causes().find_map(|cause| cause.downcast_ref())
    }

    /// The cause at the end of the chain.
    #[must_use]
    pub fn root_cause(&self) -> Option<&(dyn StdError + 'static)> {
        self.causes().last()
    }

    /// What an HTTP client may know of it.
    #[must_use]
    pub fn to_problem(&self) -> Problem {
        Problem::of(self)
    }

    /// The causes, nearest first; 32 at most.
    pub fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        std::iter::successors(self.source(), |&e| e.source()).take(CAUSES_MAX)
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

    fn idempotent_only(&self) -> bool {
        self.0.idempotent_only
    }

    fn delivery(&self) -> Delivery {
        self.0.delivery
    }

    fn forbids_retry(&self) -> bool {
        self.0.forbids_retry
    }

    /// That of the error it was made from, unless recovery or hint were set since: a refusal stays one.
    fn verdict(&self) -> Verdict {
        let Inner { recovery, category, retry_after, verdict, .. } = &*self.0;
        verdict.unwrap_or_else(|| Verdict::of_class(*recovery, *category, *retry_after))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
