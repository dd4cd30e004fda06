//! What to answer while the callee does not.

use core_errors::Classify;
use core_policy::{Attempt, CallError};

use crate::breaker::Breaker;

// === impl Breaker ===

impl Breaker {
    /// Runs a call, and `fallback` where the call was refused or failed by the callee's fault (rule FB-1).
    ///
    /// `fallback` gets the original error, to attach it to what it answers or to return it with its own. It does not run for
    /// errors that say nothing about the callee, as a request that was wrong: those are the caller's answer.
    ///
    /// ```
    /// # async fn f(breaker: &core_breaker::Breaker) -> Result<u64, core_policy::CallError<core_errors::Error>> {
    /// # async fn price() -> Result<u64, core_errors::Error> { Ok(7) }
    /// let price = breaker.call_or(|_| price(), async |error| match error.rejection() {
    ///     Some(_) => Ok(6),      // the last one known
    ///     None => Err(error),
    /// });
    /// # price.await }
    /// ```
    ///
    /// # Errors
    /// What `fallback` returns, or the error that it does not run for.
    ///
    /// # Cancel safety
    /// As [`call`](Self::call). What the call came to is recorded before `fallback` starts, so dropping that changes nothing.
    pub async fn call_or<T, E, F>(
        &self,
        op: impl FnMut(Attempt) -> F,
        fallback: impl AsyncFnOnce(CallError<E>) -> Result<T, CallError<E>>,
    ) -> Result<T, CallError<E>>
    where
        E: Classify,
        F: Future<Output = Result<T, E>>,
    {
        match self.call(op).await {
            Err(error) if is_handled(&error) => fallback(error).await,
            result => result,
        }
    }

    /// The same on this thread.
    ///
    /// # Errors
    /// What `fallback` returns, or the error that it does not run for.
    pub fn call_or_blocking<T, E: Classify>(
        &self,
        op: impl FnMut(Attempt) -> Result<T, E>,
        fallback: impl FnOnce(CallError<E>) -> Result<T, CallError<E>>,
    ) -> Result<T, CallError<E>> {
        match self.call_blocking(op) {
            Err(error) if is_handled(&error) => fallback(error),
            result => result,
        }
    }
}

/// Whether it is the callee's failure, or a refusal on account of those.
fn is_handled<E: Classify>(error: &CallError<E>) -> bool {
    error.inner().is_none_or(|error| error.verdict().is_failure())
}
