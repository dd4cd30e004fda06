//! What labels may be called and what their values may be. The generated code goes through core-metrics as well, so that a name which
//! is allowed here and not there does not compile.

use std::collections::BTreeSet;

use proc_macro2::Span;
use syn::{Error, Generics};

use crate::complaints::Complaints;

const NAME_LEN_MAX: usize = 200;
const VALUE_LEN_MAX: usize = 512;

/// Why a label cannot be called this.
pub(crate) fn why_no_label(name: &str) -> Option<&'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match name {
        "" => Some("it is empty"),
        "le" | "quantile" => Some("histograms and summaries have this label for themselves"),
        "otel_metric_overflow" => Some("the series of what did not fit has this label for itself"),
        _ if !name.chars().all(fits) => Some("a label has letters, digits and `_`"),
        _ if name.starts_with('_') => Some("what begins with `_` belongs to the server"),
        _ if name.starts_with(|c: char| c.is_ascii_digit()) => Some("a label does not begin with a digit"),
        _ if name.len() > NAME_LEN_MAX => Some("it has more than 200 letters"),
        _ => None,
    }
}

/// Why a value cannot be this.
pub(crate) fn why_no_value(text: &str) -> Option<&'static str> {
    match text {
        "" => Some("to Prometheus an empty value is as if the label were not there; take an `Option`"),
        _ if text.len() > VALUE_LEN_MAX => Some("it has more than 512 bytes"),
        _ => None,
    }
}

/// Complains of texts that are there twice.
pub(crate) fn no_doubles<'a>(
    texts: impl Iterator<Item = (&'a str, Span)>,
    what: &str,
    complaints: &mut Complaints,
) {
    let mut known = BTreeSet::new();
    for (text, span) in texts {
        if !known.insert(text) {
            complaints.push(Error::new(span, format!("there are two {what} {text:?}; rename one")));
        }
    }
}

/// Complains of parameters.
pub(crate) fn no_parameters(generics: &Generics, complaints: &mut Complaints) {
    if !generics.params.is_empty() {
        let text =
            "labels have no parameters: which series there are is to be seen where the type is written";
        complaints.add(&generics.params, text);
    }
}
