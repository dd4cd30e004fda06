//! Just enough JSON for ids.

/// Appends `"key":"value"`, after a comma if something is there already.
pub(crate) fn push_field(out: &mut String, key: &str, value: &str) {
    use std::fmt::Write;
    if !out.is_empty() {
        out.push(',');
    }
    // Writing to a String cannot fail.
    let _ = write!(out, "\"{key}\":\"");
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() || is_unseen(c) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// What ends a line for some readers, or turns around the order in which one is read. All of them have four digits.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}
