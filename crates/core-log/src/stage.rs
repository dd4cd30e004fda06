use std::error::Error;
use std::fmt;

/// The id of a stage, `{SEQUENCE}_{NAME}`: where it stands, and what it is, as in `2.1_L1_CACHE_LOOKUP` or
/// `REDIS.1_CLIENT_INITIALIZATION`.
///
/// The sequence is parts of upper-case letters and digits with dots between them; the name is upper-case letters, digits and `_`.
///
/// ```
/// use core_log::StageId;
///
/// const LOOKUP: StageId = StageId::new("2.1_L1_CACHE_LOOKUP");        // checked when compiled
/// assert_eq!((LOOKUP.sequence(), LOOKUP.name()), ("2.1", "L1_CACHE_LOOKUP"));
/// assert!(StageId::parse("lookup").is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StageId {
    text: &'static str,
    /// Where the `_` is.
    at: usize,
}

/// The most of an id, in bytes.
const ID_MAX: usize = 128;

// === impl StageId ===

impl StageId {
    /// The id of that text.
    ///
    /// # Panics
    /// If it is none; in a `const` that is an error of the compiler.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        match Self::parse(text) {
            Some(id) => id,
            None => panic!("the id of a stage is SEQUENCE_NAME, as in 2.1_L1_CACHE_LOOKUP"),
        }
    }

    /// The id of that text, if it is one.
    #[must_use]
    pub const fn parse(text: &'static str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() > ID_MAX {
            return None;
        }
        let mut at = 0;
        let mut is_part = false;
        while at < bytes.len() && bytes[at] != b'_' {
            match bytes[at] {
                b'.' if is_part => is_part = false,
                b'A'..=b'Z' | b'0'..=b'9' => is_part = true,
                _ => return None,
            }
            at += 1;
        }
        let mut end = at + 1;
        while end < bytes.len() {
            if !matches!(bytes[end], b'A'..=b'Z' | b'0'..=b'9' | b'_') {
                return None;
            }
            end += 1;
        }
        if is_part && at + 1 < bytes.len() { Some(Self { text, at }) } else { None }
    }

    /// All of it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.text
    }

    /// Where it stands: `2.1`.
    #[must_use]
    pub fn sequence(self) -> &'static str {
        &self.text[..self.at]
    }

    /// What it is: `L1_CACHE_LOOKUP`.
    #[must_use]
    pub fn name(self) -> &'static str {
        &self.text[self.at + 1..]
    }
}

impl fmt::Display for StageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text)
    }
}

impl fmt::Debug for StageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StageId({})", self.text)
    }
}

/// The id of a stage among the fields of its span, and of the line that ends it. Only an error can be handed to a layer as what it
/// is.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct StageMark {
    pub(crate) id: StageId,
    pub(crate) ends: bool,
}

// === impl StageMark ===

impl StageMark {
    #[must_use]
    pub const fn begins(id: StageId) -> Self {
        Self { id, ends: false }
    }

    #[must_use]
    pub const fn ends(id: StageId) -> Self {
        Self { id, ends: true }
    }

    #[must_use]
    pub fn as_error(&self) -> &(dyn Error + 'static) {
        self
    }
}

/// What other layers show of it.
impl fmt::Display for StageMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id.as_str())
    }
}

impl fmt::Debug for StageMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for StageMark {}

/// Measures a stage: one line when it is dropped, with `stage`, `outcome` (`ok` or `failed`) and `duration_ms`, and a span with the
/// fields meanwhile. The id is checked when it is compiled.
///
/// For Cloud Logging, all lines of one run of a stage are an operation: they have its id, and the first and the last say so. Where the
/// level is above `info` there is no span, and a stage that failed says its id and no other fields.
///
/// ```
/// let stage = core_log::stage!("2.1_L1_CACHE_LOOKUP", cache_key = "orders:7");
/// stage.in_scope(|| core_log::debug!("hit"));              // has the stage in it
/// ```
///
/// ```compile_fail
/// let stage = core_log::stage!("cache lookup");
/// ```
#[macro_export]
macro_rules! stage {
    (clock: $clock:expr, $id:expr $(, $($fields:tt)*)?) => {{
        const ID: $crate::StageId = $crate::StageId::new($id);
        const BEGINS: $crate::__StageMark = $crate::__StageMark::begins(ID);
        const ENDS: $crate::__StageMark = $crate::__StageMark::ends(ID);
        let span = $crate::__tracing::info_span!("stage", stage = BEGINS.as_error() $(, $($fields)*)?);
        $crate::Timer::start(span, $clock, |elapsed: $crate::Elapsed| {
            if elapsed.failed {
                $crate::__tracing::warn!(stage = ENDS.as_error(), outcome = "failed", duration_ms = elapsed.ms, "Stage {} failed", ID);
            } else {
                $crate::__tracing::info!(stage = ENDS.as_error(), outcome = "ok", duration_ms = elapsed.ms, "Stage {} done", ID);
            }
        })
    }};
    ($id:expr $(, $($fields:tt)*)?) => {
        $crate::stage!(clock: $crate::__Clock::system(), $id $(, $($fields)*)?)
    };
}
