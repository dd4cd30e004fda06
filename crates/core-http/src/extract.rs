use std::convert::Infallible;
use std::future::{Future, ready};

use axum::extract::FromRequestParts;
use core_context::Context;
use http::request::Parts;

/// The context of the request, as an argument of a handler. Without a [`ContextLayer`](crate::ContextLayer) around it, a new one.
#[derive(Clone, Debug)]
pub struct CurrentContext(pub Context);

// === impl CurrentContext ===

impl<S: Sync> FromRequestParts<S> for CurrentContext {
    type Rejection = Infallible;

    fn from_request_parts(_: &mut Parts, _: &S) -> impl Future<Output = Result<Self, Infallible>> + Send {
        ready(Ok(Self(Context::current().unwrap_or_default())))
    }
}
