//! What runs now, as an axum route.

use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use core_track::Tracker;

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(tracker: &Tracker) -> Router<S> {
    let tracker = tracker.clone();
    let answer = move || {
        let answer = ([(CACHE_CONTROL, "no-store")], Json(tracker.live())).into_response();
        std::future::ready(answer)
    };
    Router::new().route("/debug/executions", get(answer))
}
