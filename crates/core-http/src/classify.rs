use core_errors::{Category, Class, Error, Problem, Recovery, RemoteError, Verdict};
use http::header::CONTENT_TYPE;
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
/// With `x-should-retry: false` what would be transient or overload is permanent; with `true` what would be permanent or ignored
/// is transient.
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
        (Verdict::Permanent | Verdict::Ignore, Some(b"true")) => Verdict::Transient(hint()),
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
///
/// The document says what kind of failure it was where it does not contradict the status, which counts (RFC 9457, 3.1.3), and when
/// to come back; the headers, what [`SHOULD_RETRY`] has to say, and when to come back if the document does not.
#[must_use]
#[track_caller]
pub fn read_problem(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Error> {
    let error = error_of(status, headers)?;
    let Some(remote) = is_json(headers).then(|| RemoteError::from_json(body).ok()).flatten() else {
        return Some(error);
    };
    let class = class_told(&remote, status, headers);
    Some(Error::with_class(class, class.category.title()).with("status", status.as_u16()).cause(remote))
}

fn class_told(remote: &RemoteError, status: StatusCode, headers: &HeaderMap) -> Class {
    let by_status = class_of(Category::of_http_status(status.as_u16()), verdict_of(status, headers));
    let told = Class::of(remote).of_callee();
    let agrees = remote.category != Category::Unknown && remote.category.http_status() == status.as_u16();
    let mut class = if agrees { told } else { by_status };
    if headers.contains_key(SHOULD_RETRY) {
        class = class.with_recovery(by_status.recovery).with_verdict(by_status.verdict);
    }
    class.retry_after = told.retry_after.or(by_status.retry_after);
    class.verdict = match class.verdict {
        Verdict::Transient(_) => Verdict::Transient(class.retry_after),
        Verdict::Overload(_) => Verdict::Overload(class.retry_after),
        verdict => verdict,
    };
    class
}

/// Whether the body says that it is a document.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return false };
    let kind = kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    [Problem::MEDIA_TYPE, "application/json"].iter().any(|known| kind.eq_ignore_ascii_case(known.as_bytes()))
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
