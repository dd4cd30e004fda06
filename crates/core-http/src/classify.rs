use core_errors::{Category, Class, Error, Problem, Recovery, RemoteError, Verdict};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, Response, StatusCode};

use crate::retry_after::retry_after;

/// Says whether the same request may be tried again, where the status alone would say otherwise: `true` or `false`. Written by
/// [`problem::respond`](crate::problem::respond), so that retries in a chain of services do not multiply (rule RT-8).
pub const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Whether what a callee claims is believed, and what its answers mean by that.
///
/// That a retry is less safe than the status says is believed of anybody: `x-should-retry: false`, a document that says the call may have
/// taken effect. The opposite is only of those who are trusted: a stranger who answers `x-should-retry: true` to everything would be
/// called again and again, with requests that may have been done already.
///
/// | status | verdict |
/// |---|---|
/// | 1xx, 2xx, 3xx | success |
/// | 408, 425, 500, 502, 504 | transient, with the hint of `Retry-After` |
/// | 429, 503 | overload, with the hint of `Retry-After` |
/// | other 5xx | permanent: the callee failed and will again |
/// | other 4xx | ignore: our request was wrong, the callee is fine |
///
/// With [`x-should-retry: false`](SHOULD_RETRY) what would be transient or overload is permanent; of a trusted callee, with `true`, what would
/// be permanent or ignored is transient.
///
/// ```
/// use core_errors::Verdict;
/// use core_http::{Callee, classify_response};
///
/// let conflict = http::Response::builder().status(409).header("x-should-retry", "true").body(())?;
/// assert_eq!(classify_response(&conflict), Verdict::Ignore);
/// assert_eq!(Callee::Trusted.classify(&conflict), Verdict::Transient(None));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Callee {
    /// A service of the house: all that it says holds.
    Trusted,
    /// Anybody. The default, and what the functions of this crate take callees for.
    #[default]
    Untrusted,
}

/// What a response means to retry, breaker and limits: its status, and the headers `Retry-After` and `x-should-retry`. See [`Callee`], of
/// which this takes the callee for untrusted.
#[must_use]
pub fn classify_response<B>(response: &Response<B>) -> Verdict {
    Callee::Untrusted.classify(response)
}

/// The same for responses of other types.
#[must_use]
pub fn verdict_of(status: StatusCode, headers: &HeaderMap) -> Verdict {
    Callee::Untrusted.verdict_of(status, headers)
}

/// Passes a response that is a success, and makes an error of one that is not. The body is not read: for what is in it, see
/// [`read_problem`].
///
/// # Errors
/// For every status of 400 and up. The verdict of the error is that of [`classify_response`]; its category is what the failure is to our own
/// client ([`Class::of_callee`]): a 401 of a dependency is no reason for our client to log in. The status is the fact `status`.
#[track_caller]
pub fn check_status<B>(response: Response<B>) -> Result<Response<B>, Error> {
    Callee::Untrusted.check(response)
}

/// The error that a response is, if it is one. See [`check_status`].
#[must_use]
#[track_caller]
pub fn error_of(status: StatusCode, headers: &HeaderMap) -> Option<Error> {
    Callee::Untrusted.error_of(status, headers)
}

/// The error that a response is, with what its problem document (RFC 9457) or report says in more detail than the status can:
/// [`Error::remote`] has it. A body that is neither is as if it were empty.
///
/// The document says what kind of failure it was where it does not contradict the status, which counts (RFC 9457, 3.1.3), and when
/// to come back; the headers, what [`SHOULD_RETRY`] has to say, and when to come back if the document does not.
#[must_use]
#[track_caller]
pub fn read_problem(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Error> {
    Callee::Untrusted.read_problem(status, headers, body)
}

// === impl Callee ===

impl Callee {
    /// As [`classify_response`].
    #[must_use]
    pub fn classify<B>(self, response: &Response<B>) -> Verdict {
        self.verdict_of(response.status(), response.headers())
    }

    /// As the function [`verdict_of`].
    #[must_use]
    pub fn verdict_of(self, status: StatusCode, headers: &HeaderMap) -> Verdict {
        let hint = || retry_after(headers);
        let by_status = match status.as_u16() {
            100..=399 => Verdict::Success,
            408 | 425 | 500 | 502 | 504 => Verdict::Transient(hint()),
            429 | 503 => Verdict::Overload(hint()),
            400..=499 => Verdict::Ignore,
            _ => Verdict::Permanent,
        };
        match (by_status, self.should_retry(headers)) {
            (Verdict::Transient(_) | Verdict::Overload(_), Some(false)) => Verdict::Permanent,
            (Verdict::Permanent | Verdict::Ignore, Some(true)) => Verdict::Transient(hint()),
            _ => by_status,
        }
    }

    /// As [`check_status`].
    ///
    /// # Errors
    /// For every status of 400 and up.
    #[track_caller]
    pub fn check<B>(self, response: Response<B>) -> Result<Response<B>, Error> {
        match self.error_of(response.status(), response.headers()) {
            None => Ok(response),
            Some(error) => Err(error),
        }
    }

    /// As the function [`error_of`].
    #[must_use]
    #[track_caller]
    pub fn error_of(self, status: StatusCode, headers: &HeaderMap) -> Option<Error> {
        let verdict = self.verdict_of(status, headers);
        if verdict == Verdict::Success {
            return None;
        }
        let class = self.class_by_status(status, headers);
        Some(Error::with_class(class, class.category.title()).with("status", status.as_u16()))
    }

    /// As the function [`read_problem`].
    #[must_use]
    #[track_caller]
    pub fn read_problem(self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Error> {
        let error = self.error_of(status, headers)?;
        let Some(remote) = is_json(headers).then(|| RemoteError::from_json(body).ok()).flatten() else {
            return Some(error);
        };
        let remote = if self == Self::Trusted { remote.trusted() } else { remote };
        let class = self.class_told(&remote, status, headers);
        Some(Error::with_class(class, class.category.title()).with("status", status.as_u16()).cause(remote))
    }

    fn class_by_status(self, status: StatusCode, headers: &HeaderMap) -> Class {
        let mut class = class_of(Category::of_http_status(status.as_u16()), self.verdict_of(status, headers));
        class.forbids_retry = self.should_retry(headers) == Some(false);
        class
    }

    fn class_told(self, remote: &RemoteError, status: StatusCode, headers: &HeaderMap) -> Class {
        let by_status = self.class_by_status(status, headers);
        let told = Class::of(remote).of_callee();
        let agrees = remote.category != Category::Unknown && remote.category.http_status() == status.as_u16();
        let mut class = if agrees { told } else { by_status };
        if self.should_retry(headers).is_some() {
            class = class.with_recovery(by_status.recovery).with_verdict(by_status.verdict);
        }
        class.forbids_retry |= by_status.forbids_retry;
        class.idempotent_only = match self {
            Self::Trusted => remote.idempotent_only,
            Self::Untrusted => remote.idempotent_only || by_status.idempotent_only,
        };
        class.retry_after = told.retry_after.or(by_status.retry_after);
        class.verdict = match class.verdict {
            Verdict::Transient(_) => Verdict::Transient(class.retry_after),
            Verdict::Overload(_) => Verdict::Overload(class.retry_after),
            verdict => verdict,
        };
        class
    }

    /// What the header has to say, as far as it is believed.
    fn should_retry(self, headers: &HeaderMap) -> Option<bool> {
        match headers.get(SHOULD_RETRY)?.as_bytes() {
            b"false" => Some(false),
            b"true" if self == Self::Trusted => Some(true),
            _ => None,
        }
    }
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
