//! What names of others are here.

use std::collections::BTreeMap;

use metrics::Key;

use crate::text::Kind;
use crate::{labels, name};

const LABELS_MAX: usize = 32;

/// What a metric is called here.
pub(super) fn fitting_name(kind: Kind, key: &str) -> String {
    let mut fitting = fitting(key);
    match kind {
        Kind::Counter if !name::ends_with(&fitting, "_total") => fitting.push_str("_total"),
        Kind::Gauge | Kind::Histogram if name::has_suffix(&fitting) => fitting.push_str("_value"),
        _ => {}
    }
    fitting
}

/// The labels of a key, in order, each name once. An empty value says nothing: to Prometheus it is as if the label were not there.
/// `None` where there are too many, or one is too long.
pub(super) fn text_of(key: &Key) -> Option<String> {
    let mut by_name = BTreeMap::new();
    for label in key.labels().filter(|label| !label.value().is_empty()) {
        let mut name = fitting(label.key());
        if !name::is_label(&name) {
            name.push_str("_label");
        }
        by_name.entry(name).or_insert_with(|| label.value());
    }
    let pairs = (by_name.len() <= LABELS_MAX).then_some(by_name)?;
    labels::pairs(pairs.iter().map(|(name, value)| (name.as_str(), *value)))
}

fn fitting(text: &str) -> String {
    // Room is left for an ending.
    let mut fitting: String = text
        .chars()
        .take(name::NAME_LEN_MAX - 10)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if !fitting.starts_with(|c: char| c.is_ascii_alphabetic()) {
        fitting.insert(0, 'm');
    }
    fitting
}
