//! Which errors get a backtrace. The place where an error was made is always known, and costs nothing.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::{Category, CategorySet};

/// Which errors get a backtrace when they are made.
///
/// Default: those of category [`Category::Internal`], since they are bugs, and all if the environment asks for it.
/// `RUST_BACKTRACE=1 RUST_LIB_BACKTRACE=0` asks for panics only.
///
/// Taking one costs microseconds; its symbols are looked up only when it is printed, which costs far more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BacktracePolicy {
    categories: CategorySet,
    env: bool,
    /// One error in so many; 0 is none.
    one_in: u16,
}

static POLICY: AtomicU64 = AtomicU64::new(BacktracePolicy::DEFAULT.pack());
static MADE: AtomicU32 = AtomicU32::new(0);

// === impl BacktracePolicy ===

impl BacktracePolicy {
    /// No error gets one.
    pub const NEVER: Self = Self { categories: CategorySet::EMPTY, env: false, one_in: 0 };

    const DEFAULT: Self = Self { categories: CategorySet::of(&[Category::Internal]), env: true, one_in: 0 };

    /// All get one if `RUST_LIB_BACKTRACE`, or else `RUST_BACKTRACE`, asks for it.
    #[must_use]
    pub const fn env() -> Self {
        Self { env: true, ..Self::NEVER }
    }

    /// Those of a category always get one, too.
    #[must_use]
    pub const fn and(mut self, category: Category) -> Self {
        self.categories = self.categories.with(category);
        self
    }

    /// One error in `n` gets one, too, whatever its category. 0 is none.
    #[must_use]
    pub const fn and_one_in(mut self, n: u16) -> Self {
        self.one_in = n;
        self
    }

    /// Makes this the policy of the process, from now on.
    pub fn install(self) {
        POLICY.store(self.pack(), Ordering::Relaxed);
    }

    /// The policy of the process.
    #[must_use]
    pub fn current() -> Self {
        Self::unpack(POLICY.load(Ordering::Relaxed))
    }

    const fn pack(self) -> u64 {
        self.categories.bits() as u64 | (self.env as u64) << 32 | (self.one_in as u64) << 48
    }

    #[expect(clippy::cast_possible_truncation, reason = "each field is cut out of the word")]
    const fn unpack(word: u64) -> Self {
        Self {
            categories: CategorySet::from_bits(word as u32),
            env: word >> 32 & 1 == 1,
            one_in: (word >> 48) as u16,
        }
    }
}

impl Default for BacktracePolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A backtrace, if one is due for an error of that category.
#[inline]
pub(crate) fn take(category: Category) -> Option<Backtrace> {
    let policy = BacktracePolicy::current();
    if policy.categories.contains(category) || (policy.one_in > 0 && is_the_nth(policy.one_in)) {
        return Some(force());
    }
    (policy.env && is_asked_for()).then(force)
}

/// Whether the environment asks for backtraces. Read once, as the standard library does.
#[inline]
fn is_asked_for() -> bool {
    static IS_ASKED_FOR: OnceLock<bool> = OnceLock::new();
    *IS_ASKED_FOR.get_or_init(|| Backtrace::capture().status() == BacktraceStatus::Captured)
}

#[cold]
fn force() -> Backtrace {
    Backtrace::force_capture()
}

#[cold]
fn is_the_nth(one_in: u16) -> bool {
    MADE.fetch_add(1, Ordering::Relaxed).is_multiple_of(one_in.into())
}
