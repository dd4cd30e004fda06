use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use tracing::callsite;

use crate::levels::Levels;

/// Changes a log while it writes, and says what it lost. Clones are one.
#[derive(Clone, Default)]
pub struct LogHandle(pub(crate) Arc<Shared>);

/// What the layer and its handles share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) levels: ArcSwap<Levels>,
    pub(crate) lost: AtomicU64,
}

// === impl LogHandle ===

impl LogHandle {
    /// Which events are written.
    #[must_use]
    pub fn levels(&self) -> Arc<Levels> {
        self.0.levels.load_full()
    }

    /// Sets which events are written, from now on. Costs some microseconds: every callsite is asked anew.
    pub fn set_levels(&self, levels: Levels) {
        self.0.levels.store(Arc::new(levels));
        callsite::rebuild_interest_cache();
    }

    /// How many lines could not be written.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }
}

/// Ends the process with this code after all of its logs were flushed, for which it waits 5 s at most. Destructors do not run.
pub fn exit(code: i32) -> ! {
    std::process::exit(code)
}

impl fmt::Debug for LogHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogHandle").field("levels", &self.levels()).field("lost", &self.lost()).finish()
    }
}
