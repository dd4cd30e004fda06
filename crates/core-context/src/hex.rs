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
    let (left, right) = text.split_at(text.len().saturating_sub(16));
    Some(u128::from(word(left)?) << 64 | u128::from(word(right)?))
}

/// The value of up to 16 digits.
fn word(text: &[u8]) -> Option<u64> {
    let (mut value, mut seen) = (0, 0);
    for digit in text {
        let nibble = NIBBLES[usize::from(*digit)];
        value = value << 4 | u64::from(nibble & 0xf);
        seen |= nibble;
    }
    // Looked at once, in the end: a branch for each digit takes twice as long.
    (seen & NONE == 0).then_some(value)
}

/// No digit.
const NONE: u8 = 0x80;

/// What each byte is worth.
const NIBBLES: [u8; 256] = {
    let mut nibbles = [NONE; 256];
    let mut value = 0;
    while value < 16 {
        nibbles[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    nibbles
};
