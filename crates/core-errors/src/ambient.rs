//! For whom an error was made: copied from the current context when it is made, by a hook.
//!
//! core-context installs the hook with the first context that is made; this crate knows nothing of how contexts are kept.

use std::fmt;
use std::sync::{Arc, OnceLock};

/// What an error remembers of the request in which it was made: ids only, nothing about the user.
pub trait ErrorContext: Send + Sync {
    /// The id to quote when asking for help.
    fn correlation_id(&self) -> &str;

    /// The id of the request at this service. Default: none.
    fn request_id(&self) -> Option<&str> {
        None
    }

    /// The ids of trace and span. Default: none.
    fn trace(&self) -> Option<(u128, u64)> {
        None
    }
}

/// Finds the context of the code that runs now.
pub type Capture = fn() -> Option<Arc<dyn ErrorContext>>;

static CAPTURE: OnceLock<Capture> = OnceLock::new();
static DOMAIN: OnceLock<&'static str> = OnceLock::new();

/// Installs the hook that finds the current context. The first one stays; `false` says that there was one already.
pub fn set_capture(capture: Capture) -> bool {
    CAPTURE.set(capture).is_ok()
}

/// Says which service the errors of this process are of: the `domain` of reports and of `google.rpc.ErrorInfo`. The first
/// one stays; `false` says that there was another already.
pub fn set_domain(service: &'static str) -> bool {
    *DOMAIN.get_or_init(|| service) == service
}

/// The service that the errors of this process are of.
#[must_use]
pub fn domain() -> Option<&'static str> {
    DOMAIN.get().copied()
}

pub(crate) fn current() -> Option<Arc<dyn ErrorContext>> {
    CAPTURE.get()?()
}

impl fmt::Debug for dyn ErrorContext + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorContext").field("correlation_id", &self.correlation_id()).finish_non_exhaustive()
    }
}
