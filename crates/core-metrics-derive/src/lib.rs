//! The derives of `core_metrics::Labels` and `core_metrics::LabelValue`.
//!
//! Do not depend on this crate: turn on the feature `derive` of core-metrics, which exports the macros beside their traits.

mod attrs;
mod case;
mod complaints;
mod labels;
mod names;
#[cfg(test)]
mod tests;
mod value;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, parse_macro_input};

/// Implements the trait `Labels` for a struct: each field is a label, in order.
///
/// Reach for it where `labels!` does not do: a label that is not called as its field, a type with derives or methods of its own. The
/// struct also has to be `Clone`, `Eq` and `Hash`.
///
/// ```
/// use core_errors::Category;
/// use core_metrics::{Counter, Desc, Family, LabelValue, Labels, Registry};
///
/// #[derive(Clone, PartialEq, Eq, Hash, LabelValue)]
/// #[label(rename_all = "UPPERCASE")]
/// enum Method { Get, Post }
///
/// #[derive(Clone, PartialEq, Eq, Hash, Labels)]
/// struct Failed {
///     #[label(rename = "http_method")]
///     method: Method,
///     category: Category,
///     retried: bool,
/// }
/// const FAILED: Desc<Counter> = Desc::counter("http_failures_total", "Requests that failed.");
///
/// let registry = Registry::new();
/// let failures: Family<Counter, Failed> = registry.family(&FAILED)?;
/// failures.with(&Failed { method: Method::Post, category: Category::Timeout, retried: true }).inc();
/// let line = "http_failures_total{http_method=\"POST\",category=\"timeout\",retried=\"true\"} 1\n";
/// assert!(registry.respond(None).body.contains(line));
/// # Ok::<(), core_metrics::MetricsError>(())
/// ```
///
/// | key | on | says | default |
/// |---|---|---|---|
/// | `rename = "http_method"` | a field | what the label is called | as the field |
/// | `crate = my_kit::metrics` | the struct | where core-metrics is, for those who reach it through another crate | `::core_metrics` |
///
/// # Cost
/// Nothing at run time. Where the values of all fields are numbered, as here, a series is found by its number and nothing is hashed.
///
/// # Errors
/// What is wrong is said when it is compiled, all of it at once, each at its place. A name that could not be scraped:
///
/// ```compile_fail
/// #[derive(Clone, PartialEq, Eq, Hash, core_metrics::Labels)]
/// struct Route {
///     #[label(rename = "http-route")]
///     route: &'static str,
/// }
/// ```
///
/// Two labels of one name:
///
/// ```compile_fail
/// #[derive(Clone, PartialEq, Eq, Hash, core_metrics::Labels)]
/// struct Route {
///     route: &'static str,
///     #[label(rename = "route")]
///     path: &'static str,
/// }
/// ```
///
/// A type with a parameter:
///
/// ```compile_fail
/// #[derive(Clone, PartialEq, Eq, Hash, core_metrics::Labels)]
/// struct Route<M> {
///     method: M,
/// }
/// ```
///
/// A field that does not come from a small set:
///
/// ```compile_fail,E0277
/// #[derive(Clone, PartialEq, Eq, Hash, core_metrics::Labels)]
/// struct Route {
///     user: String,
/// }
/// ```
#[proc_macro_derive(Labels, attributes(label))]
pub fn labels(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    labels::expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// Implements the trait `LabelValue` for an enum without fields: each variant is a value.
///
/// ```
/// use core_metrics::LabelValue;
///
/// #[derive(Clone, Copy, PartialEq, Eq, Hash, LabelValue)]
/// enum Tier {
///     InMemory,
///     OnDisk,
///     #[label(rename = "s3")]
///     Remote,
/// }
/// assert_eq!(Tier::InMemory.text(), "in_memory");
/// assert_eq!(Tier::Remote.text(), "s3");
/// ```
///
/// | key | on | says | default |
/// |---|---|---|---|
/// | `rename = "s3"` | a variant | its text | its name in the form of all |
/// | `rename_all = "UPPERCASE"` | the enum | the form of all: `snake_case`, `kebab-case`, `SCREAMING_SNAKE_CASE`, `lowercase`, `UPPERCASE`, `PascalCase` | `snake_case` |
/// | `crate = my_kit::metrics` | the enum | where core-metrics is | `::core_metrics` |
///
/// # Errors
/// A variant that holds something, so that there would be a series for each of that:
///
/// ```compile_fail
/// #[derive(core_metrics::LabelValue)]
/// enum Who { Nobody, User(u64) }
/// ```
///
/// Two variants of one text, which would be one series:
///
/// ```compile_fail
/// #[derive(core_metrics::LabelValue)]
/// enum Method { Get, #[label(rename = "get")] Head }
/// ```
#[proc_macro_derive(LabelValue, attributes(label))]
pub fn label_value(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    value::expand(&input).unwrap_or_else(Error::into_compile_error).into()
}
