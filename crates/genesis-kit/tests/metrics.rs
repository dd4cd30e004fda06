//! What a service shows of itself. One test: it changes the whole process.

use std::future::ready;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use genesis_kit::health::{CheckOutcome, check_fn};
use genesis_kit::metrics::{Counter, Desc};
use genesis_kit::prelude::*;
use http::{Method, Request};
use http_body_util::BodyExt;
use tower::ServiceExt;

const ORDERS: Desc<Counter> = Desc::counter("orders_total", "Orders that came in.");

#[tokio::test(start_paused = true)]
async fn f_56_everything_that_is_set_up_is_in_the_metrics() {
    let payments = Pipeline::named("payments")
        .retry(Retry::fixed(ms(1)).attempts(2))
        .breaker(Breaker::consecutive(2))
        .limit(Rate::per_second(500).burst(50))
        .bulkhead(64)
        .build()
        .unwrap();
    let search: Outliers = Outliers::builder().name("search").build().unwrap();
    let host = search.host("db-1").unwrap();
    (0..5).for_each(|_| host.acquire().unwrap().failure());
    let kit = Kit::builder("orders")
        .version("1.8.2")
        .without_log()
        .pipeline(&payments)
        .outliers(&search)
        .tracker(|tracker| tracker.sample_rate(0.0))
        .health(|health| health.dependency(check_fn("db", || ready(CheckOutcome::healthy()))))
        .build()
        .unwrap();
    kit.metrics().register(&ORDERS).unwrap().inc();
    let failed = kit.tracker().call("checkout", "order-17", async {
        let _charge = genesis_kit::track::stage("CHARGE");
        payments.call(|_| async { Err::<(), _>(Error::network("payments cannot be reached")) }).await
    });
    failed.await.unwrap_err();

    let app: Router = Router::new().route("/", get(|| ready("ok"))).merge(kit.metrics_router());
    let ask = |method: Method, accept: &'static str| {
        let request = Request::builder().method(method).uri("/metrics").header("accept", accept);
        app.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let response = ask(Method::GET, "*/*").await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    for line in [
        "orders_total 1",
        "build_info{service=\"orders\",version=\"1.8.2\",environment=\"development\",instance=",
        "circuit_breaker_state{name=\"payments\",state=\"open\"} 1.0",
        "circuit_breaker_state{name=\"payments\",state=\"closed\"} 0.0",
        "genesis_circuit_breaker_state{service=\"payments\"} 1.0",
        "circuit_breaker_calls_total{name=\"payments\",outcome=\"failure\"} 2",
        "circuit_breaker_requests_total{service=\"payments\",result=\"failure\"} 2",
        "outlier_hosts{name=\"search\"} 1.0",
        "outlier_hosts_ejected{name=\"search\"} 1.0",
        "outlier_panic{name=\"search\"} 1.0",
        "outlier_found_total{name=\"search\",rule=\"consecutive\"} 1",
        "outlier_ejections_total{name=\"search\"} 1",
        "outlier_spared_total{name=\"search\",why=\"max_ejected\"} 0",
        "genesis_retry_attempts_total{operation=\"payments\"} 1",
        "retry_calls_total{name=\"payments\",outcome=\"out_of_attempts\"} 1",
        "rate_limit_requests_total{name=\"payments\",outcome=\"allowed\"} 2",
        "bulkhead_slots{name=\"payments\"} 64.0",
        "health_check_status{check=\"db\",status=\"unknown\"} 1.0",
        "health_phase{phase=\"starting\"} 1.0",
        "health_probe_state{probe=\"live\",state=\"passing\"} 1.0",
        "execution_seconds_count{operation=\"checkout\"} 1",
        "execution_stage_seconds_count{operation=\"checkout\",stage=\"CHARGE\"} 1",
        "execution_failures_total{operation=\"checkout\"} 1",
        "execution_dropped_total{operation=\"checkout\"} 0",
        "executions_in_progress 0.0",
        "tokio_workers 1.0",
        "metrics_rejected_total 0",
    ] {
        assert!(text.lines().any(|shown| shown.starts_with(line)), "{line} in {text}");
    }
    assert_eq!(kit.tracker().kept().len(), 1, "what failed is kept at any rate");

    let response = ask(Method::GET, "application/openmetrics-text;version=1.0.0").await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.ends_with(b"# EOF\n"));
    assert_eq!(ask(Method::POST, "*/*").await.unwrap().status(), 405);
    assert_eq!(ask(Method::HEAD, "*/*").await.unwrap().status(), 200);
}
