use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use tracing::callsite;

use crate::levels::Levels;
use crate::writer::Writer;

/// Changes a log while it writes, and says what it lost. Clones are one.
#[derive(Clone, Default)]
pub struct LogHandle(pub(crate) Arc<Shared>);

/// What the layer and its handles share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) levels: ArcSwap<Levels>,
    pub(crate) lost: AtomicU64,
    /// Set if there is a queue.
    pub(crate) writer: OnceLock<Arc<Writer>>,
}

/// Flushes a log when it is dropped. Hold it in `main`. See [`LogHandle::flush_guard`].
#[derive(Debug)]
#[must_use = "what is dropped at once flushes at once"]
pub struct FlushGuard {
    log: LogHandle,
    timeout: Duration,
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

    /// How many lines could not be written, or found no room in the queue.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed) + self.0.writer.get().map_or(0, |writer| writer.lost())
    }

    /// Waits until all lines that were logged before are written, so long at most, and says whether they are. Without a
    /// [`Queue`](crate::Queue) they always are.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.0.flush(timeout)
    }

    /// Flushes when it is dropped, waiting so long at most: for `main` to hold.
    pub fn flush_guard(&self, timeout: Duration) -> FlushGuard {
        FlushGuard { log: self.clone(), timeout }
    }
}

// === impl Shared ===

impl Shared {
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        self.writer.get().is_none_or(|writer| writer.flush(timeout))
    }
}

// === impl FlushGuard ===

impl Drop for FlushGuard {
    fn drop(&mut self) {
        self.log.flush(self.timeout);
    }
}

impl fmt::Debug for LogHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogHandle").field("levels", &self.levels()).field("lost", &self.lost()).finish()
    }
}
