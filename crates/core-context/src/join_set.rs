use tokio::task::{AbortHandle, JoinError, JoinSet as Tokio};

use crate::{Context, Scoped};

/// Tasks that are waited for, each in the context in which it was started, deadline and all: tokio's `JoinSet`.
///
/// # Cancel safety
/// Dropping it aborts the tasks. [`join_next`](Self::join_next) is cancel safe.
#[derive(Debug)]
pub struct JoinSet<T>(Tokio<T>);

// === impl JoinSet ===

impl<T: 'static> JoinSet<T> {
    /// No tasks.
    #[must_use]
    pub fn new() -> Self {
        Self(Tokio::new())
    }

    /// How many tasks there are, ended ones that nobody has asked for included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Starts a task in the current context.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[expect(clippy::disallowed_methods, reason = "this is one of the places that start tasks")]
    pub fn spawn<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.0.spawn(Scoped::in_current(future))
    }

    /// Runs a closure on the blocking pool, in the current context.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[expect(clippy::disallowed_methods, reason = "this is one of the places that start tasks")]
    pub fn spawn_blocking(&mut self, run: impl FnOnce() -> T + Send + 'static) -> AbortHandle
    where
        T: Send,
    {
        let context = Context::current();
        self.0.spawn_blocking(move || match context {
            Some(context) => context.sync_scope(run),
            None => run(),
        })
    }

    /// The next task that ends; `None` if there are none.
    ///
    /// # Errors
    /// If the task panicked or was aborted.
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.0.join_next().await
    }

    /// The next task that has ended already, if one has.
    ///
    /// # Errors
    /// If the task panicked or was aborted.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.0.try_join_next()
    }

    /// Waits for all, in the order in which they end.
    ///
    /// # Panics
    /// If a task panicked: the panic goes on.
    pub async fn join_all(self) -> Vec<T> {
        self.0.join_all().await
    }

    /// Aborts all, which ends them at their next await.
    pub fn abort_all(&mut self) {
        self.0.abort_all();
    }

    /// Aborts all, and waits until they have ended.
    pub async fn shutdown(&mut self) {
        self.0.shutdown().await;
    }

    /// Lets all go on without anybody waiting for them.
    pub fn detach_all(&mut self) {
        self.0.detach_all();
    }
}

impl<T: 'static> Default for JoinSet<T> {
    fn default() -> Self {
        Self::new()
    }
}
