use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code of the user's whose panic is nobody else's affair: a subscriber, a function that has a stand-in. `None` if it panicked;
/// the panic hook has reported that.
///
/// What it panics with may panic again when it is dropped, and that panic may as well: the second is not dropped, or this would have
/// no end.
#[doc(hidden)]
pub fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(done) => Some(done),
        Err(payload) => {
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(again);
            }
            None
        }
    }
}
