//! Headers as far as a context needs them: what they are called, and who is asked for them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::baggage::is_token;

/// Headers of a message, for [`Propagation::extract`](crate::propagation::Propagation::extract). Names may be in any case.
pub trait Headers {
    /// All of them, in order; one that is there twice comes twice.
    fn entries(&self) -> impl Iterator<Item = (&str, &[u8])>;
}

/// What the headers are called. Any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderNames {
    /// Default `x-correlation-id`; `GENESIS_CORRELATION_ID_HEADER`.
    pub correlation_id: String,
    /// A second place to look for a trace id, 32 hexadecimal digits. Default `x-trace-id`; `GENESIS_TRACE_ID_HEADER`.
    pub trace_id: String,
    /// The id of the request at its sender: a second place to look for a correlation id. Default `x-request-id`;
    /// `GENESIS_REQUEST_ID_HEADER`.
    pub request_id: String,
}

/// A name that no header can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderNameError {
    variable: &'static str,
    value: String,
}

pub(super) const CORRELATION_ID: &str = "x-correlation-id";
pub(super) const REQUEST_ID: &str = "x-request-id";

// === impl Headers ===

impl Headers for [(&str, &str)] {
    fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter().map(|(name, value)| (*name, value.as_bytes()))
    }
}

impl<const N: usize> Headers for [(&str, &str); N] {
    fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.as_slice().iter().map(|(name, value)| (*name, value.as_bytes()))
    }
}

impl Headers for Vec<(String, String)> {
    fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.as_slice().iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }
}

/// Attributes of a message.
impl<S> Headers for HashMap<String, String, S> {
    fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }
}

/// Attributes of a message.
impl Headers for BTreeMap<String, String> {
    fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }
}

// === impl HeaderNames ===

impl HeaderNames {
    /// What the environment says.
    ///
    /// # Errors
    /// If a variable holds something that is no header name.
    pub fn from_env() -> Result<Self, HeaderNameError> {
        Self::from_lookup(|key| std::env::var_os(key).map(|value| value.to_string_lossy().into_owned()))
    }

    /// What `lookup` says of each variable. Empty values count as absent.
    ///
    /// # Errors
    /// If a variable holds something that is no header name.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, HeaderNameError> {
        let get = |variable, default: String| match lookup(variable).filter(|value| !value.is_empty()) {
            None => Ok(default),
            Some(value) if is_name(&value) => Ok(value.to_ascii_lowercase()),
            Some(value) => Err(HeaderNameError { variable, value: value.chars().take(80).collect() }),
        };
        let default = Self::default();
        Ok(Self {
            correlation_id: get("GENESIS_CORRELATION_ID_HEADER", default.correlation_id)?,
            trace_id: get("GENESIS_TRACE_ID_HEADER", default.trace_id)?,
            request_id: get("GENESIS_REQUEST_ID_HEADER", default.request_id)?,
        })
    }
}

fn is_name(name: &str) -> bool {
    let is_taken = RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved));
    is_token(name.as_bytes()) && name.len() <= 64 && !is_taken
}

/// What HTTP and the other headers of a context are called.
const RESERVED: [&str; 21] = [
    "accept",
    "authorization",
    "baggage",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "grpc-timeout",
    "host",
    "retry-after",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "traceparent",
    "tracestate",
    "upgrade",
    super::TIMEOUT,
    super::ATTEMPT,
    super::CRITICALITY,
];

impl Default for HeaderNames {
    fn default() -> Self {
        Self {
            correlation_id: CORRELATION_ID.to_owned(),
            trace_id: "x-trace-id".to_owned(),
            request_id: REQUEST_ID.to_owned(),
        }
    }
}

impl fmt::Display for HeaderNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, value } = self;
        write!(
            f,
            "{variable} is {value:?}, which no header of ours can be called: use letters, digits and dashes, 64 at most, and \
             no name that means something else already"
        )
    }
}

impl std::error::Error for HeaderNameError {}
