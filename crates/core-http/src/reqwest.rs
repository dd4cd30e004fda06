//! The same as [`ClientLayer`](crate::ClientLayer) for clients made with `reqwest-middleware`.

use std::error::Error as _;
use std::fmt;

use async_trait::async_trait;
use core_context::Propagation;
use core_errors::Delivery;
use core_time::Clock;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};

use crate::classify::Callee;
use crate::inject::Injector;

/// Refuses calls for which the time has run out, writes the current context into each request, gives it no more time than is
/// left, and makes an error of whatever is not a success.
///
/// The error is a [`core_errors::Error`] inside that of `reqwest-middleware`, whether it came from the transport or from a status:
/// [`error_of_reqwest`] takes it out. `core_errors::Error::convert` classifies it the same.
#[derive(Clone, Debug, Default)]
pub struct ContextMiddleware {
    injector: Injector,
    callee: Callee,
    sends_once: bool,
}

/// What reqwest-middleware carries for us. Its error shows neither what it holds nor that as a cause, only the causes of that: so ours
/// is a cause.
struct Carried(core_errors::Error);

/// The error that [`ContextMiddleware`] has put into that of `reqwest-middleware`. What others have put there is converted.
#[must_use]
#[track_caller]
pub fn error_of_reqwest(error: Error) -> core_errors::Error {
    match error {
        Error::Reqwest(error) => core_errors::Error::convert(error),
        Error::Middleware(error) => match error.downcast::<Carried>() {
            Ok(Carried(error)) => error,
            Err(error) => core_errors::Error::from(error),
        },
    }
}

// === impl ContextMiddleware ===

impl ContextMiddleware {
    /// With the usual headers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For callees of the house: what they say of their failures holds, see [`Callee`]. Default: as far as it makes no retry less safe.
    #[must_use]
    pub fn trusted(mut self) -> Self {
        self.callee = Callee::Trusted;
        self
    }

    /// Writes contexts as `propagation` has it. Default: the usual headers, with a margin of 5 ms.
    #[must_use]
    pub fn propagation(mut self, propagation: Propagation) -> Self {
        self.injector.propagation(propagation);
        self
    }

    /// Reads time from `clock`. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.injector.clock(clock);
        self
    }

    /// Says that the client sends each request once: it was built with `redirect::Policy::none()`, and repeats none but those that had no
    /// effect, as it does by itself. Then a request that never left for want of a connection, or that was refused unprocessed, says so, and a
    /// retry makes it anew at no charge (rule RT-9). Default: nobody knows, since a request that was answered by a redirect may have been
    /// done, and the error of the next one does not tell of it.
    #[must_use]
    pub fn sends_once(mut self) -> Self {
        self.sends_once = true;
        self
    }

    fn error_of(&self, error: Error) -> core_errors::Error {
        let delivery = match &error {
            Error::Reqwest(error) if self.sends_once => delivery_of(error),
            _ => Delivery::Unknown,
        };
        let error = error_of_reqwest(error);
        if delivery.had_no_effect() { error.with_delivery(delivery) } else { error }
    }
}

/// Not by its `is_connect`, which finds the connection of a body of ours, too, that was fed by another request.
fn delivery_of(error: &reqwest::Error) -> Delivery {
    error.source().map(Delivery::of_transport).unwrap_or_default()
}

#[async_trait]
impl Middleware for ContextMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        self.injector.in_time().map_err(carry)?;
        self.injector.write(request.headers_mut(), extensions);
        // The deadline is held from outside: a timeout of the request would take the place of the client's own, which may be shorter.
        let answered = self.injector.bounded(next.run(request, extensions)).await.map_err(carry)?;
        let response = match answered {
            Ok(response) => response,
            Err(error) => return Err(carry(self.error_of(error))),
        };
        match self.callee.error_of(response.status(), response.headers()) {
            None => Ok(response),
            Some(error) => Err(carry(error)),
        }
    }
}

// === impl Carried ===

fn carry(error: core_errors::Error) -> Error {
    Error::middleware(Carried(error))
}

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::error::Error for Carried {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}
