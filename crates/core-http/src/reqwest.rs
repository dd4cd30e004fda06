//! The same as [`ClientLayer`](crate::ClientLayer) for clients made with `reqwest-middleware`.

use async_trait::async_trait;
use core_context::Propagation;
use core_time::Clock;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};

use crate::classify::error_of;
use crate::inject::Injector;

/// Refuses calls for which the time has run out, writes the current context into each request, gives it no more time than is
/// left, and makes an error of whatever is not a success.
///
/// The error is a [`core_errors::Error`] inside that of `reqwest-middleware`; `core_errors::Error::convert` finds it there.
#[derive(Clone, Debug, Default)]
pub struct ContextMiddleware(Injector);

// === impl ContextMiddleware ===

impl ContextMiddleware {
    /// With the usual headers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes contexts as `propagation` has it. Default: the usual headers, with a margin of 5 ms.
    #[must_use]
    pub fn propagation(mut self, propagation: Propagation) -> Self {
        self.0.propagation(propagation);
        self
    }

    /// Reads time from `clock`. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.0.clock(clock);
        self
    }
}

#[async_trait]
impl Middleware for ContextMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        if let Some(left) = self.0.remaining().map_err(Error::middleware)? {
            let limit = request.timeout().map_or(left, |limit| left.min(*limit));
            *request.timeout_mut() = Some(limit);
        }
        self.0.write(request.headers_mut(), extensions);
        let response = next.run(request, extensions).await?;
        match error_of(response.status(), response.headers()) {
            None => Ok(response),
            Some(error) => Err(Error::middleware(error)),
        }
    }
}
