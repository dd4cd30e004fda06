//! What things may be called. All checks are `const`: a bad name in a constant does not compile.

/// How many names may be made at run time, over all registries of the process.
const NAMES_MAX: usize = 4096;

/// The longest name of a metric or label.
pub(crate) const NAME_LEN_MAX: usize = 200;

/// Endings that a kind of metric adds by itself, and that mean something to whoever reads the text. `_count` is none of them:
/// there are gauges that end so, and two metrics that want one name are told apart when they are registered.
const SUFFIXES: [&str; 5] = ["_total", "_info", "_bucket", "_sum", "_created"];

/// Units that the text of `OpenMetrics` states when a name ends with them.
const UNITS: [&str; 8] = ["seconds", "bytes", "ratio", "celsius", "volts", "amperes", "joules", "meters"];

/// Whether a metric may be called this: letters, digits and `_`, not starting with a digit. Colons are for the rules of a server.
pub(crate) const fn is_metric(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > NAME_LEN_MAX || bytes[0].is_ascii_digit() || bytes[0] == b'_' {
        return false;
    }
    let mut at = 0;
    while at < bytes.len() {
        if !(bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
            return false;
        }
        at += 1;
    }
    true
}

/// Whether a label may be called this: as a metric, none of the two that histograms and summaries use, and not as what says that a series
/// is what did not fit.
pub(crate) const fn is_label(name: &str) -> bool {
    is_metric(name) && !eq(name, "le") && !eq(name, "quantile") && !eq(name, "otel_metric_overflow")
}

/// Whether a name ends in something that a kind adds by itself.
pub(crate) const fn has_suffix(name: &str) -> bool {
    let mut at = 0;
    while at < SUFFIXES.len() {
        if ends_with(name, SUFFIXES[at]) {
            return true;
        }
        at += 1;
    }
    false
}

/// Whether these may be the labels of one family.
pub(crate) const fn are_labels(names: &[&str]) -> bool {
    let mut at = 0;
    while at < names.len() {
        if !is_label(names[at]) {
            return false;
        }
        let mut other = 0;
        while other < at {
            if eq(names[other], names[at]) {
                return false;
            }
            other += 1;
        }
        at += 1;
    }
    true
}

/// The unit that a name ends with.
pub(crate) fn unit(name: &str) -> Option<&'static str> {
    let (_, last) = name.rsplit_once('_')?;
    UNITS.iter().find(|unit| **unit == last).copied()
}

pub(crate) const fn ends_with(text: &str, end: &str) -> bool {
    let (text, end) = (text.as_bytes(), end.as_bytes());
    if text.len() <= end.len() {
        return false;
    }
    let mut at = 0;
    while at < end.len() {
        if text[text.len() - end.len() + at] != end[at] {
            return false;
        }
        at += 1;
    }
    true
}

const fn eq(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Keeps a text for the life of the process, each text once. `None` when there are too many.
pub(crate) fn intern(text: &str) -> Option<&'static str> {
    use std::collections::BTreeSet;
    use std::sync::{Mutex, PoisonError};

    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(text) {
        return Some(known);
    }
    if names.len() == NAMES_MAX {
        return None;
    }
    let kept: &'static str = String::from(text).leak();
    names.insert(kept);
    Some(kept)
}
