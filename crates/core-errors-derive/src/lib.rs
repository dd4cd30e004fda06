//! The derive of `core_errors::Classify`.
//!
//! Do not depend on this crate: turn on the feature `derive` of core-errors, which exports the macro beside its trait.

mod attrs;
mod complaints;
mod expand;
mod field;
mod input;
mod subject;
mod values;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, parse_macro_input};

/// Implements the trait `Classify` for an enum or a struct: each variant says what kind of failure it is.
///
/// Reach for it where a variant always means the same kind of failure. Where the answer depends on what a variant holds,
/// such as the status of a response, implement the trait by hand.
///
/// ```
/// use std::time::Duration;
///
/// use core_errors::{Category, Classify, Recovery, Verdict};
///
/// #[derive(Debug, thiserror::Error, Classify)]
/// #[classify(category = ExternalService, into_error)]
/// enum ChargeError {
///     #[error("the card was declined")]
///     #[classify(category = Validation, code = "CARD_DECLINED")]
///     Declined,
///     #[error("the gateway asked to slow down")]
///     #[classify(category = RateLimit, code = "GATEWAY_BUSY")]
///     Busy {
///         #[classify(retry_after)]
///         after: Duration,
///     },
///     #[error("the gateway failed")]
///     #[classify(recovery = fatal)]
///     Gateway(#[source] std::io::Error),
///     #[error(transparent)]
///     #[classify(transparent)]
///     Other(#[from] core_errors::Error),
/// }
///
/// let busy = ChargeError::Busy { after: Duration::from_secs(3) };
/// assert_eq!(busy.category(), Category::RateLimit);
/// assert_eq!(busy.verdict(), Verdict::Overload(Some(Duration::from_secs(3))));
///
/// let gateway = ChargeError::Gateway(std::io::Error::other("bad frame"));
/// assert_eq!(gateway.category(), Category::ExternalService);      // the default of the enum
/// assert_eq!(gateway.recovery(), Recovery::Fatal);                // not that of the category
///
/// let other = ChargeError::from(core_errors::Error::timeout("slow"));
/// assert_eq!(other.category(), Category::Timeout);                // what the field says
///
/// let error = core_errors::Error::from(ChargeError::Declined);    // because of `into_error`
/// assert_eq!(error.to_problem().code, Some("CARD_DECLINED"));
/// ```
///
/// # On a variant, or on a struct
///
/// | key | says | default |
/// |---|---|---|
/// | `category = RateLimit` | its kind: a variant of `Category`, without a path | that of the enum |
/// | `recovery = transient` | what helps: `retriable`, `transient`, `fatal`, `invalid_input`, `unknown` | that of the category |
/// | `code = "CARD_DECLINED"` | its stable name, checked when it is compiled | none |
/// | `idempotent_only = false` | whether the call may have taken effect although it failed: then only one that may be made twice is tried again | that of the category |
/// | `transparent` | a field gives every answer, the verdict too | |
///
/// A transparent variant says nothing else. It asks its only field; of several, the one marked `#[from]` or `#[source]`
/// (as thiserror has them) or `#[classify(source)]`. The field has to be `Classify`.
///
/// # On a field
///
/// | key | says |
/// |---|---|
/// | `retry_after` | when to come back: a `Duration` or an `Option<Duration>` |
/// | `source` | which field a transparent variant asks |
///
/// # On the enum or the struct
///
/// | key | says | default |
/// |---|---|---|
/// | `category = Network` | of an enum: the kind of every variant that does not say its own | none |
/// | `into_error` | write `impl From<Self> for core_errors::Error`, by `Error::classified` | it is not written |
/// | `crate = my_kit::errors` | where core-errors is, for those who reach it through another crate | `::core_errors` |
///
/// With `into_error` the type goes through `?`, `ResultExt::op`, `Errors` and `CallError` as what it says of itself. Without it only
/// `Error::classified` asks it, and `Error::convert` takes it for an error that nobody knows. The type has to be an error, `Send`,
/// `Sync` and `'static`. The location of the new error is that of the caller, so `?` keeps its line.
///
/// # Generics
/// A transparent field whose type depends on a parameter adds `FieldType: Classify` to the where-clause. Nothing else
/// adds a bound.
///
/// # Errors
/// What is wrong is said when it is compiled, all of it at once, each at its place. A variant without a category:
///
/// ```compile_fail
/// #[derive(core_errors::Classify)]
/// enum ChargeError { Declined }
/// ```
///
/// A category, a recovery or a key that does not exist:
///
/// ```compile_fail
/// #[derive(core_errors::Classify)]
/// #[classify(category = Validaton)]
/// struct Declined;
/// ```
///
/// A code that `Code::new` would refuse:
///
/// ```compile_fail
/// #[derive(core_errors::Classify)]
/// #[classify(category = Validation, code = "card declined")]
/// struct Declined;
/// ```
///
/// A transparent variant that says more, or does not say whom to ask:
///
/// ```compile_fail
/// #[derive(core_errors::Classify)]
/// #[classify(transparent)]
/// struct Both(core_errors::Error, core_errors::Rejection);
/// ```
///
/// A field that cannot answer:
///
/// ```compile_fail,E0277
/// #[derive(core_errors::Classify)]
/// #[classify(transparent)]
/// struct Wrapped(String);
/// ```
///
/// ```compile_fail,E0277
/// #[derive(core_errors::Classify)]
/// #[classify(category = RateLimit)]
/// struct Busy(#[classify(retry_after)] u64);
/// ```
#[proc_macro_derive(Classify, attributes(classify))]
pub fn classify(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::classify(&input).unwrap_or_else(Error::into_compile_error).into()
}
