//! Text that cannot break a line: quotes, backslashes, control characters and line separators are escaped, and long text
//! is cut.

use std::fmt;

/// The most of one value that is written, in bytes as they stand in the line.
pub(crate) const VALUE_MAX: usize = 16 * 1024;

/// Stands where text was cut.
pub(crate) const MARK: char = '…';

/// Escapes what is written to it, up to a bound. The mark of a cut comes on top of the bound.
pub(crate) struct Escaped<'a> {
    out: &'a mut String,
    end: usize,
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
    /// Appends to `out` until that is `end` bytes long.
    pub(crate) fn new(out: &'a mut String, end: usize, rule: Rule) -> Self {
        Self { out, end, rule, cut: false }
    }

    pub(crate) fn push(&mut self, text: &str) {
        if self.cut {
            return;
        }
        let fits = match self.rule {
            Rule::Json => push_json(self.out, text, self.end),
            Rule::Console => push_console(self.out, text, self.end),
        };
        if !fits {
            self.cut = true;
            self.out.push(MARK);
        }
    }
}

impl fmt::Write for Escaped<'_> {
    /// An error once nothing more fits: what formats for ever ends.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        if self.cut { Err(fmt::Error) } else { Ok(()) }
    }
}

/// Bytes that start a character which may have to be escaped. All of them start one: none is in the middle of another.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < b' ' as usize {
        special[byte] = true;
        byte += 1;
    }
    special[b'"' as usize] = true;
    special[b'\\' as usize] = true;
    special[0x7f] = true;
    // U+0080 to U+00BF, and U+2000 to U+2FFF.
    special[0xc2] = true;
    special[0xe2] = true;
    special
};

/// Whether all of it fitted.
fn push_json(out: &mut String, text: &str, end: usize) -> bool {
    let mut rest = text;
    while let Some(at) = next_special(rest.as_bytes()) {
        let (clean, special) = rest.split_at(at);
        let Some(c) = special.chars().next() else { break };
        rest = &special[c.len_utf8()..];
        if !(push_clean(out, clean, end) && push_special(out, c, end)) {
            return false;
        }
    }
    push_clean(out, rest, end)
}

/// Where the next byte is that starts such a character. Eight at a time are seen to have none of them, or anything that is not ASCII.
fn next_special(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // Exact for one byte; above a byte that is special, others may be called so too.
    let below = |word: u64, byte: u8| word.wrapping_sub(ONES * u64::from(byte)) & !word;
    let is = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (words, _) = bytes.as_chunks::<8>();
    let clean = words.iter().position(|word| {
        let word = u64::from_le_bytes(*word);
        let odd = word | below(word, b' ') | is(word, b'"') | is(word, b'\\') | is(word, 0x7f);
        odd & HIGH != 0
    });
    let from = clean.unwrap_or(words.len()) * 8;
    let at = bytes[from..].iter().position(|byte| SPECIAL[usize::from(*byte)])?;
    Some(from + at)
}

/// Appends as much as fits, and says whether that was all.
fn push_clean(out: &mut String, text: &str, end: usize) -> bool {
    let room = end.saturating_sub(out.len());
    if text.len() <= room {
        out.push_str(text);
        return true;
    }
    out.push_str(&text[..text.floor_char_boundary(room)]);
    false
}

/// An escape is written whole or not at all.
fn push_special(out: &mut String, c: char, end: usize) -> bool {
    let mut code = [0; 6];
    let escape = match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        c if is_harmful(c) => {
            code = [b'\\', b'u', digit(c, 12), digit(c, 8), digit(c, 4), digit(c, 0)];
            // Six ASCII characters are a text.
            str::from_utf8(&code).unwrap_or_default()
        }
        c => &*c.encode_utf8(&mut code[..4]),
    };
    let fits = out.len() + escape.len() <= end;
    if fits {
        out.push_str(escape);
    }
    fits
}

/// Whether all of it fitted.
fn push_console(out: &mut String, text: &str, end: usize) -> bool {
    text.chars().all(|c| {
        if out.len() >= end {
            return false;
        }
        match c {
            '\n' => out.push_str("\n             │ "),
            '\t' => out.push('\t'),
            c if is_harmful(c) => out.extend(c.escape_default()),
            c => out.push(c),
        }
        true
    })
}

/// What could move the cursor, colour the rest of the terminal (also as one character: U+009B starts a sequence as ESC `[`
/// does), end a line for some readers, or turn around the order in which a line is read.
fn is_harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// A hexadecimal digit of the code point.
fn digit(c: char, shift: u32) -> u8 {
    b"0123456789abcdef"[(u32::from(c) >> shift & 0xf) as usize]
}

pub(crate) fn hex(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use proptest::char::range;
    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &str, end: usize, rule: Rule) -> (String, bool) {
        let mut out = String::new();
        let mut escaped = Escaped::new(&mut out, end, rule);
        escaped.push(text);
        let cut = escaped.cut;
        (out, cut)
    }

    /// Text in which what has to be escaped is as frequent as anything else.
    fn any_text() -> impl Strategy<Value = String> {
        let odd = prop_oneof![
            range('\u{0}', '\u{1f}'),
            range('\u{7e}', '\u{a0}'),
            range('\u{2020}', '\u{2030}'),
            Just('"'),
            Just('\\')
        ];
        let any = prop_oneof![odd, any::<char>(), range('a', 'z')];
        proptest::collection::vec(any, 0..64).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn nothing_harmful_passes_and_json_reads_back_what_was_written(text in any_text()) {
            let (json, cut) = escaped(&text, usize::MAX, Rule::Json);
            prop_assert!(!json.chars().any(is_harmful), "{json:?}");
            let back: String = serde_json::from_str(&format!("\"{json}\"")).expect("it is JSON");
            prop_assert_eq!((back, cut), (text.clone(), false));

            let (console, _) = escaped(&text, usize::MAX, Rule::Console);
            prop_assert!(!console.chars().any(|c| is_harmful(c) && !matches!(c, '\n' | '\t')), "{console:?}");
        }

        #[test]
        fn eight_bytes_at_a_time_find_what_one_at_a_time_does(text in any_text()) {
            let one = text.bytes().position(|byte| SPECIAL[usize::from(byte)]);
            prop_assert_eq!(next_special(text.as_bytes()), one);
        }

        #[test]
        fn text_that_is_cut_is_the_beginning_and_says_so(text in any_text(), end in 0_usize..200) {
            let (json, cut) = escaped(&text, end, Rule::Json);
            let kept = if cut { json.strip_suffix(MARK).expect("a mark") } else { &*json };
            prop_assert!(kept.len() <= end);
            let back: String = serde_json::from_str(&format!("\"{kept}\"")).expect("it is JSON");
            prop_assert!(text.starts_with(&back), "{back:?} of {text:?}");
            prop_assert_eq!(cut, back.len() < text.len());

            let (console, _) = escaped(&text, end, Rule::Console);
            // One character more, and the mark: a line break brings an indent.
            prop_assert!(console.len() <= end + 17 + MARK.len_utf8());
        }
    }
}
