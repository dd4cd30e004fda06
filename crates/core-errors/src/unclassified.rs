//! How much of what fails is known: types that nobody could classify are counted.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How many distinct types are counted; the rest counts as `other`.
const TYPES_MAX: usize = 64;

const OTHER: &str = "other";

static COUNTS: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());

/// How often errors of which type were converted without anybody knowing what they are, by the name of the type: at most 64
/// names, and `other`.
///
/// What shows up here wants a [`Classify`](crate::Classify), or a [classifier](crate::register_classifier).
#[must_use]
pub fn unclassified() -> Vec<(&'static str, u64)> {
    let counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    counts.iter().map(|(name, count)| (*name, *count)).collect()
}

#[cold]
pub(crate) fn count(type_name: &'static str) {
    let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let is_new = !counts.contains_key(type_name);
    let name = if is_new && counts.len() >= TYPES_MAX { OTHER } else { type_name };
    let count = counts.entry(name).or_default();
    *count = count.saturating_add(1);
}
