//! An axum service that shows what a request carries: its context on the way in, in a handler, in an error, and on the way out.
//!
//! `cargo run -p core-http --example echo --features axum,reqwest -- 5000`, then:
//!
//! * `curl -si localhost:5000/ -H 'x-correlation-id: order-7' -H 'x-request-timeout-ms: 800'`: what the service knows of you;
//! * `curl -si localhost:5000/fail/rate_limit`: each kind of failure as a problem document (`network`, `validation`, …);
//! * `curl -si localhost:5000/panic`: a handler that panics;
//! * `curl -si localhost:5000/ -H 'x-request-timeout-ms: 0'`: a caller that has given up is refused before any work;
//! * `POST /test` with `[{"url": "…", "arguments": […]}]`: calls each url with its arguments and our headers. That is what the
//!   harness of W3C asks of a service: `SERVICE_ENDPOINT=http://127.0.0.1:5000/test SPEC_LEVEL=2 python3 test.py`.
//!
//! xtask: build-only

use std::net::Ipv4Addr;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use core_context::Propagation;
use core_errors::{Category, Error, ResultExt};
use core_http::{ApiError, CatchPanicLayer, ContextLayer, ContextMiddleware, CurrentContext};
use core_time::{Clock, secs};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde_json::{Value, json};

/// More calls than this in one request are not made: each is a call that a stranger asks for.
const CALLS_MAX: usize = 32;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "it tells whoever started it where it is")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).map_or(Ok(5_000), |port| port.parse::<u16>())?;
    // One client for all calls; it says for whom it calls, and gives no callee longer than there is time.
    let http = reqwest::Client::builder().timeout(secs(2)).build()?;
    let client = ClientBuilder::new(http).with(ContextMiddleware::new()).build();

    // A service behind a proxy of the house trusts what the proxy says. Facing strangers it would say `untrusted()`.
    let propagation = Propagation::trusted().b3().google_cloud();
    let app = Router::new()
        .route("/", get(show))
        .route("/fail/{category}", get(fail))
        .route("/panic", get(panics))
        .route("/test", post(call_all))
        .with_state(client)
        // The outermost comes last: the context is there when a panic is answered.
        .layer(CatchPanicLayer::new())
        .layer(ContextLayer::new().propagation(propagation));

    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

/// What is known of a request.
async fn show(CurrentContext(context): CurrentContext) -> Json<Value> {
    let clock = Clock::system();
    Json(json!({
        "correlation_id": context.correlation_id().as_str(),
        "request_id": context.request().map(|request| request.id.to_string()),
        "trace_id": context.trace().map(|trace| trace.trace_id.to_string()),
        "span_id": context.trace().map(|trace| trace.span_id.to_string()),
        "parent_id": context.trace().and_then(|trace| trace.parent_id).map(|span| span.to_string()),
        "tracestate": context.trace().and_then(|trace| trace.state.as_ref()).map(ToString::to_string),
        "baggage": context.baggage().map(core_context::Baggage::as_str),
        "attempt": context.attempt(),
        "remaining_ms": context.remaining(&clock).map(|left| left.as_millis()),
    }))
}

/// Each kind of failure, with text for clients and text that only the log gets.
async fn fail(Path(category): Path<String>) -> Result<(), ApiError> {
    let category: Category = category.parse().unwrap_or(Category::Unknown);
    let error = Error::new(category, format!("you asked for a failure of kind {category}"))
        .with_internal("nobody outside reads this")
        .with_public("docs", "https://example.com/errors")
        .op("echo.fail");
    Err(if category.recovery().is_retriable() { error.with_retry_after(secs(2)) } else { error }.into())
}

async fn panics() {
    panic!("this handler always does");
}

/// Calls each url with its arguments.
async fn call_all(
    State(client): State<ClientWithMiddleware>,
    Json(calls): Json<Vec<Value>>,
) -> Result<Json<Value>, ApiError> {
    if calls.len() > CALLS_MAX {
        return Err(Error::validation(format!("at most {CALLS_MAX} calls in one request")).into());
    }
    for (index, call) in calls.iter().enumerate() {
        let url = call["url"].as_str().ok_or_else(|| {
            Error::validation_at(format!("#/{index}/url"), "each call needs the url to call, as a text")
        })?;
        client
            .post(url)
            .header("content-type", "application/json")
            .body(call["arguments"].to_string())
            .send()
            .await
            .or_convert()
            .op("echo.call")?;
    }
    Ok(Json(json!({ "called": calls.len() })))
}
