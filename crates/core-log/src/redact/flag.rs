//! A secret on a command line: `--password x`, `--token "x"`, and the same in a list of arguments. With `=` between, it is a value
//! beside the name of a secret as any other.

use super::named;
use super::scan::Found;
use crate::redact::Kind;

/// What is followed by a secret whatever the program. `-p` and its like are a port in one and a path in the next.
const FLAGS: [&[u8]; 5] = [b"password", b"passwd", b"token", b"secret", b"api-key"];

/// What follows the name of a flag in a sentence about it.
const PROSE: [&[u8]; 20] = [
    b"is",
    b"was",
    b"are",
    b"and",
    b"or",
    b"to",
    b"for",
    b"with",
    b"must",
    b"has",
    b"not",
    b"may",
    b"can",
    b"will",
    b"flag",
    b"option",
    b"argument",
    b"instead",
    b"requires",
    b"needs",
];

/// Two spaces between are a slip, more are a table.
const SPACES_MAX: usize = 2;

/// What stands behind the flag that is the word from `at` to `end`.
pub(super) fn at(text: &str, at: usize, end: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    let name = bytes[at..end].strip_prefix(b"--")?;
    if !FLAGS.contains(&name) {
        return None;
    }
    match bytes.get(end)? {
        b' ' => {
            let spaces = named::count(&bytes[end..], SPACES_MAX, |byte| byte == b' ');
            argument(bytes, end + spaces)
        }
        // `["--token", "x"]`, also in a text in a text.
        b'"' | b'\'' | b'\\' => {
            let (quote, slashes) = named::quote(&bytes[end..])?;
            let comma = end + slashes + 1;
            let rest = bytes.get(comma..)?.strip_prefix(b",")?;
            let space = named::count(rest, 1, |byte| byte == b' ');
            let (other, _) = named::quote(&rest[space..])?;
            if other == quote { argument(bytes, comma + 1 + space) } else { None }
        }
        _ => None,
    }
}

/// `<PASSWORD>`, `[PASSWORD]`, `$TOKEN`, `${TOKEN}`: what stands there is not the secret. `--user`: it is the next flag.
fn is_placeholder(value: &[u8]) -> bool {
    matches!(value, [b'-', ..] | [b'<', .., b'>'] | [b'[', .., b']'] | [b'$', b'A'..=b'Z' | b'{', ..])
}

/// What begins here, if it is the argument of a flag and none itself.
fn argument(bytes: &[u8], start: usize) -> Option<Found> {
    let rest = bytes.get(start..)?;
    let quoted = named::quote(rest).and_then(|(quote, slashes)| {
        let inside = start + slashes + 1;
        if named::is_masked(&bytes[inside..]) || bytes[inside..].starts_with(b"--") {
            return Some((inside, inside));
        }
        let end = named::closing_quote(bytes, inside, quote, slashes);
        // One apostrophe alone is no quote.
        end.or((quote == b'"').then_some(bytes.len())).map(|end| (inside, end))
    });
    if let Some((start, end)) = quoted {
        return (start < end).then_some(Found { start, end, kind: Kind::Secret });
    }
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'`');
    let len = rest.iter().position(is_end).unwrap_or(rest.len());
    let value = &rest[..len];
    let is_word = |word: &&[u8]| {
        value.strip_prefix(*word).is_some_and(|after| matches!(after, [] | [b',' | b'.' | b';']))
    };
    let is_none = value.is_empty() || is_placeholder(value) || named::is_masked(value);
    (!is_none && !PROSE.iter().any(is_word)).then_some(Found { start, end: start + len, kind: Kind::Secret })
}
