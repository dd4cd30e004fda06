use std::num::NonZeroU32;
use std::time::Duration;

/// One try of a call, as the call sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    number: NonZeroU32,
    remaining: Option<Duration>,
}

// === impl Attempt ===

impl Attempt {
    #[inline]
    pub(crate) fn new(number: NonZeroU32, remaining: Option<Duration>) -> Self {
        Self { number, remaining }
    }

    /// 1 for the first.
    #[must_use]
    #[inline]
    pub const fn number(&self) -> NonZeroU32 {
        self.number
    }

    /// Whether an earlier attempt of the same call failed.
    #[must_use]
    #[inline]
    pub const fn is_retry(&self) -> bool {
        self.number.get() > 1
    }

    /// How long the attempt may take, as of its start: the smallest of all limits on time that apply. Hand it to the
    /// callee, so that it does not work for nobody. `None` if nothing limits it.
    #[must_use]
    #[inline]
    pub const fn remaining(&self) -> Option<Duration> {
        self.remaining
    }
}
