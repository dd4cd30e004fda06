//! What the keys of the facade are here.

use std::collections::{BTreeMap, BTreeSet};

use metrics::Key;

use crate::foreign;

/// The labels of a key. `None` where there are too many, or one is too long.
pub(super) fn text_of(key: &Key) -> Option<String> {
    foreign::labels(key.labels().map(|label| (label.key(), label.value())))
}

/// The label that has the most values, of texts as [`text_of`] makes them.
pub(super) fn most_values<'t>(texts: impl Iterator<Item = &'t str>) -> Option<&'t str> {
    let mut distinct: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in texts.flat_map(pairs_of) {
        distinct.entry(name).or_default().insert(value);
    }
    distinct.into_iter().max_by_key(|(_, values)| values.len()).map(|(name, _)| name)
}

/// The label of a key that has the longest value.
pub(super) fn longest_value(key: &Key) -> Option<&str> {
    key.labels().max_by_key(|label| label.value().len()).map(metrics::Label::key)
}

/// The names and values of a text, the values as they are written there.
fn pairs_of(mut text: &str) -> impl Iterator<Item = (&str, &str)> {
    std::iter::from_fn(move || {
        let (name, rest) = text.trim_start_matches(',').split_once("=\"")?;
        let mut is_escaped = false;
        let end = rest.find(|c| {
            let is_end = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end
        })?;
        text = &rest[end + 1..];
        Some((name, &rest[..end]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels;

    #[test]
    fn a_text_is_taken_apart_as_it_was_put_together() {
        let labels = [("a", "1"), ("b", "say \"no\", b=\"2\""), ("c", "\\"), ("d", "\\\""), ("e", "\n")];
        let text = labels::pairs(labels.into_iter()).expect("it fits");
        let names: Vec<_> = pairs_of(&text).map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b", "c", "d", "e"], "{text}");
        let again: Vec<_> = pairs_of(&text).map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        assert_eq!(again.join(","), text);
        assert_eq!(pairs_of("").count(), 0);
    }
}
