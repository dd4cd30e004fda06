use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::{NonZeroU64, NonZeroU128};
use std::sync::Arc;

use crate::hex;
use crate::random::random;

/// The id of a trace: 16 bytes, never zero. Written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(NonZeroU128);

/// The id of a span: 8 bytes, never zero. Written as 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(NonZeroU64);

/// What a person quotes to find everything that belongs to one request: 1 to 128 characters of `A-Z a-z 0-9 . _ : -`.
///
/// The form keeps it harmless in logs, headers and shells.
///
/// Ids of up to 38 characters, which those that are made here are, take no allocation.
#[derive(Clone)]
pub struct CorrelationId(Repr);

#[derive(Clone)]
enum Repr {
    Inline { len: u8, bytes: [u8; INLINE] },
    Shared(Arc<str>),
}

/// Room for a UUID, in what an `Arc<str>` and its tag are rounded up to anyway.
const INLINE: usize = 38;

/// Why a text is no correlation id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdError(IdErrorKind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum IdErrorKind {
    Length(usize),
    Character(char),
    Encoding,
}

const CORRELATION_MAX: usize = 128;

// === impl TraceId ===

impl TraceId {
    /// A random id.
    #[must_use]
    pub fn generate() -> Self {
        let bits = u128::from(random()) << 64 | u128::from(random());
        Self(NonZeroU128::new(bits).unwrap_or(NonZeroU128::MIN))
    }

    /// `None` for zero, which W3C Trace Context calls invalid.
    #[must_use]
    pub const fn from_u128(bits: u128) -> Option<Self> {
        match NonZeroU128::new(bits) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    /// The bits.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0.get()
    }
}

// === impl SpanId ===

impl SpanId {
    /// A random id.
    #[must_use]
    pub fn generate() -> Self {
        Self(NonZeroU64::new(random()).unwrap_or(NonZeroU64::MIN))
    }

    /// `None` for zero, which W3C Trace Context calls invalid.
    #[must_use]
    pub const fn from_u64(bits: u64) -> Option<Self> {
        match NonZeroU64::new(bits) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    /// The bits.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0.get()
    }
}

macro_rules! hex {
    ($type:ident, $digits:literal) => {
        impl $type {
            /// The digits, as they are written.
            #[must_use]
            pub fn to_hex(self) -> [u8; $digits] {
                let mut digits = [0; $digits];
                hex::write(&mut digits, self.0.get().into());
                digits
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(std::str::from_utf8(&self.to_hex()).unwrap_or_default())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

hex!(TraceId, 32);
hex!(SpanId, 16);

// === impl CorrelationId ===

impl CorrelationId {
    /// A random id of 32 hexadecimal digits.
    #[must_use]
    pub fn generate() -> Self {
        Self::from(TraceId::generate())
    }

    /// A UUID of version 7 (RFC 9562): it sorts by the time at which it was made, which it tells to the millisecond.
    #[must_use]
    pub fn generate_uuid(unix_millis: u64) -> Self {
        let (high, low) = (random(), random());
        let bits = u128::from(unix_millis & 0xFFFF_FFFF_FFFF) << 80
            | 7 << 76
            | u128::from(high & 0xFFF) << 64
            | 0b10 << 62
            | u128::from(low >> 2);
        let mut digits = [0; 32];
        hex::write(&mut digits, bits);
        let mut text = [b'-'; 36];
        for (from, to) in [(0..8, 0..8), (8..12, 9..13), (12..16, 14..18), (16..20, 19..23), (20..32, 24..36)]
        {
            text[to].copy_from_slice(&digits[from]);
        }
        Self::inline(&text)
    }

    /// None yet: a builder knows it last.
    pub(crate) fn unset() -> Self {
        Self::inline(b"")
    }

    fn inline(text: &[u8]) -> Self {
        let mut bytes = [0; INLINE];
        let len = text.len().min(INLINE);
        bytes[..len].copy_from_slice(&text[..len]);
        Self(Repr::Inline { len: u8::try_from(len).unwrap_or(0), bytes })
    }

    /// Checks a text.
    ///
    /// # Errors
    /// If it is empty, too long, or has a character that does not belong there. The error never repeats the text.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        Self::from_bytes(text.as_bytes())
    }

    /// Checks the bytes of a header.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and if they are not UTF-8.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdError> {
        if bytes.is_empty() || bytes.len() > CORRELATION_MAX {
            return Err(IdError(IdErrorKind::Length(bytes.len())));
        }
        let is_allowed = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
        if bytes.iter().all(is_allowed) {
            return Ok(if bytes.len() <= INLINE { Self::inline(bytes) } else { Self::shared(bytes) });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| IdError(IdErrorKind::Encoding))?;
        let bad = text.chars().find(|c| !u8::try_from(*c).is_ok_and(|b| is_allowed(&b)));
        Err(IdError(bad.map_or(IdErrorKind::Encoding, IdErrorKind::Character)))
    }

    #[cold]
    fn shared(bytes: &[u8]) -> Self {
        Self(Repr::Shared(std::str::from_utf8(bytes).unwrap_or_default().into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Inline { len, bytes } => {
                std::str::from_utf8(&bytes[..usize::from(*len)]).unwrap_or_default()
            }
            Repr::Shared(text) => text,
        }
    }

    /// The text, as bytes: cheaper than [`as_str`](Self::as_str).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Repr::Shared(text) => text.as_bytes(),
        }
    }
}

/// One id suffices where the trace is ours.
impl From<TraceId> for CorrelationId {
    fn from(trace: TraceId) -> Self {
        Self::inline(&trace.to_hex())
    }
}

impl PartialEq for CorrelationId {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for CorrelationId {}

impl Hash for CorrelationId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl IdError ===

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IdErrorKind::Length(len) => {
                write!(f, "a correlation id has 1 to {CORRELATION_MAX} characters, this has {len}")
            }
            IdErrorKind::Character(bad) => {
                write!(f, "a correlation id has letters, digits and . _ : - only, this has {bad:?}")
            }
            IdErrorKind::Encoding => f.write_str("a correlation id is plain ASCII text"),
        }
    }
}

impl std::error::Error for IdError {}
