//! The levels of the log over HTTP. Alone in its file: the log of the process is installed once.

use axum::Router;
use axum::body::Body;
use core_log::{Format, Sink};
use genesis_kit::{Kit, log as core_log};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

async fn ask(app: &Router, method: &str, body: &'static str) -> (StatusCode, serde_json::Value) {
    let request =
        Request::builder().method(method).uri("/log/levels").body(Body::from(body)).expect("a request");
    let response = app.clone().oneshot(request).await.expect("an answer");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&body).expect("JSON"))
}

#[tokio::test]
async fn operators_see_and_change_what_is_logged() {
    let (sink, lines) = Sink::memory();
    let kit = Kit::builder("orders")
        .log(|log| log.levels("info").format(Format::Gcp).project("shop-1").sink(sink))
        .build()
        .expect("a kit");
    let app: Router = kit.log_router();
    tracing::debug!("not yet");
    let (status, body) = ask(&app, "PUT", "debug for 10m").await;
    assert_eq!((status, &body["overrides"][0]["levels"]), (StatusCode::OK, &"debug".into()));
    tracing::debug!("heard");
    assert_eq!(ask(&app, "DELETE", "").await.0, StatusCode::OK);
    tracing::debug!("no more");
    assert_eq!(ask(&app, "PUT", "loud").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(ask(&app, "POST", "").await.0, StatusCode::METHOD_NOT_ALLOWED);
    let heard: Vec<String> = lines.lines();
    assert_eq!(heard.len(), 1);
    assert!(heard[0].contains(r#""severity":"DEBUG","message":"heard""#), "{}", heard[0]);
    tracing::info!("mail to {}", "ann@example.com");
    let metrics = kit.metrics().respond(None).body;
    for line in [
        "log_redactions_total{kind=\"email\"} 1\n",
        "log_redactions_total{kind=\"card\"} 0\n",
        "log_lines_lost_total 0\n",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}
