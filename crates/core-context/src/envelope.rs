use std::fmt;

use crate::{Context, Scoped};

/// A value and the context in which it was sent: for channels and queues, whose other end has a context of its own.
///
/// ```
/// use core_context::{Context, WithContext};
///
/// let (sender, receiver) = std::sync::mpsc::channel();
/// let ctx = Context::new();
/// ctx.sync_scope(|| sender.send(WithContext::new("order 7"))).unwrap();
///
/// let id = receiver.recv().unwrap().run(|order| {
///     assert_eq!(order, "order 7");
///     Context::current_correlation_id()
/// });
/// assert_eq!(id.as_ref(), Some(ctx.correlation_id()));
/// ```
#[derive(Clone)]
pub struct WithContext<T> {
    value: T,
    context: Option<Context>,
}

// === impl WithContext ===

impl<T> WithContext<T> {
    /// Puts the current context to a value, without its deadline: whoever sends does not wait. None if there is none.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self { value, context: Context::current().map(|context| context.detached()) }
    }

    /// Puts a given context to a value, deadline and all: for senders that wait for an answer.
    #[must_use]
    pub fn with(value: T, context: Context) -> Self {
        Self { value, context: Some(context) }
    }

    /// The context.
    #[must_use]
    pub fn context(&self) -> Option<&Context> {
        self.context.as_ref()
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Both.
    #[must_use]
    pub fn into_parts(self) -> (T, Option<Context>) {
        (self.value, self.context)
    }

    /// Handles the value in its context; in a new one if it came without.
    pub fn run<R>(self, handle: impl FnOnce(T) -> R) -> R {
        self.context.unwrap_or_default().sync_scope(|| handle(self.value))
    }

    /// Handles the value in its context, asynchronously; in a new one if it came without.
    pub fn scope<F: Future>(self, handle: impl FnOnce(T) -> F) -> Scoped<F> {
        let context = self.context.unwrap_or_default();
        let future = context.sync_scope(|| handle(self.value));
        context.scope(future)
    }
}

impl<T: fmt::Debug> fmt::Debug for WithContext<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithContext").field("value", &self.value).finish_non_exhaustive()
    }
}
