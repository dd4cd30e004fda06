//! What a key of `#[classify(…)]` may be given.

use proc_macro2::{Literal, TokenStream};
use quote::ToTokens;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitBool, Meta, Path};

/// The names of `Category`, in its order. The generated code goes through the enum as well, so a name that is here and
/// not there does not compile; a test holds the two lists together.
pub(crate) const CATEGORIES: [&str; 18] = [
    "Infrastructure",
    "Application",
    "Network",
    "Timeout",
    "Validation",
    "Authentication",
    "Authorization",
    "Configuration",
    "ExternalService",
    "RateLimit",
    "Resource",
    "Conflict",
    "ResourceExhausted",
    "Unavailable",
    "Cancelled",
    "Data",
    "Internal",
    "Unknown",
];

/// The words for a `Recovery`, and its names.
const RECOVERIES: [(&str, &str); 5] = [
    ("retriable", "Retriable"),
    ("transient", "Transient"),
    ("fatal", "Fatal"),
    ("invalid_input", "InvalidInput"),
    ("unknown", "Unknown"),
];

/// The name of a category.
pub(crate) fn category(entry: &Meta) -> syn::Result<Ident> {
    let known = || format!("there are: {}", CATEGORIES.join(", "));
    let name = word(entry, "category = Validation")
        .map_err(|e| Error::new(e.span(), format!("{e}; {}", known())))?;
    if CATEGORIES.iter().any(|category| name == category) {
        return Ok(name);
    }
    Err(Error::new_spanned(&name, format!("`{name}` is no category; {}", known())))
}

/// The name of a recovery class, at the place of its word.
pub(crate) fn recovery(entry: &Meta) -> syn::Result<Ident> {
    let known = || format!("there are: {}", RECOVERIES.map(|(word, _)| word).join(", "));
    let given =
        word(entry, "recovery = transient").map_err(|e| Error::new(e.span(), format!("{e}; {}", known())))?;
    let found = RECOVERIES.iter().find(|(word, _)| given == word);
    found
        .map(|(_, name)| Ident::new(name, given.span()))
        .ok_or_else(|| Error::new_spanned(&given, format!("`{given}` is no recovery; {}", known())))
}

/// A code of the form that `Code::new` accepts.
pub(crate) fn code(entry: &Meta) -> syn::Result<Literal> {
    let example = "code = \"CARD_DECLINED\"";
    match value(entry, example)? {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => match why_no_code(&text.value()) {
            None => Ok(text.token()),
            Some(why) => Err(Error::new_spanned(text, format!("{:?} is no code: {why}", text.value()))),
        },
        other => Err(Error::new_spanned(other, format!("`code` takes a text in quotes, as in `{example}`"))),
    }
}

/// Yes or no.
pub(crate) fn truth(entry: &Meta) -> syn::Result<LitBool> {
    let example = "idempotent_only = false";
    match value(entry, example)? {
        Expr::Lit(ExprLit { lit: Lit::Bool(truth), .. }) => Ok(LitBool::new(truth.value, truth.span)),
        other => Err(Error::new_spanned(
            other,
            format!("`idempotent_only` takes `true` or `false`, as in `{example}`"),
        )),
    }
}

/// A path to a crate or module.
pub(crate) fn path(entry: &Meta) -> syn::Result<TokenStream> {
    let example = "crate = my_facade::errors";
    match value(entry, example)? {
        Expr::Path(path) if path.qself.is_none() => Ok(path.path.to_token_stream()),
        other => {
            Err(Error::new_spanned(other, format!("`crate` takes a path without quotes, as in `{example}`")))
        }
    }
}

/// Nothing: the key says it all.
pub(crate) fn flag(entry: &Meta) -> syn::Result<()> {
    match entry {
        Meta::Path(_) => Ok(()),
        other => Err(Error::new_spanned(other, format!("`{}` takes no value", shown(other.path())))),
    }
}

/// A path as a person writes it.
pub(crate) fn shown(path: &Path) -> String {
    path.to_token_stream().to_string().replace(' ', "")
}

fn word(entry: &Meta, example: &str) -> syn::Result<Ident> {
    let value = value(entry, example)?;
    let name = match value {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
        _ => None,
    };
    name.cloned().ok_or_else(|| {
        let key = shown(entry.path());
        Error::new_spanned(value, format!("`{key}` takes a bare name, as in `{example}`"))
    })
}

fn value<'a>(entry: &'a Meta, example: &str) -> syn::Result<&'a Expr> {
    let Meta::NameValue(pair) = entry else {
        let key = shown(entry.path());
        return Err(Error::new_spanned(entry, format!("`{key}` needs a value, as in `{example}`")));
    };
    let mut value = &pair.value;
    // What comes out of a macro by example is wrapped in groups that nobody sees.
    while let Expr::Group(group) = value {
        value = &group.expr;
    }
    Ok(value)
}

/// The rules of `Code::new`, in its words; a test holds the two together.
fn why_no_code(text: &str) -> Option<&'static str> {
    if !(3..=63).contains(&text.len()) {
        return Some("a code has 3 to 63 characters");
    }
    if !text.starts_with(|c: char| c.is_ascii_uppercase()) {
        return Some("a code starts with a letter A-Z");
    }
    if text.ends_with('_') {
        return Some("a code does not end with an underscore");
    }
    let is_allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (!text.chars().all(is_allowed)).then_some("a code has only A-Z, 0-9 and underscores")
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use core_errors::{Category, Code, Recovery};

    use super::*;

    #[test]
    fn the_names_are_those_of_core_errors() {
        let names: Vec<_> = Category::all().map(|category| format!("{category:?}")).collect();
        assert_eq!(names, CATEGORIES);
        let all = [
            Recovery::Retriable,
            Recovery::Transient,
            Recovery::Fatal,
            Recovery::InvalidInput,
            Recovery::Unknown,
        ];
        let words = all.map(|recovery| (recovery.as_str().to_owned(), format!("{recovery:?}")));
        assert_eq!(words, RECOVERIES.map(|(word, name)| (word.to_owned(), name.to_owned())));
    }

    #[test]
    fn a_code_is_refused_where_core_errors_refuses_it_and_in_the_same_words() {
        let long = [&*"A".repeat(63).leak(), &*"A".repeat(64).leak()];
        let texts = [
            "",
            "A",
            "AB",
            "ABC",
            "1BC",
            "_BC",
            "AB_",
            "A_C",
            "A-C",
            "abc",
            "AbC",
            "ABÉ",
            "É",
            "DB_TIMEOUT_2",
        ];
        for text in texts.into_iter().chain(long) {
            let refused = catch_unwind(|| Code::new(text)).err();
            let words = refused.map(|why| *why.downcast::<&'static str>().unwrap());
            assert_eq!(why_no_code(text), words, "{text}");
        }
    }
}
