//! Where the current context of a thread is kept.

use std::cell::RefCell;
use std::sync::Arc;

use core_errors::ErrorContext;
use core_time::Instant;

use crate::{Context, CorrelationId, TraceId};

thread_local! {
    static CURRENT: RefCell<Option<Context>> = const { RefCell::new(None) };
}

/// Puts a context in place and returns the one before. Nothing of the user's runs while the cell is borrowed.
pub(crate) fn replace(context: Option<Context>) -> Option<Context> {
    let swap = |current: &RefCell<Option<Context>>| current.replace(context);
    // A thread in its last breath has no context.
    CURRENT.try_with(swap).unwrap_or(None)
}

/// Exchanges the context in place with another. Nothing is dropped by it, and no reference is counted.
#[inline]
pub(crate) fn swap(context: &mut Option<Context>) {
    // A thread in its last breath has no context.
    let _ = CURRENT.try_with(|current| std::mem::swap(&mut *current.borrow_mut(), context));
}

/// Has errors remember the context in which they are made. Costs a load once that is settled.
pub(crate) fn tell_errors() {
    use std::sync::atomic::{AtomicBool, Ordering};
    static IS_TOLD: AtomicBool = AtomicBool::new(false);
    // Nothing else is published by it: whoever sees it false tells again, which is harmless.
    if !IS_TOLD.load(Ordering::Relaxed) {
        core_errors::set_capture(of_error);
        IS_TOLD.store(true, Ordering::Relaxed);
    }
}

fn of_error() -> Option<Arc<dyn ErrorContext>> {
    Context::current().map(Arc::from)
}

impl Context {
    /// The context of the scope that runs now, if one does.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|current| current.borrow().clone()).unwrap_or(None)
    }

    /// The deadline of the current context: cheaper than a clone of it.
    #[must_use]
    #[inline]
    pub fn current_deadline() -> Option<Instant> {
        CURRENT.try_with(|current| current.borrow().as_ref().and_then(Self::deadline)).unwrap_or(None)
    }

    /// The correlation id of the current context.
    #[must_use]
    pub fn current_correlation_id() -> Option<CorrelationId> {
        let id = |context: &Self| context.correlation_id().clone();
        CURRENT.try_with(|current| current.borrow().as_ref().map(id)).unwrap_or(None)
    }

    /// The trace of the current context: cheaper than a clone of it.
    #[must_use]
    #[inline]
    pub fn current_trace_id() -> Option<TraceId> {
        let id = |context: &Self| Some(context.trace()?.trace_id);
        CURRENT.try_with(|current| current.borrow().as_ref().and_then(id)).unwrap_or(None)
    }
}
