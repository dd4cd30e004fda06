use std::fmt::Display;

use quote::ToTokens;
use syn::Error;

/// What is wrong with the input, in the order in which it was found, so that all of it is said at once.
#[derive(Default)]
pub(crate) struct Complaints(Option<Error>);

// === impl Complaints ===

impl Complaints {
    pub(crate) fn add(&mut self, at: impl ToTokens, text: impl Display) {
        self.push(Error::new_spanned(at, text));
    }

    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The good part of a result; the other is a complaint.
    pub(crate) fn sift<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// `value`, if there was nothing to complain about.
    pub(crate) fn none_or<T>(self, value: T) -> syn::Result<T> {
        self.0.map_or(Ok(value), Err)
    }
}
