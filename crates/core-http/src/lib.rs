//! Request contexts from headers, failures as problem+json, headers on the way out.
//!
//! * [`ContextLayer`]: on a server, opens a [`core_context::Context`] from the headers of each request, and everything inside
//!   runs in it. The answer carries the correlation id. A request whose caller has given up is refused before any work.
//! * [`ContextBodyLayer`]: inside of that, has bodies that stream run in the context, too.
//! * [`problem`]: a [`core_errors::Problem`] as a response, with `Retry-After`; with the feature `axum`, `ApiError` does it
//!   for whatever a handler returns with `?`.
//! * [`CatchPanicLayer`]: a handler that panics answers with a problem, and the connection lives on.
//! * [`ClientLayer`]: on a client, refuses calls for which the time has run out, writes trace, ids, baggage, attempt and remaining
//!   time into each request, and makes errors of failures. [`InjectLayer`] does the writing alone; with the feature `reqwest`,
//!   `ContextMiddleware` does all of it for `reqwest-middleware`.
//! * [`check_status`] and [`classify_response`]: what a response means to retry and breaker. [`read_problem`]: what its body says.
//!   [`Callee`]: how much of that is believed.
//!
//! ```
//! use core_context::Context;
//! use core_http::ContextLayer;
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ServiceBuilder::new().layer(ContextLayer::new()).service(service_fn(|_: Request<String>| async {
//!     let id = Context::current().map(|context| context.correlation_id().to_string());
//!     Ok::<_, std::io::Error>(Response::new(id.unwrap_or_default()))
//! }));
//!
//! let request = Request::builder().header("x-correlation-id", "order-7").body(String::new())?;
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.headers()["x-correlation-id"], "order-7");
//! assert_eq!(response.body(), "order-7");
//! # Ok(()) }
//! ```
//!
//! # gRPC
//! The metadata of `tonic` are headers: [`HeadersOf`] reads a context from them, and the layers here serve the services and channels of tonic,
//! which speak `http` already.
//!
//! ```
//! use core_context::Propagation;
//! use core_http::HeadersOf;
//! use core_time::Clock;
//! use tonic::metadata::MetadataMap;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (propagation, clock) = (Propagation::trusted().grpc(), Clock::system());
//! let mut call = tonic::Request::new(());
//! call.metadata_mut().insert("grpc-timeout", "800m".parse()?);
//!
//! // In a handler or an interceptor:
//! let context = propagation.extract(&HeadersOf(call.metadata().as_ref()), &clock).build();
//! assert!(context.remaining(&clock).is_some());
//!
//! // In a client without a layer:
//! let mut headers = MetadataMap::new().into_headers();
//! core_http::inject(&propagation, &context, &clock, &mut headers);
//! *call.metadata_mut() = MetadataMap::from_headers(headers);
//! assert!(call.metadata().contains_key("traceparent"));
//! # Ok(()) }
//! ```
//!
//! # Cancel safety
//! Dropping a response future or a body drops what it wraps, inside its context.
//!
//! # Cost
//! The server layer allocates one context for each request; the client layer the values of the headers it writes. Headers that are
//! malformed, too long, or there twice are as if they were absent: no request is refused for one, and the work is bounded.

mod body;
mod catch_panic;
mod classify;
mod client;
mod context;
#[cfg(feature = "hyper")]
mod executor;
mod header_map;
mod inject;
pub mod problem;
#[cfg(feature = "reqwest")]
mod reqwest;
mod retry_after;

#[cfg(feature = "axum")]
mod api_error;
#[cfg(feature = "axum")]
mod extract;

#[cfg(feature = "axum")]
pub use api_error::ApiError;
pub use body::{ContextBody, ContextBodyFuture, ContextBodyLayer, ContextBodyService};
pub use catch_panic::{CatchPanic, CatchPanicFuture, CatchPanicLayer};
pub use classify::{
    Callee, SHOULD_RETRY, check_status, classify_response, error_of, read_problem, verdict_of,
};
pub use client::{Client, ClientFuture, ClientLayer, Inject, InjectLayer};
pub use context::{ContextLayer, ContextService, ResponseFuture};
#[cfg(feature = "hyper")]
pub use executor::ContextExecutor;
#[cfg(feature = "axum")]
pub use extract::CurrentContext;
pub use header_map::{HeadersOf, inject};
pub use inject::AttemptNumber;
#[cfg(feature = "reqwest")]
pub use reqwest::{ContextMiddleware, error_of_reqwest};
pub use retry_after::{parse_retry_after, retry_after};
