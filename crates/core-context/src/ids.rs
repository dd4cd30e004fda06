use std::cell::Cell;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::num::{NonZeroU64, NonZeroU128};
use std::sync::Arc;

/// The id of a trace: 16 bytes, never zero. Written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(NonZeroU128);

/// The id of a span: 8 bytes, never zero. Written as 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(NonZeroU64);

/// What a person quotes to find everything that belongs to one request: 1 to 128 characters of `A-Z a-z 0-9 . _ : -`.
///
/// The form keeps it harmless in logs, headers and shells.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CorrelationId(Arc<str>);

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

/// 64 random bits, not for secrets: `SplitMix64`, seeded for each thread by the operating system.
fn random() -> u64 {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(std::thread::current().id()));
    }
    STATE.with(|state| {
        let next = state.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        state.set(next);
        let z = (next ^ (next >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

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
    ($type:ident, $format:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $format, self.0.get())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

hex!(TraceId, "{:032x}");
hex!(SpanId, "{:016x}");

// === impl CorrelationId ===

impl CorrelationId {
    /// A random id of 32 hexadecimal digits.
    #[must_use]
    pub fn generate() -> Self {
        Self::from(TraceId::generate())
    }

    /// Checks a text.
    ///
    /// # Errors
    /// If it is empty, too long, or has a character that does not belong there. The error never repeats the text.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        if text.is_empty() || text.len() > CORRELATION_MAX {
            return Err(IdError(IdErrorKind::Length(text.len())));
        }
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
        match text.chars().find(|c| !is_allowed(*c)) {
            Some(bad) => Err(IdError(IdErrorKind::Character(bad))),
            None => Ok(Self(text.into())),
        }
    }

    /// Checks the bytes of a header.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and if they are not UTF-8.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdError> {
        if bytes.len() > CORRELATION_MAX {
            return Err(IdError(IdErrorKind::Length(bytes.len())));
        }
        Self::parse(std::str::from_utf8(bytes).map_err(|_| IdError(IdErrorKind::Encoding))?)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One id suffices where the trace is ours.
impl From<TraceId> for CorrelationId {
    fn from(trace: TraceId) -> Self {
        Self(trace.to_string().into())
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
