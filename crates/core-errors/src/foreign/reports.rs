//! The reports of `anyhow` and `eyre`: they hide the type of the error that they hold unless they are asked themselves.

use std::any::Any;
use std::error::Error as StdError;

use crate::error::CAUSES_MAX;
use crate::{Category, Error, class_of, unclassified};

/// What a report holds decides the class; the whole chain stays. One that holds an [`Error`] is that, and what was said around it is in front
/// of its [internal text](Error::internal_message).
#[cfg(feature = "anyhow")]
impl From<anyhow::Error> for Error {
    #[track_caller]
    fn from(report: anyhow::Error) -> Self {
        let said = around_ours(report.chain());
        match report.downcast::<Self>() {
            Ok(ours) => with_said(ours, &said),
            Err(report) => of_held(&*report).cause(report),
        }
    }
}

/// What a report holds decides the class; the whole chain stays. One that holds an [`Error`] is that, and what was said around it is in front
/// of its [internal text](Error::internal_message).
#[cfg(feature = "eyre")]
impl From<eyre::Report> for Error {
    #[track_caller]
    fn from(report: eyre::Report) -> Self {
        let said = around_ours(report.chain());
        match report.downcast::<Self>() {
            Ok(ours) => with_said(ours, &said),
            Err(report) => of_held(&*report).cause(report),
        }
    }
}

/// Converts a value that is a report, and gives back what is none.
#[track_caller]
pub(crate) fn report<E: 'static>(error: E) -> Result<Error, E> {
    let mut slot = Some(error);
    #[cfg(feature = "anyhow")]
    if let Some(report) = taken::<anyhow::Error>(&mut slot) {
        return Ok(report.into());
    }
    #[cfg(feature = "eyre")]
    if let Some(report) = taken::<eyre::Report>(&mut slot) {
        return Ok(report.into());
    }
    Err(slot.expect("nobody took it"))
}

/// What is in the slot, if it is of that type. The compiler knows, and leaves nothing of the question.
fn taken<R: 'static>(slot: &mut dyn Any) -> Option<R> {
    slot.downcast_mut::<Option<R>>()?.take()
}

#[track_caller]
fn of_held(held: &(dyn StdError + 'static)) -> Error {
    let class = class_of(held);
    if class.category == Category::Unknown {
        unclassified::count("a report of anyhow or eyre");
    }
    Error::with_class(class, class.category.title())
}

/// What was said around an error of ours, outermost first.
fn around_ours<'e>(chain: impl Iterator<Item = &'e (dyn StdError + 'static)>) -> Vec<String> {
    chain.take(CAUSES_MAX).take_while(|cause| !cause.is::<Error>()).map(ToString::to_string).collect()
}

fn with_said(ours: Error, said: &[String]) -> Error {
    if said.is_empty() {
        return ours;
    }
    let texts = said.iter().map(String::as_str).chain(ours.internal_message());
    let text = texts.collect::<Vec<_>>().join(": ");
    ours.with_internal(text)
}
