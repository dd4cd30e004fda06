//! What must not be in a log, found and taken out: by the name of its field, and by its shape.

mod keys;
mod numbers;
mod patterns;
mod scan;

use std::fmt;

use crate::error::ConfigError;

/// What is taken out of lines, and what stands there instead.
///
/// Three tiers, of which two are here: fields whose name says that they hold a secret (`password`, `authorization`, `card_number` …) lose their
/// value whatever it is, decided once for each callsite; and texts (messages, fields, errors, `Debug` of structs) lose what has the shape of a
/// secret: e-mail addresses, phone numbers, card numbers, keys of the usual issuers, tokens, private keys, passwords in
/// URLs and in `key=value`. The third tier is types: [`Sensitive`](crate::Sensitive).
///
/// Default: all of it, masked.
#[derive(Clone)]
pub struct Redaction {
    keys: Vec<String>,
    allowed: Vec<String>,
    use_keys: bool,
    actions: [Action; Kind::ALL.len()],
    use_values: bool,
    hasher: Option<Hasher>,
}

/// What is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A field whose name says it.
    Key,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// The number of a payment card: known prefix, right length, right check digit.
    Card,
    /// A key or a token of a known issuer, a JSON web token, a private key, a password beside its name.
    Secret,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// It stays.
    Keep,
    /// Its kind stands there: `[EMAIL]`.
    Mask,
    /// Its last four characters stay, if it has at least twelve: `[CARD …1111]`.
    Partial,
    /// Nothing stands there; of a field, not even the key.
    Drop,
    /// `h:` and sixteen digits that are the same for the same text and key: lines can be brought together, and who does not
    /// know the key cannot try texts out. Needs [`Redaction::hash_key`] and the feature `hash`.
    Hash,
}

/// Takes the place of a keyed hash, wherever it comes from.
type Hasher = std::sync::Arc<dyn Fn(&[u8]) -> u64 + Send + Sync>;

// === impl Redaction ===

impl Redaction {
    /// All kinds, masked.
    #[must_use]
    pub fn new() -> Self {
        Self {
            keys: Vec::new(),
            allowed: Vec::new(),
            use_keys: true,
            actions: [Action::Mask; Kind::ALL.len()],
            use_values: true,
            hasher: None,
        }
    }

    /// Nothing is taken out, except what types hide.
    #[must_use]
    pub fn off() -> Self {
        Self { use_keys: false, use_values: false, ..Self::new() }
    }

    /// What becomes of one kind. Default: [`Action::Mask`].
    #[must_use]
    pub fn on(mut self, kind: Kind, action: Action) -> Self {
        self.actions[kind as usize] = action;
        self
    }

    /// What becomes of all kinds.
    #[must_use]
    pub fn all(mut self, action: Action) -> Self {
        self.actions = [action; Kind::ALL.len()];
        self
    }

    /// One more name of fields that are secret. Case, `-`, `_` and `.` do not matter, and it may be the end of a longer name.
    #[must_use]
    pub fn key(mut self, name: impl Into<String>) -> Self {
        self.keys.push(name.into());
        self
    }

    /// A field that is not secret, whatever its name: exactly this one.
    #[must_use]
    pub fn allow(mut self, name: impl Into<String>) -> Self {
        self.allowed.push(name.into());
        self
    }

    /// The key of [`Action::Hash`]: 16 bytes at least, from a secret store. HMAC with SHA-256, of which 64 bits are shown.
    #[cfg(feature = "hash")]
    #[must_use]
    pub fn hash_key(mut self, key: &[u8]) -> Self {
        self.hasher = (key.len() >= 16).then(|| hasher(key)).flatten();
        self
    }

    pub(crate) fn checked(self) -> Result<Self, ConfigError> {
        if self.actions.contains(&Action::Hash) && self.hasher.is_none() {
            return Err(ConfigError::hash());
        }
        Ok(self)
    }

    fn action(&self, kind: Kind) -> Action {
        self.actions[kind as usize]
    }

    /// The text without what has the shape of a secret; `spare` is room to work in. `numbers` says whether phones and cards are
    /// looked for.
    pub(crate) fn clean<'a>(&self, text: &'a str, spare: &'a mut String, numbers: bool) -> &'a str {
        if !self.use_values || scan::is_harmless(text) {
            return text;
        }
        let wanted = |kind| self.action(kind) != Action::Keep;
        let Some(mut found) = scan::next(text, 0, numbers, wanted) else { return text };
        spare.clear();
        let mut from = 0;
        loop {
            spare.push_str(&text[from..found.start]);
            self.replace(found.kind, &text[found.start..found.end], spare);
            from = found.end;
            match scan::next(text, from, numbers, wanted) {
                Some(next) => found = next,
                None => break,
            }
        }
        spare.push_str(&text[from..]);
        spare
    }

    /// What becomes of the values of a field of that name, if it is a secret.
    pub(crate) fn of_field(&self, name: &str) -> Action {
        let is_named = || keys::is_secret(name) || self.keys.iter().any(|key| keys::ends_in(name, key));
        let is_secret = self.use_keys && is_named() && !self.allowed.iter().any(|allowed| allowed == name);
        if is_secret { self.action(Kind::Key) } else { Action::Keep }
    }

    /// Appends what stands instead of a text.
    pub(crate) fn replace(&self, kind: Kind, text: &str, out: &mut String) {
        match self.action(kind) {
            Action::Keep => out.push_str(text),
            Action::Drop => {}
            Action::Mask => out.push_str(kind.mask()),
            Action::Partial => {
                let mask = kind.mask();
                out.push_str(&mask[..mask.len() - 1]);
                if text.chars().count() >= 12 {
                    let start = text.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
                    out.push_str(" …");
                    out.push_str(&text[start..]);
                }
                out.push(']');
            }
            Action::Hash => {
                let hash = self.hasher.as_ref().map_or(0, |hasher| hasher(text.as_bytes()));
                // Writing to a string does not fail.
                let _ = fmt::Write::write_fmt(out, format_args!("h:{hash:016x}"));
            }
        }
    }
}

impl Default for Redaction {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("use_keys", &self.use_keys)
            .field("use_values", &self.use_values)
            .field("actions", &self.actions)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "hash")]
fn hasher(key: &[u8]) -> Option<Hasher> {
    use hmac::{Hmac, KeyInit, Mac};

    let keyed = Hmac::<sha2::Sha256>::new_from_slice(key).ok()?;
    Some(std::sync::Arc::new(move |text| {
        let mut mac = keyed.clone();
        mac.update(text);
        let bytes = mac.finalize().into_bytes();
        bytes.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    }))
}

// === impl Kind ===

impl Kind {
    const ALL: [Self; 5] = [Self::Key, Self::Email, Self::Phone, Self::Card, Self::Secret];

    const fn mask(self) -> &'static str {
        match self {
            Self::Key | Self::Secret => "[REDACTED]",
            Self::Email => "[EMAIL]",
            Self::Phone => "[PHONE]",
            Self::Card => "[CARD]",
        }
    }
}
