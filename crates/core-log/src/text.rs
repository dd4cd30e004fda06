//! Text that cannot break a line: quotes, backslashes and control characters are escaped, and long text is cut.

use std::fmt;

/// The most of one value that is written, in bytes before escaping.
pub(crate) const VALUE_MAX: usize = 8 * 1024;

/// Escapes what is written to it.
pub(crate) struct Escaped<'a> {
    out: &'a mut String,
    room: usize,
    rule: Rule,
    /// Whether something did not fit.
    pub(crate) cut: bool,
}

/// What is escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// As JSON wants it.
    Json,
    /// Control characters only, and a line break is followed by an indent: for people.
    Console,
}

// === impl Escaped ===

impl<'a> Escaped<'a> {
    pub(crate) fn new(out: &'a mut String, rule: Rule) -> Self {
        Self { out, room: VALUE_MAX, rule, cut: false }
    }

    pub(crate) fn push(&mut self, text: &str) {
        if self.cut {
            return;
        }
        let fits = fitting(text, self.room);
        self.cut = fits.len() < text.len();
        self.room -= fits.len();
        match self.rule {
            Rule::Json => push_json(self.out, fits),
            Rule::Console => push_console(self.out, fits),
        }
    }
}

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

fn fitting(text: &str, room: usize) -> &str {
    if text.len() <= room { text } else { &text[..text.floor_char_boundary(room)] }
}

fn push_json(out: &mut String, text: &str) {
    let mut clean = 0;
    for (at, byte) in text.bytes().enumerate() {
        // 0x7f and up are fine in JSON; a byte above never starts or ends in the middle of a character here.
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[clean..at]);
        clean = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                out.push_str("\\u00");
                out.push(hex(byte >> 4));
                out.push(hex(byte & 0xf));
            }
        }
    }
    out.push_str(&text[clean..]);
}

/// A control character could move the cursor or colour the rest of the terminal.
fn push_console(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\n             │ "),
            '\t' => out.push('\t'),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
}

pub(crate) fn hex(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}
