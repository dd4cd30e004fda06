//! The names that a line has, so that it has none twice.

/// A key of a line.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    name: &'static str,
    /// Whether it stands in the line as `field_<name>`.
    renamed: bool,
    /// The same for the same text: most keys are seen to be new without looking at their text.
    hash: u64,
}

/// The keys of a line.
#[derive(Default)]
pub(crate) struct Keys {
    list: Vec<Key>,
    mask: u64,
}

const PREFIX: &str = "field_";

// === impl Key ===

impl Key {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, renamed: false, hash: hash(SEED, name) }
    }

    /// For a field that has the name of something else: it stands in the line as `field_<name>`.
    pub(crate) const fn renamed(name: &'static str) -> Self {
        Self { name, renamed: true, hash: hash(hash(SEED, PREFIX), name) }
    }

    pub(crate) const fn name(self) -> &'static str {
        self.name
    }

    /// What stands before the name.
    pub(crate) const fn prefix(self) -> &'static str {
        if self.renamed { PREFIX } else { "" }
    }

    /// One bit of 64.
    pub(crate) const fn bit(self) -> u64 {
        1 << (self.hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58)
    }

    /// Whether both stand in a line under the same name.
    fn is(self, other: Self) -> bool {
        match (self.renamed, other.renamed) {
            (false, true) => self.name.strip_prefix(PREFIX) == Some(other.name),
            (true, false) => other.name.strip_prefix(PREFIX) == Some(self.name),
            _ => self.name == other.name,
        }
    }
}

impl PartialEq for Key {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.is(*other)
    }
}

// === impl Keys ===

impl Keys {
    pub(crate) fn has(&self, key: Key) -> bool {
        self.mask & key.bit() != 0 && self.list.contains(&key)
    }

    /// Whether none of the keys with these bits is there. No says nothing.
    pub(crate) fn has_none(&self, mask: u64) -> bool {
        self.mask & mask == 0
    }

    pub(crate) fn add(&mut self, key: Key) {
        self.mask |= key.bit();
        self.list.push(key);
    }

    pub(crate) fn shrink_to(&mut self, keys: usize) {
        self.list.shrink_to(keys);
    }

    pub(crate) fn clear(&mut self) {
        self.mask = 0;
        self.list.clear();
    }
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a.
const fn hash(mut hash: u64, text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_same_if_they_read_the_same() {
        assert!(Key::new("field_level") == Key::renamed("level"));
        assert!(Key::renamed("field_a") == Key::new("field_field_a"));
        assert!(Key::new("level") != Key::renamed("level"));
        let mut keys = Keys::default();
        keys.add(Key::renamed("level"));
        assert!(keys.has(Key::new("field_level")) && !keys.has(Key::new("level")));
    }
}
