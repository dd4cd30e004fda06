//! Who is asking, on which trace, and until when: carried across await, tasks and services.
//!
//! A [`Context`] is immutable and cheap to clone. It is current inside [`Context::scope`], a future that sets it around
//! each poll, so that it never leaks into other tasks of the thread. Logs, pipelines and HTTP clients read it there.
//!
//! ```
//! use core_context::Context;
//! use core_time::{Clock, secs};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let clock = Clock::system();
//! let ctx = Context::builder().request("POST", "/orders").user("u-42").deadline_in(secs(2), &clock).build();
//!
//! ctx.scope(async {
//!     let here = Context::current().expect("inside the scope");
//!     assert_eq!(here.request().unwrap().method, "POST");
//!     assert!(here.remaining(&clock).unwrap() <= secs(2));
//! })
//! .await;
//! assert!(Context::current().is_none());
//! # }
//! ```
//!
//! * **Deriving.** [`Context::derive`] makes a context with something added; the original stays as it is. A deadline is only
//!   ever shortened.
//! * **Spans.** [`Context::child_span`] is a context for a part of the work, in a span of its own.
//! * **Tasks.** [`spawn`] (feature `tokio`) carries the context into a new task and drops its deadline: a detached task is
//!   nobody's to wait for. [`spawn_thread`] does the same for threads.
//! * **Channels.** [`WithContext`] is a value and the context in which it was sent; [`JoinSet`] is tokio's, with contexts.
//! * **Services.** A [`Propagation`] reads a context from the headers of a request and writes one into those of another, as W3C
//!   Trace Context and Baggage have it. From callers that are not trusted little is taken over ([`Trust`]).
//! * **Errors** remember the ids of the context in which they are made; nothing has to be set up for it.
//! * **The process** has an [`Identity`], which is set once.
//!
//! # Cancel safety
//! Dropping a scope drops what is inside it with the context set, and restores the one before.
//!
//! # Cost
//! Reading the deadline of the current context: a few nanoseconds. A clone of it: one reference count. A scope: two
//! thread-local writes for each poll. No allocation but for making a context.

mod baggage;
#[cfg(feature = "tokio")]
mod bounded;
mod context;
mod current;
mod envelope;
mod extensions;
mod hex;
mod identity;
mod ids;
#[cfg(feature = "tokio")]
mod join_set;
mod json;
mod one_line;
pub mod propagation;
mod random;
mod scope;
mod span;
mod spawn;
pub mod w3c;

pub use baggage::{Baggage, BaggageError};
#[cfg(feature = "tokio")]
pub use bounded::Bounded;
pub use context::{Builder, Context, Request, User};
pub use envelope::WithContext;
pub use identity::{Identity, IdentityError};
pub use ids::{CorrelationId, IdError, SpanId, TraceId};
#[cfg(feature = "tokio")]
pub use join_set::JoinSet;
pub use one_line::OneLine;
pub use propagation::{Propagation, Trust};
pub use scope::{EnteredContextMustNotBeHeldAcrossAwait, Scoped};
pub use spawn::spawn_thread;
#[cfg(feature = "tokio")]
pub use spawn::{spawn, spawn_blocking, spawn_with};
