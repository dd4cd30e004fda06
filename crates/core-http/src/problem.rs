//! Problems as responses: RFC 9457.

use core_context::Context;
use core_errors::{Classify, Error, Problem};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

use crate::classify::{SHOULD_RETRY, verdict_of};

/// Makes the response for a failure: status, `Retry-After`, and a document with public text only. It quotes the
/// correlation id of the current context.
///
/// ```
/// use core_errors::Error;
///
/// let error = Error::rate_limit("one order a second").with_retry_after(std::time::Duration::from_millis(1_200));
/// let response = core_http::problem::respond::<String>(&error);
/// assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str()?), (429, "2"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn respond<B: From<String>>(error: &Error) -> Response<B> {
    let problem = error.to_problem();
    let mut response = match Context::current_correlation_id() {
        Some(id) => from_problem(&problem.with_correlation_id(id.as_str())),
        None => from_problem(&problem),
    };
    // The status alone would have callers of the house try again what was tried in vain here, or the other way round.
    let by_status = verdict_of(response.status(), response.headers()).is_retriable();
    let by_error = error.verdict().is_retriable();
    if by_status != by_error {
        let says = HeaderValue::from_static(if by_error { "true" } else { "false" });
        response.headers_mut().insert(SHOULD_RETRY, says);
    }
    response
}

/// Makes the response for a problem document.
#[must_use]
pub fn from_problem<B: From<String>>(problem: &Problem) -> Response<B> {
    // Strings and numbers in fields of their own: this cannot fail, and if it did the status would still be right.
    let body = serde_json::to_string(problem).unwrap_or_default();
    let mut response = Response::new(B::from(body));
    *response.status_mut() =
        StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(Problem::MEDIA_TYPE));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = problem.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
