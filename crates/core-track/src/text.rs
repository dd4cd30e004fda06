//! Texts of others, as much of them as fits.

use std::fmt::{self, Display, Write};

/// As much of a text as fits.
pub(crate) fn cut(text: &str, len_max: usize) -> &str {
    &text[..text.floor_char_boundary(len_max)]
}

/// As much as fits of what something says of itself. It is asked no further, and may fail at it.
pub(crate) fn shown<T: Display + ?Sized>(value: &T, len_max: usize) -> String {
    let mut cut = Cut { text: String::new(), len_max };
    // That it was cut off is no error, and one of theirs is not ours.
    let _ = write!(cut, "{value}");
    cut.text
}

struct Cut {
    text: String,
    len_max: usize,
}

// === impl Cut ===

impl Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let fits = cut(more, self.len_max.saturating_sub(self.text.len()));
        self.text.push_str(fits);
        if fits.len() == more.len() { Ok(()) } else { Err(fmt::Error) }
    }
}
