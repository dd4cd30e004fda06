//! A reader of both texts that forgives nothing: names, order, escapes, duplicates, and what a histogram must agree on.

#![allow(dead_code, reason = "not every test asks for everything")]

use std::collections::{BTreeMap, BTreeSet};

/// A line with a number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
    pub(crate) exemplar: Option<(BTreeMap<String, String>, f64)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) help: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) samples: Vec<Sample>,
}

pub(crate) type Families = BTreeMap<String, Family>;

/// Reads a text of version 0.0.4.
pub(crate) fn prometheus(text: &str) -> Families {
    read(text, false)
}

/// Reads a text of `OpenMetrics` 1.0.
pub(crate) fn open_metrics(text: &str) -> Families {
    let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
    assert!(!body.contains("# EOF"), "there is one end");
    read(body, true)
}

fn read(text: &str, is_open: bool) -> Families {
    let mut families = Families::new();
    let mut current: Option<String> = None;
    let mut seen = BTreeSet::new();
    assert!(text.is_empty() || text.ends_with('\n'), "the last line ends");
    for line in text.split_terminator('\n') {
        assert!(!line.is_empty(), "there is no empty line");
        if let Some(meta) = line.strip_prefix("# ") {
            let mut parts = meta.splitn(3, ' ');
            let (word, name, rest) =
                (parts.next().expect("a word"), parts.next().expect("a name"), parts.next().unwrap_or(""));
            assert!(is_name(name), "{name:?} is a name");
            if current.as_deref() != Some(name) {
                assert!(!families.contains_key(name), "{name} is contiguous");
                current = Some(name.to_owned());
            }
            let family = families.entry(name.to_owned()).or_default();
            assert!(family.samples.is_empty(), "what is said of {name} stands before its samples");
            match word {
                "TYPE" => {
                    assert!(family.kind.is_empty(), "{name} has one type");
                    rest.clone_into(&mut family.kind);
                }
                "HELP" => {
                    assert_eq!(family.help, None, "{name} has one help");
                    family.help = Some(unescape(rest, is_open));
                }
                "UNIT" if is_open => {
                    assert!(name.ends_with(&format!("_{rest}")), "{rest} ends {name}");
                    family.unit = Some(rest.to_owned());
                }
                other => panic!("{other:?} says nothing"),
            }
            continue;
        }
        let sample = sample(line, is_open);
        let name = current.as_deref().expect("a family stands before its samples");
        let family = families.get_mut(name).expect("it was made by its head");
        let suffixes: &[&str] = match (family.kind.as_str(), is_open) {
            ("counter", true) => &["_total"],
            ("info", true) => &["_info"],
            ("histogram", _) => &["_bucket", "_sum", "_count"],
            ("counter" | "gauge", _) => &[""],
            (kind, _) => panic!("{kind:?} is no type"),
        };
        let suffix = sample.name.strip_prefix(name).expect("a sample has the name of its family");
        assert!(suffixes.contains(&suffix), "{} belongs to {name}", sample.name);
        assert!(seen.insert((sample.name.clone(), sample.labels.clone())), "{line} is there once");
        if sample.exemplar.is_some() {
            assert_eq!(suffix, "_bucket", "an exemplar stands behind a bucket");
        }
        if family.kind == "counter" {
            assert!(sample.value.is_finite() && sample.value >= 0.0, "{line} counts");
        }
        family.samples.push(sample);
    }
    for (name, family) in &families {
        assert!(!family.kind.is_empty(), "{name} has a type");
        if family.kind == "histogram" {
            agrees(name, family);
        }
    }
    families
}

/// Buckets increase, the last is the count, and the sum is a number.
fn agrees(name: &str, family: &Family) {
    let mut by_labels: BTreeMap<BTreeMap<String, String>, Vec<&Sample>> = BTreeMap::new();
    for sample in &family.samples {
        let mut labels = sample.labels.clone();
        labels.remove("le");
        by_labels.entry(labels).or_default().push(sample);
    }
    for samples in by_labels.values() {
        let (mut le_before, mut before, mut last) = (f64::NEG_INFINITY, 0.0, None);
        for sample in samples.iter().filter(|sample| sample.name.ends_with("_bucket")) {
            let le = number(&sample.labels["le"]);
            assert!(le > le_before, "the ends of {name} increase");
            assert!(sample.value >= before, "the counts of {name} increase");
            if let Some((_, value)) = &sample.exemplar {
                assert!(*value > le_before && *value <= le, "an exemplar of {name} is in its bucket");
            }
            (le_before, before, last) = (le, sample.value, Some(sample.value));
        }
        let of = |suffix: &str| samples.iter().find(|sample| sample.name == format!("{name}{suffix}"));
        assert!(le_before.is_infinite(), "{name} has a last bucket");
        assert_eq!(last, of("_count").map(|count| count.value), "the last bucket of {name} is its count");
        assert!(of("_sum").is_some_and(|sum| sum.value.is_finite()), "{name} has a sum");
    }
}

fn sample(line: &str, is_open: bool) -> Sample {
    let at = line.find(['{', ' ']).expect("something stands behind the name");
    let (name, rest) = line.split_at(at);
    assert!(is_name(name), "{name:?} is a name");
    let (labels, rest) = if rest.starts_with('{') { labels(rest) } else { (BTreeMap::new(), rest) };
    let rest = rest.strip_prefix(' ').expect("one space stands before the value");
    let (value, exemplar) = match rest.split_once(" # ") {
        Some((value, exemplar)) if is_open => {
            let (labels, of) = self::labels(exemplar);
            let len: usize = labels.iter().map(|(k, v)| k.chars().count() + v.chars().count()).sum();
            assert!(len <= 128, "an exemplar is short");
            (value, Some((labels, number(of.strip_prefix(' ').expect("a space")))))
        }
        _ => (rest, None),
    };
    Sample { name: name.to_owned(), labels, value: number(value), exemplar }
}

/// Labels between braces, and what is behind them.
fn labels(text: &str) -> (BTreeMap<String, String>, &str) {
    let mut labels = BTreeMap::new();
    let mut rest = text.strip_prefix('{').expect("a brace");
    while !rest.starts_with('}') {
        let (name, value) = rest.split_once("=\"").expect("a label has a value");
        assert!(is_name(name) && !name.contains(':') && !name.starts_with('_'), "{name:?} is a name");
        let mut end = None;
        let mut escaped = false;
        for (at, c) in value.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    end = Some(at);
                    break;
                }
                _ => {}
            }
        }
        let end = end.expect("a value ends");
        let before = labels.insert(name.to_owned(), unescape(&value[..end], true));
        assert_eq!(before, None, "{name} is there once");
        rest = &value[end + 1..];
        match rest.strip_prefix(',') {
            Some(more) => {
                assert!(!more.starts_with('}'), "nothing follows a comma");
                rest = more;
            }
            None => assert!(rest.starts_with('}'), "{rest:?} follows a value"),
        }
    }
    (labels, &rest[1..])
}

fn unescape(text: &str, quotes: bool) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('\\') => out.push('\\'),
                Some('n') => out.push('\n'),
                Some('"') if quotes => out.push('"'),
                other => panic!("{other:?} is not escaped"),
            },
            '"' => {
                assert!(!quotes, "a quote is escaped");
                out.push('"');
            }
            c => out.push(c),
        }
    }
    out
}

fn number(text: &str) -> f64 {
    match text {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        other => {
            assert!(
                other.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)),
                "{other:?} is a number"
            );
            other.parse().expect("a number")
        }
    }
}

fn is_name(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit())
}
