//! The levels of the log as an axum route.

use axum::Router;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::any;

use crate::Kit;

impl Kit {
    /// `GET`, `PUT` and `DELETE` of `/log/levels`, as [`LogHandle::handle`](core_log::LogHandle::handle) answers them; no route if the log was
    /// left to others.
    ///
    /// Whoever reaches it can fill a disk, or silence the service: merge it into the router of a port that only operators
    /// reach.
    ///
    /// ```no_run
    /// # let kit = genesis_kit::Kit::builder("orders").build()?;
    /// let operators = axum::Router::<()>::new().merge(kit.log_router());
    /// // curl -X PUT -d 'orders::pay=debug for 10m' localhost:9000/log/levels
    /// # Ok::<(), genesis_kit::KitError>(())
    /// ```
    pub fn log_router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let Some(log) = self.log().cloned() else { return Router::new() };
        let answer = move |method: Method, body: String| {
            let (status, body) = log.handle(method.as_str(), &body);
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
            std::future::ready((status, kind, body).into_response())
        };
        Router::new().route("/log/levels", any(answer))
    }
}
