use core_context::Scoped;
use hyper::rt::Executor;

/// Runs the tasks of hyper in the context in which hyper asks for them: for connections that a request opens.
///
/// A pool hands a connection from request to request, and its task keeps the context of the first. Use it where a connection belongs
/// to one caller, and not around a shared pool.
#[derive(Clone, Copy, Debug, Default)]
pub struct ContextExecutor<E>(pub E);

// === impl ContextExecutor ===

impl<E, F> Executor<F> for ContextExecutor<E>
where
    E: Executor<Scoped<F>>,
    F: Future,
{
    fn execute(&self, future: F) {
        self.0.execute(Scoped::in_current(future));
    }
}
