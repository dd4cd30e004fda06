//! What led to a refusal.

use crate::{Category, Classify, Code, Delivery};

/// What a failure was, as far as policies remember it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cause {
    /// Its kind.
    pub category: Category,
    /// Its stable name.
    pub code: Option<Code>,
    /// Whether the call may have taken effect although it failed.
    pub idempotent_only: bool,
    /// How far the request came.
    pub delivery: Delivery,
    /// Whether the callee asked not to be tried again.
    pub forbids_retry: bool,
}

// === impl Cause ===

impl Cause {
    /// A failure of that kind.
    #[must_use]
    #[inline]
    pub const fn new(category: Category, code: Option<Code>) -> Self {
        let idempotent_only = category.idempotent_only();
        Self { category, code, idempotent_only, delivery: Delivery::Unknown, forbids_retry: false }
    }

    /// What an error says of itself.
    #[must_use]
    pub fn of<E: Classify + ?Sized>(error: &E) -> Self {
        Self {
            category: error.category(),
            code: error.code(),
            idempotent_only: error.idempotent_only(),
            delivery: error.delivery(),
            forbids_retry: error.forbids_retry(),
        }
    }
}
