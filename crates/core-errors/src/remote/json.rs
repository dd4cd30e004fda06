//! Reading what another service wrote. Lenient, as RFC 9457 asks: a member of the wrong type is as if it were not there.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use super::{LIST_MAX, bounded};
use crate::{Category, Recovery, RemoteError};

/// A text from which no failure can be read.
#[derive(Debug)]
pub struct RemoteErrorInvalid(Invalid);

#[derive(Debug)]
enum Invalid {
    Length(usize),
    Json(serde_json::Error),
    NoObject,
}

// === impl RemoteError ===

impl RemoteError {
    /// The longest document that is read: 64 KiB.
    pub const JSON_MAX: usize = 65_536;

    /// Reads a report ([`Error::for_log`](crate::Error::for_log)) or a problem document (RFC 9457).
    ///
    /// A kind that is not named is that of the HTTP status in it; members that are unknown, or of the wrong type, are ignored.
    ///
    /// # Errors
    /// If it is longer than [`JSON_MAX`](Self::JSON_MAX), or no JSON object.
    pub fn from_json(text: &[u8]) -> Result<Self, RemoteErrorInvalid> {
        if text.len() > Self::JSON_MAX {
            return Err(RemoteErrorInvalid(Invalid::Length(text.len())));
        }
        match serde_json::from_slice(text) {
            Ok(Value::Object(members)) => Ok(Self::from_members(&members)),
            Ok(_) => Err(RemoteErrorInvalid(Invalid::NoObject)),
            Err(error) => Err(RemoteErrorInvalid(Invalid::Json(error))),
        }
    }

    fn from_members(members: &Map<String, Value>) -> Self {
        let text = |key: &str| members.get(key).and_then(Value::as_str).map(bounded);
        let status = || members.get("status").and_then(Value::as_u64);
        let status = || u16::try_from(status()?).ok().map(Category::of_http_status);
        let category =
            text("category").and_then(|name| name.parse().ok()).filter(|named| *named != Category::Unknown);
        let category = category.or_else(status);
        let category = category.unwrap_or(Category::Unknown);
        let message = text("message").or_else(|| text("detail")).or_else(|| text("title"));
        let mut error = Self::new(category, message.unwrap_or_default());
        if let Some(recovery) = text("recovery").and_then(|name| Recovery::from_name(&name)) {
            error.recovery = recovery;
        }
        if let Some(only) = members.get("idempotent_only").and_then(Value::as_bool) {
            error.idempotent_only = only;
        }
        error.service = text("domain");
        error.code = text("code");
        error.operation = text("operation");
        error.correlation_id = text("correlation_id");
        error.retry_after = retry_after(members);
        error.metadata = facts(members);
        error.causes = causes(members);
        error
    }
}

/// In milliseconds in a report, in seconds in a problem document.
fn retry_after(members: &Map<String, Value>) -> Option<Duration> {
    let number = |key: &str| members.get(key).and_then(Value::as_u64);
    let millis = || number("retry_after_ms").map(Duration::from_millis);
    let seconds = || number("retry_after").map(Duration::from_secs);
    millis().or_else(seconds).map(|after| after.min(RemoteError::RETRY_AFTER_MAX))
}

fn facts(members: &Map<String, Value>) -> Vec<(String, String)> {
    let Some(Value::Object(facts)) = members.get("metadata") else { return Vec::new() };
    let fact = |(key, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) => bounded(text),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return None,
        };
        Some((bounded(key), value))
    };
    facts.iter().filter_map(fact).take(LIST_MAX).collect()
}

fn causes(members: &Map<String, Value>) -> Vec<String> {
    let Some(Value::Array(causes)) = members.get("causes") else { return Vec::new() };
    let message = |cause: &Value| cause.get("message").and_then(Value::as_str).map(bounded);
    causes.iter().filter_map(message).take(LIST_MAX).collect()
}

// === impl RemoteErrorInvalid ===

impl fmt::Display for RemoteErrorInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Invalid::Length(len) => write!(
                f,
                "a failure of another service is read from {} bytes at most, this has {len}",
                RemoteError::JSON_MAX
            ),
            Invalid::Json(_) => f.write_str("what the other service answered with is no JSON"),
            Invalid::NoObject => f.write_str("what the other service answered with is JSON, but no object"),
        }
    }
}

impl std::error::Error for RemoteErrorInvalid {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Invalid::Json(error) => Some(error),
            _ => None,
        }
    }
}
