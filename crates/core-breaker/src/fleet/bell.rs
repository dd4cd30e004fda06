//! How a fleet learns at once that a breaker has changed its state.

use std::future::poll_fn;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// Rung by breakers, heard by the task that exchanges reports. Rings that nobody has heard yet are one.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    is_rung: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

// === impl Bell ===

impl Bell {
    pub(crate) fn ring(&self) {
        // Release pairs with the Acquire in `poll_rung`: who hears it sees the state that was changed.
        self.is_rung.store(true, Ordering::Release);
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits until it has rung since it was last heard.
    pub(super) async fn rung(&self) {
        poll_fn(|cx| self.poll_rung(cx)).await;
    }

    fn poll_rung(&self, cx: &Context<'_>) -> Poll<()> {
        if self.is_rung.swap(false, Ordering::Acquire) {
            return Poll::Ready(());
        }
        let waker = Some(cx.waker().clone());
        // Dropped once the lock is free: with a waker may go a task, and that may ring.
        let _before = mem::replace(&mut *self.waker.lock().unwrap_or_else(PoisonError::into_inner), waker);
        // It may have rung between the two: then it has not seen our waker.
        if self.is_rung.swap(false, Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(all(test, not(genesis_loom)))]
mod tests {
    use std::sync::Arc;
    use std::task::{Wake, Waker};

    use super::*;

    /// A task that rings when it goes.
    struct Leaves(Arc<Bell>);

    impl Wake for Leaves {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for Leaves {
        fn drop(&mut self) {
            self.0.ring();
        }
    }

    #[test]
    fn a_waker_that_rings_when_it_goes_is_let_go_without_the_lock() {
        let bell = Arc::new(Bell::default());
        let leaves = Waker::from(Arc::new(Leaves(Arc::clone(&bell))));
        assert!(bell.poll_rung(&Context::from_waker(&leaves)).is_pending());
        drop(leaves);
        let rung = bell.poll_rung(&Context::from_waker(Waker::noop()));
        assert!(rung.is_pending(), "the lock is asked for before the old waker goes");
        assert!(bell.poll_rung(&Context::from_waker(Waker::noop())).is_ready());
    }
}
