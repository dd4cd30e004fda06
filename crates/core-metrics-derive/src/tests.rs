//! What the derives say of input that they refuse, and where they point.

use proc_macro2::TokenStream;
use syn::DeriveInput;

type Expand = fn(&DeriveInput) -> syn::Result<TokenStream>;

/// Each complaint as `place: text`. The place is the part of the source that the compiler would underline.
fn complaints(expand: Expand, source: &str) -> Vec<String> {
    let input = syn::parse_str(source).expect("it is Rust");
    let errors = expand(&input).err().into_iter().flatten();
    errors.map(|error| format!("{}: {error}", error.span().source_text().expect("a place"))).collect()
}

#[track_caller]
fn refused<const N: usize>(expand: Expand, cases: [(&str, &str); N]) {
    for (source, complaint) in cases {
        assert_eq!(complaints(expand, source), [complaint], "{source}");
    }
}

#[test]
fn labels_are_called_what_can_be_scraped() {
    let long = "a".repeat(201);
    let too_long = format!(r#"struct R {{ #[label(rename = "{long}")] a: bool }}"#);
    assert!(complaints(crate::labels::expand, &too_long)[0].contains("more than 200 letters"));
    refused(
        crate::labels::expand,
        [
            (
                r#"struct R { #[label(rename = "http-route")] a: bool }"#,
                "\"http-route\": \"http-route\" cannot be the name of a label: a label has letters, digits and `_`",
            ),
            (
                r#"struct R { #[label(rename = "")] a: bool }"#,
                "\"\": \"\" cannot be the name of a label: it is empty",
            ),
            (
                "struct R { le: bool }",
                "le: \"le\" cannot be the name of a label: histograms and summaries have this label for themselves",
            ),
            (
                "struct R { otel_metric_overflow: bool }",
                "otel_metric_overflow: \"otel_metric_overflow\" cannot be the name of a label: the series of what did not fit has this \
                 label for itself",
            ),
            (
                "struct R { _a: bool }",
                "_a: \"_a\" cannot be the name of a label: what begins with `_` belongs to the server",
            ),
            (
                r#"struct R { #[label(rename = "2xx")] a: bool }"#,
                "\"2xx\": \"2xx\" cannot be the name of a label: a label does not begin with a digit",
            ),
        ],
    );
}

#[test]
fn a_label_and_a_value_is_there_once() {
    refused(
        crate::labels::expand,
        [(
            r#"struct R { a: bool, #[label(rename = "a")] b: bool }"#,
            "\"a\": there are two labels \"a\"; rename one",
        )],
    );
    refused(
        crate::value::expand,
        [
            (r#"enum E { A, #[label(rename = "a")] B }"#, "\"a\": there are two values \"a\"; rename one"),
            (
                r#"#[label(rename_all = "lowercase")] enum E { Ab, AB }"#,
                "AB: there are two values \"ab\"; rename one",
            ),
        ],
    );
}

#[test]
fn what_has_no_labels_is_refused_with_what_would_be_right() {
    refused(
        crate::labels::expand,
        [
            (
                "struct R<M> { a: M }",
                "M: labels have no parameters: which series there are is to be seen where the type is written",
            ),
            ("struct R(bool);", "(bool): labels are named: give the fields names"),
            ("struct R;", "R: there is no label: for a metric without labels there is `()`"),
            (
                "enum R { A }",
                "enum: an enum is the value of a label: derive `LabelValue`, and have it as the field of a struct",
            ),
            ("union R { a: u8 }", "union: labels are the fields of a struct"),
        ],
    );
    refused(
        crate::value::expand,
        [
            (
                "enum E { A, B(u64) }",
                "(u64): a variant that holds something would be a series for each of that; write one without fields",
            ),
            ("enum E { A, B() }", "(): a value is a variant alone: leave these out"),
            ("enum E { A {} }", "{}: a value is a variant alone: leave these out"),
            ("enum E {}", "E: there is no value: an enum without variants has none"),
            (
                r#"enum E { #[label(rename = "")] A }"#,
                "\"\": \"\" cannot be a value: to Prometheus an empty value is as if the label were not there; take an `Option`",
            ),
            (
                "struct S { a: bool }",
                "struct: the values of a label are the variants of an enum; for labels that are the fields of a struct, derive \
                 `Labels`",
            ),
            (
                "enum E<'a> { A }",
                "'a: labels have no parameters: which series there are is to be seen where the type is written",
            ),
        ],
    );
}

#[test]
fn keys_are_those_that_are_known_each_once_and_with_a_value() {
    refused(
        crate::labels::expand,
        [
            (
                "struct R { #[label(name = \"b\")] a: bool }",
                "name: `name` does not go on a field; there are: rename",
            ),
            (
                "#[label(rename = \"b\")] struct R { a: bool }",
                "rename: `rename` does not go on a struct; there are: crate",
            ),
            (
                r#"struct R { #[label(rename = "b", rename = "c")] a: bool }"#,
                "rename: `rename` is given twice; keep one",
            ),
            (
                "struct R { #[label(rename = b)] a: bool }",
                "b: this is a text in quotes, as in `rename = \"method\"`",
            ),
            (
                "struct R { #[label(rename)] a: bool }",
                "rename: this needs a value, as in `rename = \"method\"`",
            ),
            ("struct R { #[label] a: bool }", "label: write `#[label(…)]`, with at least one key in it"),
            (
                r#"#[label(crate = "kit")] struct R { a: bool }"#,
                "\"kit\": this is a path without quotes, as in `crate = my_facade::metrics`",
            ),
        ],
    );
    refused(
        crate::value::expand,
        [(
            r#"#[label(rename_all = "camel")] enum E { A }"#,
            "\"camel\": \"camel\" is no form; there are: snake_case, kebab-case, SCREAMING_SNAKE_CASE, lowercase, UPPERCASE, \
             PascalCase",
        )],
    );
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let source =
        r#"struct R<M> { le: M, #[label(rename = "x-y")] b: bool, #[label(rename = "le")] c: bool }"#;
    assert_eq!(
        complaints(crate::labels::expand, source).len(),
        5,
        "parameter, three names, and one that is there twice"
    );
}

#[test]
fn a_raw_name_is_the_same_label_as_a_plain_one() {
    refused(
        crate::labels::expand,
        [(
            r#"struct R { r#type: bool, #[label(rename = "type")] b: bool }"#,
            "\"type\": there are two labels \"type\"; rename one",
        )],
    );
}
