//! Headers as a test writes them, and what comes of them.
#![allow(dead_code, reason = "no test needs all of it")]
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use core_context::propagation::Headers;
use core_context::{Context, Propagation};
use core_time::ManualClock;

/// The example of the specification.
pub(crate) const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const SPAN_ID: &str = "00f067aa0ba902b7";
pub(crate) const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Headers that need not be text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Raw(pub(crate) Vec<(String, Vec<u8>)>);

impl Raw {
    pub(crate) fn of<V: AsRef<[u8]>>(headers: impl IntoIterator<Item = (&'static str, V)>) -> Self {
        Self(headers.into_iter().map(|(name, value)| (name.to_owned(), value.as_ref().to_vec())).collect())
    }
}

impl Headers for Raw {
    fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }
}

/// The context of a request, at a time that stands still.
pub(crate) fn read(propagation: &Propagation, headers: &(impl Headers + ?Sized)) -> Context {
    propagation.extract(headers, &ManualClock::new().clock()).build()
}

/// The headers of a request that is made in a context, at a time that stands still.
pub(crate) fn written(propagation: &Propagation, context: &Context) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    propagation.inject(context, &ManualClock::new().clock(), |name, value| {
        headers.push((name.to_owned(), value.to_owned()));
    });
    headers
}

/// The value of a header that is there once.
pub(crate) fn one<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    let mut values = headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let value = values.next();
    assert_eq!(values.next(), None, "{name} is there twice");
    value
}
