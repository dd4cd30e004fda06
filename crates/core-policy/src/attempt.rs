use std::num::NonZeroU32;
use std::time::Duration;

/// One try of a call, as the call sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    number: NonZeroU32,
    hedge: u8,
    is_idempotent: bool,
    remaining: Option<Duration>,
}

// === impl Attempt ===

impl Attempt {
    /// The one attempt of a call under no policy: nothing limits it, and it may be made twice.
    pub const SINGLE: Self = Self::new(NonZeroU32::MIN, None, true);

    #[inline]
    pub(crate) const fn new(number: NonZeroU32, remaining: Option<Duration>, is_idempotent: bool) -> Self {
        Self { number, hedge: 0, is_idempotent, remaining }
    }

    /// The same attempt made once more beside the first, as hedge number `hedge` (0 is the first itself), with what remains of its
    /// time now.
    #[must_use]
    #[inline]
    pub const fn hedged(self, hedge: u8, remaining: Option<Duration>) -> Self {
        Self { hedge, remaining, ..self }
    }

    /// 1 for the first. A hedge has the number of the attempt that it stands in for.
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

    /// Which hedge of its attempt it is; 0 if it is none.
    #[must_use]
    #[inline]
    pub const fn hedge(&self) -> u8 {
        self.hedge
    }

    /// Whether it was made beside another that had not answered in time: mark such requests, so that the callee can tell.
    #[must_use]
    #[inline]
    pub const fn is_hedge(&self) -> bool {
        self.hedge > 0
    }

    /// Whether the call may take effect twice: so it is assumed, unless a policy further out was told otherwise.
    #[must_use]
    #[inline]
    pub const fn is_idempotent(&self) -> bool {
        self.is_idempotent
    }

    /// How long the attempt may take, as of its start: the smallest of all limits on time that apply. Hand it to the
    /// callee, so that it does not work for nobody. `None` if nothing limits it. What is left until a deadline is found by a coarse reading, and
    /// so up to a [`tick`](core_time::Clock::tick) more than there is.
    #[must_use]
    #[inline]
    pub const fn remaining(&self) -> Option<Duration> {
        self.remaining
    }
}
