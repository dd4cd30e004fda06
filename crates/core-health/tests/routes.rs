//! The probes over HTTP.
#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use axum::Router;
use axum::body::Body;
use core_health::{CheckOutcome, Health, check_fn};
use core_time::{Clock, ms};
use http::{Method, Request, Response, StatusCode};
use tower::ServiceExt;

async fn ask(app: &Router, method: Method, path: &str) -> Response<Body> {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

async fn body(response: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 10 * 1024).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_name_of_a_probe_is_the_same_handler() {
    let health = Health::builder()
        .dependency(check_fn("db", || async { CheckOutcome::degraded("slow") }))
        .build()
        .unwrap();
    let app: Router = health.router();
    let families = [
        (200, &["/health/live", "/health/liveness", "/livez"][..]),
        (503, &["/health/ready", "/health/readiness", "/readyz"][..]),
        (503, &["/health/startup", "/health/started", "/startupz"][..]),
        (503, &["/health"][..]),
    ];
    for (code, paths) in families {
        for path in paths {
            let response = ask(&app, Method::GET, path).await;
            assert_eq!(response.status(), code, "{path} before the first result");
            for (key, value) in [
                ("content-type", "application/json"),
                ("cache-control", "no-store"),
                ("x-content-type-options", "nosniff"),
            ] {
                assert_eq!(response.headers()[key], value, "{path}");
            }
        }
    }
    let _monitor = health.start();
    Clock::system().sleep(ms(1)).await;
    for (_, paths) in families {
        for path in paths {
            assert_eq!(ask(&app, Method::GET, path).await.status(), 200, "{path}");
        }
    }
    assert_eq!(
        body(ask(&app, Method::GET, "/health").await).await,
        r#"{"status":"degraded","phase":"ready","checks":[{"name":"db","status":"degraded","code":"failed"}]}"#
    );
}

#[tokio::test]
async fn head_has_no_body_and_other_methods_are_405_with_allow() {
    let app: Router = Health::builder().build().unwrap().router();
    let head = ask(&app, Method::HEAD, "/livez").await;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(body(head).await, "");
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let response = ask(&app, method, "/health/ready").await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()["allow"], "GET,HEAD");
    }
}

#[tokio::test]
async fn without_checks_health_is_unknown_and_probes_pass() {
    let app: Router = Health::builder().build().unwrap().router();
    assert_eq!(
        body(ask(&app, Method::GET, "/health").await).await,
        r#"{"status":"unknown","phase":"ready","checks":[]}"#
    );
    assert_eq!(ask(&app, Method::GET, "/health/ready").await.status(), 200);
}
