//! An axum service with everything: context, log, health, and a pipeline around what it calls.
//!
//! `cargo run --example service --features full`, then
//! `curl -i -XPOST localhost:8080/orders`, `curl localhost:8080/health` and `curl localhost:8080/metrics`.
//!
//! xtask: build-only

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use genesis_kit::health::{CheckOutcome, check_fn};
use genesis_kit::http::ApiError;
use genesis_kit::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let payments = Pipeline::named("payments")
        .deadline(secs(2))
        .retry(Retry::exponential(ms(50)..secs(1)).full_jitter().attempts(4).budget(&Budget::default()))
        .breaker(Breaker::rate(0.5).or_consecutive(8).window(secs(10)).min_calls(20))
        .bulkhead(64)
        .attempt_timeout(ms(300))
        .build()?;
    let kit = Kit::builder("orders")
        .version(env!("CARGO_PKG_VERSION"))
        .pipeline(&payments)
        .health(|health| health.dependency(check_fn("payments", || async { CheckOutcome::healthy() })))
        .build()?;
    let _monitor = kit.health().start();

    let app = Router::new()
        .route("/orders", post(order))
        .with_state(payments)
        .layer(kit.context_layer())
        .merge(kit.health().router())
        .merge(kit.metrics_router());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    tracing::info!(address = %listener.local_addr()?, "serving");
    axum::serve(listener, app).await?;
    Ok(())
}

/// Whatever fails becomes a problem document with the right status and `Retry-After`.
async fn order(State(payments): State<Pipeline>) -> Result<Json<&'static str>, ApiError> {
    let receipt = payments.call(|_| charge()).await?;
    Ok(Json(receipt))
}

/// Where a real service would call another.
async fn charge() -> Result<&'static str, Error> {
    tracing::info!(amount = 12, "charging");
    Clock::system().sleep(ms(5)).await;
    Ok("charged")
}
