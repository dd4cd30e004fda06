//! Handlers that fail, under axum.
#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use core_errors::{Error, Name, PolicyKind, Reason, Rejection};
use core_http::{ApiError, ContextBodyLayer, ContextLayer, CurrentContext};
use core_policy::CallError;
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::ServiceExt;

fn app() -> Router {
    Router::new()
        .route(
            "/who",
            get(
                |CurrentContext(context): CurrentContext| async move { context.correlation_id().to_string() },
            ),
        )
        .route(
            "/invalid",
            get(|| async { Err::<(), ApiError>(Error::validation("amount must be positive").into()) }),
        )
        .route("/broken", get(broken))
        .route("/open", get(open))
        .layer(ContextBodyLayer::new())
        .layer(ContextLayer::new())
}

async fn broken() -> Result<(), ApiError> {
    let cause = std::io::Error::other("db-7.internal refused");
    Err(Error::internal("the order could not be stored")
        .with_internal("password=hunter2")
        .with("table", "orders")
        .cause(cause))?
}

async fn open() -> Result<(), ApiError> {
    let rejection = Rejection::new(PolicyKind::Breaker, Name::new("payments").unwrap(), Reason::CircuitOpen);
    Err(CallError::<Error>::Rejected(rejection.with_retry_after(Duration::from_millis(4_100))))?
}

async fn ask(path: &str) -> (Response<()>, String) {
    let request = Request::builder().uri(path).header("x-correlation-id", "c-1").body(Body::empty()).unwrap();
    let (parts, body) = app().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, ()), String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn a_handler_gets_the_context_as_an_argument() {
    assert_eq!(ask("/who").await.1, "c-1");
}

#[tokio::test]
async fn a_failure_is_a_problem_document_with_the_correlation_id() {
    let (response, body) = ask("/invalid").await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (400, &"application/problem+json".parse().unwrap())
    );
    assert_eq!(
        body,
        r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"amount must be positive","category":"validation","correlation_id":"c-1"}"#
    );
}

#[tokio::test]
async fn nothing_internal_leaves_the_house() {
    let (response, body) = ask("/broken").await;
    assert_eq!(response.status().as_u16(), 500);
    for secret in ["hunter2", "db-7", "orders\"", "src/"] {
        assert!(!body.contains(secret), "{secret} in {body}");
    }
}

#[tokio::test]
async fn a_refusal_says_when_to_come_back() {
    let (response, body) = ask("/open").await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (503, &"5".parse().unwrap())
    );
    assert!(body.contains(r#""retry_after":5"#), "{body}");
}
