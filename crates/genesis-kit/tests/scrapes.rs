//! What the route of the metrics does with scrapers that ask in odd ways, and collectors that hang.

use std::sync::{Mutex, mpsc};

use axum::Router;
use axum::body::Body;
use genesis_kit::metrics::Registry;
use genesis_kit::prelude::*;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

fn router(registry: &Registry) -> Router {
    let kit = Kit::builder("scraped").version("1").without_log().metrics(registry).build();
    kit.expect("a kit").metrics_router()
}

fn scrape(app: &Router, accept: &[&str]) -> impl Future<Output = Response<Body>> + Send + 'static {
    let request = accept
        .iter()
        .fold(Request::builder().uri("/metrics"), |request, line| request.header("accept", *line));
    let answer = app.clone().oneshot(request.body(Body::empty()).expect("a request"));
    async move { answer.await.expect("an answer") }
}

#[tokio::test]
async fn what_a_scraper_takes_may_stand_in_several_lines() {
    let app = router(&Registry::new());
    for (accept, kind) in [
        (&["text/plain;q=0.2", "application/openmetrics-text"][..], "application/openmetrics-text"),
        (&["text/plain", "application/openmetrics-text;q=0.2"], "text/plain"),
        (&["\u{e9}"], "text/plain"),
        (&[], "text/plain"),
    ] {
        let response = scrape(&app, accept).await;
        let shown = response.headers()["content-type"].to_str().expect("text").to_owned();
        assert!(shown.starts_with(kind), "{accept:?}: {shown}");
    }
}

#[tokio::test]
async fn a_scraper_that_takes_gzip_gets_it_and_others_get_text() {
    let app = router(&Registry::new());
    let ask = |encoding: &'static str| {
        let request = Request::builder().uri("/metrics").header("accept-encoding", encoding);
        app.clone().oneshot(request.body(Body::empty()).expect("a request"))
    };
    let small = ask("gzip").await.expect("an answer");
    assert_eq!(small.headers()["content-encoding"], "gzip");
    assert_eq!(small.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(small.headers()["vary"], "accept, accept-encoding");
    let small = small.into_body().collect().await.expect("a body").to_bytes();
    let plain = ask("gzip;q=0").await.expect("an answer");
    assert!(!plain.headers().contains_key("content-encoding"));
    let plain = plain.into_body().collect().await.expect("a body").to_bytes();
    assert!(
        small.starts_with(&[0x1f, 0x8b]) && small.len() * 2 < plain.len(),
        "{} of {}",
        small.len(),
        plain.len()
    );
}

#[tokio::test]
async fn collectors_that_hang_take_a_bounded_number_of_threads_and_no_worker() {
    let (registry, (open, door)) = (Registry::new(), mpsc::channel::<()>());
    let app = router(&registry);
    let door = Mutex::new(door);
    // It waits for as long as the other end is there.
    registry.collect(move |_| drop(door.lock().map(|door| door.recv())));
    let under_way: Vec<_> = (0..8).map(|_| genesis_kit::context::spawn(scrape(&app, &[]))).collect();
    // This thread is the only worker: that it comes here shows that none of them holds it.
    loop {
        tokio::task::yield_now().await;
        let refused = scrape(&app, &[]);
        if let Ok(response) = Timeout::attempt(ms(50))
            .build()
            .expect("a limit")
            .run(async { Ok::<_, Error>(refused.await) })
            .await
        {
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()["retry-after"], "5");
            break;
        }
    }
    drop(open);
    let mut answered = 0;
    for scrape in under_way {
        answered += usize::from(scrape.await.expect("it does not panic").status() == StatusCode::OK);
    }
    assert!((1..=8).contains(&answered), "those that hung are answered in the end: {answered}");
    assert_eq!(scrape(&app, &[]).await.status(), StatusCode::OK, "and there is room again");
}

#[tokio::test]
async fn two_pipelines_of_one_name_are_refused() {
    let calls = || Pipeline::named("payments").bulkhead(4).build().expect("a pipeline");
    let twice =
        Kit::builder("scraped").version("1").without_log().pipeline(&calls()).pipeline(&calls()).build();
    let twice = twice.expect_err("it is refused").to_string();
    assert!(twice.contains("payments") && twice.contains("another name"), "{twice}");
}
