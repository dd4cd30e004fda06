//! Rules and the tests that are named after them: part of `cargo xtask lint`.
//!
//! The table "Rules" of `docs/features.md` lists rules by their IDs, alone or as `CB-1 … CB-12`: each must stand in the name of a
//! test, as `cb_7_…`. The tables of `docs/proofs.md` name tests in backticks: each must be there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::{out, workspace};

const RULES: &str = "docs/features.md";
const PROOFS: &str = "docs/proofs.md";

/// Holds the tables against the tests.
///
/// # Errors
/// A rule has no test, or a test that is named is not there.
pub(crate) fn check() -> Result<(), Failure> {
    let mut names = BTreeSet::new();
    for folder in ["crates", "demo"] {
        functions_in(&workspace::root().join(folder), &mut names)?;
    }
    let (rules, proofs) = (read(RULES)?, read(PROOFS)?);
    let rules: Vec<_> = ids(&rules).collect();
    let (bare, absent) = (without_test(&rules, &names), not_there(&proofs, &names));
    for rule in &bare {
        out::line(format_args!("{RULES}: no test has {rule} in its name; `{}_…` would", in_names(rule)));
    }
    for name in &absent {
        out::line(format_args!("{PROOFS}: there is no test `{name}`"));
    }
    out::line(format_args!("{} rules have tests named after them", rules.len() - bare.len()));
    match bare.len() + absent.len() {
        0 if rules.is_empty() => Err(Failure::new(format!("{RULES} has no table of rules any more"))),
        0 => Ok(()),
        n => Err(Failure::new(format!("{n} rules or proofs without a test"))),
    }
}

fn read(file: &str) -> Result<String, Failure> {
    fs::read_to_string(workspace::root().join(file))
        .map_err(|e| Failure::new(format!("{file} could not be read: {e}")))
}

/// The names of all functions below `folder`.
fn functions_in(folder: &Path, names: &mut BTreeSet<String>) -> Result<(), Failure> {
    let unread = |e| Failure::new(format!("{} could not be read: {e}", folder.display()));
    for entry in fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        if path.is_dir() {
            functions_in(&path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).map_err(unread)?;
            names.extend(text.lines().filter_map(function).map(str::to_owned));
        }
    }
    Ok(())
}

/// The name of the function that begins on this line.
fn function(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let name = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    name.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// The IDs in the table of rules, ranges taken apart.
fn ids(text: &str) -> impl Iterator<Item = String> {
    let table = text.lines().skip_while(|line| *line != "## Rules").filter(|line| line.starts_with('|'));
    let cells: Vec<_> = table.filter_map(|line| line.split('|').nth(1)).skip(2).collect();
    let parts: Vec<_> =
        cells.iter().filter_map(|cell| cell.split(" (").next()).flat_map(|cell| cell.split(", ")).collect();
    let all: Vec<_> = parts.into_iter().flat_map(|part| range(part.trim())).collect();
    all.into_iter()
}

/// `CB-1 … CB-3` is `CB-1`, `CB-2` and `CB-3`.
fn range(part: &str) -> Vec<String> {
    let Some((first, last)) = part.split_once(" … ") else { return vec![part.to_owned()] };
    let numbered =
        |id: &str| id.split_once('-').and_then(|(kind, n)| Some((kind.to_owned(), n.parse::<u32>().ok()?)));
    match (numbered(first), numbered(last)) {
        (Some((kind, from)), Some((_, to))) => (from..=to).map(|n| format!("{kind}-{n}")).collect(),
        _ => vec![part.to_owned()],
    }
}

/// `CB-7` as it stands in the names of tests: `cb_7`; `M27` is `m_27`.
fn in_names(rule: &str) -> String {
    let split = rule.find(|c: char| c.is_ascii_digit()).unwrap_or(rule.len());
    let (kind, number) = rule.split_at(split);
    format!("{}_{number}", kind.trim_end_matches('-').to_lowercase())
}

fn without_test<'a>(rules: &'a [String], names: &BTreeSet<String>) -> Vec<&'a str> {
    let has_test = |rule: &String| {
        let id = format!("{}_", in_names(rule));
        names.iter().any(|name| name.starts_with(&id) || name.contains(&format!("_{id}")))
    };
    rules.iter().filter(|rule| !has_test(rule)).map(String::as_str).collect()
}

/// The names in backticks of tables that no function has.
fn not_there<'a>(proofs: &'a str, names: &BTreeSet<String>) -> Vec<&'a str> {
    let tables = proofs.lines().filter(|line| line.starts_with('|'));
    let cells = tables.filter_map(|line| line.trim_end_matches('|').rsplit('|').next());
    let proofs = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    proofs.filter(|proof| !names.contains(*proof)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "| a | b |\n|---|---|\n| X-1 | no rule |\n\n## Rules\n\nText.\n\n| rules | crate |\n|---|---|\n\
        | CB-1 … CB-3, W-1 (breaker) | `core-breaker` |\n| M27 (cascades) | `core-timeout` |\n";

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn ranges_are_taken_apart_and_only_those_of_the_table_of_rules() {
        assert_eq!(ids(TABLES).collect::<Vec<_>>(), ["CB-1", "CB-2", "CB-3", "W-1", "M27"]);
    }

    #[test]
    fn a_rule_without_a_test_is_named() {
        let rules: Vec<_> = ids(TABLES).collect();
        let names = names(&["cb_1_trips", "cb_2_and_w_1_count", "cb_33_is_another", "m_27_never_longer"]);
        assert_eq!(without_test(&rules, &names), ["CB-3"]);
    }

    #[test]
    fn a_proof_that_is_not_there_is_named() {
        let proofs = "In `text` nothing is named.\n| 1 | a `mistake` | `is_there`, `is_gone` |\n";
        assert_eq!(not_there(proofs, &names(&["is_there"])), ["is_gone"]);
    }

    #[test]
    fn functions_are_found_by_their_first_line() {
        assert_eq!(function("    async fn cb_1_trips() {"), Some("cb_1_trips"));
        assert_eq!(function("fn any<T>(x: T)"), Some("any"));
        assert_eq!(function("// fn no_function()"), None);
    }
}
