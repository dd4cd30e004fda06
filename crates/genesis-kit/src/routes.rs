//! The metrics as an axum route.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use core_metrics::Registry;

/// More scrapes than this at once come from collectors that hang, or from somebody who is no scraper.
const AT_ONCE_MAX: usize = 8;

/// One of the scrapes that are under way.
struct UnderWay(Arc<AtomicUsize>);

pub(crate) fn metrics<S: Clone + Send + Sync + 'static>(registry: &Registry) -> Router<S> {
    let (registry, under_way) = (registry.clone(), Arc::new(AtomicUsize::new(0)));
    let answer = move |headers: HeaderMap| {
        let (registry, one) = (registry.clone(), UnderWay::begin(&under_way));
        async move {
            let Some(one) = one else { return busy() };
            let accept = accept(&headers);
            // Collectors read files and may take their time: they take it from no worker of the runtime.
            let rendered = core_context::spawn_blocking(move || {
                let _one = one;
                registry.respond(accept.as_deref())
            });
            // It catches what panics in it, and so only ends with the runtime.
            let Ok(response) = rendered.await else { return busy() };
            let headers =
                [(CONTENT_TYPE, response.content_type), (CACHE_CONTROL, "no-store"), (VARY, "accept")];
            (headers, response.body).into_response()
        }
    };
    Router::new().route("/metrics", get(answer))
}

/// All that the scraper takes, also where it says so in several lines. What is no text asks for nothing.
fn accept(headers: &HeaderMap) -> Option<String> {
    let lines: Vec<_> = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

fn busy() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], "too many scrapes at once\n").into_response()
}

// === impl UnderWay ===

impl UnderWay {
    fn begin(count: &Arc<AtomicUsize>) -> Option<Self> {
        // Made first, so that it counts down however this ends.
        let one = Self(Arc::clone(count));
        (count.fetch_add(1, Ordering::Relaxed) < AT_ONCE_MAX).then_some(one)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
