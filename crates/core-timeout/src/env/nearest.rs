//! Which of some names was meant.

/// The name that is nearest to what was written, if it is so near that it may have been meant: one letter is wrong, or at most a third of them.
pub(super) fn nearest(written: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let written = written.to_ascii_uppercase();
    let near = names.map(|name| (distance(&written, &name), name));
    let near = near.filter(|(distance, name)| *distance <= (name.len() / 3).max(1));
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// How many letters have to be put in, left out or replaced to make one of the other.
fn distance(a: &str, b: &str) -> usize {
    // Of the letters of `a` so far, to each beginning of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, a) in a.bytes().enumerate() {
        let mut before = std::mem::replace(&mut row[0], at + 1);
        for (at, b) in b.bytes().enumerate() {
            let replaced = before + usize::from(a != b);
            before = row[at + 1];
            row[at + 1] = replaced.min(before + 1).min(row[at] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f_94_the_distance_is_the_number_of_letters_that_are_wrong() {
        for (a, b, letters) in [
            ("", "", 0),
            ("REDIS", "REDIS", 0),
            ("", "LLM", 3),
            ("LLM", "", 3),
            ("LLMS", "LLM", 1),
            ("DATABSE", "DATABASE", 1),
            ("REIDS", "REDIS", 2),
            ("KITTEN", "SITTING", 3),
            ("SYNC", "IDLE", 4),
        ] {
            assert_eq!(distance(a, b), letters, "{a} {b}");
            assert_eq!(distance(b, a), letters, "{b} {a}");
        }
    }

    #[test]
    fn f_94_what_is_far_from_all_was_none_of_them() {
        let names =
            || ["LLM", "SYNC", "DATABASE", "DATABASES", "HEALTH_CHECK"].map(str::to_owned).into_iter();
        for (written, meant) in [
            ("LLMS", Some("LLM")),
            ("llm", Some("LLM")),
            ("LX", None),
            ("SNYC", None),
            ("DATABAS", Some("DATABASE")),
            ("DATABASEES", Some("DATABASES")),
            ("DTBS", None),
            ("HLTHCHECK", Some("HEALTH_CHECK")),
            ("HLTHCHK", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, names()).as_deref(), meant, "{written}");
        }
    }
}
