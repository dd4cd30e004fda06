use std::future::Future;
use std::marker::PhantomData;

use crate::Attempt;

/// What is called: makes one future for each attempt. Closures `FnMut(Attempt) -> impl Future` are.
pub trait Op<T, E> {
    /// One attempt.
    type Future: Future<Output = Result<T, E>>;

    /// Whether the one attempt is in the call from its beginning.
    #[doc(hidden)]
    const IS_GIVEN: bool = false;

    /// Starts an attempt.
    fn attempt(&mut self, attempt: Attempt) -> Self::Future;
}

/// Stands in for what makes attempts where the one attempt is a future that was [given](crate::Call::given).
pub struct Given<F>(pub(super) PhantomData<fn() -> F>);

/// Names the two types of a future's result.
#[doc(hidden)]
pub trait CallOutput: Future<Output = Result<Self::Value, Self::Error>> {
    type Value;
    type Error;
}

// === impl Op ===

impl<T, E, F, Fut> Op<T, E> for F
where
    F: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    type Future = Fut;

    #[inline]
    fn attempt(&mut self, attempt: Attempt) -> Fut {
        self(attempt)
    }
}

impl<T, E, F: Future<Output = Result<T, E>>> Op<T, E> for Given<F> {
    type Future = F;

    const IS_GIVEN: bool = true;

    fn attempt(&mut self, _: Attempt) -> F {
        panic!("a policy that is AtMostOnce admits once")
    }
}

impl<F> std::fmt::Debug for Given<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Given")
    }
}

impl<T, E, F: Future<Output = Result<T, E>>> CallOutput for F {
    type Value = T;
    type Error = E;
}
