//! A value beside the name of a secret: `password=…`, `"token": "…"`, `Authorization: Bearer …`, and what `Debug` shows.

use super::scan::Found;
use super::{Kind, flag, keys};

/// A shorter name is none of a secret.
const NAME_MIN: usize = 3;
const NAME_MAX: usize = 48;

/// Quotes of a text in a text in a text have so many backslashes before them.
const QUOTES_MAX: usize = 8;

/// The longest name of a type that is looked at.
const TYPE_MAX: usize = 64;

/// What stands before the secret, whatever the name.
const SCHEMES: [&str; 3] = ["bearer ", "basic ", "token "];

/// The same in a header that says who asks.
const HEADER_SCHEMES: [&str; 12] = [
    "bearer ",
    "basic ",
    "token ",
    "apikey ",
    "api-key ",
    "key ",
    "negotiate ",
    "ntlm ",
    "dpop ",
    "sharedkey ",
    "googlelogin ",
    "hmac ",
];

/// Of these, the whole rest of the line is parameters.
const LINE_SCHEMES: [&str; 5] = ["digest ", "aws4-hmac-sha256 ", "hawk ", "oauth ", "signature "];

/// What was taken out before begins so.
const MASKS: [&str; 4] = ["[REDACTED", "[EMAIL", "[PHONE", "[CARD"];

/// What stands behind the sign at `at`, if the name before it is one of a secret. Nothing before `from` is looked at.
pub(super) fn at(text: &str, from: usize, at: usize, is_secret: impl Fn(&str) -> bool) -> Option<Found> {
    let bytes = text.as_bytes();
    let sign = bytes[at];
    // `token::parse` is a path.
    if sign == b':' && (bytes.get(at + 1) == Some(&b':') || (at > from && bytes[at - 1] == b':')) {
        return None;
    }
    let name = name(text, from, at)?;
    let of_flag = (sign == b'=' && bytes[name.start] == b'-').then_some(name.start);
    if sign == b'>' && name.start.checked_sub(1).is_none_or(|before| bytes[before] != b'<') {
        return None;
    }
    let name = text[name].trim_start_matches('-');
    if !is_secret(name) {
        return None;
    }
    if let Some(value) = of_flag.and_then(|flag| argument(text, flag, at + 1, name)) {
        return Some(Found { start: value.start, end: value.end, kind: Kind::Secret });
    }
    let doubled = usize::from(matches!(bytes.get(at + 1), Some(b'=' | b'>')));
    let spaces = count(&bytes[(at + 1 + doubled).min(bytes.len())..], 2, |byte| byte == b' ');
    let value = value(text, at + 1 + doubled + spaces, name)?;
    let is_prose = (sign == b':' || bytes.get(at + 1) == Some(&b'>'))
        && spaces > 0
        && value.is_bare
        && !["password", "passwd", "pwd", "passphrase"].iter().any(|sure| keys::ends_in(name, sure))
        && bytes[value.start..value.end].iter().all(u8::is_ascii_alphabetic);
    // In a sentence, `token: unexpected end` speaks of tokens.
    (!is_prose).then_some(Found { start: value.start, end: value.end, kind: Kind::Secret })
}

/// Where a secret is, and whether nothing around it says that it is one.
struct Value {
    start: usize,
    end: usize,
    is_bare: bool,
}

/// The name that ends before the sign: in quotes, or with a space between.
fn name(text: &str, from: usize, at: usize) -> Option<std::ops::Range<usize>> {
    let bytes = &text.as_bytes()[from..at];
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let bytes = &bytes[..bytes.len() - count_back(bytes, 2, |byte| byte == b' ')];
    let bytes =
        &bytes[..bytes.len() - count_back(bytes, QUOTES_MAX, |byte| matches!(byte, b'"' | b'\'' | b'\\'))];
    let len = count_back(bytes, NAME_MAX, is_name);
    let end = from + bytes.len();
    (len >= NAME_MIN).then_some(end - len..end)
}

/// `--password=a,b;c`: all of a word. `"--password=a b"` in a list: all of the text. What is in quotes itself, or says its scheme, is
/// a value as any other.
fn argument(text: &str, flag: usize, start: usize, name: &str) -> Option<Value> {
    let bytes = text.as_bytes();
    let rest = &bytes[start..];
    if quote(rest).is_some() || is_masked(rest) || rest.starts_with(b" ") {
        return None;
    }
    let before = &bytes[..flag];
    let in_list =
        before.split_last().filter(|(quote, _)| matches!(quote, b'"' | b'\'')).and_then(|(quote, rest)| {
            closing_quote(bytes, start, *quote, count_back(rest, QUOTES_MAX - 1, |byte| byte == b'\\'))
        });
    if in_list.is_none() && scheme(rest, name).0 > 0 {
        return None;
    }
    let end = in_list.unwrap_or_else(|| start + flag::bare_end(rest));
    some(start, end, true).filter(|value| !is_nothing(&text[value.start..value.end]))
}

fn value(text: &str, start: usize, name: &str) -> Option<Value> {
    let bytes = text.as_bytes();
    let rest = bytes.get(start..)?;
    // `Secret("…")`, `Some(…)`, `Pair { … }`, `[1, 2]`: all that is in there. `b"…"`: the text.
    let word = count(rest, TYPE_MAX, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'));
    let space = usize::from(word > 0 && rest[word..].starts_with(b" {"));
    let mut start = start;
    match rest.get(word + space) {
        Some(b'(' | b'[' | b'{') if !is_masked(&rest[word..]) => {
            start += word + space + 1;
            // What is shown over several lines begins on the next one.
            start += count(&bytes[start..], 256, |byte| byte.is_ascii_whitespace());
            if is_masked(&bytes[start..]) {
                return None;
            }
            return some(start, closing_bracket(bytes, start), false);
        }
        Some(b'"' | b'\'' | b'\\') if word <= 2 => start += word,
        _ => {}
    }
    let quoted = quote(&bytes[start..]).and_then(|(quote, slashes)| {
        let inside = start + slashes + 1;
        let end = closing_quote(bytes, inside, quote, slashes);
        // One apostrophe alone is no quote.
        end.or((quote == b'"').then_some(bytes.len())).map(|end| (inside, end))
    });
    let (inside, end) = quoted.unwrap_or((start, bytes.len()));
    let (scheme, to_line_end) = scheme(&bytes[inside..end], name);
    let start = inside + scheme;
    if is_masked(&bytes[start..]) {
        return None;
    }
    if quoted.is_some() {
        return some(start, end, false);
    }
    let end = if to_line_end {
        start + count(&bytes[start..], usize::MAX, |byte| !matches!(byte, b'\n' | b'\r'))
    } else {
        start + bare_end(&bytes[start..], keys::ends_in(name, "cookie"))
    };
    some(start, end, scheme == 0).filter(|value| !is_nothing(&text[value.start..value.end]))
}

fn some(start: usize, end: usize, is_bare: bool) -> Option<Value> {
    (start < end).then_some(Value { start, end, is_bare })
}

/// How long what says the scheme is, and whether all to the end of the line belongs to it.
fn scheme(value: &[u8], name: &str) -> (usize, bool) {
    let find = |schemes: &[&str]| {
        let is = |scheme: &&&str| {
            value.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme.as_bytes()))
        };
        schemes.iter().find(is).map(|scheme| scheme.len())
    };
    if !keys::ends_in(name, "authorization") {
        return (find(&SCHEMES).unwrap_or(0), false);
    }
    match find(&LINE_SCHEMES) {
        Some(len) => (len, true),
        None => (find(&HEADER_SCHEMES).unwrap_or(0), false),
    }
}

pub(super) fn is_masked(bytes: &[u8]) -> bool {
    MASKS.iter().any(|mask| bytes.starts_with(mask.as_bytes()))
}

fn is_nothing(value: &str) -> bool {
    matches!(value, "None" | "null" | "true" | "false")
}

/// How long a value is that nothing surrounds.
fn bare_end(bytes: &[u8], to_line_end: bool) -> usize {
    let is_end = |(at, byte): (usize, &u8)| match byte {
        b'"' | b'\'' | b'\n' | b'\r' | b'<' => true,
        // The end of a line, or of a text, in a text.
        b'\\' => {
            let next = bytes[at..].iter().take(QUOTES_MAX).find(|byte| **byte != b'\\');
            next.is_none_or(|next| matches!(next, b'n' | b'r' | b't' | b'"' | b'\''))
        }
        b' ' | b',' | b';' | b'&' | b')' | b'}' | b']' => !to_line_end,
        _ => false,
    };
    bytes.iter().enumerate().position(|(at, byte)| is_end((at, byte))).unwrap_or(bytes.len())
}

/// Where the quote is that closes a text in quotes with so many backslashes before them. One that belongs to the text has more.
pub(super) fn closing_quote(bytes: &[u8], from: usize, quote: u8, slashes: usize) -> Option<usize> {
    let mut run = 0;
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        if *byte == quote && run % (2 * (slashes + 1)) == slashes {
            return Some(at - slashes);
        }
        run = if *byte == b'\\' { run + 1 } else { 0 };
    }
    None
}

/// Where the bracket closes that was opened before `from`; the end of the text if it does not.
fn closing_bracket(bytes: &[u8], from: usize) -> usize {
    let mut depth = 1;
    let mut at = from;
    let mut run = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            b'"' => at = closing_quote(bytes, at + 1, b'"', run).map_or(bytes.len(), |end| end + run),
            // A character: `')'`.
            b'\'' if bytes.get(at + 2) == Some(&b'\'') => at += 2,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
        run = if bytes.get(at) == Some(&b'\\') { run + 1 } else { 0 };
        at += 1;
    }
    bytes.len()
}

/// The quote that a text begins with, and how many backslashes stand before it.
pub(super) fn quote(bytes: &[u8]) -> Option<(u8, usize)> {
    let slashes = count(bytes, QUOTES_MAX - 1, |byte| byte == b'\\');
    bytes.get(slashes).copied().filter(|byte| matches!(byte, b'"' | b'\'')).map(|quote| (quote, slashes))
}

pub(super) fn count(bytes: &[u8], max: usize, is: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take(max).take_while(|byte| is(**byte)).count()
}

fn count_back(bytes: &[u8], max: usize, is: impl Fn(u8) -> bool) -> usize {
    bytes.iter().rev().take(max).take_while(|byte| is(**byte)).count()
}
