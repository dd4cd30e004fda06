//! Parts of a request that are spans of their own.

use crate::Context;
use crate::scope::EnteredContextMustNotBeHeldAcrossAwait;
use crate::w3c::TraceContext;

impl Context {
    /// A context for a part of the work: the same in all but the span, which is a new one inside that of this context. Without a trace, one
    /// begins.
    ///
    /// ```
    /// use core_context::Context;
    /// use core_context::w3c::TraceContext;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let request = Context::builder().trace(TraceContext::generate(true)).build();
    /// let query = request.child_span();
    /// query.scope(async { /* calls of in here are calls of that span */ }).await;
    /// let (outer, inner) = (request.trace().unwrap(), query.trace().unwrap());
    /// assert_eq!((inner.trace_id, inner.parent_id), (outer.trace_id, Some(outer.span_id)));
    /// # }
    /// ```
    #[must_use]
    pub fn child_span(&self) -> Self {
        let child = self.trace().map_or_else(|| TraceContext::generate(false), TraceContext::child);
        self.derive(|builder| builder.trace(child))
    }

    /// Makes a [`child_span`](Self::child_span) of this context current on this thread until the guard is dropped. Only for code that does not
    /// await; futures go into a [`scope`](Self::scope) of the child.
    pub fn enter_span(&self) -> EnteredContextMustNotBeHeldAcrossAwait {
        self.child_span().enter()
    }
}
