//! Labels that were derived, and series that are found by their number.

use std::collections::BTreeSet;

use core_errors::{Category, Code, Name, PolicyKind};
use core_metrics::{Counter, Desc, Family, LabelValue, Labels, Registry};

mod support;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, LabelValue)]
#[label(rename_all = "UPPERCASE")]
enum Method {
    Get,
    Post,
    #[label(rename = "other")]
    Rest,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Labels)]
struct Answered {
    #[label(rename = "http_method")]
    method: Method,
    is_late: bool,
    r#type: Option<PolicyKind>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Labels)]
struct Failed {
    code: Code,
    category: Category,
    route: &'static str,
    pool: Name,
    status: u16,
}

const ANSWERS: Desc<Counter> = Desc::counter("answers_total", "Answers.");
const FAILURES: Desc<Counter> = Desc::counter("failures_total", "Failures.");

const METHODS: [Method; 3] = [Method::Get, Method::Post, Method::Rest];
const KINDS: [Option<PolicyKind>; 3] = [None, Some(PolicyKind::Retry), Some(PolicyKind::Deadline)];

fn all() -> impl Iterator<Item = Answered> {
    METHODS.into_iter().flat_map(|method| {
        KINDS.into_iter().flat_map(move |r#type| {
            [false, true].into_iter().map(move |is_late| Answered { method, is_late, r#type })
        })
    })
}

fn lines(registry: &Registry, name: &str) -> Vec<String> {
    let text = registry.respond(None).body;
    support::prometheus(&text);
    text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
}

#[test]
fn f_164_fields_are_labels_under_their_names_and_variants_their_values() {
    let registry = Registry::new();
    let failures: Family<Counter, Failed> = registry.family(&FAILURES).expect("a family");
    let failed = Failed {
        code: Code::new("CARD_DECLINED"),
        category: Category::Validation,
        route: "/pay",
        pool: Name::new("eu").expect("a name"),
        status: 422,
    };
    failures.with(&failed).inc();
    assert_eq!(
        lines(&registry, "failures_total{"),
        [
            "failures_total{code=\"CARD_DECLINED\",category=\"validation\",route=\"/pay\",pool=\"eu\",status=\"422\"} 1"
        ]
    );
    assert_eq!(Answered::NAMES, ["http_method", "is_late", "type"]);
    assert_eq!(METHODS.map(|method| method.text().into_owned()), ["GET", "POST", "other"]);
}

#[test]
fn every_set_of_labels_has_a_series_of_its_own() {
    let registry = Registry::new();
    let answers: Family<Counter, Answered> = registry.family(&ANSWERS).expect("a family");
    for (n, labels) in (1..).zip(all()) {
        answers.with(&labels).add(n);
        answers.update(&labels, |counter| counter.add(100));
    }
    assert_eq!(answers.len(), 18);
    for (n, labels) in (1..).zip(all()) {
        assert_eq!(answers.with(&labels).get(), 100 + n, "{labels:?}");
    }
    let numbers: BTreeSet<_> = all().map(|labels| labels.number()).collect();
    assert_eq!((numbers.len(), Answered::COUNT), (18, 3 * 2 * 11));
    assert!(numbers.into_iter().all(|number| number < Answered::COUNT));
    let shown = lines(&registry, "answers_total{");
    assert!(
        shown.contains(&"answers_total{http_method=\"GET\",is_late=\"false\",type=\"\"} 101".into()),
        "{shown:?}"
    );
    assert_eq!(Failed::COUNT, 0, "a text has no number");
}

#[test]
fn a_family_with_fewer_places_than_there_are_sets_of_labels_is_bounded_all_the_same() {
    let registry = Registry::new();
    let answers: Family<Counter, Answered> = registry.family(&ANSWERS.series_max(4)).expect("a family");
    all().for_each(|labels| answers.with(&labels).inc());
    assert_eq!(answers.len(), 4);
    let shown = lines(&registry, "answers_total{");
    assert!(shown.contains(&"answers_total{otel_metric_overflow=\"true\"} 14".into()), "{shown:?}");
}

/// A value whose numbers are no good: a look-up may be slow, and nothing is counted for another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Alike(&'static str);

impl LabelValue for Alike {
    fn text(&self) -> std::borrow::Cow<'_, str> {
        self.0.into()
    }

    const COUNT: usize = 2;

    fn number(&self) -> usize {
        if self.0 == "far" { 7 } else { 1 }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Labels)]
struct ByAlike {
    alike: Alike,
}

#[test]
fn values_that_share_a_number_or_have_none_are_told_apart() {
    let registry = Registry::new();
    let answers: Family<Counter, ByAlike> = registry.family(&ANSWERS).expect("a family");
    for (n, text) in [(1, "a"), (2, "b"), (3, "far"), (10, "a"), (20, "b"), (30, "far")] {
        answers.with(&ByAlike { alike: Alike(text) }).add(n);
    }
    assert_eq!(
        lines(&registry, "answers_total{"),
        ["answers_total{alike=\"a\"} 11", "answers_total{alike=\"b\"} 22", "answers_total{alike=\"far\"} 33"]
    );
}

#[test]
fn the_labels_of_the_macro_are_numbered_too() {
    core_metrics::labels! { struct Plain { method: Method, category: Category } }
    assert_eq!(Plain::COUNT, 3 * 18);
    let plain = Plain { method: Method::Rest, category: Category::Unknown };
    assert_eq!(plain.number(), Plain::COUNT - 1);
}

/// Names that the code of a derive has uses for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, LabelValue)]
#[expect(clippy::upper_case_acronyms, reason = "the name is the point")]
enum Odd {
    COUNT,
    Number = 40,
    r#Text,
    #[label(rename = "\"}\n")]
    Values = 7,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Labels)]
struct OddLabels {
    values: Odd,
    number: Option<bool>,
}

#[test]
fn names_that_a_derive_uses_for_itself_are_names_as_any() {
    let all = [Odd::COUNT, Odd::Number, Odd::r#Text, Odd::Values];
    assert_eq!(all.map(|odd| odd.text().into_owned()), ["count", "number", "text", "\"}\n"]);
    let registry = Registry::new();
    let answers: Family<Counter, OddLabels> = registry.family(&ANSWERS).expect("a family");
    for values in all {
        for number in [None, Some(false), Some(true)] {
            answers.with(&OddLabels { values, number }).inc();
        }
    }
    let shown = lines(&registry, "answers_total{");
    assert_eq!(shown.len(), 4 * 3, "{shown:?}");
    assert!(shown.contains(&"answers_total{values=\"count\",number=\"\"} 1".into()), "{shown:?}");
    assert!(shown.contains(&"answers_total{values=\"\\\"}\\n\",number=\"true\"} 1".into()), "{shown:?}");
}

/// As a derive numbers an enum of so many variants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct OneOf<const N: usize>(usize);

impl<const N: usize> LabelValue for OneOf<N> {
    fn text(&self) -> std::borrow::Cow<'_, str> {
        self.0.to_string().into()
    }

    const COUNT: usize = N;

    fn number(&self) -> usize {
        self.0
    }
}

#[test]
fn sets_of_labels_that_are_too_many_for_a_table_are_hashed_however_many_they_are() {
    #[derive(Clone, PartialEq, Eq, Hash, Labels)]
    struct Fits {
        a: OneOf<40>,
        b: OneOf<50>,
    }
    #[derive(Clone, PartialEq, Eq, Hash, Labels)]
    struct OneTooMany {
        a: OneOf<2001>,
    }
    #[derive(Clone, PartialEq, Eq, Hash, Labels)]
    struct Overflows {
        a: OneOf<{ usize::MAX }>,
        b: OneOf<{ usize::MAX }>,
        c: OneOf<2>,
    }
    assert_eq!((Fits::COUNT, OneTooMany::COUNT, Overflows::COUNT), (2_000, 0, 0));
    let registry = Registry::new();
    let answers: Family<Counter, Overflows> = registry.family(&ANSWERS).expect("a family");
    for n in 0..100 {
        answers.with(&Overflows { a: OneOf(usize::MAX - n), b: OneOf(n), c: OneOf(n % 2) }).inc();
    }
    assert_eq!((answers.len(), lines(&registry, "answers_total{").len()), (100, 100));
}
