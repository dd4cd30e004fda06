use std::borrow::Cow;

use crate::{Category, Error, MultiError, Value, Visibility};

/// A problem document as RFC 9457 shapes it: what an HTTP client may know of a failure.
///
/// It is made from public text and public metadata only; causes, internal text and locations have no way in.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Problem {
    /// A URI reference for the kind of problem. Default: `about:blank`.
    #[cfg_attr(feature = "serde", serde(rename = "type"))]
    pub kind: Cow<'static, str>,
    /// The same for every occurrence: of `about:blank` it is the phrase of the status.
    pub title: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// What helps the client. Absent where it would only repeat the kind.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub detail: Option<Cow<'static, str>>,
    /// A URI reference for this occurrence. Default: none; the id to quote is [`correlation_id`](Self::correlation_id).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub instance: Option<Cow<'static, str>>,
    /// The kind of failure as a word of our table.
    pub category: &'static str,
    /// The stable name of the error.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub code: Option<&'static str>,
    /// Whether the call may have taken effect although it failed, where that is not what the category says.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub idempotent_only: Option<bool>,
    /// Whole seconds until trying again is worth it, rounded up.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub retry_after: Option<u64>,
    /// The id to quote when asking for help.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub correlation_id: Option<String>,
    /// Public facts, in order.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_map"))]
    pub metadata: Vec<(&'static str, Value)>,
    /// Each part of the request that is wrong, if more than one is. Failures of different kinds are not listed: the document is
    /// about the worst of them.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub errors: Vec<ProblemPart>,
}

/// One part of a request that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ProblemPart {
    /// What is wrong with it.
    pub detail: String,
    /// Where it is, as a JSON pointer in a URI fragment: `#/items/0/price`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub pointer: Option<String>,
}

/// The public fact that says where in a request something is wrong.
pub(crate) const POINTER: &str = "pointer";

// === impl Problem ===

impl Problem {
    /// The media type of the document.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    pub(crate) fn of(error: &Error) -> Self {
        let category = error.category();
        let public = error.metadata().iter().filter(|fact| fact.visibility == Visibility::Public);
        Self {
            kind: Cow::Borrowed("about:blank"),
            title: Cow::Borrowed(category.http_phrase()),
            status: category.http_status(),
            detail: Some(error.message())
                .filter(|text| *text != category.title())
                .map(|text| text.to_owned().into()),
            instance: None,
            category: category.as_str(),
            code: error.code().map(crate::Code::as_str),
            idempotent_only: Some(error.idempotent_only()).filter(|only| *only != category.idempotent_only()),
            retry_after: error.retry_after().map(whole_seconds),
            correlation_id: error.context().map(|context| context.correlation_id().to_owned()),
            errors: parts(error),
            metadata: public.map(|fact| (fact.key, fact.value.clone())).collect(),
        }
    }

    /// Gives it a type of its own, with the title that all problems of that type have. `kind` is a URI reference, best an absolute one at which
    /// people find what the problem means.
    #[must_use]
    pub fn with_type(
        mut self,
        kind: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.kind = kind.into();
        self.title = title.into();
        self
    }

    /// Says where this occurrence can be looked at: a URI reference.
    #[must_use]
    pub fn with_instance(mut self, instance: impl Into<Cow<'static, str>>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// Names the request, so that a client can quote it.
    #[must_use]
    pub fn with_correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }
}

fn parts(error: &Error) -> Vec<ProblemPart> {
    let is_bad_input = |error: &Error| error.category() == Category::Validation;
    let several = error.causes().find_map(|cause| cause.downcast_ref::<MultiError>());
    let several = several.filter(|all| is_bad_input(error) && all.errors().all(is_bad_input));
    let Some(several) = several else { return Vec::new() };
    let part = |error: &Error| ProblemPart { detail: error.message().to_owned(), pointer: pointer(error) };
    several.errors().map(part).collect()
}

/// Where it is, if clients may know.
pub(crate) fn pointer(error: &Error) -> Option<String> {
    let public = error.fact(POINTER).filter(|fact| fact.visibility == Visibility::Public);
    public.map(|fact| fact.shown().into_owned())
}

/// Rounded up: coming back early would be refused again.
fn whole_seconds(after: std::time::Duration) -> u64 {
    after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0))
}

#[cfg(feature = "serde")]
fn as_map<S: serde::Serializer>(facts: &[(&'static str, Value)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(facts.iter().map(|(key, value)| (key, value)))
}
