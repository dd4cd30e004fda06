//! Whether what is dropped is dropped with a future that had not ended.
//!
//! It is here because it is what became of something, as a [`Category`](crate::Category) is: whoever stops futures says so
//! (`core-context`, `core-policy`, `core-retry`, `core-timeout`), whoever keeps account of them asks (`core-track`), and none of them
//! knows another.

use std::cell::Cell;

thread_local! {
    // Without a destructor, access costs one instruction and never fails.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// While it lives, a future that has not ended is dropped on this thread.
struct CutOff;

/// Drops a future that has not ended, in a closure: what is dropped with it can [tell](cut_off_depth).
///
/// For whoever gives up a future of others: at a limit on time, because another was faster, or because it is dropped itself. A panic of
/// the closure goes on.
///
/// ```
/// use core_errors::{cut_off, cut_off_depth};
///
/// struct Guard(u32);
///
/// impl Drop for Guard {
///     fn drop(&mut self) {
///         assert!(cut_off_depth() > self.0, "it is dropped with the future");
///     }
/// }
///
/// let guard = Guard(cut_off_depth());
/// let mut running = Some(async move {
///     let _guard = guard;
///     std::future::pending::<()>().await;
/// });
/// cut_off(|| running = None);
/// assert_eq!(cut_off_depth(), 0);
/// ```
#[inline]
pub fn cut_off<R>(drop: impl FnOnce() -> R) -> R {
    let _cut_off = CutOff::new();
    drop()
}

/// How many futures are being dropped on this thread right now before they ended, one inside another. Zero where none is.
///
/// A guard that ends something when it is dropped cannot see why: the code around it went on, or it was dropped with the future that it
/// lives in, as one that lost a race or whose task was aborted. One that remembers the depth of when it was made was cut off if it is
/// dropped at a greater one.
///
/// What stops futures here says so: a scope of `core-context` and the tasks that it starts, calls under policies and their limits on
/// time, hedges, and what is gathered until a deadline. Of one that others drop, as `tokio::select!`, nobody knows. It costs a load.
#[must_use]
#[inline]
pub fn cut_off_depth() -> u32 {
    DEPTH.with(Cell::get)
}

// === impl CutOff ===

impl CutOff {
    #[inline]
    fn new() -> Self {
        DEPTH.with(|depth| depth.set(depth.get() + 1));
        Self
    }
}

impl Drop for CutOff {
    #[inline]
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}
