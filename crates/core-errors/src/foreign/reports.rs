//! The reports of `anyhow` and `eyre`: they hide the type of the error that they hold unless they are asked themselves.

use std::error::Error as StdError;

use crate::{Error, class_of};

/// What a report holds decides the class; the whole chain stays.
#[cfg(feature = "anyhow")]
impl From<anyhow::Error> for Error {
    #[track_caller]
    fn from(report: anyhow::Error) -> Self {
        let report = match report.downcast::<Self>() {
            Ok(ours) => return ours,
            Err(report) => report,
        };
        let held: &(dyn StdError + 'static) = &*report;
        Self::of_class(class_of(held), report.into())
    }
}

/// What a report holds decides the class; the whole chain stays.
#[cfg(feature = "eyre")]
impl From<eyre::Report> for Error {
    #[track_caller]
    fn from(report: eyre::Report) -> Self {
        let report = match report.downcast::<Self>() {
            Ok(ours) => return ours,
            Err(report) => report,
        };
        let held: &(dyn StdError + 'static) = &*report;
        Self::of_class(class_of(held), report.into())
    }
}
