use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use core_context::Context;

use crate::logger::{Bound, FieldValue, Logger};

/// One line for a whole request: whatever takes part in it adds what it knows, and at the end all of it is one event.
///
/// It is an extension of the context; clones are one. It holds 64 fields at most, and of a field the last value.
///
/// ```
/// use core_context::Context;
/// use core_log::{WideEvent, info};
///
/// let wide = WideEvent::new();
/// let context = Context::builder().extension(wide.clone()).build();
/// context.sync_scope(|| WideEvent::add("rows", 12));       // anywhere in the request
/// info!(logger: wide.finish(), status = 200, "request");   // rows and status
/// ```
#[derive(Clone)]
pub struct WideEvent(Arc<Mutex<Bound>>);

// === impl WideEvent ===

impl WideEvent {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Bound::new())))
    }

    /// Adds a field to that of the current context. Says whether there is one.
    pub fn add(key: &'static str, value: impl Into<FieldValue>) -> bool {
        let context = Context::current();
        let wide = context.as_ref().and_then(Context::get::<Self>);
        if let Some(wide) = wide {
            wide.set(key, value);
        }
        wide.is_some()
    }

    /// Adds a field.
    pub fn set(&self, key: &'static str, value: impl Into<FieldValue>) {
        let value = value.into();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).set(key, value);
    }

    /// All fields so far, for the line at the end.
    #[must_use]
    pub fn finish(&self) -> Logger {
        Logger::of(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Default for WideEvent {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WideEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Logger = self.finish();
        let bound: &(dyn Error + 'static) = shown.bound();
        write!(f, "WideEvent({bound})")
    }
}
