use std::fmt;
use std::sync::Arc;

use super::trim_blanks;

/// What vendors say about a trace: a `tracestate`, checked, and otherwise handed on as it is. A clone is a reference count.
#[derive(Clone, PartialEq, Eq)]
pub struct TraceState(Arc<str>);

/// Why a `tracestate` was dropped. The trace goes on without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceStateError {
    /// It has more than 32 members.
    Members,
    /// It is longer than 32 members can be.
    Length,
    /// A key does not have the form of one.
    Key,
    /// A value does not have the form of one.
    Value,
}

const MEMBERS_MAX: usize = 32;
const PART_MAX: usize = 256;

/// Longer than this cannot be valid, however many blanks there are: the work is bounded before it begins.
const INPUT_MAX: usize = 2 * MEMBERS_MAX * (2 * PART_MAX + 2);

/// So much is handed on: other parties in the chain refuse headers of more. The specification asks for 512 at least.
const LENGTH_MAX: usize = 4_096;

/// Members longer than this go first where it is too long.
const LARGE: usize = 128;

// === impl TraceState ===

impl TraceState {
    /// Reads the `tracestate` headers of a request: joined in order, checked, each key once (the first of it stays). `None` if
    /// there is nothing in them.
    ///
    /// # Errors
    /// What is wrong with it. Takes bounded time whatever the length.
    pub fn parse<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Self>, TraceStateError> {
        let mut headers = headers.into_iter();
        let (first, second) = (headers.next(), headers.next());
        let alone = first.filter(|_| second.is_none());
        if let Some(state) = alone.and_then(as_it_is) {
            return Ok(Some(Self(state.into())));
        }
        let mut members = Members::default();
        let (mut count, mut read) = (0, 0);
        for header in first.into_iter().chain(second).chain(headers) {
            read += header.len() + 1;
            if read > INPUT_MAX {
                return Err(TraceStateError::Length);
            }
            for member in header.split(|byte| *byte == b',').map(trim_blanks) {
                // Empty members are allowed, and mean nothing.
                if member.is_empty() {
                    continue;
                }
                if count == MEMBERS_MAX {
                    return Err(TraceStateError::Members);
                }
                members.push(parse_member(member)?);
                count += 1;
            }
        }
        members.shorten(0);
        Ok((!members.0.is_empty()).then(|| members.text()))
    }

    /// The members, as text. At most 4096 characters: of more, whole members are left out, those over 128 characters first, and
    /// then from the right.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Keys and values, in order.
    pub fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.split(',').filter_map(|member| member.split_once('='))
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.members().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// With a member of ours in front, in place of one of the same key: what a vendor does that takes part in the trace. Of 32
    /// members the last makes room; where it gets too long, others do.
    ///
    /// # Errors
    /// If key or value do not have the form of one.
    pub fn with_member_first(before: Option<&Self>, key: &str, value: &str) -> Result<Self, TraceStateError> {
        check_key(key.as_bytes())?;
        check_value(value.as_bytes())?;
        if value.ends_with(' ') {
            return Err(TraceStateError::Value);
        }
        let mut members = Members::default();
        let others = before.into_iter().flat_map(Self::members).filter(|(known, _)| *known != key);
        std::iter::once((key, value)).chain(others).take(MEMBERS_MAX).for_each(|member| members.push(member));
        members.shorten(1);
        Ok(members.text())
    }
}

/// A header to which nothing has to be done, as most are: it is then copied once.
fn as_it_is(header: &[u8]) -> Option<&str> {
    if header.len() > LENGTH_MAX {
        return None;
    }
    let mut from = 0;
    for (count, member) in header.split(|byte| *byte == b',').enumerate() {
        let equals = check_member(member).ok()?;
        let is_trimmed = !matches!(member.last(), Some(b' ' | b'\t'));
        let key = &member[..=equals];
        let is_new = !header[..from].split(|byte| *byte == b',').any(|earlier| earlier.starts_with(key));
        if count == MEMBERS_MAX || !is_trimmed || !is_new {
            return None;
        }
        from += member.len() + 1;
    }
    std::str::from_utf8(header).ok()
}

/// Keys and values, each key once.
#[derive(Default)]
struct Members<'a>(Vec<(&'a str, &'a str)>);

// === impl Members ===

impl<'a> Members<'a> {
    fn push(&mut self, member: (&'a str, &'a str)) {
        if !self.0.iter().any(|(key, _)| *key == member.0) {
            self.0.push(member);
        }
    }

    /// Leaves whole members out until it is short enough. The first `spared` stay, however long they are.
    fn shorten(&mut self, spared: usize) {
        while self.len() > LENGTH_MAX {
            let large = self.0[spared..].iter().rposition(|member| len(member) > LARGE);
            self.0.remove(large.map_or(self.0.len() - 1, |at| spared + at));
        }
    }

    /// As text, with commas.
    fn len(&self) -> usize {
        self.0.iter().map(|member| len(member) + 1).sum::<usize>().saturating_sub(1)
    }

    fn text(&self) -> TraceState {
        let mut text = String::with_capacity(self.len());
        for (key, value) in &self.0 {
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(key);
            text.push('=');
            text.push_str(value);
        }
        TraceState(text.into())
    }
}

fn len((key, value): &(&str, &str)) -> usize {
    key.len() + 1 + value.len()
}

fn parse_member(member: &[u8]) -> Result<(&str, &str), TraceStateError> {
    let equals = check_member(member)?;
    let text = |part| std::str::from_utf8(part).map_err(|_| TraceStateError::Value);
    Ok((text(&member[..equals])?, text(&member[equals + 1..])?))
}

/// Where the equals sign of a member is, if that is one.
fn check_member(member: &[u8]) -> Result<usize, TraceStateError> {
    let equals = member.iter().position(|byte| *byte == b'=').ok_or(TraceStateError::Key)?;
    check_key(&member[..equals])?;
    check_value(&member[equals + 1..])?;
    Ok(equals)
}

/// What may be in a key, and what in a value.
const KEY: u8 = 1;
const VALUE: u8 = 2;

/// What each byte may be in.
const PLACES: [u8; 256] = {
    let mut places = [0; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        let is_key = byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@');
        let is_value = !matches!(byte, b',' | b'=');
        places[byte as usize] = (is_key as u8 * KEY) | (is_value as u8 * VALUE);
        byte += 1;
    }
    places
};

fn all_are(place: u8, text: &[u8]) -> bool {
    text.iter().fold(place, |all, byte| all & PLACES[usize::from(*byte)]) == place
}

fn check_key(key: &[u8]) -> Result<(), TraceStateError> {
    let is_first = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_key = key.len() <= PART_MAX && key.first().is_some_and(is_first) && all_are(KEY, key);
    if is_key { Ok(()) } else { Err(TraceStateError::Key) }
}

fn check_value(value: &[u8]) -> Result<(), TraceStateError> {
    let is_right = !value.is_empty() && value.len() <= PART_MAX && all_are(VALUE, value);
    if is_right { Ok(()) } else { Err(TraceStateError::Value) }
}

impl fmt::Display for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

// === impl TraceStateError ===

impl fmt::Display for TraceStateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Members => "a tracestate has at most 32 members",
            Self::Length => "a tracestate is longer than 32 members can be",
            Self::Key => {
                "a key of a tracestate has 1 to 256 characters of a-z 0-9 _ - * / @ and starts with one of a-z 0-9"
            }
            Self::Value => {
                "a value of a tracestate has 1 to 256 printable characters without comma and equals sign, the last no space"
            }
        })
    }
}

impl std::error::Error for TraceStateError {}
