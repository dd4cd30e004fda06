//! What names of others are here.

use std::collections::BTreeMap;

use crate::text::Kind;
use crate::{labels, name};

/// So many families are taken over from one who is not of this house.
pub(crate) const FAMILIES_MAX: usize = 512;
/// What is longer is cut: it is kept for ever.
const HELP_LEN_MAX: usize = 1024;
const LABELS_MAX: usize = 32;

/// Help that is kept for the life of the process. `None` when the process has kept too many texts.
pub(crate) fn help(text: &str) -> Option<&'static str> {
    name::intern(&text[..text.floor_char_boundary(HELP_LEN_MAX)])
}

/// What a metric is called here.
pub(crate) fn fitting_name(kind: Kind, key: &str) -> String {
    let mut fitting = fitting(key);
    match kind {
        Kind::Counter if !name::ends_with(&fitting, "_total") => fitting.push_str("_total"),
        Kind::Gauge | Kind::Histogram if name::has_suffix(&fitting) => fitting.push_str("_value"),
        _ => {}
    }
    fitting
}

/// Labels as a text, in order, each name once. An empty value says nothing: to Prometheus it is as if the label were not there. `None`
/// where there are too many, or one is too long.
pub(crate) fn labels<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let mut by_name = BTreeMap::new();
    for (key, value) in pairs.filter(|(_, value)| !value.is_empty()) {
        let mut name = fitting(key);
        if !name::is_label(&name) {
            name.push_str("_label");
        }
        by_name.entry(name).or_insert(value);
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
