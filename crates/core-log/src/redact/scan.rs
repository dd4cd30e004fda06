//! One pass over a text, from left to right. Each look ahead or back has a bound, so that the worst text costs no more than a
//! fixed amount a byte.

use super::{Kind, Redaction, flag, named, numbers, patterns};

/// What was found, and where.
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

/// The most of a local part, of a domain, and of the user and password in a URL.
const LOCAL_MAX: usize = 64;
const DOMAIN_MAX: usize = 255;
const USER_MAX: usize = 256;

/// A shorter word is no key of any issuer, and a shorter text holds no private key.
const KEY_MIN: usize = 20;

/// What a byte may begin or be part of.
const WORD: u8 = 1;
const DIGIT: u8 = 2;
const SIGN: u8 = 4;
const DASH: u8 = 8;

const CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut class = [0; 256];
    let mut byte = 0_u8;
    loop {
        class[byte as usize] = match byte {
            b'0'..=b'9' => WORD | DIGIT,
            b'-' => WORD | DASH,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => WORD,
            b'@' | b':' | b'=' | b'+' | b'(' | b'%' | b'>' => SIGN,
            _ => 0,
        };
        if byte == u8::MAX {
            return class;
        }
        byte += 1;
    }
}

/// Whether a short text has nothing in it that anything begins with: most texts, in a few nanoseconds.
pub(super) fn is_harmless(text: &str) -> bool {
    let seen = text.bytes().take(KEY_MIN).fold(0, |seen, byte| seen | CLASS[usize::from(byte)]);
    text.len() < KEY_MIN && seen & (DIGIT | SIGN) == 0 && (seen & DASH == 0 || !has_flag(text.as_bytes()))
}

/// Whether a word begins with a dash.
fn has_flag(bytes: &[u8]) -> bool {
    let begins = |at: usize| at == 0 || CLASS[usize::from(bytes[at - 1])] & WORD == 0;
    bytes.iter().enumerate().any(|(at, byte)| *byte == b'-' && begins(at))
}

/// The first of all that is to be taken out, at `from` or after. `numbers` says whether phones and cards are looked for.
pub(super) fn next(text: &str, from: usize, numbers: bool, policy: &Redaction) -> Option<Found> {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        let class = CLASS[usize::from(bytes[at])];
        let found = if class & WORD != 0 {
            let end = word_end(bytes, at);
            let found = word(text, at, end, numbers && class & DIGIT != 0, policy);
            // Nothing begins inside of a word.
            at = if found.is_some() { at } else { end };
            found
        } else if class & SIGN != 0 {
            sign(text, from, at, numbers, policy)
        } else {
            at += escape(&bytes[at..]).saturating_sub(1);
            None
        };
        match found {
            Some(found) if policy.wants(found.kind) => return Some(found),
            Some(found) => at = found.end.max(at + 1),
            None if class & WORD != 0 => {}
            None => at += 1,
        }
    }
    None
}

fn word(text: &str, at: usize, end: usize, number: bool, policy: &Redaction) -> Option<Found> {
    let bytes = text.as_bytes();
    if bytes[at] == b'-'
        && let Some(found) =
            pem(text, at).or_else(|| flag::at(text, at, end, |name| policy.is_secret_in_text(name)))
    {
        return Some(found);
    }
    if number
        && !follows_name(bytes, at)
        && let Some((end, kind)) = numbers::at(bytes, at)
        && !is_of_id(bytes, at)
    {
        return Some(Found { start: at, end, kind });
    }
    // `SG.`, `hvs.`, `ya29.`: a short word and a dot, and a long word after it.
    let has_dot = (2..=5).contains(&(end - at)) && bytes.get(end) == Some(&b'.');
    let may_be_key = bytes.len() - at >= KEY_MIN && (end - at >= KEY_MIN || has_dot);
    (may_be_key && patterns::is_key(&bytes[at..])).then(|| {
        let end = at + patterns::token_end(&bytes[at..], usize::MAX);
        Found { start: at, end, kind: Kind::Secret }
    })
}

fn sign(text: &str, from: usize, at: usize, numbers: bool, policy: &Redaction) -> Option<Found> {
    let bytes = text.as_bytes();
    match bytes[at] {
        b'@' => email(text, from, at, 1),
        b'%' if bytes[at..].starts_with(b"%40") => email(text, from, at, 3),
        b'%' => None,
        b':' if bytes[at..].starts_with(b"://") => url(bytes, at),
        b':' | b'=' | b'>' => named::at(text, from, at, |name| policy.is_secret_in_text(name)),
        _ if !numbers || follows_name(bytes, at) || (at > 0 && bytes[at - 1].is_ascii_alphanumeric()) => None,
        _ => numbers::at(bytes, at).map(|(end, kind)| Found { start: at, end, kind }),
    }
}

fn word_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..]
        .iter()
        .position(|byte| CLASS[usize::from(*byte)] & WORD == 0)
        .map_or(bytes.len(), |len| at + len)
}

/// Whether what begins here goes on from before: `v1.2`, `/2024`, `#7`.
fn follows_name(bytes: &[u8], at: usize) -> bool {
    at > 0 && matches!(bytes[at - 1], b'.' | b'/' | b'#' | b'$' | b'%' | b'_' | b'\\')
}

/// Whether a number stands beside the name of an id: `order_id=7`, `"userId": 7`, `id: 7`.
fn is_of_id(bytes: &[u8], at: usize) -> bool {
    let before = |bytes: &[u8], max: usize, is: fn(u8) -> bool| {
        bytes.iter().rev().take(max).take_while(|byte| is(**byte)).count()
    };
    let mut rest = &bytes[..at];
    let sign = before(rest, 6, |byte| matches!(byte, b' ' | b'"' | b'\'' | b'\\' | b':' | b'='));
    rest = &rest[..at - sign];
    let has_sign = bytes[at - sign..at].iter().any(|byte| matches!(byte, b':' | b'='));
    let Some((name, id)) = rest.split_last_chunk::<2>() else { return false };
    let is_start = name.last().is_none_or(|byte| !byte.is_ascii_alphanumeric());
    has_sign && ((is_start && id.eq_ignore_ascii_case(b"id")) || matches!(id, b"Id" | b"ID"))
}

/// How long what begins here is, if it stands for another character, or colours a terminal: `\n`, `\u001b[31m` of a text that was
/// escaped before, or the colour itself. What follows it is no part of it.
fn escape(bytes: &[u8]) -> usize {
    const COLOUR_MAX: usize = 16;
    let slashes = bytes.iter().take(8).take_while(|byte| **byte == b'\\').count();
    let rest = &bytes[slashes..];
    let (len, is_escape) = match rest {
        [0x1b, ..] if slashes == 0 => (1, true),
        _ if slashes == 0 => return 0,
        [b'u', b'{', ..] => match rest.iter().take(10).position(|byte| *byte == b'}') {
            Some(end) => (end + 1, rest[2..end].eq_ignore_ascii_case(b"1b")),
            None => (1, false),
        },
        [b'u', code @ ..] if code.iter().take(4).filter(|byte| byte.is_ascii_hexdigit()).count() == 4 => {
            (5, code[..4].eq_ignore_ascii_case(b"001b"))
        }
        [b'x', code @ ..] if code.iter().take(2).filter(|byte| byte.is_ascii_hexdigit()).count() == 2 => {
            (3, code[..2].eq_ignore_ascii_case(b"1b"))
        }
        [byte, ..] if byte.is_ascii() => (1, false),
        _ => (0, false),
    };
    let after = &rest[len..];
    let colour = match after.strip_prefix(b"[") {
        Some(code) if is_escape => {
            code.iter().take(COLOUR_MAX).position(u8::is_ascii_alphabetic).map_or(1, |end| end + 2)
        }
        _ => 0,
    };
    slashes + len + colour
}

/// An address around the `@` of so many bytes at `at`.
fn email(text: &str, from: usize, at: usize, len: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    let is_local = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || *byte >= 0x80
            || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'')
    };
    let is_domain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80 || matches!(byte, b'.' | b'-');
    let local = bytes[from..at].iter().rev().take(LOCAL_MAX).take_while(|byte| is_local(byte)).count();
    let start = text.ceil_char_boundary(at - local);
    let domain = bytes[at + len..].iter().take(DOMAIN_MAX).take_while(|byte| is_domain(byte)).count();
    let end = text.floor_char_boundary(at + len + domain);
    let domain = text[at + len..end].trim_end_matches(['.', '-']);
    let (name, top) = domain.rsplit_once('.')?;
    let is_top = top.chars().count() >= 2 && top.chars().all(char::is_alphabetic);
    (start < at && !name.is_empty() && is_top).then(|| Found {
        start,
        end: at + len + domain.len(),
        kind: Kind::Email,
    })
}

/// `://user:password@`. A password may have a `/`, `?`, `#` or `@` in it, though it should not.
fn url(bytes: &[u8], at: usize) -> Option<Found> {
    let start = at + 3;
    let rest = &bytes[start..bytes.len().min(start + USER_MAX)];
    let is_after =
        |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'<' | b'>' | b'\\' | b',');
    let rest = &rest[..rest.iter().position(is_after).unwrap_or(rest.len())];
    let is_path = |byte: &u8| matches!(byte, b'/' | b'?' | b'#');
    let host = &rest[..rest.iter().position(is_path).unwrap_or(rest.len())];
    let colon = host.iter().position(|byte| *byte == b':')?;
    let end = match host.iter().rposition(|byte| *byte == b'@') {
        Some(end) => end,
        // A port, or an address in brackets: there is no password.
        None if host[colon + 1..].iter().all(u8::is_ascii_digit) || host.starts_with(b"[") => return None,
        None => rest.iter().position(|byte| *byte == b'@')?,
    };
    (colon < end).then_some(Found { start, end: start + end, kind: Kind::Secret })
}

/// `-----BEGIN … PRIVATE KEY-----` up to its end, or to that of the text.
fn pem(text: &str, at: usize) -> Option<Found> {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    let rest = text[at..].strip_prefix(BEGIN)?;
    let title = &rest[..rest.floor_char_boundary(64)];
    let (title, _) = title.split_once("-----")?;
    if !title.contains("PRIVATE KEY") {
        return None;
    }
    let end = rest.find(END).map_or(text.len(), |end| {
        let end = at + BEGIN.len() + end + END.len();
        text[end..].find("-----").map_or(text.len(), |len| end + len + 5)
    });
    Some(Found { start: at, end, kind: Kind::Secret })
}
