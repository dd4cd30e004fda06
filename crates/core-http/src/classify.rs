use core_errors::{Category, Error, Verdict};
use http::Response;

use crate::retry_after::retry_after;

/// What a response means to retry, breaker and limits.
///
/// | status | verdict |
/// |---|---|
/// | 1xx, 2xx, 3xx | success |
/// | 408, 425, 500, 502, 504 | transient, with the hint of `Retry-After` |
/// | 429, 503 | overload, with the hint of `Retry-After` |
/// | other 5xx | permanent: the callee failed and will again |
/// | other 4xx | ignore: our request was wrong, the callee is fine |
#[must_use]
pub fn classify_response<B>(response: &Response<B>) -> Verdict {
    let hint = || retry_after(response.headers());
    match response.status().as_u16() {
        100..=399 => Verdict::Success,
        408 | 425 | 500 | 502 | 504 => Verdict::Transient(hint()),
        429 | 503 => Verdict::Overload(hint()),
        400..=499 => Verdict::Ignore,
        _ => Verdict::Permanent,
    }
}

/// Passes a response that is a success, and makes an error of one that is not: its category and recovery follow the status, its
/// hint `Retry-After`. The body is not read.
///
/// # Errors
/// For every status of 400 and up. The error's recovery agrees with [`classify_response`].
#[track_caller]
pub fn check_status<B>(response: Response<B>) -> Result<Response<B>, Error> {
    let verdict = classify_response(&response);
    if verdict == Verdict::Success {
        return Ok(response);
    }
    let status = response.status();
    let error = Error::new(
        Category::of_http_status(status.as_u16()),
        "the service that was called answered with a failure",
    )
    .with_recovery(match verdict {
        Verdict::Permanent => core_errors::Recovery::Fatal,
        Verdict::Ignore => core_errors::Recovery::InvalidInput,
        _ => core_errors::Recovery::Transient,
    })
    .with("status", status.as_u16());
    Err(match verdict.retry_after() {
        Some(after) => error.with_retry_after(after),
        None => error,
    })
}
