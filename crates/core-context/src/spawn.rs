//! Tasks and threads that know their context. The only places that spawn.

use std::io;
use std::thread::{self, JoinHandle};

use crate::Context;

/// Starts a task in the current context, without its deadline: nobody waits for a detached task.
///
/// # Panics
/// Outside a tokio runtime.
#[cfg(feature = "tokio")]
pub fn spawn<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    match Context::current() {
        Some(context) => spawn_with(&context.detached(), future),
        // In none, also where somebody polls it inside one.
        None => start(crate::Scoped::in_current(future)),
    }
}

/// Starts a task in a given context, deadline and all: for tasks that are joined.
///
/// # Panics
/// Outside a tokio runtime.
#[cfg(feature = "tokio")]
pub fn spawn_with<F>(context: &Context, future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    start(context.scope(future))
}

#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_methods, reason = "this is the one place that starts tasks")]
fn start<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    tokio::task::spawn(future)
}

/// Runs a closure on the blocking pool, in the current context, deadline and all.
///
/// # Panics
/// Outside a tokio runtime.
#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_methods, reason = "this is the one place that uses the blocking pool")]
pub fn spawn_blocking<R: Send + 'static>(
    run: impl FnOnce() -> R + Send + 'static,
) -> tokio::task::JoinHandle<R> {
    let context = Context::current();
    tokio::task::spawn_blocking(move || match context {
        Some(context) => context.sync_scope(run),
        None => run(),
    })
}

/// Starts a named thread in the current context, without its deadline.
///
/// # Errors
/// If the operating system has no thread to give.
pub fn spawn_thread<R: Send + 'static>(
    name: impl Into<String>,
    run: impl FnOnce() -> R + Send + 'static,
) -> io::Result<JoinHandle<R>> {
    let context = Context::current().map(|context| context.detached());
    thread::Builder::new().name(name.into()).spawn(move || match context {
        Some(context) => context.sync_scope(run),
        None => run(),
    })
}
