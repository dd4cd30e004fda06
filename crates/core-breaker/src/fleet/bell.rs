//! How a fleet learns at once that a breaker has changed its state.

use std::future::poll_fn;
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
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        // It may have rung between the two: then it has not seen our waker.
        if self.is_rung.swap(false, Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}
