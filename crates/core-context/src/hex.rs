//! Hexadecimal digits, lower case, strictly.

/// Writes the low digits of `value`, as many as there is room for.
pub(crate) fn write(out: &mut [u8], mut value: u128) {
    for digit in out.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 0xf) as usize];
        value >>= 4;
    }
}

/// The value of up to 32 digits, all of `0-9a-f`. No sign, no blanks, no upper case.
pub(crate) fn read(text: &[u8]) -> Option<u128> {
    if text.is_empty() || text.len() > 32 {
        return None;
    }
    text.iter().try_fold(0, |value: u128, digit| Some(value << 4 | u128::from(nibble(*digit)?)))
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
