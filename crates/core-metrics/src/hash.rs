//! A hash for labels. They come from small sets, and a table of them is bounded: what resists attackers is not needed.

use std::hash::{BuildHasherDefault, Hasher};

pub(crate) type BuildLabelHasher = BuildHasherDefault<LabelHasher>;

/// Rotates, adds, multiplies: eight bytes at a time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LabelHasher(u64);

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

// === impl LabelHasher ===

impl LabelHasher {
    #[inline]
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(FACTOR);
    }
}

impl Hasher for LabelHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.add(u64::from_le_bytes(last));
        }
    }

    #[inline]
    fn write_u8(&mut self, n: u8) {
        self.add(n.into());
    }

    #[inline]
    fn write_u16(&mut self, n: u16) {
        self.add(n.into());
    }

    #[inline]
    fn write_u64(&mut self, n: u64) {
        self.add(n);
    }

    #[inline]
    fn finish(&self) -> u64 {
        // A table looks at the lower bits; the product has its best in the upper ones.
        self.0 ^ (self.0 >> 32)
    }
}
