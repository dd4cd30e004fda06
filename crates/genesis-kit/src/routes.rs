//! The metrics as an axum route.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderName, RETRY_AFTER, VARY};
#[cfg(feature = "gzip")]
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use core_metrics::Registry;

/// More scrapes than this at once come from collectors that hang, or from somebody who is no scraper.
const AT_ONCE_MAX: usize = 8;

/// What an answer hangs on.
const VARIES: &str = if cfg!(feature = "gzip") { "accept, accept-encoding" } else { "accept" };

/// One of the scrapes that are under way.
struct UnderWay(Arc<AtomicUsize>);

pub(crate) fn metrics<S: Clone + Send + Sync + 'static>(registry: &Registry) -> Router<S> {
    let (registry, under_way) = (registry.clone(), Arc::new(AtomicUsize::new(0)));
    let answer = move |headers: HeaderMap| {
        let (registry, one) = (registry.clone(), UnderWay::begin(&under_way));
        async move {
            let Some(one) = one else { return busy() };
            let accept = all(&headers, ACCEPT);
            #[cfg(feature = "gzip")]
            let encoding = all(&headers, ACCEPT_ENCODING);
            // Collectors read files and may take their time: they take it from no worker of the runtime.
            let rendered = core_context::spawn_blocking(move || {
                let _one = one;
                let text = registry.respond(accept.as_deref());
                #[cfg(feature = "gzip")]
                if let Some(gzip) = text.gzip(encoding.as_deref()) {
                    return ([(CONTENT_ENCODING, "gzip")], answered(text.content_type, gzip)).into_response();
                }
                answered(text.content_type, text.body)
            });
            // It catches what panics in it, and so only ends with the runtime.
            rendered.await.unwrap_or_else(|_| busy())
        }
    };
    Router::new().route("/metrics", get(answer))
}

/// All that a scraper takes, also where it says so in several lines. What is no text asks for nothing.
fn all(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let lines: Vec<_> = headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

fn answered(content_type: &'static str, body: impl IntoResponse) -> Response {
    let headers = [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-store"), (VARY, VARIES)];
    (headers, body).into_response()
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
