//! The methods that every policy has, written once.

/// Gives a policy its inherent shells: `call`, `call_blocking`, the same with a fallback, `classify`, and `layer` with the feature `tower`; with
/// `once` also `run`.
#[doc(hidden)]
#[macro_export]
macro_rules! policy_methods {
    ($policy:ty) => {
        impl $policy {
            /// Runs a call. `op` makes the future of each attempt. Nothing needs to be `Clone`.
            ///
            /// # Errors
            /// The call's own error or this policy's refusal, see [`CallError`]($crate::CallError).
            ///
            /// # Cancel safety
            /// Dropping the future gives back what it holds and counts as neither success nor failure.
            #[inline]
            pub fn call<T, E, F, O>(&self, op: O) -> $crate::Call<&Self, O, F, $crate::ByClass>
            where
                E: $crate::Classify,
                F: Future<Output = Result<T, E>>,
                O: FnMut($crate::Attempt) -> F,
            {
                $crate::Call::new(self, op, $crate::ByClass)
            }

            /// Runs a call on this thread, which waits where `call` would. The state is the same as that of `call`.
            ///
            /// # Errors
            /// The call's own error or this policy's refusal, see [`CallError`]($crate::CallError).
            pub fn call_blocking<T, E: $crate::Classify>(
                &self,
                op: impl FnMut($crate::Attempt) -> Result<T, E>,
            ) -> Result<T, $crate::CallError<E>> {
                $crate::call_blocking(self, op, &$crate::ByClass, None)
            }

            /// Runs a call, and `fallback` where it was refused, stopped, or failed by the callee's fault (rule FB-1).
            ///
            /// `fallback` gets the original error, to return it with its own, or where its answer is not
            /// [valid]($crate::CallError::or_valid). It does not run for errors that say nothing about the callee, as a request
            /// that was wrong: those are the caller's answer.
            ///
            /// # Errors
            /// What `fallback` returns, or the error that it does not run for.
            ///
            /// # Cancel safety
            /// As `call`. What the call came to is recorded before `fallback` starts, so dropping that changes nothing.
            pub async fn call_or<T, E, F>(
                &self,
                op: impl FnMut($crate::Attempt) -> F,
                fallback: impl AsyncFnOnce($crate::CallError<E>) -> Result<T, $crate::CallError<E>>,
            ) -> Result<T, $crate::CallError<E>>
            where
                E: $crate::Classify,
                F: Future<Output = Result<T, E>>,
            {
                // Not by `or_else`, and nothing else is kept: a future that is an argument has room twice, and so has a result that is.
                let error = match self.call(op).await {
                    Err(error) if error.is_handled() => error,
                    result => return result,
                };
                $crate::Policy::falls_back(self);
                fallback(error).await
            }

            /// The same on this thread.
            ///
            /// # Errors
            /// What `fallback` returns, or the error that it does not run for.
            pub fn call_or_blocking<T, E: $crate::Classify>(
                &self,
                op: impl FnMut($crate::Attempt) -> Result<T, E>,
                fallback: impl FnOnce($crate::CallError<E>) -> Result<T, $crate::CallError<E>>,
            ) -> Result<T, $crate::CallError<E>> {
                match self.call_blocking(op) {
                    Err(error) if error.is_handled() => {
                        $crate::Policy::falls_back(self);
                        fallback(error)
                    }
                    result => result,
                }
            }

            /// The same policy with a judge of its own: for errors that do not implement
            /// [`Classify`]($crate::Classify), and for `Ok` values that are failures.
            #[must_use]
            pub fn classify<J: Clone>(&self, judge: J) -> $crate::Classified<&Self, J> {
                $crate::Classified::new(self, judge)
            }
        }
    };
    ($policy:ty, once) => {
        $crate::policy_methods!($policy);

        impl $policy {
            /// Runs a future as the one attempt of a call.
            ///
            /// # Errors
            /// The call's own error or this policy's refusal, see [`CallError`]($crate::CallError).
            ///
            /// # Cancel safety
            /// As `call`.
            #[inline]
            pub fn run<T, E: $crate::Classify, F: Future<Output = Result<T, E>>>(
                &self,
                future: F,
            ) -> $crate::Call<&Self, $crate::Given<F>, F, $crate::ByClass> {
                $crate::Call::given(self, future, $crate::ByClass)
            }
        }

        impl $crate::AtMostOnce for $policy {}
    };
}

/// Gives a cloneable policy its tower layer.
#[doc(hidden)]
#[macro_export]
macro_rules! policy_layer {
    ($policy:ty, once) => {
        #[cfg(feature = "tower")]
        impl $policy {
            /// A layer that puts this policy around a service. All clones of the service share the policy.
            #[must_use]
            pub fn layer(&self) -> $crate::tower::PolicyLayer<Self> {
                $crate::tower::PolicyLayer::new(self.clone())
            }
        }
    };
    ($policy:ty, repeats) => {
        #[cfg(feature = "tower")]
        impl $policy {
            /// A layer that puts this policy around a service whose requests can be cloned. All clones of the service
            /// share the policy.
            #[must_use]
            pub fn layer(&self) -> $crate::tower::RepeatLayer<Self> {
                $crate::tower::RepeatLayer::new(self.clone())
            }
        }
    };
}
