//! `Retry-After`, RFC 9110 §10.2.3: seconds, or a date in one of three forms.

use std::time::{Duration, SystemTime};

use core_errors::RemoteError;
use http::HeaderMap;
use http::header::RETRY_AFTER;

/// When the callee wants to be asked again. `None` if it does not say, says it twice, or says something else.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let mut values = headers.get_all(RETRY_AFTER).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    parse_retry_after(value.as_bytes(), wall())
}

/// Reads the value of a `Retry-After` header. A date that has passed is zero. More than [`RemoteError::RETRY_AFTER_MAX`], a day, is a day:
/// whether a hint is worth waiting for is for whoever waits, and retries take no notice of one above their own bound (rule RT-4).
#[must_use]
pub fn parse_retry_after(value: &[u8], now: SystemTime) -> Option<Duration> {
    let text = std::str::from_utf8(value.trim_ascii()).ok().filter(|text| text.len() <= 40)?;
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(bounded(Duration::from_secs(text.parse().unwrap_or(u64::MAX))));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(bounded(date.duration_since(now).unwrap_or_default()))
}

fn bounded(after: Duration) -> Duration {
    after.min(RemoteError::RETRY_AFTER_MAX)
}

#[expect(clippy::disallowed_methods, reason = "a date in a header can only be held against the wall clock")]
fn wall() -> SystemTime {
    SystemTime::now()
}
