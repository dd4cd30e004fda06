//! A secret on a command line: `--password x`, `--db-token "x"`, and the same in a list of arguments. With `=` between, it is a value
//! beside the name of a secret as any other.

use super::named;
use super::scan::Found;
use crate::redact::Kind;

/// What is followed by a secret also behind one dash, as `flag` of Go has it. `-auth` and `-pass` may be a list of letters.
const SHORT: [&str; 5] = ["password", "passwd", "token", "secret", "api-key"];

/// What a flag begins with that is about a secret and has none behind it: `--no-password`, `--ask-password`.
const ABOUT: [&str; 14] = [
    "no-",
    "without-",
    "ask-",
    "prompt-",
    "require-",
    "show-",
    "print-",
    "hide-",
    "skip-",
    "use-",
    "enable-",
    "disable-",
    "generate-",
    "rotate-",
];

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

/// Where a list stands one argument a line, they are indented by less.
const INDENT_MAX: usize = 256;

/// A break of a text in a text in a text has so many backslashes before it.
const SLASHES_MAX: usize = 8;

/// What stands behind the flag that is the word from `at` to `end`.
pub(super) fn at(text: &str, at: usize, end: usize, is_secret: impl Fn(&str) -> bool) -> Option<Found> {
    let bytes = text.as_bytes();
    let word = text.get(at..end)?;
    let name = match word.strip_prefix("--") {
        Some(name) => name,
        None => word.strip_prefix('-').filter(|name| SHORT.contains(name))?,
    };
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !is_name || ABOUT.iter().any(|about| name.starts_with(about)) || !is_secret(name) {
        return None;
    }
    let Some((quote, slashes)) = named::quote(&bytes[end..]) else {
        let start = gap(bytes, end);
        return if start > end { argument(bytes, start) } else { None };
    };
    // `["--token", "x"]`, `"--token" "x"`, also over several lines, and in a text in a text.
    let closed = end + slashes + 1;
    let comma = usize::from(bytes.get(closed) == Some(&b','));
    let start = closed + comma + blank(bytes.get(closed + comma..)?);
    let (other, _) = named::quote(bytes.get(start..)?)?;
    if other == quote && start > closed { argument(bytes, start) } else { None }
}

/// Where the argument begins of a flag that ends here: after spaces, or a break, or a line that goes on in the next.
fn gap(bytes: &[u8], end: usize) -> usize {
    let start = end + named::count(&bytes[end..], SPACES_MAX, |byte| byte == b' ');
    let (len, goes_on) = line_break(&bytes[start..]);
    let start = start + len;
    if goes_on { start + blank(&bytes[start..]) } else { start }
}

/// How long the break is that begins here, as it is or as it is escaped, and whether it says that the line goes on.
fn line_break(bytes: &[u8]) -> (usize, bool) {
    let slashes = named::count(bytes, SLASHES_MAX, |byte| byte == b'\\');
    match &bytes[slashes..] {
        [b'\r', b'\n', ..] => (slashes + 2, slashes > 0),
        [b'\n' | b'\t' | 0, ..] => (slashes + 1, slashes > 0),
        [b'r', rest @ ..] if slashes > 0 => (slashes + 1 + line_break_of_two(rest), slashes > 2),
        [b'n' | b't' | b'0', ..] if slashes > 0 => (slashes + 1, slashes > 2),
        _ => (0, false),
    }
}

/// How long the second half is of `\r\n` as it is escaped.
fn line_break_of_two(bytes: &[u8]) -> usize {
    let slashes = named::count(bytes, SLASHES_MAX, |byte| byte == b'\\');
    if slashes > 0 && bytes.get(slashes) == Some(&b'n') { slashes + 1 } else { 0 }
}

/// How long the spaces and breaks are that begin here.
fn blank(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < INDENT_MAX {
        let rest = &bytes[at..];
        match line_break(rest).0 {
            0 if rest.starts_with(b" ") => at += 1,
            0 => break,
            len => at += len,
        }
    }
    at
}

/// `<PASSWORD>`, `[PASSWORD]`, `$TOKEN`, `${TOKEN}`: what stands there is not the secret. `--user`: it is the next flag.
fn is_placeholder(value: &[u8]) -> bool {
    let is_variable = |name: &[u8]| {
        let is_end = |byte: &u8| matches!(byte, b',' | b'.' | b';' | b':' | b')' | b'\'');
        let len = name.len() - name.iter().rev().take_while(|byte| is_end(byte)).count();
        let is_name = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
        len > 0 && name[..len].iter().all(is_name)
    };
    match value {
        [b'-', ..] | [b'<', .., b'>'] | [b'[', .., b']'] | [b'$', b'{', ..] => true,
        [b'$', name @ ..] => is_variable(name),
        _ => false,
    }
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
    let value = &rest[..bare_end(rest)];
    let is_word = |word: &&[u8]| {
        value.strip_prefix(*word).is_some_and(|after| matches!(after, [] | [b',' | b'.' | b';']))
    };
    let is_none = value.is_empty() || is_placeholder(value) || named::is_masked(value);
    let end = start + value.len();
    (!is_none && !PROSE.iter().any(is_word)).then_some(Found { start, end, kind: Kind::Secret })
}

/// How long an argument is that nothing surrounds. A quote that is followed by more of a word is part of it.
pub(super) fn bare_end(bytes: &[u8]) -> usize {
    let is_end = |(at, byte): (usize, &u8)| match byte {
        b'"' => !bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric),
        b'`' | 0 => true,
        byte => byte.is_ascii_whitespace(),
    };
    let end = bytes.iter().enumerate().position(|(at, byte)| is_end((at, byte))).unwrap_or(bytes.len());
    // Those before a quote belong to it.
    let is_slash = |byte: &&u8| bytes.get(end) == Some(&b'"') && **byte == b'\\';
    end - bytes[..end].iter().rev().take(SLASHES_MAX).take_while(is_slash).count()
}
