//! One pass over a text, from left to right. Each look ahead or back has a bound, so that the worst text costs no more than a
//! fixed amount a byte.

use super::{Kind, keys, numbers, patterns};

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

/// A shorter name is none of a secret.
const NAME_MIN: usize = 3;
const NAME_MAX: usize = 48;

/// What a byte may begin or be part of.
const WORD: u8 = 1;
const DIGIT: u8 = 2;
const SIGN: u8 = 4;

const CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut class = [0; 256];
    let mut byte = 0_u8;
    loop {
        class[byte as usize] = match byte {
            b'0'..=b'9' => WORD | DIGIT,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'-' | 0x80.. => WORD,
            b'@' | b':' | b'=' | b'+' | b'(' => SIGN,
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
    text.len() < KEY_MIN && seen & (DIGIT | SIGN) == 0
}

/// The first of all that is to be taken out, at `from` or after. `numbers` says whether phones and cards are looked for, `wanted` which
/// kinds.
pub(super) fn next(text: &str, from: usize, numbers: bool, wanted: impl Fn(Kind) -> bool) -> Option<Found> {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        let class = CLASS[usize::from(bytes[at])];
        let found = if class & WORD != 0 {
            let end = word_end(bytes, at);
            let found = word(text, at, end, numbers && class & DIGIT != 0);
            // Nothing begins inside of a word.
            at = if found.is_some() { at } else { end };
            found
        } else if class & SIGN != 0 {
            sign(text, from, at, numbers)
        } else {
            // What follows is no letter: `\n` of a text that was escaped before.
            at += usize::from(bytes[at] == b'\\' && bytes.get(at + 1).is_some_and(u8::is_ascii));
            None
        };
        match found {
            Some(found) if wanted(found.kind) => return Some(found),
            Some(found) => at = found.end.max(at + 1),
            None if class & WORD != 0 => {}
            None => at += 1,
        }
    }
    None
}

fn word(text: &str, at: usize, end: usize, number: bool) -> Option<Found> {
    let bytes = text.as_bytes();
    if bytes[at] == b'-'
        && let Some(found) = pem(text, at)
    {
        return Some(found);
    }
    if number
        && !follows_name(bytes, at)
        && let Some((end, kind)) = numbers::at(bytes, at)
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

fn sign(text: &str, from: usize, at: usize, numbers: bool) -> Option<Found> {
    let bytes = text.as_bytes();
    match bytes[at] {
        b'@' => email(text, from, at),
        b':' if bytes[at..].starts_with(b"://") => url(bytes, at),
        b':' | b'=' => named(text, from, at),
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

fn email(text: &str, from: usize, at: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    let is_local = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || *byte >= 0x80
            || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'')
    };
    let is_domain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80 || matches!(byte, b'.' | b'-');
    let local = bytes[from..at].iter().rev().take(LOCAL_MAX).take_while(|byte| is_local(byte)).count();
    let start = text.ceil_char_boundary(at - local);
    let domain = bytes[at + 1..].iter().take(DOMAIN_MAX).take_while(|byte| is_domain(byte)).count();
    let end = text.floor_char_boundary(at + 1 + domain);
    let domain = text[at + 1..end].trim_end_matches(['.', '-']);
    let (name, top) = domain.rsplit_once('.')?;
    let is_top = top.chars().count() >= 2 && top.chars().all(char::is_alphabetic);
    (start < at && !name.is_empty() && is_top).then(|| Found {
        start,
        end: at + 1 + domain.len(),
        kind: Kind::Email,
    })
}

/// `://user:password@`.
fn url(bytes: &[u8], at: usize) -> Option<Found> {
    let start = at + 3;
    let rest = &bytes[start..];
    let end = rest
        .iter()
        .take(USER_MAX)
        .position(|byte| matches!(byte, b'@' | b'/' | b'?' | b'#' | b' ' | b'"' | b'\n'))?;
    let has_password = rest[end] == b'@' && rest[..end].contains(&b':');
    has_password.then_some(Found { start, end: start + end, kind: Kind::Secret })
}

/// `password=…`, `"token": "…"`, `Authorization: Bearer …`.
fn named(text: &str, from: usize, at: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    // A name may be in quotes, also in those of a text in a text.
    let quotes =
        bytes[from..at].iter().rev().take(2).take_while(|byte| matches!(byte, b'"' | b'\'' | b'\\')).count();
    let name_end = at - quotes;
    let len = bytes[from..name_end].iter().rev().take(NAME_MAX).take_while(|byte| is_name(byte)).count();
    let name = &text[name_end - len..name_end];
    if len < NAME_MIN || !keys::is_secret_in_text(name) {
        return None;
    }
    let mut start = at + 1;
    let spaces = bytes[start..].iter().take(2).take_while(|byte| **byte == b' ').count();
    start += spaces;
    // A string, in `Some`, in another string.
    let unquoted = start;
    for wrapper in ["Some(", "\\\"", "\"", "'"] {
        start += if bytes[start..].starts_with(wrapper.as_bytes()) { wrapper.len() } else { 0 };
    }
    let in_quotes = start > unquoted && matches!(bytes[start - 1], b'"' | b'\'');
    let scheme = ["Bearer ", "bearer ", "Basic ", "basic ", "Token ", "token "];
    let scheme = scheme.iter().find(|scheme| bytes[start..].starts_with(scheme.as_bytes()));
    start += scheme.map_or(0, |scheme| scheme.len());
    // What was taken out before stays.
    if bytes.get(start) == Some(&b'[') {
        return None;
    }
    let to_line_end = in_quotes || keys::ends_in(name, "cookie");
    let is_end = |byte: &u8| match byte {
        b'"' | b'\'' | b'\n' | b'\r' | b'\\' => true,
        b' ' | b',' | b';' | b'&' | b')' | b'}' | b']' => !to_line_end,
        _ => false,
    };
    let end = bytes[start..].iter().position(is_end).map_or(bytes.len(), |len| start + len);
    let value = &text[start..end];
    let is_nothing = value.is_empty() || matches!(value, "None" | "null" | "true" | "false");
    // In a sentence, `token: unexpected end` speaks of tokens.
    let is_prose = bytes[at] == b':'
        && spaces > 0
        && !in_quotes
        && scheme.is_none()
        && !["password", "passwd", "pwd", "passphrase"].iter().any(|sure| keys::ends_in(name, sure))
        && value.bytes().all(|byte| byte.is_ascii_alphabetic());
    (!is_nothing && !is_prose).then_some(Found { start, end, kind: Kind::Secret })
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
