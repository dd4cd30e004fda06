//! Why executions and stages failed.

use std::any::type_name;
use std::fmt::Display;

use core_errors::{Category, Classify, Code};

use crate::outcome::Outcome;
use crate::text::shown;

/// Why something failed, or was cancelled.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// The type of the error, if there was one.
    pub(crate) of: Option<&'static str>,
    pub(crate) message: String,
    pub(crate) class: Option<Class>,
}

/// What an error says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) category: Category,
    pub(crate) code: Option<Code>,
}

/// What is known of an execution and its stages.
#[derive(Default)]
pub(crate) struct Failures {
    /// Of the execution.
    pub(crate) own: Option<Failure>,
    /// Of stages, by their place.
    pub(crate) of_stages: Vec<(u16, Failure)>,
    /// The first stage that failed, listed or not: the number of its name, and its class.
    pub(crate) first: Option<(u16, Option<Class>)>,
}

/// The longest message that is kept.
const MESSAGE_LEN_MAX: usize = 512;
/// The most stages whose messages are kept.
const FAILURES_MAX: usize = 32;

// === impl Failure ===

impl Failure {
    pub(crate) fn of<E: Classify + Display + ?Sized>(error: &E) -> Self {
        let class = Class { category: error.category(), code: error.code() };
        Self { of: Some(type_name::<E>()), message: shown(error, MESSAGE_LEN_MAX), class: Some(class) }
    }

    pub(crate) fn text<M: Display + ?Sized>(message: &M) -> Self {
        Self { of: None, message: shown(message, MESSAGE_LEN_MAX), class: None }
    }

    pub(crate) fn panicked() -> Self {
        Self { of: Some("panic"), message: "panicked".to_owned(), class: None }
    }

    /// What ended with it. An error that says that somebody gave up is no failure of what was given up.
    pub(crate) fn outcome(&self) -> Outcome {
        match self.class {
            Some(Class { category: Category::Cancelled, .. }) => Outcome::Cancelled,
            _ => Outcome::Failed,
        }
    }
}

// === impl Failures ===

impl Failures {
    /// Remembers why a stage ended so. `None` is one without a place.
    pub(crate) fn add(&mut self, at: Option<u16>, name: u16, failure: Failure) {
        let has_failed = failure.outcome() == Outcome::Failed;
        if has_failed && self.first.is_none() {
            self.first = Some((name, failure.class));
        }
        let Some(at) = at else { return };
        if self.of_stages.len() < FAILURES_MAX {
            self.of_stages.push((at, failure));
        } else if has_failed {
            // What somebody gave up makes place for what failed.
            let given_up = self.of_stages.iter_mut().find(|(_, known)| known.outcome() == Outcome::Cancelled);
            if let Some(place) = given_up {
                *place = (at, failure);
            }
        }
    }
}
