use std::sync::{Mutex, PoisonError, TryLockError};

use core_context::{Context, TraceId};

/// The last trace that was seen in each bucket.
#[derive(Debug)]
pub(crate) struct Exemplars(Box<[Mutex<Option<Exemplar>>]>);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Exemplar {
    pub(crate) trace: TraceId,
    pub(crate) value: f64,
}

// === impl Exemplars ===

impl Exemplars {
    pub(crate) fn new(buckets: usize) -> Self {
        Self((0..buckets).map(|_| Mutex::default()).collect())
    }

    /// Keeps the trace of the current context, if somebody can look it up, and nobody else is writing.
    pub(crate) fn offer(&self, bucket: usize, value: f64) {
        if Context::current_trace_id().is_none() {
            return;
        }
        let Some(context) = Context::current() else { return };
        let Some(trace) = context.trace().filter(|trace| trace.flags.sampled) else { return };
        let exemplar = Exemplar { trace: trace.trace_id, value };
        match self.0[bucket].try_lock() {
            Ok(mut kept) => *kept = Some(exemplar),
            Err(TryLockError::Poisoned(kept)) => *kept.into_inner() = Some(exemplar),
            // One of two is as good as the other.
            Err(TryLockError::WouldBlock) => {}
        }
    }

    pub(crate) fn get(&self, bucket: usize) -> Option<Exemplar> {
        *self.0.get(bucket)?.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
