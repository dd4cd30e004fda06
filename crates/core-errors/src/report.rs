//! An error as JSON for logs and for services of the same house.

use std::fmt::Write;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::{Error, MultiError, Visibility, domain};

/// An error with all that those who run the service may know, as JSON of version 1. Made by [`Error::for_log`].
///
/// `{"v":1,"category","recovery","idempotent_only","code"?,"domain"?,"message","internal"?,"operation"?,"retry_after_ms"?,
/// "metadata"?,"correlation_id"?,"request_id"?,"trace_id"?,"span_id"?,"location","causes"?,"errors"?,"backtrace"?}`.
/// [`RemoteError::from_json`](crate::RemoteError::from_json) reads it back. Later versions only add members.
///
/// Sensitive facts are written as `***`. Of the causes 16 are written, each text up to 2 KiB, of a backtrace 16 KiB.
#[derive(Clone, Copy, Debug)]
pub struct Report<'e>(&'e Error);

/// The version of the form above.
const VERSION: u8 = 1;

const CAUSES_MAX: usize = 16;
const TEXT_MAX: usize = 2_048;
const BACKTRACE_MAX: usize = 16_384;

// === impl Error ===

impl Error {
    /// The error as JSON for logs, and for services of the same house: with internal text, causes and place.
    ///
    /// Looking up the symbols of a backtrace, if it has one, takes a good part of a millisecond.
    #[must_use]
    pub fn for_log(&self) -> Report<'_> {
        Report(self)
    }
}

// === impl Report ===

impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let error = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("v", &VERSION)?;
        map.serialize_entry("category", error.category().as_str())?;
        map.serialize_entry("recovery", error.recovery().as_str())?;
        map.serialize_entry("idempotent_only", &error.idempotent_only())?;
        some(&mut map, "code", error.code().map(crate::Code::as_str))?;
        some(&mut map, "domain", domain())?;
        map.serialize_entry("message", error.message())?;
        some(&mut map, "internal", error.internal_message())?;
        some(&mut map, "operation", error.operation())?;
        some(&mut map, "retry_after_ms", error.retry_after().map(millis))?;
        if !error.metadata().is_empty() {
            map.serialize_entry("metadata", &Facts(error))?;
        }
        if let Some(context) = error.context() {
            map.serialize_entry("correlation_id", context.correlation_id())?;
            some(&mut map, "request_id", context.request_id())?;
            if let Some((trace, span)) = context.trace() {
                map.serialize_entry("trace_id", &format_args!("{trace:032x}"))?;
                map.serialize_entry("span_id", &format_args!("{span:016x}"))?;
            }
        }
        map.serialize_entry("location", &format_args!("{}", error.location()))?;
        if error.causes().next().is_some() {
            map.serialize_entry("causes", &Causes(error))?;
        }
        if let Some(several) = error.causes().find_map(|cause| cause.downcast_ref::<MultiError>()) {
            map.serialize_entry("errors", &Several(several))?;
        }
        if let Some(backtrace) = error.backtrace() {
            map.serialize_entry("backtrace", &bounded(backtrace, BACKTRACE_MAX))?;
        }
        map.end()
    }
}

struct Facts<'e>(&'e Error);

impl Serialize for Facts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let facts = self.0.metadata();
        let mut map = serializer.serialize_map(Some(facts.len()))?;
        for fact in facts {
            match fact.visibility {
                Visibility::Sensitive => map.serialize_entry(fact.key, &fact.shown())?,
                _ => map.serialize_entry(fact.key, &fact.value)?,
            }
        }
        map.end()
    }
}

struct Causes<'e>(&'e Error);

impl Serialize for Causes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for cause in self.0.causes().take(CAUSES_MAX) {
            let ours = cause.downcast_ref::<Error>();
            let code = ours.and_then(Error::code);
            let internal = ours.and_then(Error::internal_message).map(|text| bounded(&text, TEXT_MAX));
            list.serialize_element(&Cause { message: bounded(cause, TEXT_MAX), internal, code })?;
        }
        list.end()
    }
}

struct Cause {
    message: String,
    internal: Option<String>,
    code: Option<crate::Code>,
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message", &self.message)?;
        some(&mut map, "internal", self.internal.as_deref())?;
        some(&mut map, "code", self.code.map(crate::Code::as_str))?;
        map.end()
    }
}

/// The errors of a [`MultiError`], as short as one can be told apart.
struct Several<'e>(&'e MultiError);

impl Serialize for Several<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let one = |error: &Error| Cause {
            message: bounded(&format_args!("{error:#}"), TEXT_MAX),
            internal: error.internal_message().map(|text| bounded(&text, TEXT_MAX)),
            code: error.code(),
        };
        serializer.collect_seq(self.0.errors().map(one))
    }
}

fn some<M: SerializeMap, V: Serialize>(
    map: &mut M,
    key: &'static str,
    value: Option<V>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, &value))
}

fn millis(after: std::time::Duration) -> u64 {
    u64::try_from(after.as_millis()).unwrap_or(u64::MAX)
}

/// The text of something, which is not written further than `max` bytes.
fn bounded(shown: &dyn std::fmt::Display, max: usize) -> String {
    let mut text = Bounded { text: String::new(), max };
    // It fails when it is full.
    let _ = write!(text, "{shown}");
    text.text
}

struct Bounded {
    text: String,
    max: usize,
}

impl Write for Bounded {
    fn write_str(&mut self, part: &str) -> std::fmt::Result {
        let room = self.max - self.text.len();
        if part.len() <= room {
            self.text.push_str(part);
            return Ok(());
        }
        self.text.push_str(&part[..part.floor_char_boundary(room)]);
        Err(std::fmt::Error)
    }
}
