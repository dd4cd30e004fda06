use std::fmt;

use crate::failure::Failure;

/// What is written down: a name and a number on each line, in the order of the rows.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Counts(Vec<(String, f64)>);

/// A row, before and now.
#[derive(Debug)]
pub(super) struct Line {
    name: String,
    known: Option<f64>,
    counted: f64,
}

/// So many per cent more are a regression.
pub(super) const TOLERANCE: f64 = 2.0;

/// And so many instructions, however short the path: one more of eight is no regression.
const SLACK: f64 = 1.0;

const HEAD: &str =
    "# Instructions for one call, counted by callgrind on x86-64. Written by `cargo xtask icount --bless`.";

// === impl Counts ===

impl Counts {
    /// # Errors
    /// If a line is no name and number.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let parsed = lines.map(|(at, line)| {
            let mut words = line.split_whitespace();
            let both = (words.next(), words.next().and_then(|count| count.parse().ok()), words.next());
            match both {
                (Some(name), Some(count), None) => Ok((name.to_owned(), count)),
                _ => Err(Failure::new(format!(
                    "icount/counts.txt, line {}: {line:?} is not a name and a number",
                    at + 1
                ))),
            }
        });
        parsed.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn of(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, count)| *count)
    }

    /// The same with what was counted now, of the rows that there are.
    pub(super) fn with(&self, lines: &[Line], names: &[&str]) -> Self {
        let now = |name: &str| lines.iter().find(|line| line.name == name).map(|line| line.counted);
        let counts = names.iter().filter_map(|name| {
            let count = now(name).or_else(|| self.of(name))?;
            Some(((*name).to_owned(), count))
        });
        Self(counts.collect())
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}")?;
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        self.0.iter().try_for_each(|(name, count)| writeln!(f, "{name:width$} {count:8.1}"))
    }
}

// === impl Line ===

impl Line {
    pub(super) fn new(name: &str, known: Option<f64>, counted: f64) -> Self {
        Self { name: name.to_owned(), known, counted }
    }

    /// Whether it takes more than is written down, or nothing is.
    pub(super) fn is_worse(&self) -> bool {
        self.known.is_none_or(|known| self.counted > (known * (1.0 + TOLERANCE / 100.0)).max(known + SLACK))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:28} {:8.1}", self.name, self.counted)?;
        match self.known {
            Some(known) if known > 0.0 => {
                write!(f, "  written down {known:8.1}  {:+6.1} %", (self.counted / known - 1.0) * 100.0)
            }
            _ => f.write_str("  not written down"),
        }
    }
}

/// The number in `==7== Collected : 1234`.
pub(super) fn collected(line: &str) -> Option<u64> {
    line.split_once("Collected :")?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let counts = Counts::parse("# a head\nbreaker/closed 83.0\nbare 5.5\n").unwrap();
        assert_eq!(counts.of("bare"), Some(5.5));
        assert_eq!(Counts::parse(&counts.to_string()).unwrap(), counts);
    }

    #[test]
    fn a_bad_line_is_named() {
        let failure = Counts::parse("bare 5\nbreaker closed 83").unwrap_err().to_string();
        assert!(failure.contains("line 2"), "{failure}");
    }

    #[test]
    fn over_two_per_cent_more_is_worse_and_less_is_not() {
        let line = |known, counted| Line::new("row", known, counted);
        assert!(line(Some(100.0), 102.1).is_worse());
        assert!(!line(Some(100.0), 102.0).is_worse());
        assert!(!line(Some(100.0), 50.0).is_worse());
        assert!(!line(Some(8.0), 9.0).is_worse());
        assert!(line(None, 1.0).is_worse());
    }

    #[test]
    fn rows_that_are_gone_are_forgotten_and_others_stay() {
        let known = Counts::parse("gone 1\nstays 2\nchanged 3").unwrap();
        let now = known.with(&[Line::new("changed", Some(3.0), 4.0)], &["changed", "stays"]);
        assert_eq!(now, Counts(vec![("changed".into(), 4.0), ("stays".into(), 2.0)]));
    }

    #[test]
    fn callgrind_is_understood() {
        assert_eq!(collected("==12345== Collected : 6789"), Some(6789));
        assert_eq!(collected("==12345== Events    : Ir"), None);
    }
}
