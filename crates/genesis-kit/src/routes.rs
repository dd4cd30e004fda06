//! The metrics as an axum route.

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::response::IntoResponse;
use axum::routing::get;
use core_metrics::Registry;

pub(crate) fn metrics<S: Clone + Send + Sync + 'static>(registry: &Registry) -> Router<S> {
    let registry = registry.clone();
    let answer = move |headers: HeaderMap| {
        // What is no text asks for nothing.
        let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
        let response = registry.respond(accept);
        let headers = [(CONTENT_TYPE, response.content_type), (CACHE_CONTROL, "no-store"), (VARY, "accept")];
        std::future::ready((headers, response.body).into_response())
    };
    Router::new().route("/metrics", get(answer))
}
