//! Requests that come in: their context, and what they are told when they fail.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::convert::Infallible;
use std::future::{Future, pending, ready};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll, Waker};

use core_context::Context;
use core_context::propagation::HeaderNames;
use core_http::ContextLayer;
use core_time::ManualClock;
use http::{Request, Response};
use tower::{Layer, Service, ServiceExt, service_fn};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Answers with what `look` says of the context that it runs in.
async fn seen(
    layer: ContextLayer,
    request: Request<String>,
    look: fn(&Context) -> String,
) -> Response<String> {
    let inner = service_fn(move |_: Request<String>| async move {
        // Also after it has waited.
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(Response::new(look(&Context::current().unwrap())))
    });
    layer.layer(inner).oneshot(request).await.unwrap()
}

fn request(headers: &[(&str, &str)]) -> Request<String> {
    let build = Request::builder().method("POST").uri("/orders?token=secret");
    headers.iter().fold(build, |build, (key, value)| build.header(*key, *value)).body(String::new()).unwrap()
}

fn id(context: &Context) -> String {
    context.correlation_id().to_string()
}

fn trace(context: &Context) -> String {
    context.trace().unwrap().to_traceparent().as_str().to_owned()
}

#[tokio::test]
async fn the_correlation_id_goes_in_and_comes_back() {
    let response = seen(ContextLayer::new(), request(&[("X-Correlation-Id", "order-7")]), id).await;
    assert_eq!(
        (response.body().as_str(), &response.headers()["x-correlation-id"]),
        ("order-7", &"order-7".parse().unwrap())
    );
}

#[tokio::test]
async fn without_one_or_with_a_bad_one_there_is_a_new_one() {
    for headers in [
        &[][..],
        &[("x-correlation-id", "a b\"")][..],
        &[("x-correlation-id", "a"), ("x-correlation-id", "b")][..],
    ] {
        let response = seen(ContextLayer::new(), request(headers), id).await;
        assert_eq!(response.body().len(), 32, "{headers:?}");
        assert_eq!(response.headers()["x-correlation-id"], response.body().as_str());
    }
}

#[tokio::test]
async fn a_trusted_caller_s_trace_goes_on_in_a_span_of_its_own() {
    let response = seen(ContextLayer::new().trusted(), request(&[("traceparent", PARENT)]), trace).await;
    assert_eq!((&response.body()[..36], &response.body()[52..]), (&PARENT[..36], "-01"));
    assert_ne!(response.body()[36..52], PARENT[36..52]);
}

#[tokio::test]
async fn anybody_else_s_trace_is_begun_anew() {
    let response = seen(ContextLayer::new(), request(&[("traceparent", PARENT)]), trace).await;
    assert_ne!(response.body()[3..35], PARENT[3..35]);
}

#[tokio::test]
async fn the_request_is_in_the_context_without_its_query() {
    let look = |context: &Context| context.request().map(|r| format!("{} {}", r.method, r.path)).unwrap();
    assert_eq!(seen(ContextLayer::new(), request(&[]), look).await.body(), "POST /orders");
}

#[tokio::test]
async fn other_header_names_hold_in_both_directions() {
    let names = HeaderNames { correlation_id: "x-my-id".to_owned(), ..HeaderNames::default() };
    let response = seen(ContextLayer::new().header_names(names), request(&[("x-my-id", "seven")]), id).await;
    assert_eq!(
        (response.body().as_str(), &response.headers()["x-my-id"]),
        ("seven", &"seven".parse().unwrap())
    );
}

#[tokio::test]
async fn the_caller_s_time_is_the_deadline() {
    let time = ManualClock::new();
    let look = |context: &Context| context.deadline().is_some().to_string();
    let layer = ContextLayer::new().clock(time.clock());
    let response = seen(layer.clone(), request(&[("x-request-timeout-ms", "250")]), look).await;
    assert_eq!(response.body(), "true");
    assert_eq!(seen(layer, request(&[]), look).await.body(), "false");
}

#[tokio::test]
async fn a_caller_who_has_given_up_is_refused_before_any_work() {
    let calls = AtomicUsize::new(0);
    let inner = service_fn(|_: Request<String>| {
        calls.fetch_add(1, Ordering::Relaxed);
        ready(Ok::<_, Infallible>(Response::new(String::new())))
    });
    let headers = request(&[("x-request-timeout-ms", "0"), ("x-correlation-id", "late-1")]);
    let response = ContextLayer::new().layer(inner).oneshot(headers).await.unwrap();
    assert_eq!((response.status().as_u16(), calls.load(Ordering::Relaxed)), (504, 0));
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["x-correlation-id"], "late-1");
    let problem: serde_json::Value = serde_json::from_str(response.body()).unwrap();
    assert_eq!(
        (&problem["code"], &problem["correlation_id"]),
        (&"DEADLINE_EXCEEDED".into(), &"late-1".into())
    );
}

#[tokio::test]
async fn no_header_is_worth_a_request() {
    let long = "x".repeat(1_000_000);
    let many: Vec<(&str, &str)> = (0..5_000).map(|_| ("x-correlation-id", "a")).collect();
    let odd = [
        ("traceparent", long.as_str()),
        ("tracestate", &long),
        ("x-correlation-id", &long),
        ("x-request-timeout-ms", &long),
    ];
    for headers in [&odd[..], &many[..]] {
        assert_eq!(seen(ContextLayer::new().trusted(), request(headers), id).await.body().len(), 32);
    }
    let mut binary = request(&[]);
    binary.headers_mut().insert("x-correlation-id", http::HeaderValue::from_bytes(&[0xff, 0xfe]).unwrap());
    assert_eq!(seen(ContextLayer::new(), binary, id).await.body().len(), 32);
}

#[test]
fn a_request_that_is_dropped_leaves_no_context_behind() {
    let inner = service_fn(|_: Request<String>| pending::<Result<Response<String>, Infallible>>());
    let mut future = Box::pin(ContextLayer::new().layer(inner).call(request(&[])));
    assert!(future.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())).is_pending());
    assert!(Context::current().is_none(), "only while it is polled");
    drop(future);
    assert!(Context::current().is_none());
}

/// Panics unless it was asked whether it is ready, and by the very clone that is called.
struct Strict {
    asked: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { asked: false }
    }
}

impl Service<Request<String>> for Strict {
    type Response = Response<String>;
    type Error = &'static str;
    type Future = std::future::Ready<Result<Response<String>, &'static str>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), &'static str>> {
        self.asked = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<String>) -> Self::Future {
        assert!(std::mem::take(&mut self.asked), "called without having been asked");
        ready(Err("failed"))
    }
}

#[tokio::test]
async fn the_inner_service_is_asked_first_and_its_error_passes_through() {
    let mut service = ContextLayer::new().layer(Strict { asked: false });
    for _ in 0..2 {
        assert_eq!(service.ready().await.unwrap().call(request(&[])).await.unwrap_err(), "failed");
    }
}

#[tokio::test]
async fn neighbours_never_see_each_other_s_context() {
    let inner = service_fn(|_: Request<String>| async {
        let first = Context::current().map(|context| id(&context)).unwrap();
        for _ in 0..3 {
            tokio::task::yield_now().await;
            assert_eq!(Context::current().map(|context| id(&context)).unwrap(), first);
        }
        Ok::<_, Infallible>(Response::new(first))
    });
    let service = ContextLayer::new().layer(inner);
    let mut tasks = core_context::JoinSet::new();
    for n in 0..100 {
        let (service, own) = (service.clone(), format!("id-{n}"));
        tasks.spawn(async move {
            let response = service.oneshot(request(&[("x-correlation-id", &own)])).await.unwrap();
            assert_eq!(response.body(), &own);
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert!(Context::current().is_none());
}
