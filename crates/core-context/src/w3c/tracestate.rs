use std::fmt;
use std::sync::Arc;

/// Why a `tracestate` was dropped. The trace goes on without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceStateError {
    /// It has more than 32 members.
    Members,
    /// It is longer than we carry.
    Length,
    /// A key does not have the form of one.
    Key,
    /// A value does not have the form of one.
    Value,
    /// A key is there twice.
    Duplicate,
}

const MEMBERS_MAX: usize = 32;

/// The specification asks for at least 512 characters; this holds any 32 members of usual length, and bounds the work.
const LENGTH_MAX: usize = 8_192;

/// Joins the `tracestate` headers of a request in order, and checks them. `None` if there is nothing in them.
pub(crate) fn join<'a>(headers: impl Iterator<Item = &'a [u8]>) -> Result<Option<Arc<str>>, TraceStateError> {
    let mut joined = String::new();
    let mut keys: Vec<&[u8]> = Vec::new();
    for header in headers {
        if header.len() > LENGTH_MAX {
            return Err(TraceStateError::Length);
        }
        for member in header.split(|byte| *byte == b',') {
            let member = trim_blanks(member);
            if member.is_empty() {
                continue;
            }
            let key = check_member(member)?;
            if keys.len() == MEMBERS_MAX {
                return Err(TraceStateError::Members);
            }
            if keys.contains(&key) {
                return Err(TraceStateError::Duplicate);
            }
            keys.push(key);
            if !joined.is_empty() {
                joined.push(',');
            }
            joined.push_str(std::str::from_utf8(member).map_err(|_| TraceStateError::Value)?);
        }
        if joined.len() > LENGTH_MAX {
            return Err(TraceStateError::Length);
        }
    }
    Ok(if joined.is_empty() { None } else { Some(joined.into()) })
}

fn trim_blanks(member: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = member.iter().position(|byte| !is_blank(byte)).unwrap_or(member.len());
    let end = member.iter().rposition(|byte| !is_blank(byte)).map_or(start, |at| at + 1);
    &member[start..end]
}

fn check_member(member: &[u8]) -> Result<&[u8], TraceStateError> {
    let at = member.iter().position(|byte| *byte == b'=').ok_or(TraceStateError::Key)?;
    let (key, value) = (&member[..at], &member[at + 1..]);
    let is_first = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_rest = |byte: &u8| is_first(byte) || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@');
    if key.len() > 256 || !key.first().is_some_and(is_first) || !key.iter().all(is_rest) {
        return Err(TraceStateError::Key);
    }
    let is_value = |byte: &u8| (0x20..=0x7e).contains(byte) && !matches!(byte, b',' | b'=');
    if value.is_empty() || value.len() > 256 || !value.iter().all(is_value) {
        return Err(TraceStateError::Value);
    }
    Ok(key)
}

impl fmt::Display for TraceStateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Members => "a tracestate has at most 32 members",
            Self::Length => "a tracestate of more than 8192 characters is not carried",
            Self::Key => "a key of a tracestate has 1 to 256 characters of a-z 0-9 _ - * / @ and starts with one of a-z 0-9",
            Self::Value => "a value of a tracestate has 1 to 256 printable characters without comma and equals sign",
            Self::Duplicate => "a tracestate has each key once",
        })
    }
}

impl std::error::Error for TraceStateError {}
