use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::{Category, Classify, Code, Error, Recovery, Verdict};

/// Several failures at once: at least one, and no more than [`MultiError::MAX`] kept. Made by [`Errors`].
///
/// Its category is that of the worst (the loudest severity, then the first in the table of categories), its recovery that which
/// promises least, its hint the longest: whoever tries again tries all again.
pub struct MultiError {
    first: Error,
    rest: Vec<Error>,
    omitted: usize,
}

/// Collects failures, perhaps none.
///
/// ```
/// use core_errors::{Error, Errors};
///
/// let mut errors = Errors::new();
/// let rows: Vec<u16> = ["1", "x", "3"].into_iter().filter_map(|text| errors.ok(text.parse())).collect();
/// assert_eq!(rows, [1, 3]);
/// assert_eq!(errors.into_result().unwrap_err().to_string(), "Invalid request");
/// ```
#[derive(Default)]
pub struct Errors {
    kept: Vec<Error>,
    omitted: usize,
}

// === impl Errors ===

impl Errors {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a failure. After the 64th they are counted, and only one that is worse than the last is kept, in its place.
    #[track_caller]
    pub fn push(&mut self, error: impl Into<Error>) {
        let error = error.into();
        if self.kept.len() < MultiError::MAX {
            self.kept.push(error);
            return;
        }
        self.omitted += 1;
        // The worst is kept, however late it comes.
        if let Some(last) = self.kept.last_mut()
            && rank(&error) > rank(last)
        {
            *last = error;
        }
    }

    /// The value of a success; a failure is added.
    #[track_caller]
    pub fn ok<T, E: Into<Error>>(&mut self, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.push(error);
                None
            }
        }
    }

    /// How many there were.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len() + self.omitted
    }

    /// Whether there was none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// No failure if there was none.
    ///
    /// # Errors
    /// All of them, if there were any.
    pub fn into_result(self) -> Result<(), MultiError> {
        let Self { kept, omitted } = self;
        let mut kept = kept.into_iter();
        match kept.next() {
            None => Ok(()),
            Some(first) => Err(MultiError { first, rest: kept.collect(), omitted }),
        }
    }
}

/// Errors that are not ours yet are made where `extend` is called.
impl<E: Into<Error>> Extend<E> for Errors {
    #[track_caller]
    fn extend<I: IntoIterator<Item = E>>(&mut self, errors: I) {
        // No closure: it would be the place where they are made.
        for error in errors {
            self.push(error);
        }
    }
}

/// Errors that are not ours yet are made where `Errors::from_iter` is called. `collect` calls it from inside of std, and they would say
/// that they were made there: convert them first, or call this by its name.
impl<E: Into<Error>> FromIterator<E> for Errors {
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = E>>(errors: I) -> Self {
        let mut all = Self::new();
        all.extend(errors);
        all
    }
}

impl fmt::Debug for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.kept).finish()
    }
}

// === impl MultiError ===

impl MultiError {
    /// How many are kept: 64. Further ones are counted.
    pub const MAX: usize = 64;

    /// All successes, in order, if there was no failure.
    ///
    /// # Errors
    /// All failures, if there was one.
    #[track_caller]
    pub fn collect<T, E: Into<Error>>(
        results: impl IntoIterator<Item = Result<T, E>>,
    ) -> Result<Vec<T>, Self> {
        let mut errors = Errors::new();
        let mut values = Vec::new();
        for result in results {
            values.extend(errors.ok(result));
        }
        errors.into_result().map(|()| values)
    }

    /// Those that are kept, in the order in which they came.
    pub fn errors(&self) -> impl Iterator<Item = &Error> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// How many there were.
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    #[must_use]
    pub fn len(&self) -> usize {
        1 + self.rest.len() + self.omitted
    }

    /// How many there were more than are kept.
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// The failure whose kind is that of all.
    #[must_use]
    pub fn worst(&self) -> &Error {
        // The first of equals: `max_by_key` would take the last.
        self.rest
            .iter()
            .fold(&self.first, |worst, error| if rank(error) > rank(worst) { error } else { worst })
    }

    pub(crate) fn into_single(self) -> Result<Error, Self> {
        if self.len() == 1 { Ok(self.first) } else { Err(self) }
    }
}

/// The louder the worse; of equally loud ones, that which comes first in the table.
fn rank(error: &Error) -> (crate::Severity, std::cmp::Reverse<usize>) {
    (error.category().severity(), std::cmp::Reverse(error.category() as usize))
}

/// The larger, the less trying again promises.
fn hopelessness(recovery: Recovery) -> u8 {
    match recovery {
        Recovery::Retriable => 0,
        Recovery::Transient => 1,
        Recovery::Unknown => 2,
        Recovery::InvalidInput => 3,
        Recovery::Fatal => 4,
    }
}

impl Classify for MultiError {
    fn recovery(&self) -> Recovery {
        let recoveries = self.errors().map(Error::recovery);
        recoveries.max_by_key(|recovery| hopelessness(*recovery)).unwrap_or(Recovery::Unknown)
    }

    fn retry_after(&self) -> Option<Duration> {
        self.errors().filter_map(Error::retry_after).max()
    }

    fn category(&self) -> Category {
        self.worst().category()
    }

    fn code(&self) -> Option<Code> {
        self.worst().code()
    }

    fn idempotent_only(&self) -> bool {
        self.errors().any(Error::idempotent_only)
    }

    /// A failure of the callee if one of them is, and worth another try if all of those are; nothing about it if none is.
    fn verdict(&self) -> Verdict {
        let failures = || self.errors().map(Classify::verdict).filter(|verdict| verdict.is_failure());
        let hint = self.retry_after();
        if failures().next().is_none() {
            Verdict::Ignore
        } else if !failures().all(Verdict::is_retriable) {
            Verdict::Permanent
        } else if failures().any(|verdict| matches!(verdict, Verdict::Overload(_))) {
            Verdict::Overload(hint)
        } else if failures().all(|verdict| verdict == Verdict::Retriable) {
            Verdict::Retriable
        } else {
            Verdict::Transient(hint)
        }
    }
}

/// The public text of a single one; `3 errors occurred` of more. `{:#}` lists them.
impl fmt::Display for MultiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.len() == 1 {
            return fmt::Display::fmt(&self.first, f);
        }
        write!(f, "{} errors occurred", self.len())?;
        if f.alternate() {
            for (index, error) in self.errors().enumerate() {
                write!(f, "{} {error:#}", if index == 0 { ":" } else { ";" })?;
            }
            if self.omitted > 0 {
                write!(f, "; and {} more", self.omitted)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for MultiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.errors()).finish()?;
        if self.omitted > 0 {
            write!(f, " and {} more", self.omitted)?;
        }
        Ok(())
    }
}

/// Its source is the first: `source` has room for one only.
impl StdError for MultiError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.first)
    }
}
