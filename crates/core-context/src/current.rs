//! Where the current context of a thread is kept.

use std::any::Any;
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use core_errors::{Criticality, ErrorContext};
use core_time::Instant;

use crate::{Context, CorrelationId, TraceId};

thread_local! {
    // Without a destructor, access costs one instruction and never fails. There is nothing to drop when a thread ends, but
    // where somebody leaked a guard: then one reference is leaked with it.
    static CURRENT: Cell<ManuallyDrop<Option<Context>>> = const { Cell::new(ManuallyDrop::new(None)) };
}

/// Puts a context in place and returns the one before.
#[inline]
pub(crate) fn replace(context: Option<Context>) -> Option<Context> {
    CURRENT.with(|current| ManuallyDrop::into_inner(current.replace(ManuallyDrop::new(context))))
}

/// Exchanges the context in place with another. Nothing is dropped by it, and no reference is counted.
#[inline]
pub(crate) fn swap(context: &mut Option<Context>) {
    *context = replace(context.take());
}

/// Looks at the context in place. Nothing of the user's runs meanwhile: nobody sees that it is gone.
#[inline]
fn look<R>(at: impl FnOnce(&Context) -> Option<R>) -> Option<R> {
    CURRENT.with(|current| {
        let context = current.replace(ManuallyDrop::new(None));
        let seen = context.as_ref().and_then(at);
        current.set(context);
        seen
    })
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
        look(|context| Some(context.clone()))
    }

    /// The deadline of the current context: cheaper than a clone of it.
    #[must_use]
    #[inline]
    pub fn current_deadline() -> Option<Instant> {
        look(Self::deadline)
    }

    /// How important what is done in the current context is, if anybody said so: cheaper than a clone of it.
    #[must_use]
    #[inline]
    pub fn current_criticality() -> Option<Criticality> {
        look(Self::criticality)
    }

    /// The correlation id of the current context.
    #[must_use]
    pub fn current_correlation_id() -> Option<CorrelationId> {
        look(|context| Some(context.correlation_id().clone()))
    }

    /// Something of the application's own from the current context, by its type: cheaper than a clone of the context, which would
    /// count a reference more.
    #[must_use]
    #[inline]
    pub fn current_extension<T: Any + Send + Sync>() -> Option<Arc<T>> {
        look(Self::share)
    }

    /// The trace of the current context: cheaper than a clone of it.
    #[must_use]
    #[inline]
    pub fn current_trace_id() -> Option<TraceId> {
        look(|context| Some(context.trace()?.trace_id))
    }
}
