//! How important the calls of a handle are.

use core_errors::Criticality;

/// Where a handle of a limit has it from how important a call is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Importance {
    said: Criticality,
    /// Whether the context of a call has the word.
    #[cfg(feature = "context")]
    by_context: bool,
}

// === impl Importance ===

impl Importance {
    /// A handle that says it itself.
    pub(crate) fn said(criticality: Criticality) -> Self {
        Self {
            said: criticality,
            #[cfg(feature = "context")]
            by_context: false,
        }
    }

    /// A handle that goes by the context of each call.
    #[cfg(feature = "context")]
    pub(crate) fn by_context() -> Self {
        Self { said: Criticality::Critical, by_context: true }
    }

    /// That of the call that is being admitted.
    #[inline]
    pub(crate) fn now(self) -> Criticality {
        #[cfg(feature = "context")]
        if self.by_context {
            return core_context::Context::current_criticality().unwrap_or(self.said);
        }
        self.said
    }
}
