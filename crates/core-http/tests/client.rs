//! Requests that go out, and what their answers mean.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::convert::Infallible;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use core_context::w3c::{TraceContext, TraceState};
use core_context::{Context, CorrelationId};
use core_errors::{Classify, Verdict};
use core_http::{InjectLayer, check_status, classify_response, parse_retry_after};
use core_time::{ManualClock, ms};
use http::{HeaderMap, Request, Response};
use tower::{Layer, ServiceExt, service_fn};

/// The headers that the callee sees.
async fn sent(layer: InjectLayer, request: Request<()>) -> HeaderMap {
    let echo =
        service_fn(|request: Request<()>| async move { Ok::<_, Infallible>(request.headers().clone()) });
    layer.layer(echo).oneshot(request).await.unwrap()
}

#[tokio::test]
async fn the_context_goes_along() {
    let time = ManualClock::new();
    let clock = time.clock();
    let trace = TraceContext {
        state: TraceState::parse([&b"vendor=1"[..]]).unwrap(),
        ..TraceContext::generate(true)
    };
    let context = Context::builder()
        .correlation_id(CorrelationId::parse("order-7").unwrap())
        .trace(trace.clone())
        .deadline_in(ms(900), &clock)
        .build();
    time.advance(ms(400));
    let layer = InjectLayer::new().clock(clock);
    let headers = context.scope(sent(layer, Request::new(()))).await;
    assert_eq!(headers["x-correlation-id"], "order-7");
    assert_eq!(headers["x-request-timeout-ms"], "495", "5 ms are for the way back");
    assert_eq!(headers["tracestate"], "vendor=1");
    let parent = headers["traceparent"].to_str().unwrap();
    assert_eq!(parent[3..35], trace.trace_id.to_string());
    assert_ne!(parent[36..52], trace.span_id.to_string(), "each call is a span of its own");
}

#[tokio::test]
async fn without_a_context_nothing_is_written_and_nothing_is_there_twice() {
    assert!(sent(InjectLayer::new(), Request::new(())).await.is_empty());
    let old = Request::builder()
        .header("x-correlation-id", "old")
        .header("x-correlation-id", "older")
        .body(())
        .unwrap();
    let context = Context::new();
    let headers = context.scope(sent(InjectLayer::new(), old)).await;
    let ids: Vec<_> = headers.get_all("x-correlation-id").iter().collect();
    assert_eq!(ids, [context.correlation_id().as_str()]);
}

fn answer(status: u16, headers: &[(&str, &str)]) -> Response<()> {
    let build = Response::builder().status(status);
    headers.iter().fold(build, |build, (key, value)| build.header(*key, *value)).body(()).unwrap()
}

#[test]
fn every_status_has_a_verdict_and_an_error_that_agrees_with_it() {
    for status in 100..=999_u16 {
        let verdict = classify_response(&answer(status, &[]));
        let want = match status {
            100..=399 => Verdict::Success,
            408 | 425 | 500 | 502 | 504 => Verdict::Transient(None),
            429 | 503 => Verdict::Overload(None),
            400..=499 => Verdict::Ignore,
            _ => Verdict::Permanent,
        };
        assert_eq!(verdict, want, "{status}");
        match check_status(answer(status, &[])) {
            Ok(_) => assert_eq!(verdict, Verdict::Success, "{status}"),
            Err(error) => {
                assert_eq!(error.verdict().is_retriable(), verdict.is_retriable(), "{status}");
                assert_eq!(error.verdict().is_failure(), verdict.is_failure(), "{status}");
                assert!(!error.category().is_client_fault(), "{status}: it is not our client's fault");
            }
        }
    }
}

#[test]
fn the_hint_of_the_callee_is_kept() {
    let hinted = |status, value| classify_response(&answer(status, &[("retry-after", value)]));
    assert_eq!(hinted(503, "7"), Verdict::Overload(Some(Duration::from_secs(7))));
    assert_eq!(hinted(502, " 7 "), Verdict::Transient(Some(Duration::from_secs(7))));
    assert_eq!(hinted(503, "soon"), Verdict::Overload(None));
    let twice = answer(503, &[("retry-after", "1"), ("retry-after", "2")]);
    assert_eq!(classify_response(&twice), Verdict::Overload(None));
    let error = check_status(answer(429, &[("retry-after", "3")])).unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
}

#[test]
fn retry_after_reads_seconds_and_all_three_forms_of_a_date() {
    let now = UNIX_EPOCH + Duration::from_secs(784_111_777 - 90);
    let parse = |text: &str| parse_retry_after(text.as_bytes(), now);
    assert_eq!(parse("0"), Some(Duration::ZERO));
    assert_eq!(parse("120"), Some(Duration::from_secs(120)));
    for date in
        ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
    {
        assert_eq!(parse(date), Some(Duration::from_secs(90)), "{date}");
        assert_eq!(
            parse_retry_after(date.as_bytes(), SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000)),
            Some(Duration::ZERO)
        );
    }
    assert_eq!(parse("99999999999999999999999"), Some(Duration::from_secs(86_400)), "a day at most");
    assert_eq!(parse("86401"), parse("86400"));
    assert_eq!(parse("Fri, 31 Dec 9999 23:59:59 GMT"), Some(Duration::from_secs(86_400)));
    for bad in ["", "-1", "1.5", "+1", "1s", "Sun, 06 Nov", "\u{0}", &"9".repeat(1_000_000)] {
        assert_eq!(parse(bad), None, "{bad:.20}");
    }
    assert_eq!(parse_retry_after(&[0xff, b'1'], now), None);
}
