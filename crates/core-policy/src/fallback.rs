//! What to answer where a call has none (rule FB-1).

use core_errors::Classify;

use crate::CallError;

/// What `call` comes to, or `fallback` where that [is handled](CallError::is_handled). For calls that are no policy's own, as those of
/// hedges; policies have it as `call_or`.
///
/// # Errors
/// What `fallback` returns, or the error that it does not run for.
///
/// # Cancel safety
/// As the call. What that came to is recorded before `fallback` starts, so dropping `fallback` changes nothing.
///
/// # Cost
/// The future has room for `call` twice, where it is given and where it runs. That of `call_or` has it once.
pub async fn or_else<T, E: Classify>(
    call: impl Future<Output = Result<T, CallError<E>>>,
    fallback: impl AsyncFnOnce(CallError<E>) -> Result<T, CallError<E>>,
) -> Result<T, CallError<E>> {
    let error = match call.await {
        Err(error) if error.is_handled() => error,
        result => return result,
    };
    fallback(error).await
}

// === impl CallError ===

impl<E: Classify> CallError<E> {
    /// Whether a fallback may answer instead: the callee failed, or a policy refused or stopped the call. Not for errors that say nothing
    /// about the callee, as a request that was wrong: those are the caller's answer.
    pub fn is_handled(&self) -> bool {
        self.inner().is_none_or(|error| error.verdict().is_failure())
    }
}

impl<E> CallError<E> {
    /// The answer of a fallback if there is one and it passes `is_valid`, else this error.
    ///
    /// What a fallback has is old, made up, or from elsewhere, and whoever can make a callee fail chooses when it is used: check it as if it came
    /// from outside.
    ///
    /// ```
    /// # use core_errors::Error;
    /// # use core_policy::CallError;
    /// # struct Price { cents: u64, age: std::time::Duration }
    /// # fn cached() -> Option<Price> { Some(Price { cents: 700, age: core_time::secs(90) }) }
    /// // In a fallback: `async |error| …`
    /// # let error = CallError::Failed(Error::network("gone"));
    /// let answer = error.or_valid(cached(), |price| price.cents > 0 && price.age < core_time::secs(60));
    /// assert!(answer.is_err(), "too old: the caller gets what the call came to");
    /// ```
    ///
    /// # Errors
    /// This error, if there is no answer or it is not valid.
    pub fn or_valid<T>(self, answer: Option<T>, is_valid: impl FnOnce(&T) -> bool) -> Result<T, Self> {
        answer.filter(is_valid).ok_or(self)
    }
}
