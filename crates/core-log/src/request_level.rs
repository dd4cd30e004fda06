use std::sync::atomic::{AtomicUsize, Ordering};

use core_context::Context;
use tracing::{Metadata, callsite};

use crate::level::Level;

/// Logs one request in more detail than the rest: an extension of its context.
///
/// While one of these is alive, every disabled event of the process asks for the current context, which costs some
/// nanoseconds; making the first and dropping the last costs some microseconds. Without any it costs nothing.
///
/// ```
/// use core_context::Context;
/// use core_log::{Level, RequestLevel};
///
/// let context = Context::builder().extension(RequestLevel::new(Level::Debug)).build();
/// context.sync_scope(|| tracing::debug!("written, whatever the levels are"));
/// ```
#[derive(Debug)]
pub struct RequestLevel(Level);

/// How many there are.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

// === impl RequestLevel ===

impl RequestLevel {
    /// Events of this level and above are written in the context that has it.
    #[must_use]
    pub fn new(level: Level) -> Self {
        if ALIVE.fetch_add(1, Ordering::Relaxed) == 0 {
            callsite::rebuild_interest_cache();
        }
        Self(level)
    }

    /// Whether there is one in the process.
    pub(crate) fn is_alive() -> bool {
        ALIVE.load(Ordering::Relaxed) > 0
    }

    /// Whether the current context asks for events like this one.
    pub(crate) fn asks(metadata: &Metadata<'_>) -> bool {
        let wants = |context: Context| {
            context.get::<Self>().is_some_and(|asked| Level::of(*metadata.level()) >= asked.0)
        };
        Self::is_alive() && Context::current().is_some_and(wants)
    }
}

impl Drop for RequestLevel {
    fn drop(&mut self) {
        if ALIVE.fetch_sub(1, Ordering::Relaxed) == 1 {
            callsite::rebuild_interest_cache();
        }
    }
}
