//! Setting up a service. One test: it changes the whole process.

use std::future::ready;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use genesis_kit::health::{CheckOutcome, check_fn};
use genesis_kit::http::ApiError;
use genesis_kit::log::{Format, Sink};
use genesis_kit::prelude::*;
use http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;

#[tokio::test(start_paused = true)]
async fn one_call_sets_up_identity_log_context_health_and_registries() {
    let payments = Pipeline::named("payments").breaker(Breaker::consecutive(2)).build().unwrap();
    let (sink, lines) = Sink::memory();

    let refused = |name: &str| Kit::builder(name).build().unwrap_err().to_string();
    assert!(refused("").contains("1 to 63"));
    assert!(refused("or ders").contains("1 to 63"));
    let twice = Kit::builder("orders").pipeline(&payments).pipeline(&payments).build().unwrap_err();
    assert!(twice.to_string().contains("payments"), "{twice}");
    let level = Kit::builder("orders").version("1.8.2").log(|log| log.levels("loud")).build().unwrap_err();
    assert!(level.to_string().contains("`info,hyper=warn`"), "{level}");

    let kit = Kit::builder("orders")
        .version("1.8.2")
        .pipeline(&payments)
        .log(|log| log.format(Format::Json).sink(sink))
        .health(|health| health.dependency(check_fn("db", || ready(CheckOutcome::healthy()))))
        .build()
        .unwrap();
    assert_eq!((kit.identity().service.as_str(), kit.breakers().snapshot().len()), ("orders", 1));

    let again = Kit::builder("orders").version("1.8.2").build().unwrap_err();
    assert!(again.to_string().contains("subscriber already"), "{again}");
    let other = Kit::builder("billing").without_log().build().unwrap_err();
    assert!(other.to_string().contains("orders 1.8.2"), "{other}");
    Kit::builder("orders").version("1.8.2").without_log().build().unwrap();

    // A request: its id is in the context, the log and the answer; its failures open the breaker, and the log tells.
    let app = Router::new()
        .route("/", get(move || async move { fail(&payments).await }))
        .layer(kit.context_layer())
        .merge(kit.health().router());
    for wanted in [502, 502, 503] {
        let request =
            Request::builder().uri("/").header("x-correlation-id", "c-1").body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), wanted);
        assert_eq!(response.headers()["x-correlation-id"], "c-1");
    }
    assert_eq!(kit.breakers().get("payments").unwrap().state().as_str(), "open");
    let lines: Vec<serde_json::Value> =
        lines.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed = lines.iter().find(|line| line["message"] == "request failed").unwrap();
    assert_eq!((&failed["correlation_id"], &failed["service"]), (&"c-1".into(), &"orders".into()));
    let opened =
        lines.iter().filter(|line| line.to_string().contains("half_open") || line["to"] == "open").count();
    assert!(opened >= 1, "the breaker's change is in the log: {lines:?}");

    // Probes: not ready before the first result, ready after it.
    let ready = || async {
        let request = Request::builder().uri("/health/ready").body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap().status().as_u16()
    };
    assert_eq!(ready().await, 503);
    let _monitor = kit.health().start();
    Clock::system().sleep(ms(1)).await;
    assert_eq!(ready().await, 200);
    let request = Request::builder().uri("/health").body(Body::empty()).unwrap();
    let body = app.clone().oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let health: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&health["service"], &health["version"]), (&"orders".into(), &"1.8.2".into()));
}

async fn fail(payments: &Pipeline) -> Result<(), ApiError> {
    payments.call(|_| async { Err::<(), _>(Error::network("payments cannot be reached")) }).await?;
    Ok(())
}
