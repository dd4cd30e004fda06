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
    /// know the key cannot try texts out. Needs [`Redaction::hash_key`](crate::Redaction::hash_key) and the feature `hash`.
    Hash,
}

// === impl Kind ===

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Key, Self::Email, Self::Phone, Self::Card, Self::Secret];

    /// The name in lower case: `email`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Card => "card",
            Self::Secret => "secret",
        }
    }

    pub(super) const fn mask(self) -> &'static str {
        match self {
            Self::Key | Self::Secret => "[REDACTED]",
            Self::Email => "[EMAIL]",
            Self::Phone => "[PHONE]",
            Self::Card => "[CARD]",
        }
    }

    pub(crate) const fn bit(self) -> u8 {
        1 << self as u8
    }
}
