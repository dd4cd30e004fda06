//! The middleware of reqwest, against a server on this machine.
#![cfg(all(feature = "axum", feature = "reqwest"))]
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{self, Poll};
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use core_context::w3c::TraceContext;
use core_context::{Baggage, Context, CorrelationId};
use core_errors::{Category, Code, Delivery, Error};
use core_http::{ApiError, AttemptNumber, ContextLayer, ContextMiddleware, error_of_reqwest};
use core_time::{Clock, ManualClock, ms, secs};
use http::HeaderMap;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tokio::net::TcpListener;

/// Nothing here takes longer, or the machine is broken.
const LIMIT: Duration = Duration::from_secs(30);

async fn headers(headers: HeaderMap) -> Json<BTreeMap<String, String>> {
    let pairs = headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    Json(pairs.collect())
}

/// A server on a port of the system's choice, and how often it was called.
async fn server() -> (SocketAddr, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let app = Router::new()
        .route("/headers", get(headers))
        .route(
            "/busy",
            get(|| async { Err::<(), ApiError>(Error::rate_limit("busy").with_retry_after(secs(7)).into()) }),
        )
        .route("/never", get(|| async { pending::<()>().await }))
        .layer(axum::middleware::map_request(move |request: axum::extract::Request| {
            counted.fetch_add(1, Ordering::Relaxed);
            async { request }
        }))
        .layer(ContextLayer::new().trusted());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(core_context::spawn(async move { axum::serve(listener, app).await }));
    (address, calls)
}

fn client(middleware: ContextMiddleware) -> ClientWithMiddleware {
    let plain = reqwest::Client::builder().no_proxy().timeout(LIMIT).build().unwrap();
    ClientBuilder::new(plain).with(middleware).build()
}

#[tokio::test]
async fn the_context_arrives_over_a_socket() {
    let (address, _) = server().await;
    let context = Context::builder()
        .correlation_id(CorrelationId::parse("order-7").unwrap())
        .trace(TraceContext::generate(true))
        .baggage(Baggage::new().with("name", "ä, b").unwrap())
        .deadline_in(secs(20), &Clock::system())
        .build();
    let request = client(ContextMiddleware::new())
        .get(format!("http://{address}/headers"))
        .header("tracestate", "evil=1")
        .with_extension(AttemptNumber(2));
    let response = context.scope(request.send()).await.unwrap();
    assert_eq!(response.headers()["x-correlation-id"], "order-7", "and comes back");
    let seen: BTreeMap<String, String> = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(seen["x-correlation-id"], "order-7");
    assert_eq!(seen["traceparent"][3..35], context.trace().unwrap().trace_id.to_string());
    assert_eq!(seen["baggage"], "name=%C3%A4%2C%20b");
    assert_eq!(seen["x-request-attempt"], "2");
    assert!(!seen.contains_key("tracestate"));
    let left: u64 = seen["x-request-timeout-ms"].parse().unwrap();
    assert!((1..20_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_call_that_is_too_late_is_not_made() {
    let (address, calls) = server().await;
    let time = ManualClock::new();
    let context = Context::builder().deadline_in(ms(10), &time.clock()).build();
    time.advance(ms(10));
    let request =
        client(ContextMiddleware::new().clock(time.clock())).get(format!("http://{address}/headers"));
    let error = error_of_reqwest(context.scope(request.send()).await.unwrap_err());
    assert_eq!(
        (error.category(), error.code().map(Code::as_str)),
        (Category::Timeout, Some("DEADLINE_EXCEEDED"))
    );
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_call_is_given_no_more_time_than_is_left() {
    let (address, calls) = server().await;
    let context = Context::builder().deadline_in(ms(200), &Clock::system()).build();
    let request = client(ContextMiddleware::new()).get(format!("http://{address}/never"));
    let error = error_of_reqwest(context.scope(request.send()).await.unwrap_err());
    assert_eq!((error.category(), calls.load(Ordering::Relaxed)), (Category::Timeout, 1), "{error:?}");
}

#[tokio::test]
async fn what_is_no_success_is_an_error_of_ours() {
    let (address, _) = server().await;
    let request = client(ContextMiddleware::new()).get(format!("http://{address}/busy"));
    let error = error_of_reqwest(Context::new().scope(request.send()).await.unwrap_err());
    assert_eq!((error.category(), error.retry_after()), (Category::Unavailable, Some(secs(7))));
    assert_eq!(error.fact("status").unwrap().shown(), "429");
    let missing = client(ContextMiddleware::new()).get(format!("http://{address}/nowhere")).send().await;
    assert_eq!(
        error_of_reqwest(missing.unwrap_err()).fact("status").unwrap().shown(),
        "404",
        "without a context, too"
    );
}

#[tokio::test]
async fn it_is_classified_the_same_by_who_does_not_know_how_it_is_carried() {
    let (address, _) = server().await;
    let ask = async |path: &str, limit| {
        let context = Context::builder().deadline_in(limit, &Clock::system()).build();
        let request = client(ContextMiddleware::new()).get(format!("http://{address}{path}"));
        Error::convert(context.scope(request.send()).await.unwrap_err())
    };
    let busy = ask("/busy", secs(20)).await;
    assert_eq!((busy.category(), busy.retry_after()), (Category::Unavailable, Some(secs(7))));
    assert_eq!(ask("/never", ms(100)).await.category(), Category::Timeout);
    assert!(ask("/never", ms(0)).await.has_code(Code::new("DEADLINE_EXCEEDED")));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_failure_of_the_network() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = client(ContextMiddleware::new()).get(format!("http://{address}/")).send().await.unwrap_err();
    let error = error_of_reqwest(error);
    assert_eq!(error.category(), Category::Network, "{error:?}");
    assert!(!error.message().contains("127.0.0.1"), "where it is, is nobody's business");
}

/// It was unknown: a report hides the type of what it holds.
#[tokio::test]
async fn what_another_middleware_failed_with_is_known_by_what_it_holds() {
    let slow = std::io::Error::from(std::io::ErrorKind::TimedOut);
    let error = error_of_reqwest(reqwest_middleware::Error::Middleware(slow.into()));
    assert_eq!(error.category(), Category::Timeout);
    assert!(error.location().file().ends_with("tests/reqwest.rs"));
}

/// How often it was asked for what has an effect, before it said to go on to where nobody listens.
async fn redirecting() -> (SocketAddr, Arc<AtomicUsize>) {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let done = Arc::new(AtomicUsize::new(0));
    let doing = Arc::clone(&done);
    let order = move || {
        doing.fetch_add(1, Ordering::Relaxed);
        async move { axum::response::Redirect::to(&format!("http://{nobody}/receipt")) }
    };
    let app = Router::new().route("/orders", axum::routing::post(order));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(core_context::spawn(async move { axum::serve(listener, app).await }));
    (address, done)
}

/// The order was taken, and the connection for its receipt was refused.
#[tokio::test]
async fn rt_9_what_was_redirected_may_have_been_done() {
    let (address, done) = redirecting().await;
    let client = client(ContextMiddleware::new());
    let retry = core_retry::Retry::fixed(ms(1)).attempts(3).not_idempotent().build().unwrap();
    let order = retry.call(|_| async {
        client.post(format!("http://{address}/orders")).send().await.map_err(error_of_reqwest)
    });
    let error = order.await.unwrap_err();
    let error = error.inner().unwrap();
    assert_eq!((error.category(), error.delivery()), (Category::Network, Delivery::Unknown));
    assert_eq!(done.load(Ordering::Relaxed), 1, "and it is not taken twice");
}

#[tokio::test]
async fn rt_9_who_sends_once_knows_that_a_request_never_left() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let send = |middleware: ContextMiddleware| async move {
        let plain = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = ClientBuilder::new(plain.build().unwrap()).with(middleware).build();
        error_of_reqwest(client.post(format!("http://{nobody}/orders")).send().await.unwrap_err())
    };
    let known = send(ContextMiddleware::new().sends_once()).await;
    assert_eq!((known.delivery(), known.idempotent_only()), (Delivery::NeverSent, false));
    let unknown = send(ContextMiddleware::new()).await;
    assert_eq!((unknown.delivery(), unknown.idempotent_only()), (Delivery::Unknown, true));
    // What it answered is an answer.
    let (address, _) = server().await;
    let plain = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let client = ClientBuilder::new(plain.build().unwrap()).with(ContextMiddleware::new().sends_once());
    let busy = client.build().get(format!("http://{address}/busy")).send().await.unwrap_err();
    assert_eq!(error_of_reqwest(busy).delivery(), Delivery::Unknown);
}

/// A body that fails at once.
struct Failing(Option<hyper_util::client::legacy::Error>);

impl hyper::body::Body for Failing {
    type Data = bytes::Bytes;
    type Error = hyper_util::client::legacy::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        Poll::Ready(self.0.take().map(Err))
    }
}

/// `reqwest` calls that a failure to connect, though it had a connection, and the head of the request has left.
#[tokio::test]
async fn rt_9_a_body_that_another_request_feeds_does_not_say_how_far_its_own_came() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let pooling = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new());
    let feed = pooling.build_http::<http_body_util::Full<bytes::Bytes>>();
    let refused = feed.get(format!("http://{nobody}/").parse().unwrap()).await.unwrap_err();
    assert!(refused.is_connect());
    let (address, _) = server().await;
    let plain = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let client = ClientBuilder::new(plain.build().unwrap()).with(ContextMiddleware::new().sends_once());
    let order = client.build().post(format!("http://{address}/orders"));
    let failed = order.body(reqwest::Body::wrap(Failing(Some(refused)))).send().await.unwrap_err();
    let error = error_of_reqwest(failed);
    assert_eq!((error.delivery(), error.idempotent_only()), (Delivery::Unknown, true), "{error:?}");
}
