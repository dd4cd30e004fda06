//! What was found wrong once, and must not come back: each test failed before its repair.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::time::Duration;

use core_context::propagation::HeaderNames;
use core_context::{Context, Propagation};
use core_errors::{Classify, Error, Name, PolicyKind, Reason, Rejection, Verdict};
use core_http::{Callee, ClientLayer, HeadersOf, InjectLayer, classify_response, error_of, problem};
use core_time::Clock;
use http::{HeaderMap, Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};

#[tokio::test]
async fn the_errors_of_a_client_say_where_they_were_made() {
    let failing =
        service_fn(|_: Request<()>| async { Err::<Response<()>, _>(std::io::Error::other("gone")) });
    let transport = ClientLayer::new().layer(failing).oneshot(Request::new(())).await.unwrap_err();
    let busy = service_fn(|_: Request<()>| async {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        Ok::<_, std::io::Error>(response)
    });
    let status = ClientLayer::new().layer(busy).oneshot(Request::new(())).await.unwrap_err();
    for error in [transport, status] {
        assert!(error.location().file().ends_with("client.rs"), "{}", error.location());
    }
}

#[test]
fn rt_8_what_a_policy_refused_here_is_not_tried_again_by_whoever_called() {
    for reason in [Reason::BudgetExhausted, Reason::DeadlineExceeded, Reason::CircuitOpen] {
        let error = Error::from(Rejection::new(PolicyKind::Retry, Name::UNNAMED, reason));
        assert_eq!(error.verdict(), Verdict::Ignore);
        let response: Response<String> = problem::respond(&error);
        assert_eq!(response.headers()["x-should-retry"], "false", "{reason:?}");
        assert!(!classify_response(&response).is_retriable(), "{reason:?}");
    }
    let busy: Response<String> = problem::respond(&Error::unavailable("busy"));
    assert!(busy.headers().get("x-should-retry").is_none() && classify_response(&busy).is_retriable());
}

fn answer(status: u16, headers: &[(&str, &str)]) -> Response<()> {
    let build = Response::builder().status(status);
    headers.iter().fold(build, |build, (name, value)| build.header(*name, *value)).body(()).unwrap()
}

/// Anybody could have had us call again with what may have been done already.
#[tokio::test]
async fn a_stranger_cannot_make_a_retry_safer_than_the_status_says() {
    let claims = [("x-should-retry", "true"), ("content-type", "application/problem+json")];
    for (status, body) in [
        (400, r#"{"category":"validation","recovery":"retriable","idempotent_only":false}"#),
        (409, r#"{"category":"conflict","recovery":"transient"}"#),
        (500, r#"{"category":"data","recovery":"transient"}"#),
        (501, r#"{"category":"unavailable","recovery":"transient"}"#),
        (504, r#"{"category":"timeout","idempotent_only":false}"#),
    ] {
        let answer = answer(status, &claims);
        let told =
            |callee: Callee| callee.read_problem(answer.status(), answer.headers(), body.as_bytes()).unwrap();
        let by_status = error_of(answer.status(), &HeaderMap::new()).unwrap();
        let of_stranger = told(Callee::Untrusted);
        let safer = |error: &Error| {
            (error.verdict().is_retriable(), error.recovery().is_retriable(), !error.idempotent_only())
        };
        let (stranger, status_says) = (safer(&of_stranger), safer(&by_status));
        assert!(
            stranger.0 <= status_says.0 && stranger.1 <= status_says.1 && stranger.2 <= status_says.2,
            "{status}"
        );
        let of_house = told(Callee::Trusted);
        assert!(of_house.verdict().is_retriable(), "{status}: of the house it is believed");
    }
    let busy = service_fn(|_: Request<()>| async {
        Ok::<_, std::io::Error>(answer(409, &[("x-should-retry", "true")]))
    });
    let strange = ClientLayer::new().layer(busy).oneshot(Request::new(())).await.unwrap_err();
    let of_house = ClientLayer::new().trusted().layer(busy).oneshot(Request::new(())).await.unwrap_err();
    assert_eq!((strange.verdict(), of_house.verdict()), (Verdict::Ignore, Verdict::Transient(None)));
}

#[test]
fn that_a_call_may_have_been_done_is_told_over_http_and_believed_of_anybody() {
    let half_done = Error::unavailable("it stopped in the middle").with_idempotent_only(true);
    let response: Response<String> = problem::respond(&half_done);
    let read = |callee: Callee, response: &Response<String>| {
        let (status, headers) = (response.status(), response.headers());
        callee.read_problem(status, headers, response.body().as_bytes()).unwrap().idempotent_only()
    };
    assert!(read(Callee::Untrusted, &response) && read(Callee::Trusted, &response));
    let never_began = Error::timeout("it never began").with_idempotent_only(false);
    let response: Response<String> = problem::respond(&never_began);
    assert!(read(Callee::Untrusted, &response) && !read(Callee::Trusted, &response));
    let plain: Response<String> = problem::respond(&Error::timeout("slow"));
    assert!(!plain.body().contains("idempotent_only"), "it goes without saying");
}

#[test]
fn rt_4_no_hint_is_longer_than_a_day() {
    let asks = answer(503, &[("retry-after", "99999999999999999999")]);
    assert_eq!(classify_response(&asks), Verdict::Overload(Some(Duration::from_secs(86_400))));
}

/// A proxy that copies the headers of its client sent them on, with another trace than that in `traceparent`.
#[tokio::test]
async fn a_trace_in_the_words_of_others_does_not_go_along_with_ours() {
    const OTHERS: [&str; 8] = [
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-parentspanid",
        "x-b3-sampled",
        "x-b3-flags",
        "x-cloud-trace-context",
        "x-trace-id",
    ];
    let echo =
        service_fn(|request: Request<()>| async move { Ok::<_, std::io::Error>(request.headers().clone()) });
    for more in [0, 40] {
        let copied = OTHERS.into_iter().fold(Request::builder(), |build, name| build.header(name, "evil"));
        let copied = (0..more).fold(copied, |build, n| build.header(format!("x-kept-{n}"), "1"));
        let copied = copied.header("x-kept", "1").body(()).unwrap();
        let sent = Context::new().scope(InjectLayer::new().layer(echo).oneshot(copied)).await.unwrap();
        assert!(sent.values().all(|value| value != "evil"), "{sent:?}");
        assert_eq!(sent.len(), more + 3, "and nothing else is lost: {sent:?}");
    }
    let names = HeaderNames { correlation_id: "x-trace-id".to_owned(), ..HeaderNames::default() };
    let layer = InjectLayer::new().header_names(names);
    let context = Context::new();
    let sent = context.scope(layer.layer(echo).oneshot(Request::new(()))).await.unwrap();
    assert_eq!(sent["x-trace-id"], context.correlation_id().as_str(), "but for what is ours under that name");
}

/// Whoever says it is the 1000th attempt decides how often we try.
#[test]
fn rt_8_a_stranger_cannot_say_which_attempt_it_is() {
    let mut headers = HeaderMap::new();
    headers.insert("x-request-attempt", "1000".parse().unwrap());
    let attempt = |propagation: Propagation| {
        propagation.extract(&HeadersOf(&headers), &Clock::system()).build().attempt()
    };
    assert_eq!((attempt(Propagation::untrusted()), attempt(Propagation::trusted())), (1, 1_000));
}

#[test]
fn bg_1_an_answer_that_asks_not_to_be_tried_again_is_known_to_the_budget() {
    use core_errors::Classify;
    for status in [400, 409, 500, 503] {
        let asks = answer(status, &[("x-should-retry", "false")]);
        assert!(error_of(asks.status(), asks.headers()).unwrap().forbids_retry(), "{status}");
        let silent = answer(status, &[]);
        assert!(!error_of(silent.status(), silent.headers()).unwrap().forbids_retry(), "{status}");
    }
}
