use core_errors::{Category, Class, Error, Recovery, RemoteError, Verdict};
use http::{HeaderMap, HeaderName, Response, StatusCode};

use crate::retry_after::retry_after;

/// Says whether the same request may be tried again, where the status alone would say otherwise: `true` or `false`. Written by
/// [`problem::respond`](crate::problem::respond), so that retries in a chain of services do not multiply (rule RT-8).
pub const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// What a response means to retry, breaker and limits: its status, and the headers `Retry-After` and `x-should-retry`.
///
/// | status | verdict |
/// |---|---|
/// | 1xx, 2xx, 3xx | success |
/// | 408, 425, 500, 502, 504 | transient, with the hint of `Retry-After` |
/// | 429, 503 | overload, with the hint of `Retry-After` |
/// | other 5xx | permanent: the callee failed and will again |
/// | other 4xx | ignore: our request was wrong, the callee is fine |
///
/// With `x-should-retry: false` what would be transient or overload is permanent; with `true` what would be permanent is
/// transient.
#[must_use]
pub fn classify_response<B>(response: &Response<B>) -> Verdict {
    verdict_of(response.status(), response.headers())
}

/// The same for responses of other types.
#[must_use]
pub fn verdict_of(status: StatusCode, headers: &HeaderMap) -> Verdict {
    let hint = || retry_after(headers);
    let by_status = match status.as_u16() {
        100..=399 => Verdict::Success,
        408 | 425 | 500 | 502 | 504 => Verdict::Transient(hint()),
        429 | 503 => Verdict::Overload(hint()),
        400..=499 => Verdict::Ignore,
        _ => Verdict::Permanent,
    };
    match (by_status, headers.get(SHOULD_RETRY).map(http::HeaderValue::as_bytes)) {
        (Verdict::Transient(_) | Verdict::Overload(_), Some(b"false")) => Verdict::Permanent,
        (Verdict::Permanent, Some(b"true")) => Verdict::Transient(hint()),
        _ => by_status,
    }
}

/// Passes a response that is a success, and makes an error of one that is not. The body is not read: for what is in it, see
/// [`read_problem`].
///
/// # Errors
/// For every status of 400 and up. The verdict of the error is that of [`classify_response`]; its category is what the failure is to our own
/// client ([`Class::of_callee`]): a 401 of a dependency is no reason for our client to log in. The status is the fact `status`.
#[track_caller]
pub fn check_status<B>(response: Response<B>) -> Result<Response<B>, Error> {
    match error_of(response.status(), response.headers()) {
        None => Ok(response),
        Some(error) => Err(error),
    }
}

/// The error that a response is, if it is one. See [`check_status`].
#[must_use]
#[track_caller]
pub fn error_of(status: StatusCode, headers: &HeaderMap) -> Option<Error> {
    let verdict = verdict_of(status, headers);
    if verdict == Verdict::Success {
        return None;
    }
    let category = Category::of_http_status(status.as_u16());
    let class = class_of(category, verdict);
    Some(Error::with_class(class, class.category.title()).with("status", status.as_u16()))
}

/// The error that a response is, with what its problem document (RFC 9457) or report says in more detail than the status can:
/// [`Error::remote`] has it. A body that is neither is as if it were empty.
#[must_use]
#[track_caller]
pub fn read_problem(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Error> {
    let error = error_of(status, headers)?;
    let is_json = headers.get(http::header::CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.as_bytes();
        kind.starts_with(b"application/problem+json") || kind.starts_with(b"application/json")
    });
    let Some(remote) = is_json.then(|| RemoteError::from_json(body).ok()).flatten() else {
        return Some(error);
    };
    // What the status says counts (RFC 9457, 3.1.3), in which the document may be wrong; what helps it knows better.
    let status = error.fact("status").map(|fact| fact.value.clone());
    let told = Error::from(remote);
    Some(match status {
        Some(status) => told.with("status", status),
        None => told,
    })
}

fn class_of(category: Category, verdict: Verdict) -> Class {
    let recovery = match verdict {
        Verdict::Permanent => Recovery::Fatal,
        Verdict::Ignore => Recovery::InvalidInput,
        _ => Recovery::Transient,
    };
    Class::from(category)
        .with_recovery(recovery)
        .with_retry_after(verdict.retry_after())
        .with_verdict(verdict)
        .of_callee()
}
