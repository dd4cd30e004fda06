use core_errors::{Cause, Classify, Rejection, Verdict};

use crate::{Attempt, Call, CallError, Notify, Policy, Tried, call_blocking};

/// Judges what an attempt returned.
///
/// Closures `Fn(&Result<T, E>) -> Verdict` are judges; the default, [`ByClass`], asks the error's [`Classify`].
pub trait Judge<T, E> {
    /// The verdict. Called once for each attempt.
    fn judge(&self, result: &Result<T, E>) -> Verdict;

    /// What to remember of a failure. Called for failures only.
    fn cause(&self, result: &Result<T, E>) -> Option<Cause> {
        let _ = result;
        None
    }

    /// The refusal of a policy further in that the attempt ended with, where attempts are calls under other policies: to those
    /// around it, it is a refusal as in a [`Stack`](crate::Stack), and not the failure of a callee. Called for what is no success. Default:
    /// attempts make what they return themselves.
    fn refusal<'r>(&self, result: &'r Result<T, E>) -> Option<&'r Rejection> {
        let _ = result;
        None
    }

    /// Whether it wants to be [told](Self::tried) what follows. Default: no.
    fn is_listening(&self) -> bool {
        false
    }

    /// Is told what follows from an attempt that was no success: see [`Notify`]. Only called where it [listens](Self::is_listening). A panic
    /// is caught.
    fn tried(&self, tried: &Tried<'_, T, E>) {
        let _ = tried;
    }
}

/// Every `Ok` is a success; errors classify themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByClass;

/// A policy with a judge of its own, for errors of others and for `Ok` values that are failures. Made by the
/// `classify` method of a policy.
#[derive(Clone, Copy, Debug)]
pub struct Classified<P, J> {
    policy: P,
    judge: J,
}

// === impl Judge ===

impl<T, E: Classify> Judge<T, E> for ByClass {
    #[inline]
    fn judge(&self, result: &Result<T, E>) -> Verdict {
        Verdict::of(result)
    }

    fn cause(&self, result: &Result<T, E>) -> Option<Cause> {
        result.as_ref().err().map(Cause::of)
    }
}

impl<T, E, F: Fn(&Result<T, E>) -> Verdict> Judge<T, E> for F {
    #[inline]
    fn judge(&self, result: &Result<T, E>) -> Verdict {
        self(result)
    }
}

// === impl Classified ===

impl<P: Policy, J: Clone> Classified<P, J> {
    /// Puts a judge beside a policy. The judge is cloned for each call: a closure that captures nothing is free.
    pub const fn new(policy: P, judge: J) -> Self {
        Self { policy, judge }
    }

    /// The same, and `told` hears what follows from failures, with the error itself: see [`Notify`]. It is cloned for each call, too.
    pub fn notify<T, E, F: Fn(&Tried<'_, T, E>) + Clone>(self, told: F) -> Classified<P, Notify<J, F>> {
        Classified { policy: self.policy, judge: Notify::new(self.judge, told) }
    }

    /// Runs a call as the policy's `call` does, and judges it by this judge.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// See [`Call`].
    #[inline]
    pub fn call<T, E, F, O>(&self, op: O) -> Call<&P, O, F, J>
    where
        F: Future<Output = Result<T, E>>,
        O: FnMut(Attempt) -> F,
        J: Judge<T, E>,
    {
        Call::new(&self.policy, op, self.judge.clone())
    }

    /// Runs a call as the policy's `call_blocking` does, and judges it by this judge.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn call_blocking<T, E>(&self, op: impl FnMut(Attempt) -> Result<T, E>) -> Result<T, CallError<E>>
    where
        J: Judge<T, E>,
    {
        call_blocking(&self.policy, op, &self.judge, None)
    }
}

#[cfg(test)]
mod tests;
