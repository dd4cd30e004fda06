//! Whether an error is what the last of several attempts ended with, where no more than a `dyn Error` is left of it.
//!
//! The error of a call under policies is generic, so in a box nobody can ask it by its type. What it can still say, it says while it is
//! asked for its `source`.

use std::cell::Cell;
use std::error::Error as StdError;

thread_local! {
    // Where the error lies that was said last to be one; only ever compared. Without a destructor, access costs one instruction and
    // never fails.
    static LAST: Cell<*const ()> = const { Cell::new(std::ptr::null()) };
}

/// Says, from within [`source`](StdError::source), that `last`, which is returned, is what the last of several attempts ended with:
/// those who classify a chain of errors then know that the attempts were made (rule RT-8), and that how far the last one came says
/// nothing of the others (rule RT-9).
///
/// For errors of whatever tries again and keeps the last error, as `core_policy::CallError`. It costs a store. A `source` that looks at
/// others, or hands on what one of them returned, changes nothing of that.
///
/// ```
/// use core_errors::{Error, Recovery, last_of_several};
///
/// #[derive(Debug)]
/// struct GaveUp(Error);
///
/// impl std::fmt::Display for GaveUp {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         f.write_str("three attempts were made")
///     }
/// }
///
/// impl std::error::Error for GaveUp {
///     fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
///         Some(last_of_several(&self.0))
///     }
/// }
///
/// let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(GaveUp(Error::network("gone")));
/// assert_eq!(Error::from(boxed).recovery(), Recovery::Fatal);      // a network failure, and tried often enough
/// ```
pub fn last_of_several<'e>(last: &'e (dyn StdError + 'static)) -> &'e (dyn StdError + 'static) {
    LAST.set(place(last));
    last
}

/// What `next` returns, and whether that was [said](last_of_several) to be the last of several.
pub(crate) fn heard<'e>(
    next: impl FnOnce() -> Option<&'e (dyn StdError + 'static)>,
) -> (Option<&'e (dyn StdError + 'static)>, bool) {
    // A `source` may classify others before it returns.
    let before = LAST.replace(std::ptr::null());
    let cause = next();
    let last = LAST.replace(before);
    (cause, cause.is_some_and(|cause| place(cause) == last))
}

fn place(error: &(dyn StdError + 'static)) -> *const () {
    std::ptr::from_ref(error).cast()
}

#[cfg(test)]
mod tests;
