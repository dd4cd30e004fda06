//! An error as JSON for logs and for services of the same house.

use std::fmt::{self, Write};

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::foreign::{Shown, type_name};
use crate::{Error, MultiError, RemoteError, Value, Visibility, domain};

/// An error with all that those who run the service may know, as JSON of version 1. Made by [`Error::for_log`].
///
/// `{"v":1,"category","recovery","idempotent_only","code"?,"domain"?,"message","internal"?,"operation"?,"retry_after_ms"?,
/// "metadata"?,"correlation_id"?,"request_id"?,"trace_id"?,"span_id"?,"location","causes"?,"errors"?,"backtrace"?}`.
/// [`RemoteError::from_json`](crate::RemoteError::from_json) reads it back. Later versions only add members.
///
/// Sensitive facts are written as `***`. Each text is written up to 2 KiB as JSON has it; of the facts together 8 KiB, of the causes 16 and
/// 12 KiB together, of several errors as much, of a backtrace 16 KiB. So all of it is shorter than
/// [`RemoteError::JSON_MAX`](crate::RemoteError), and what is written here can be read.
///
/// A cause whose type this crate knows says it: `{"message","type"?,"internal"?,"code"?}`.
#[derive(Clone, Copy, Debug)]
pub struct Report<'e>(&'e Error);

/// The version of the form above.
const VERSION: u8 = 1;

const CAUSES_MAX: usize = 16;
const TEXT_MAX: usize = 2_048;
const ID_MAX: usize = 256;
const FACTS_MAX: usize = 8_192;
const LIST_MAX: usize = 12_288;
const BACKTRACE_MAX: usize = 16_384;

/// What an entry of a list takes besides its texts, at most: names, quotes and commas.
const ENTRY: usize = 64;

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
        some(&mut map, "domain", domain().map(|text| cut(text, ID_MAX)))?;
        map.serialize_entry("message", cut(error.message(), TEXT_MAX))?;
        some(&mut map, "internal", error.internal_message().map(|text| cut(text, TEXT_MAX)))?;
        some(&mut map, "operation", error.operation().map(|text| cut(text, TEXT_MAX)))?;
        some(&mut map, "retry_after_ms", error.retry_after().map(millis))?;
        if !error.metadata().is_empty() {
            map.serialize_entry("metadata", &Facts(error))?;
        }
        if let Some(context) = error.context() {
            map.serialize_entry("correlation_id", cut(context.correlation_id(), ID_MAX))?;
            some(&mut map, "request_id", context.request_id().map(|text| cut(text, ID_MAX)))?;
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
        let mut map = serializer.serialize_map(None)?;
        let mut room = Room(FACTS_MAX);
        for fact in facts {
            let key = cut(fact.key, TEXT_MAX);
            if !room.enter(key) {
                break;
            }
            match (fact.visibility, &fact.value) {
                (Visibility::Sensitive, _) => map.serialize_entry(key, &fact.shown())?,
                (_, Value::Text(text)) => map.serialize_entry(key, room.cut(text))?,
                (_, value) => map.serialize_entry(key, value)?,
            }
        }
        map.end()
    }
}

struct Causes<'e>(&'e Error);

impl Serialize for Causes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let mut room = Room(LIST_MAX);
        for cause in self.0.causes().take(CAUSES_MAX) {
            let kind = type_name(cause);
            if !room.enter(kind.unwrap_or_default()) {
                break;
            }
            let ours = cause.downcast_ref::<Error>();
            let code = ours.and_then(Error::code).map(crate::Code::as_str);
            let remote = cause.downcast_ref::<RemoteError>().and_then(|remote| remote.code.as_deref());
            list.serialize_element(&Cause {
                message: room.text(&Shown(cause)),
                kind,
                code: code.or(remote).map(|code| room.cut(code)),
                internal: ours.and_then(Error::internal_message).map(|text| room.cut(text)),
            })?;
        }
        list.end()
    }
}

struct Cause<'e> {
    message: String,
    kind: Option<&'static str>,
    internal: Option<&'e str>,
    code: Option<&'e str>,
}

impl Serialize for Cause<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message", &self.message)?;
        some(&mut map, "type", self.kind)?;
        some(&mut map, "internal", self.internal)?;
        some(&mut map, "code", self.code)?;
        map.end()
    }
}

/// The errors of a [`MultiError`], as short as one can be told apart.
struct Several<'e>(&'e MultiError);

impl Serialize for Several<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let mut room = Room(LIST_MAX);
        for error in self.0.errors() {
            if !room.enter("") {
                break;
            }
            list.serialize_element(&Cause {
                message: room.text(&format_args!("{error:#}")),
                kind: None,
                code: error.code().map(|code| room.cut(code.as_str())),
                internal: error.internal_message().map(|text| room.cut(text)),
            })?;
        }
        list.end()
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

/// What is left of the room for a list, in bytes of JSON.
struct Room(usize);

// === impl Room ===

impl Room {
    /// Whether there is room for another entry, of which the name is that long.
    fn enter(&mut self, name: &str) -> bool {
        let rest = self.0.checked_sub(ENTRY + len_in_json(name));
        self.0 = rest.unwrap_or(0);
        rest.is_some()
    }

    fn cut<'t>(&mut self, text: &'t str) -> &'t str {
        let text = cut(text, self.0.min(TEXT_MAX));
        self.0 -= len_in_json(text);
        text
    }

    fn text(&mut self, shown: &dyn fmt::Display) -> String {
        let text = bounded(shown, self.0.min(TEXT_MAX));
        self.0 -= len_in_json(&text);
        text
    }
}

/// As much of a text as takes no more than `max` bytes of JSON.
fn cut(text: &str, max: usize) -> &str {
    // Nothing takes more than six times its length.
    if text.len() <= max / 6 {
        return text;
    }
    let mut room = max;
    let end = text.char_indices().find(|(_, c)| match room.checked_sub(in_json(*c)) {
        Some(rest) => {
            room = rest;
            false
        }
        None => true,
    });
    end.map_or(text, |(at, _)| &text[..at])
}

fn len_in_json(text: &str) -> usize {
    text.chars().map(in_json).sum()
}

/// How many bytes of JSON a character takes.
const fn in_json(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => c.len_utf8(),
    }
}

/// The text of something, which is not written further than `max` bytes of JSON.
fn bounded(shown: &dyn fmt::Display, max: usize) -> String {
    let mut text = Bounded { text: String::new(), room: max };
    // It fails when it is full.
    let _ = write!(text, "{shown}");
    text.text
}

struct Bounded {
    text: String,
    room: usize,
}

impl Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let kept = cut(part, self.room);
        self.text.push_str(kept);
        self.room -= len_in_json(kept);
        if kept.len() == part.len() { Ok(()) } else { Err(fmt::Error) }
    }
}
