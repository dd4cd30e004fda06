use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{self, Poll};

use core_errors::cut_off;
use pin_project_lite::pin_project;

use crate::{Context, current};

pin_project! {
    /// A future inside a context. Made by [`Context::scope`].
    ///
    /// # Cancel safety
    /// Dropping it drops what is inside with the context set, and restores the one before. Guards that are dropped with it can tell, by
    /// [`cut_off_depth`](core_errors::cut_off_depth).
    #[must_use = "futures do nothing unless polled"]
    pub struct Scoped<F> {
        #[pin]
        inner: Option<F>,
        // None is a context as well: whoever has none must not get that of whoever polls it.
        context: Option<Context>,
    }

    impl<F> PinnedDrop for Scoped<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // What has ended is gone already.
            if this.inner.is_some() {
                let _swapped = Swapped::new(this.context);
                cut_off(|| this.inner.set(None));
            }
        }
    }
}

/// Keeps a context current on this thread until it is dropped, then restores the one before.
///
/// The name is the documentation: held across an await it would leave the context on the thread, where other tasks see
/// it. It is not `Send`, so the compiler refuses that in tasks that move between threads. Use [`Context::scope`] there.
///
/// Guards that are dropped out of order restore what was current when each was made: drop them in reverse order.
#[must_use = "the context is current only while the guard lives"]
pub struct EnteredContextMustNotBeHeldAcrossAwait {
    before: Option<Context>,
    /// Not Send: it belongs to this thread.
    thread: PhantomData<*const ()>,
}

// === impl Context ===

impl Context {
    /// Runs a future in this context: it is current whenever the future is polled, and while it is dropped.
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        Scoped { inner: Some(future), context: Some(self.clone()) }
    }

    /// Makes this context current on this thread until the guard is dropped. Only for code that does not await.
    pub fn enter(&self) -> EnteredContextMustNotBeHeldAcrossAwait {
        let before = current::replace(Some(self.clone()));
        EnteredContextMustNotBeHeldAcrossAwait { before, thread: PhantomData }
    }

    /// Runs a closure in this context.
    pub fn sync_scope<R>(&self, run: impl FnOnce() -> R) -> R {
        let _entered = self.enter();
        run()
    }
}

// === impl Scoped ===

impl<F: Future> Scoped<F> {
    /// Runs a future in the context that is current now, deadline and all; in none if there is none. For futures that somebody else
    /// polls.
    pub fn in_current(future: F) -> Self {
        Self { inner: Some(future), context: Context::current() }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        // Restores the context before also when the future panics.
        let _swapped = Swapped::new(this.context);
        let inner = this.inner.as_mut().as_pin_mut().expect("not polled after it was ready");
        let polled = inner.poll(cx);
        if polled.is_ready() {
            this.inner.set(None);
        }
        polled
    }
}

/// While it lives, the context of a scope is current, and the one before is in its place: no reference is counted.
struct Swapped<'s>(&'s mut Option<Context>);

// === impl Swapped ===

impl<'s> Swapped<'s> {
    fn new(place: &'s mut Option<Context>) -> Self {
        current::swap(place);
        Self(place)
    }
}

impl Drop for Swapped<'_> {
    fn drop(&mut self) {
        current::swap(self.0);
    }
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").field("context", &self.context).finish_non_exhaustive()
    }
}

// === impl EnteredContextMustNotBeHeldAcrossAwait ===

impl Drop for EnteredContextMustNotBeHeldAcrossAwait {
    fn drop(&mut self) {
        // What was current is dropped here, after the cell has been released.
        drop(current::replace(self.before.take()));
    }
}

impl fmt::Debug for EnteredContextMustNotBeHeldAcrossAwait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnteredContextMustNotBeHeldAcrossAwait")
    }
}
