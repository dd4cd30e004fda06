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
        .attempt_timeout(ms(300))
        .deadline(secs(2))
        .build()
        .unwrap();
    let search = Pipeline::named("search").bulkhead(4).build().unwrap();
    let search = search.hedged(Hedge::after(ms(10)).budget(&Budget::default())).unwrap();
    let hosts: Outliers = Outliers::builder().name("search").build().unwrap();
    let host = hosts.host("db-1").unwrap();
    (0..5).for_each(|_| host.acquire().unwrap().failure());
    let kit = Kit::builder("orders")
        .version("1.8.2")
        .without_log()
        .pipeline(&payments)
        .hedged(&search)
        .outliers(&hosts)
        .tracker(|tracker| tracker.sample_rate(0.0))
        .health(|health| health.dependency(check_fn("db", || ready(CheckOutcome::healthy()))))
        .build()
        .unwrap();
    kit.metrics().register(&ORDERS).unwrap().inc();
    let late =
        Deadline::after(ms(1), &Clock::system()).named(genesis_kit::errors::Name::new("report").unwrap());
    late.run(std::future::pending::<Result<(), Error>>()).await.unwrap_err();
    payments.call(|_| std::future::pending::<Result<(), Error>>()).await.unwrap_err();
    // The first attempt hangs, and the hedge answers.
    let first = std::sync::atomic::AtomicBool::new(true);
    let found = search.call(|_| {
        let hangs = first.swap(false, std::sync::atomic::Ordering::Relaxed);
        async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            Ok::<_, Error>("found")
        }
    });
    assert_eq!(found.await.unwrap(), "found");
    let monitor = kit.health().start();
    Clock::system().sleep(ms(500)).await;
    drop(monitor);
    assert_eq!(kit.health().answer(genesis_kit::health::Probe::Ready).status, 200);
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
        "retry_hints_discarded_total{name=\"payments\"} 0",
        "hedge_calls_total{name=\"search\",outcome=\"success\"} 1",
        "hedge_won_total{name=\"search\"} 1",
        "hedges_total{name=\"search\"} 1",
        "hedge_withheld_total{name=\"search\",reason=\"budget\"} 0",
        "bulkhead_slots{name=\"search\"} 4.0",
        "retry_calls_total{name=\"payments\",outcome=\"out_of_attempts\"} 1",
        "rate_limit_requests_total{name=\"payments\",outcome=\"allowed\"} 2",
        "bulkhead_slots{name=\"payments\"} 64.0",
        "timeout_fired_total{name=\"payments\",limits=\"attempt\"} 2",
        "timeout_fired_total{name=\"payments\",limits=\"call\"} 0",
        "timeout_elapsed_seconds_total{name=\"payments\",limits=\"attempt\"} 0.6",
        "timeout_limit_seconds{name=\"payments\",limits=\"call\"} 2.0",
        "deadline_exceeded_total{operation=\"report\"} 1",
        "target_info{service_name=\"orders\",service_version=\"1.8.2\",deployment_environment_name=\"development\",",
        "health_check_status{check=\"db\",status=\"healthy\"} 1.0",
        "health_check_runs_total{check=\"db\",outcome=\"healthy\"} 1",
        "health_check_runs_total{check=\"db\",outcome=\"timeout\"} 0",
        "health_check_duration_seconds_count{check=\"db\"} 1",
        "health_check_transitions_total{check=\"db\",from=\"unknown\",to=\"healthy\"} 1",
        "health_check_interval_seconds{check=\"db\"} 10.0",
        "health_check_last_run_timestamp_seconds{check=\"db\"} 1",
        "health_check_last_success_timestamp_seconds{check=\"db\"} 1",
        "health_probe_requests_total{probe=\"ready\",code=\"200\"} 1",
        "health_probe_requests_total{probe=\"live\",code=\"200\"} 0",
        "health_phase{phase=\"ready\"} 1.0",
        "health_probe_state{probe=\"live\",state=\"passing\"} 1.0",
        "execution_seconds_count{operation=\"checkout\"} 1",
        "execution_stage_seconds_count{operation=\"checkout\",stage=\"CHARGE\"} 1",
        "execution_failures_total{operation=\"checkout\"} 1",
        "execution_cancelled_total{operation=\"checkout\"} 0",
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
