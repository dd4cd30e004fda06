//! What a service says of what it does now.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use genesis_kit::Kit;
use http_body_util::BodyExt;
use tower::ServiceExt;

#[tokio::test]
async fn what_runs_now_is_shown_with_its_stage() {
    let kit = Kit::builder("orders").without_log().build().unwrap();
    let app: Router = kit.executions_router();
    let ask = async |method: Method| {
        let request = Request::builder().method(method).uri("/debug/executions");
        app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    };
    let shown = async || {
        let body = ask(Method::GET).await.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice::<serde_json::Value>(&body).unwrap()
    };
    assert_eq!(shown().await, serde_json::json!([]));
    let execution = kit.tracker().start("checkout", "order-17");
    let charge = execution.stage("CHARGE");
    let running = shown().await;
    assert_eq!((&running[0]["operation"], &running[0]["stage"]), (&"checkout".into(), &"CHARGE".into()));
    assert!(running[0]["execution_id"] == "order-17" && running[0]["age_ms"].is_number());
    drop(charge);
    execution.finish();
    assert_eq!(shown().await, serde_json::json!([]));
    let response = ask(Method::GET).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(ask(Method::POST).await.status(), 405);
}
