//! How often something was taken out, and where.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tracing::Metadata;

use super::Kind;

/// A place in the code that logged what had to be taken out. See [`Redaction::verify`](crate::Redaction::verify).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redacted {
    /// What was found there.
    pub kind: Kind,
    /// The field that it was in; `message` for the message.
    pub key: &'static str,
    /// The target of the event or the span.
    pub target: &'static str,
    /// The file, or nothing if it is not known.
    pub file: &'static str,
    /// The line in the file; 0 if it is not known.
    pub line: u32,
}

/// What a log took out.
#[derive(Default)]
pub(crate) struct Tally {
    counts: [AtomicU64; Kind::ALL.len()],
    places: Mutex<Vec<Redacted>>,
}

/// More than anybody reads before mending the first.
const PLACES_MAX: usize = 1_024;

// === impl Tally ===

impl Tally {
    pub(super) fn count(&self, kind: Kind) {
        self.counts[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn of(&self, kind: Kind) -> u64 {
        self.counts[kind as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn places(&self) -> Vec<Redacted> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps a place, and says whether it is new.
    pub(crate) fn note(&self, place: Redacted) -> bool {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = places.len() < PLACES_MAX && !places.contains(&place);
        if is_new {
            places.push(place);
        }
        is_new
    }
}

// === impl Redacted ===

impl Redacted {
    pub(crate) fn at(metadata: &'static Metadata<'static>, key: &'static str, kind: Kind) -> Self {
        let (file, line) = (metadata.file().unwrap_or_default(), metadata.line().unwrap_or_default());
        Self { kind, key, target: metadata.target(), file, line }
    }
}

impl fmt::Display for Redacted {
    /// `email in note at src/orders.rs:12 (orders)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {} at {}:{} ({})", self.kind.as_str(), self.key, self.file, self.line, self.target)
    }
}
