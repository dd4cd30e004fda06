//! Where the current context of a thread is kept.

use std::cell::RefCell;

use core_time::Instant;

use crate::Context;

thread_local! {
    static CURRENT: RefCell<Option<Context>> = const { RefCell::new(None) };
}

/// Puts a context in place and returns the one before. Nothing of the user's runs while the cell is borrowed.
pub(crate) fn replace(context: Option<Context>) -> Option<Context> {
    let swap = |current: &RefCell<Option<Context>>| current.replace(context);
    // A thread in its last breath has no context.
    CURRENT.try_with(swap).unwrap_or(None)
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
}
