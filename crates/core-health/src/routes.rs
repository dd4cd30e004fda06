//! The probes as axum routes.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};

use crate::health::{Health, Probe};

/// Each probe and its names: the same handler under each of them, never a redirect, which the kubelet would not follow to
/// another host.
const PATHS: [(&str, Probe); 10] = [
    ("/health", Probe::Health),
    ("/health/live", Probe::Live),
    ("/health/liveness", Probe::Live),
    ("/livez", Probe::Live),
    ("/health/ready", Probe::Ready),
    ("/health/readiness", Probe::Ready),
    ("/readyz", Probe::Ready),
    ("/health/startup", Probe::Startup),
    ("/health/started", Probe::Startup),
    ("/startupz", Probe::Startup),
];

// === impl Health ===

impl Health {
    /// The probes as routes: `/health`, `/health/live`, `/health/ready`, `/health/startup`, and the other names that
    /// orchestrators use for them. GET and HEAD; anything else is 405.
    ///
    /// Merge it *after* your own layers, so that neither authentication nor limits nor access logs stand before a probe:
    /// `app.layer(…).merge(health.router())`.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        PATHS.iter().fold(Router::new(), |router, (path, probe)| {
            let health = self.clone();
            router.route(path, get(move || std::future::ready(respond(&health, *probe))))
        })
    }
}

fn respond(health: &Health, probe: Probe) -> Response {
    let answer = health.answer(probe);
    let mut response = Response::new(Body::from(answer.body.to_string()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
