//! The errors themselves, for whoever makes the call and knows their type: policies only see what kind they are of.

use std::time::Duration;

use core_errors::{Cause, Rejection, Verdict};

use crate::{ByClass, Judge, Why, quietly};

/// An attempt that was no success, and what follows from it: what a call with a [`Notify`] is told.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Tried<'a, T, E> {
    ended: Ended<'a, T, E>,
    /// How many attempts there were. What was refused before it ran is none.
    pub attempts: u32,
    /// Time since the call first had to wait, or first failed.
    pub elapsed: Duration,
    /// What follows.
    pub next: Follows,
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// Another attempt, after so long.
    Retry(Duration),
    /// Nothing: more attempts would have been made but for this.
    GiveUp(Why),
}

/// How it ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ended<'a, T, E> {
    Returned(&'a Result<T, E>),
    Stopped(&'a Rejection),
}

/// A judge that tells what follows from the failures that it judges, with the error itself.
///
/// Made by the `notify` methods of what retries and of its layer, by [`Classified::notify`](crate::Classified::notify) for a judge of one's own,
/// and by [`ByClass::notify`] where a judge is asked for. In front of services:
/// `retry.layer().notify(|tried: &Tried<'_, Response, Error>| …)`, after `classify`, where there is one.
///
/// It is called where a retry calls its own subscribers, on the thread of the call, before that sleeps: for each attempt that ran and that
/// another follows, or that is given up on. Failures that nothing would be done about go to the caller, who has them in his hand. Its panic is
/// caught. A success costs nothing more.
///
/// It stays silent as the judge of what does not retry: there the caller has the error. A hedge does not, whose attempts run beside each other.
#[derive(Clone, Copy, Debug)]
pub struct Notify<J, F> {
    judge: J,
    told: F,
}

// === impl Tried ===

impl<'a, T, E> Tried<'a, T, E> {
    pub(crate) const fn new(ended: Ended<'a, T, E>, attempts: u32, elapsed: Duration, next: Follows) -> Self {
        Self { ended, attempts, elapsed, next }
    }

    /// The error. `None` of a value that its judge would rather have tried again, and of an attempt that was stopped.
    #[must_use]
    pub fn error(&self) -> Option<&'a E> {
        self.result().and_then(|result| result.as_ref().err())
    }

    /// The value that its judge would rather have tried again.
    #[must_use]
    pub fn value(&self) -> Option<&'a T> {
        self.result().and_then(|result| result.as_ref().ok())
    }

    /// What stopped the attempt while it was running: a limit on time, as a rule.
    #[must_use]
    pub fn rejection(&self) -> Option<&'a Rejection> {
        if let Ended::Stopped(rejection) = self.ended { Some(rejection) } else { None }
    }

    fn result(&self) -> Option<&'a Result<T, E>> {
        if let Ended::Returned(result) = self.ended { Some(result) } else { None }
    }
}

// === impl Notify ===

impl<J, F> Notify<J, F> {
    pub(crate) const fn new(judge: J, told: F) -> Self {
        Self { judge, told }
    }
}

impl ByClass {
    /// The same judge, and `told` hears what follows from failures: see [`Notify`].
    pub fn notify<T, E, F: Fn(&Tried<'_, T, E>)>(self, told: F) -> Notify<Self, F> {
        Notify::new(self, told)
    }
}

impl<T, E, J: Judge<T, E>, F: Fn(&Tried<'_, T, E>)> Judge<T, E> for Notify<J, F> {
    #[inline]
    fn judge(&self, result: &Result<T, E>) -> Verdict {
        self.judge.judge(result)
    }

    fn cause(&self, result: &Result<T, E>) -> Option<Cause> {
        self.judge.cause(result)
    }

    fn refusal<'r>(&self, result: &'r Result<T, E>) -> Option<&'r Rejection> {
        self.judge.refusal(result)
    }

    fn is_listening(&self) -> bool {
        true
    }

    fn tried(&self, tried: &Tried<'_, T, E>) {
        if self.judge.is_listening() {
            quietly(|| self.judge.tried(tried));
        }
        quietly(|| (self.told)(tried));
    }
}
