//! What a client does besides calling: it refuses what is too late, says for whom it calls, and says what came of it.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::future::{Ready, pending, ready};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Task, Poll, Waker};

use core_context::propagation::HeaderNames;
use core_context::w3c::TraceContext;
use core_context::{Baggage, Context, Propagation};
use core_errors::{Category, Code, Error, Recovery, Verdict};
use core_http::{AttemptNumber, Callee, ClientLayer, InjectLayer, check_status, error_of, read_problem};
use core_time::{Clock, ManualClock, ms};
use http::{HeaderMap, Request, Response, StatusCode};
use tower::{Layer, Service, ServiceExt, service_fn};

fn status(status: u16) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

fn answers(
    with: u16,
) -> impl Service<Request<()>, Response = Response<String>, Error = io::Error, Future: Send> + Clone {
    service_fn(move |_| ready(Ok(status(with))))
}

/// A callee that counts its calls.
fn counted(
    calls: &Arc<AtomicUsize>,
) -> impl Service<Request<()>, Response = Response<String>, Error = io::Error> + use<> {
    let calls = Arc::clone(calls);
    service_fn(move |_| {
        calls.fetch_add(1, Ordering::Relaxed);
        ready(Ok(status(200)))
    })
}

/// The headers that the callee sees.
async fn sent(layer: &InjectLayer, request: Request<()>) -> HeaderMap {
    let echo = service_fn(|request: Request<()>| ready(Ok::<_, io::Error>(request.headers().clone())));
    layer.layer(echo).oneshot(request).await.unwrap()
}

// --- ClientLayer.

#[tokio::test]
async fn a_call_for_which_the_time_has_run_out_is_not_made() {
    let (time, calls) = (ManualClock::new(), Arc::default());
    let clock = time.clock();
    let context = Context::builder().deadline_in(ms(100), &clock).build();
    let mut client = ClientLayer::new().clock(clock).layer(counted(&calls));
    context.scope(client.ready().await.unwrap().call(Request::new(()))).await.unwrap();
    context.scope(async { client.ready().await.unwrap().call(Request::new(())).await }).await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    time.advance(ms(100));
    let late = context.scope(async { client.ready().await.unwrap().call(Request::new(())).await });
    let error = late.await.unwrap_err();
    assert_eq!(calls.load(Ordering::Relaxed), 2, "nobody was called");
    assert_eq!(
        (error.category(), error.code().map(Code::as_str)),
        (Category::Timeout, Some("DEADLINE_EXCEEDED"))
    );
    assert!(!error.idempotent_only(), "it had no effect");
    assert_eq!(error.context().unwrap().correlation_id(), context.correlation_id().as_str());
}

#[tokio::test]
async fn without_a_deadline_or_a_context_every_call_is_made() {
    let calls = Arc::default();
    let mut client = ClientLayer::new().layer(counted(&calls));
    client.ready().await.unwrap().call(Request::new(())).await.unwrap();
    let scoped = Context::new().scope(async { client.ready().await.unwrap().call(Request::new(())).await });
    scoped.await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn what_is_no_success_is_an_error_of_ours() {
    for (answer, category, verdict) in [
        (404, Category::ExternalService, Verdict::Ignore),
        (429, Category::Unavailable, Verdict::Overload(None)),
        (500, Category::ExternalService, Verdict::Transient(None)),
        (503, Category::Unavailable, Verdict::Overload(None)),
        (504, Category::Timeout, Verdict::Transient(None)),
    ] {
        let error = ClientLayer::new().layer(answers(answer)).oneshot(Request::new(())).await.unwrap_err();
        assert_eq!(error.fact("status").unwrap().shown(), answer.to_string());
        assert_eq!(core_errors::Classify::verdict(&error), verdict, "{answer}");
        assert!(!error.category().is_client_fault(), "{answer}: {}", error.category());
        assert_eq!(error.category(), category, "{answer}: what it is to our own client");
    }
    for fine in [200, 204, 301, 304] {
        let response = ClientLayer::new().layer(answers(fine)).oneshot(Request::new(())).await.unwrap();
        assert_eq!(response.status(), fine);
    }
}

#[tokio::test]
async fn the_error_of_the_transport_is_converted_and_one_of_ours_stays_itself() {
    let refused = service_fn(|_: Request<()>| {
        ready(Err::<Response<()>, _>(io::Error::from(io::ErrorKind::ConnectionRefused)))
    });
    let error = ClientLayer::new().layer(refused).oneshot(Request::new(())).await.unwrap_err();
    assert_eq!(error.category(), Category::Network);
    assert!(error.root_cause().unwrap().is::<io::Error>());
    let ours = service_fn(|_: Request<()>| {
        ready(Err::<Response<()>, _>(Error::conflict("seen").with_code(Code::new("SEEN"))))
    });
    let error = ClientLayer::new().layer(ours).oneshot(Request::new(())).await.unwrap_err();
    assert_eq!((error.message(), error.code().map(Code::as_str)), ("seen", Some("SEEN")));
}

/// Is never ready.
#[derive(Clone)]
struct Broken;

impl Service<Request<()>> for Broken {
    type Response = Response<()>;
    type Error = io::Error;
    type Future = Ready<io::Result<Response<()>>>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        unreachable!("it was never ready")
    }
}

#[tokio::test]
async fn so_is_that_of_a_transport_that_never_gets_ready() {
    let error = ClientLayer::new().layer(Broken).oneshot(Request::new(())).await.unwrap_err();
    assert_eq!(error.category(), Category::Network);
}

#[test]
fn dropping_the_future_drops_the_call() {
    let held = Arc::new(());
    let service = {
        let held = Arc::clone(&held);
        service_fn(move |_: Request<()>| {
            let held = Arc::clone(&held);
            async move {
                let answer = pending::<io::Result<Response<String>>>().await;
                drop(held);
                answer
            }
        })
    };
    let mut client = ClientLayer::new().layer(service);
    let mut future = Box::pin(Context::new().sync_scope(|| client.call(Request::new(()))));
    assert!(future.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending());
    assert_eq!(Arc::strong_count(&held), 3);
    drop(future);
    assert_eq!(Arc::strong_count(&held), 2);
}

// --- What is written.

#[tokio::test]
async fn the_attempt_is_told_from_the_second_on() {
    let context = Context::builder().attempt(7).build();
    for (attempt, want) in
        [(None, None), (Some(1), None), (Some(2), Some("2")), (Some(u32::MAX), Some("1000"))]
    {
        let mut request = Request::builder().header("x-request-attempt", "99").body(()).unwrap();
        if let Some(attempt) = attempt {
            request.extensions_mut().insert(AttemptNumber(attempt));
        }
        let headers = context.scope(sent(&InjectLayer::new(), request)).await;
        let told = headers.get("x-request-attempt").map(|value| value.to_str().unwrap());
        assert_eq!(told, want, "{attempt:?}, and never that of a stranger or of our caller");
    }
}

#[tokio::test]
async fn nothing_of_a_stranger_s_goes_along_even_where_we_write_none() {
    let forged = || {
        Request::builder()
            .header("traceparent", "00-11111111111111111111111111111111-1111111111111111-01")
            .header("tracestate", "evil=1")
            .header("tracestate", "evil=2")
            .header("baggage", "is_admin=true")
            .header("x-request-timeout-ms", "99999")
            .header("grpc-timeout", "99H")
            .header("x-request-attempt", "9")
            .header("x-correlation-id", "evil")
            .header("x-request-id", "evil")
            .header("x-kept", "1")
            .body(())
            .unwrap()
    };
    let headers = Context::new().scope(sent(&InjectLayer::new(), forged())).await;
    let mut names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["x-correlation-id", "x-kept", "x-request-id"], "of an empty context only the ids");
    assert!(headers.values().all(|value| value != "evil"));

    let full = Context::builder()
        .trace(TraceContext::generate(true))
        .baggage(Baggage::new().with("tier", "gold").unwrap())
        .deadline_in(ms(900), &Clock::system())
        .build();
    let headers = full.scope(sent(&InjectLayer::new(), forged())).await;
    assert!(headers.get("tracestate").is_none(), "a stranger's must not go along with our trace");
    assert_eq!(headers.get_all("baggage").iter().collect::<Vec<_>>(), ["tier=gold"]);
    assert!(headers["traceparent"].to_str().unwrap()[3..35] == full.trace().unwrap().trace_id.to_string());
    assert_eq!(headers.get_all("traceparent").iter().count(), 1);

    let untouched = sent(&InjectLayer::new(), forged()).await;
    assert_eq!(
        untouched,
        *forged().headers(),
        "without a context we say nothing, and so do not correct either"
    );
}

#[tokio::test]
async fn two_ids_of_one_name_are_one_header_and_it_stays() {
    let names = HeaderNames { correlation_id: "X-Request-Id".to_owned(), ..HeaderNames::default() };
    let context = Context::builder().request("GET", "/").build();
    let many = (0..20).fold(Request::builder(), |build, n| build.header(format!("x-{n}"), "1"));
    for request in [Request::new(()), many.header("x-request-id", "evil").body(()).unwrap()] {
        let layer = InjectLayer::new().header_names(names.clone());
        let headers = context.scope(sent(&layer, request)).await;
        let ids: Vec<_> = headers.get_all("x-request-id").iter().collect();
        assert_eq!(ids, [context.correlation_id().as_str()]);
    }
}

#[tokio::test]
async fn whatever_is_in_a_context_makes_no_header_of_its_own() {
    let evil = "x\r\nset-cookie: evil=1\0\n";
    let context = Context::builder()
        .baggage(Baggage::new().with("k", evil).unwrap())
        .request(evil, evil)
        .user(evil)
        .tenant(evil)
        .build();
    let headers = context
        .scope(sent(&InjectLayer::new().propagation(Propagation::trusted().grpc()), Request::new(())))
        .await;
    assert_eq!(headers.len(), 3);
    for value in headers.values() {
        assert!(value.as_bytes().iter().all(|byte| (0x20..0x7f).contains(byte)), "{value:?}");
    }
    assert_eq!(
        Baggage::parse([headers["baggage"].as_bytes()]).unwrap().get("k").unwrap(),
        evil,
        "and yet arrives"
    );
}

// --- What the answer says in its body.

fn json(headers: &[(&str, &str)]) -> HeaderMap {
    let build = Response::builder().header("content-type", "application/problem+json");
    let response =
        headers.iter().fold(build, |build, (name, value)| build.header(*name, *value)).body(()).unwrap();
    response.headers().clone()
}

fn read(status: u16, headers: &HeaderMap, body: &str) -> Error {
    read_problem(StatusCode::from_u16(status).unwrap(), headers, body.as_bytes()).unwrap()
}

#[test]
fn what_our_own_services_answer_is_read_back() {
    let failed = Error::rate_limit("one order a second")
        .with_code(Code::new("ORDERS_PER_SECOND"))
        .with_public("limit", 1)
        .with_retry_after(ms(1_200));
    let answer = core_http::problem::respond::<String>(&failed);
    let error = read(429, answer.headers(), answer.body());
    assert_eq!(
        (error.category(), error.retry_after()),
        (Category::Unavailable, Some(ms(2_000))),
        "whole seconds"
    );
    let remote = error.remote().unwrap();
    assert_eq!(remote.category, Category::RateLimit);
    assert_eq!(
        (remote.code.as_deref(), remote.message.as_str()),
        (Some("ORDERS_PER_SECOND"), "one order a second")
    );
    assert_eq!(remote.metadata, [("limit".to_owned(), "1".to_owned())]);
    assert_eq!(error.fact("status").unwrap().shown(), "429");
    assert!(!error.message().contains("one order"), "what they told us is not what we tell");
}

#[test]
fn a_body_that_says_nothing_leaves_what_the_status_says() {
    let by_status = |status: u16| error_of(StatusCode::from_u16(status).unwrap(), &HeaderMap::new()).unwrap();
    for status in [400, 404, 409, 429, 500, 502, 503, 504] {
        for body in [
            "",
            "{}",
            "[]",
            "null",
            "\"text\"",
            "{",
            "<html>",
            r#"{"error":"busy"}"#,
            r#"{"category":7,"status":"x"}"#,
        ] {
            let (error, want) = (read(status, &json(&[]), body), by_status(status));
            assert_eq!(error.category(), want.category(), "{status} {body}");
            assert_eq!(
                core_errors::Classify::verdict(&error),
                core_errors::Classify::verdict(&want),
                "{status} {body}"
            );
            assert_eq!(error.recovery(), want.recovery(), "{status} {body}");
            assert_eq!(error.fact("status").unwrap().shown(), status.to_string());
        }
    }
}

#[test]
fn the_status_overrules_a_document_that_contradicts_it() {
    let error = read(503, &json(&[]), r#"{"status":400,"title":"Bad","category":"validation"}"#);
    assert_eq!((error.category(), error.recovery()), (Category::Unavailable, Recovery::Transient));
    assert_eq!(error.remote().unwrap().message, "Bad", "its text is kept all the same");
    let error = read(400, &json(&[]), r#"{"status":503,"category":"unavailable","retry_after":1}"#);
    assert!(!core_errors::Classify::verdict(&error).is_retriable());
}

#[test]
fn rt_8_the_headers_say_whether_to_try_again_whatever_the_document_says() {
    let gave_up = Error::unavailable("the ledger is down").with_recovery(Recovery::Fatal);
    let answer = core_http::problem::respond::<String>(&gave_up);
    assert_eq!(answer.headers()["x-should-retry"], "false");
    let error = read(503, answer.headers(), answer.body());
    assert!(!core_errors::Classify::verdict(&error).is_retriable() && !error.recovery().is_retriable());
    assert_eq!(error.category(), Category::Unavailable);

    let again = Error::conflict("somebody else was faster").with_recovery(Recovery::Transient);
    let answer = core_http::problem::respond::<String>(&again);
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-should-retry"]),
        (409, &"true".parse().unwrap())
    );
    let house = Callee::Trusted;
    let error = house.read_problem(answer.status(), answer.headers(), answer.body().as_bytes()).unwrap();
    assert!(core_errors::Classify::verdict(&error).is_retriable() && error.recovery().is_retriable());
    let error = house.check(answer.clone()).unwrap_err();
    assert!(core_errors::Classify::verdict(&error).is_retriable() && error.recovery().is_retriable());
    let of_stranger = [read(409, answer.headers(), answer.body()), check_status(answer.clone()).unwrap_err()];
    for error in of_stranger {
        assert!(!core_errors::Classify::verdict(&error).is_retriable() && !error.recovery().is_retriable());
    }
}

#[test]
fn the_hint_of_the_header_holds_where_the_document_has_none() {
    let error = read(503, &json(&[("retry-after", "7")]), r#"{"title":"busy","category":"unavailable"}"#);
    assert_eq!(error.retry_after(), Some(ms(7_000)));
    assert_eq!(core_errors::Classify::verdict(&error).retry_after(), Some(ms(7_000)));
    let finer =
        read(503, &json(&[("retry-after", "7")]), r#"{"category":"unavailable","retry_after_ms":6500}"#);
    assert_eq!(finer.retry_after(), Some(ms(6_500)), "the document knows better");
}

#[test]
fn the_type_of_the_body_is_read_as_http_has_it() {
    let body = r#"{"title":"told","category":"unavailable"}"#;
    let told = |kind: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", kind.parse().unwrap());
        read(503, &headers, body).remote().is_some()
    };
    for kind in [
        "application/problem+json",
        "application/json; charset=utf-8",
        "Application/Problem+JSON;charset=utf-8",
        "application/json ",
    ] {
        assert!(told(kind), "{kind}");
    }
    for kind in ["text/html", "text/plain", "application/jsonp", "application/xml", ""] {
        assert!(!told(kind), "{kind}");
    }
    assert!(read_problem(StatusCode::OK, &json(&[]), body.as_bytes()).is_none(), "it is no failure");
}

#[test]
fn a_hostile_body_is_read_in_bounds() {
    let deep = "[".repeat(100_000);
    let long = format!(r#"{{"title":"{}"}}"#, "x".repeat(60_000));
    let longer = format!(r#"{{"title":"{}"}}"#, "x".repeat(1_000_000));
    let many: String = format!(
        r#"{{"metadata":{{{}}}}}"#,
        (0..3_000).map(|n| format!(r#""k{n}":"v""#)).collect::<Vec<_>>().join(",")
    );
    for body in [&deep, &long, &longer, &many, "\u{0}", "{\"title\":\"\\ud800\"}"] {
        let error = read(503, &json(&[]), body);
        assert_eq!(error.category(), Category::Unavailable);
        if let Some(remote) = error.remote() {
            assert!(remote.message.len() <= 2_048 && remote.metadata.len() <= 32);
        }
    }
}
