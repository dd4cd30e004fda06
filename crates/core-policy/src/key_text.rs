use std::sync::Arc;

/// A key is told apart by that many bytes at least, or not at all.
const LEN_MAX: usize = 128;

/// The text of a key as events have it: what it displays as, at most 128 bytes of it, and an ellipsis where more follows.
#[must_use]
pub fn key_text<K: ToString + ?Sized>(key: &K) -> Arc<str> {
    let text = key.to_string();
    if text.len() <= LEN_MAX {
        return text.into();
    }
    let end = text.floor_char_boundary(LEN_MAX - ELLIPSIS.len());
    [text.get(..end).unwrap_or_default(), ELLIPSIS].concat().into()
}

const ELLIPSIS: &str = "…";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_128_bytes_of_text_at_most() {
        assert_eq!(&*key_text(&7_u64), "7");
        let fits = "k".repeat(128);
        assert_eq!(&*key_text(fits.as_str()), fits);
        assert_eq!(&*key_text(&"k".repeat(129)), format!("{}…", "k".repeat(125)));
        // Two bytes each: the 125th is within one.
        assert_eq!(&*key_text(&"é".repeat(100)), format!("{}…", "é".repeat(62)));
    }
}
