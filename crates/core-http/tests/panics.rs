//! Handlers that panic: in the call, while they are polled, and when they are dropped.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::convert::Infallible;
use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Waker};

use core_context::Context;
use core_http::{CatchPanicLayer, ContextLayer};
use http::{Request, Response};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

type Answer = Result<Response<String>, Infallible>;
type Handler = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What a handler does to a request with the correlation id `c-1`.
async fn answer_of(handle: fn(Request<String>) -> Handler) -> Response<String> {
    let service = ServiceBuilder::new()
        .layer(ContextLayer::new())
        .layer(CatchPanicLayer::new())
        .service(service_fn(handle));
    service
        .oneshot(Request::builder().header("x-correlation-id", "c-1").body(String::new()).unwrap())
        .await
        .unwrap()
}

#[track_caller]
fn is_a_problem(response: &Response<String>) {
    assert_eq!(response.status().as_u16(), 500);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["x-correlation-id"], "c-1");
    let problem: serde_json::Value = serde_json::from_str(response.body()).unwrap();
    assert_eq!((&problem["code"], &problem["correlation_id"]), (&"PANICKED".into(), &"c-1".into()));
    assert!(!response.body().contains("hunter2"), "{}", response.body());
    assert_eq!(response.headers()["x-should-retry"], "false", "it would panic again");
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("hunter2 in drop");
    }
}

#[tokio::test]
async fn a_panic_in_the_call_is_answered() {
    is_a_problem(&answer_of(|_| panic!("password=hunter2")).await);
    is_a_problem(&answer_of(|_| panic!("{}", format!("hunter{}", 2))).await);
}

#[tokio::test]
async fn a_panic_after_an_await_is_answered() {
    let handle = |_| -> Handler {
        Box::pin(async {
            tokio::task::yield_now().await;
            panic!("password=hunter2")
        })
    };
    is_a_problem(&answer_of(handle).await);
}

#[tokio::test]
async fn what_is_thrown_need_not_be_text_and_may_panic_itself() {
    is_a_problem(&answer_of(|_| panic_any(7_u64)).await);
    is_a_problem(&answer_of(|_| panic_any(PanicsWhenDropped)).await);
    is_a_problem(&answer_of(|_| Box::pin(async { panic_any(PanicsWhenDropped) })).await);
}

#[test]
fn a_panic_when_the_request_is_dropped_does_not_reach_the_connection() {
    let service = service_fn(|_: Request<String>| async {
        let _held = PanicsWhenDropped;
        pending::<Answer>().await
    });
    let mut service = ContextLayer::new().layer(CatchPanicLayer::new().layer(service));
    let mut future = Box::pin(service.call(Request::new(String::new())));
    assert!(future.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(future))).is_ok());
    assert!(Context::current().is_none());
}

#[tokio::test]
async fn the_service_lives_on() {
    let calls = Arc::new(Mutex::new(0));
    let service = service_fn(move |_: Request<String>| {
        *calls.lock().unwrap() += 1;
        let call = *calls.lock().unwrap();
        assert!(call != 1, "hunter2");
        ready(Ok::<_, Infallible>(Response::new(call.to_string())))
    });
    let mut service = CatchPanicLayer::new().layer(service);
    let mut call = async || service.ready().await.unwrap().call(Request::new(String::new())).await.unwrap();
    assert_eq!(call().await.status().as_u16(), 500);
    assert_eq!(call().await.body(), "2");
}

#[tokio::test]
async fn an_answer_and_an_error_pass_through() {
    let fine = service_fn(|_: Request<String>| ready(Ok::<_, &str>(Response::new("fine".to_owned()))));
    assert_eq!(
        CatchPanicLayer::new().layer(fine).oneshot(Request::new(String::new())).await.unwrap().body(),
        "fine"
    );
    let fails = service_fn(|_: Request<String>| ready(Err::<Response<String>, _>("failed")));
    assert_eq!(
        CatchPanicLayer::new().layer(fails).oneshot(Request::new(String::new())).await.unwrap_err(),
        "failed"
    );
}
