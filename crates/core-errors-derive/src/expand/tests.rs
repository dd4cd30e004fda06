//! What the derive says of input that it refuses, and where it points.

use super::*;
use crate::values::CATEGORIES;

/// Each complaint as `place: text`. The place is the part of the source that the compiler would underline.
fn complaints(source: &str) -> Vec<String> {
    let input = syn::parse_str(source).unwrap();
    let errors = classify(&input).err().into_iter().flatten();
    errors
        .map(|error| {
            let place = error.span().source_text().unwrap();
            format!("{place}: {}", error.to_string().replace(&CATEGORIES.join(", "), "<all>"))
        })
        .collect()
}

/// Holds the complaints about each input against what they should be.
#[track_caller]
fn refused<const N: usize>(cases: [(&str, &str); N]) {
    for (source, complaint) in cases {
        assert_eq!(complaints(source), [complaint], "{source}");
    }
}

/// The expansion, without blanks.
fn expanded(source: &str) -> String {
    classify(&syn::parse_str(source).unwrap()).unwrap().to_string().replace(' ', "")
}

#[test]
fn a_category_is_needed() {
    refused([
        (
            "enum E { Lost }",
            "Lost: `Lost` has no category: give it one with `#[classify(category = …)]`, give the enum one for all its \
             variants, or let its field answer with `#[classify(transparent)]`; the categories are: <all>",
        ),
        (
            r#"enum E { #[classify(code = "LOST", recovery = fatal)] Lost }"#,
            "Lost: `Lost` has no category: give it one with `#[classify(category = …)]`, give the enum one for all its \
             variants, or let its field answer with `#[classify(transparent)]`; the categories are: <all>",
        ),
        (
            "struct Lost;",
            "Lost: `Lost` has no category: give it one with `#[classify(category = …)]`, or let its field answer with \
             `#[classify(transparent)]`; the categories are: <all>",
        ),
    ]);
}

#[test]
fn a_category_is_a_bare_name_that_is_known() {
    refused([
        ("#[classify(category = Foo)] struct S;", "Foo: `Foo` is no category; there are: <all>"),
        (
            "#[classify(category = rate_limit)] enum E { A }",
            "rate_limit: `rate_limit` is no category; there are: <all>",
        ),
        (
            r#"enum E { #[classify(category = "Data")] A }"#,
            r#""Data": `category` takes a bare name, as in `category = Validation`; there are: <all>"#,
        ),
        (
            "enum E { #[classify(category = Category::Data)] A }",
            "Category::Data: `category` takes a bare name, as in `category = Validation`; there are: <all>",
        ),
        (
            "enum E { #[classify(category)] A }",
            "category: `category` needs a value, as in `category = Validation`; there are: <all>",
        ),
        (
            "enum E { #[classify(category(Data))] A }",
            "category(Data): `category` needs a value, as in `category = Validation`; there are: <all>",
        ),
    ]);
}

#[test]
fn a_recovery_is_a_bare_word_that_is_known() {
    let words = "there are: retriable, transient, fatal, invalid_input, unknown";
    refused([
        (
            "enum E { #[classify(category = Data, recovery = Transient)] A }",
            &format!("Transient: `Transient` is no recovery; {words}"),
        ),
        (
            r#"enum E { #[classify(category = Data, recovery = "fatal")] A }"#,
            &format!(r#""fatal": `recovery` takes a bare name, as in `recovery = transient`; {words}"#),
        ),
        (
            "enum E { #[classify(category = Data, recovery)] A }",
            &format!("recovery: `recovery` needs a value, as in `recovery = transient`; {words}"),
        ),
    ]);
}

#[test]
fn a_code_is_a_text_of_its_form() {
    refused([
        (
            r#"enum E { #[classify(category = Data, code = "DB timeout")] A }"#,
            r#""DB timeout": "DB timeout" is no code: a code has only A-Z, 0-9 and underscores"#,
        ),
        (
            r#"enum E { #[classify(category = Data, code = "AB")] A }"#,
            r#""AB": "AB" is no code: a code has 3 to 63 characters"#,
        ),
        (
            r#"enum E { #[classify(category = Data, code = "1AB")] A }"#,
            r#""1AB": "1AB" is no code: a code starts with a letter A-Z"#,
        ),
        (
            r#"enum E { #[classify(category = Data, code = "AB_")] A }"#,
            r#""AB_": "AB_" is no code: a code does not end with an underscore"#,
        ),
        (
            "enum E { #[classify(category = Data, code = 12)] A }",
            r#"12: `code` takes a text in quotes, as in `code = "CARD_DECLINED"`"#,
        ),
        (
            "enum E { #[classify(category = Data, code = LOST)] A }",
            r#"LOST: `code` takes a text in quotes, as in `code = "CARD_DECLINED"`"#,
        ),
        (
            "enum E { #[classify(category = Data, code)] A }",
            r#"code: `code` needs a value, as in `code = "CARD_DECLINED"`"#,
        ),
    ]);
}

#[test]
fn a_crate_is_a_path() {
    refused([
        (
            r#"#[classify(category = Data, crate = "kit")] struct S;"#,
            r#""kit": `crate` takes a path without quotes, as in `crate = my_facade::errors`"#,
        ),
        (
            "#[classify(category = Data, crate)] struct S;",
            "crate: `crate` needs a value, as in `crate = my_facade::errors`",
        ),
    ]);
}

#[test]
fn a_key_that_says_it_all_takes_no_value() {
    refused([
        (
            "enum E { #[classify(transparent = true)] A(X) }",
            "transparent = true: `transparent` takes no value",
        ),
        (
            "#[classify(category = Data, into_error(x))] struct S;",
            "into_error(x): `into_error` takes no value",
        ),
        (
            "#[classify(category = Data)] struct S(#[classify(retry_after = 3)] Duration);",
            "retry_after = 3: `retry_after` takes no value",
        ),
        (
            "#[classify(transparent)] struct S(#[classify(source = x)] X);",
            "source = x: `source` takes no value",
        ),
        (
            "#[classify(category = Data, idempotent_only = maybe)] struct S;",
            "maybe: `idempotent_only` takes `true` or `false`, as in `idempotent_only = false`",
        ),
    ]);
}

#[test]
fn a_key_is_known_and_in_its_place() {
    refused([
        (
            "enum E { #[classify(colour = Red)] A }",
            "colour: there is no key `colour`; on a variant there are: category, recovery, code, \
             idempotent_only, transparent",
        ),
        (
            "enum E { #[classify(category = Data, a::b)] A }",
            "a::b: there is no key `a::b`; on a variant there are: category, recovery, code, \
             idempotent_only, transparent",
        ),
        (
            "#[classify(category = Data, recovery = fatal)] enum E { A }",
            "recovery: `recovery` does not go on an enum, but on a struct or a variant; on an enum there are: \
             category, into_error, crate",
        ),
        (
            "#[classify(category = Data, retry_after)] struct S;",
            "retry_after: `retry_after` does not go on a struct, but on a field; on a struct there are: category, \
             recovery, code, idempotent_only, transparent, into_error, crate",
        ),
        (
            "#[classify(category = Data)] struct S(#[classify(transparent)] X);",
            "transparent: `transparent` does not go on a field, but on a struct or a variant; on a field there are: \
             retry_after, source",
        ),
    ]);
}

#[test]
fn a_key_is_given_once() {
    refused([
        (
            "enum E { #[classify(category = Data, category = Internal)] A }",
            "category: `category` is given twice; keep one",
        ),
        (
            "#[classify(category = Data, crate = a)] #[classify(crate = b)] struct S;",
            "crate: `crate` is given twice; keep one",
        ),
        (
            "#[classify(category = Data)] struct S(#[classify(retry_after)] A, #[classify(retry_after)] B);",
            "retry_after: a field before this one has `retry_after`; keep one",
        ),
    ]);
}

#[test]
fn what_is_no_list_of_keys_is_refused() {
    refused([
        ("enum E { #[classify] A }", "classify: write `#[classify(…)]`, with at least one key in it"),
        (
            r#"enum E { #[classify = "Data"] A }"#,
            r#"classify = "Data": write `#[classify(…)]`, with at least one key in it"#,
        ),
        ("enum E { #[classify(category = Data code)] A }", "code: expected `,`"),
        (r#"enum E { #[classify("Data")] A }"#, r#""Data": expected identifier"#),
    ]);
}

#[test]
fn a_transparent_variant_says_nothing_itself() {
    let source = r#"enum E {
        #[classify(transparent, category = Data, recovery = fatal, code = "LOST")]
        A(#[classify(retry_after)] X),
    }"#;
    let text =
        |key| format!("{key}: `{key}` beside `transparent`, where a field gives every answer; keep one");
    assert_eq!(complaints(source), ["category", "recovery", "code", "retry_after"].map(text));
}

#[test]
fn a_transparent_variant_has_one_field_to_ask() {
    refused([
        (
            "enum E { #[classify(transparent)] Other }",
            "transparent: `Other` is transparent and has no field to ask",
        ),
        (
            "#[classify(transparent)] struct Other(X, Y);",
            "transparent: `Other` is transparent and has 2 fields: mark the one to ask with `#[from]`, `#[source]` or \
             `#[classify(source)]`",
        ),
        (
            "enum E { #[classify(transparent)] Other(#[from] X, #[classify(source)] Y) }",
            "transparent: `Other` is transparent and has 2 fields marked as the source; mark one",
        ),
        (
            "enum E { #[classify(category = Data)] Other(#[classify(source)] X) }",
            "source: `source` names the field to ask, and only `transparent` asks one",
        ),
    ]);
}

#[test]
fn a_union_is_refused() {
    refused([(
        "#[classify(category = Data)] union U { a: u8 }",
        "union: a union cannot be classified: nobody knows which of its fields is there",
    )]);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let source = r#"
        #[classify(crate = "kit")]
        enum E {
            #[classify(colour = Red, category = Foo)]
            A,
            B,
            #[classify(category = Data, code = 1)]
            C(#[classify(from)] u8),
        }"#;
    let all = complaints(source);
    let places: Vec<_> = all.iter().filter_map(|text| text.split(": ").next()).collect();
    assert_eq!(places, [r#""kit""#, "colour", "Foo", "B", "1", "from"]);
}

#[test]
fn a_mistake_is_not_taken_for_a_missing_category() {
    for source in ["enum E { #[classify(category = Foo)] A }", "enum E { #[classify(catgory = Data)] A }"] {
        assert_eq!(complaints(source).len(), 1, "{source}");
    }
    assert_eq!(complaints("#[classify(category = 1)] enum E { A, B }").len(), 1);
}

#[test]
fn the_field_that_thiserror_converts_from_is_asked() {
    let code = expanded("enum E { #[classify(transparent)] A { when: u8, #[from] inner: X } }");
    assert!(code.contains("Self::A{inner:field,..}=><Xas::core_errors::Classify>::verdict(field)"), "{code}");
}

#[test]
fn an_enum_without_variants_is_matched_by_nothing() {
    assert!(expanded("enum Never {}").contains("fnrecovery(&self)->::core_errors::Recovery{match*self{}}"));
}

#[test]
fn a_default_of_the_trait_is_left_to_it() {
    let code = expanded("#[classify(category = Data)] enum E { A, B(u8) }");
    for method in ["fnretry_after", "fncode", "fnverdict"] {
        assert!(!code.contains(method), "{method} in {code}");
    }
}

#[test]
fn only_a_field_that_is_asked_and_depends_on_a_parameter_is_bound() {
    let bounds = |source| {
        let code = expanded(source);
        code.split_once("forE").and_then(|(_, rest)| rest.split_once('{')).unwrap().0.to_owned()
    };
    assert_eq!(bounds("#[classify(category = Data)] enum E<T> { A(T) }"), "<T>");
    assert_eq!(bounds("#[classify(transparent)] struct E<T>(X<T>);"), "<T>whereX<T>:::core_errors::Classify");
    assert_eq!(bounds("#[classify(transparent)] struct E<'a, T>(&'a X, #[classify(source)] X);"), "<'a,T>");
    assert_eq!(
        bounds("#[classify(transparent)] struct E<T: A = B>(T) where T: C;"),
        "<T>whereT:C,T:::core_errors::Classify"
    );
}
