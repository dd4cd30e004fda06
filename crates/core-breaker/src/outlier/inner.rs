use core_policy::quietly;
use core_time::{Clock, Instant};

use super::engine::Engine;
use super::event::{OutlierEvent, Subscriber};
use super::health::{Ejection, Health};

/// What all hosts of a set share.
pub(super) struct Inner {
    pub(super) engine: Engine,
    pub(super) clock: Clock,
    pub(super) subscribers: Box<[Subscriber]>,
}

// === impl Inner ===

impl Inner {
    /// Whether calls pass to a host that is ejected.
    #[cold]
    pub(super) fn ignores(&self, health: &Health) -> bool {
        health.ejection() != Some(Ejection::Forced) && self.engine.is_panicking()
    }

    /// Makes the sweep that is due, unless another thread is at it.
    #[cold]
    pub(super) fn sweep_in_passing(&self, now: Instant) {
        let Some(claim) = self.engine.claim() else { return };
        let tells = self.engine.sweep(now);
        drop(claim);
        if tells {
            self.deliver();
        }
    }

    pub(super) fn sweep(&self, now: Instant) {
        if self.engine.sweep(now) {
            self.deliver();
        }
    }

    #[cold]
    pub(super) fn found_run(&self, health: &Health) {
        if self.engine.found_run(health, self.clock.now()) {
            self.deliver();
        }
    }

    /// Hands events to subscribers, up to a turn of the outbox, unless another thread is at it: then that one delivers ours, in order.
    #[cold]
    pub(super) fn deliver(&self) {
        if !self.engine.ledger().outbox.start() {
            return;
        }
        while let Some(event) = self.next_event() {
            self.publish(&event);
        }
    }

    fn next_event(&self) -> Option<OutlierEvent> {
        self.engine.ledger().outbox.next()
    }

    fn publish(&self, event: &OutlierEvent) {
        #[cfg(feature = "tracing")]
        quietly(|| crate::trace::outlier(event));
        for subscriber in &self.subscribers {
            // Whoever made the call has nothing to do with a subscriber's bug; the panic hook has reported it.
            quietly(|| subscriber(event));
        }
    }
}

/// What a turn has left over is told, since nothing comes any more that it could be told with. Nobody can add to it now.
impl Drop for Inner {
    fn drop(&mut self) {
        self.deliver();
    }
}
