//! What holds for any bytes: the bodies of the fuzz targets, and of the ordinary tests that run over their corpus.
//!
//! Where it is short, a reference is written down from the specification, as plainly as possible, and must agree.
#![allow(dead_code, reason = "each fuzz target has one of them")]

use std::time::{Duration, UNIX_EPOCH};

use core_context::propagation::{parse_grpc, parse_millis};
use core_context::w3c::{TraceContext, TraceState};
use core_context::{Baggage, CorrelationId};
use core_errors::{Category, Classify, Error, RemoteError};
use core_http::Callee;
use http::{HeaderMap, HeaderValue, StatusCode};

const DAY: Duration = Duration::from_secs(86_400);

/// W3C Trace Context, level 2, 3.2.
pub(crate) fn traceparent(data: &[u8]) {
    let parsed = TraceContext::parse(data);
    assert_eq!(parsed.is_ok(), is_traceparent(data), "{}", data.escape_ascii());
    let Ok(trace) = parsed else { return };
    let text = trace.to_traceparent();
    assert_eq!(TraceContext::parse(text.as_str().as_bytes()), Ok(trace.clone()));
    assert!(is_traceparent(text.as_str().as_bytes()) && text.as_str().starts_with("00-"));
    let text = trim(data);
    assert_eq!(trace.trace_id.to_string().as_bytes(), &text[3..35]);
    assert_eq!(trace.span_id.to_string().as_bytes(), &text[36..52]);
    let flags =
        u8::from_str_radix(std::str::from_utf8(&text[53..55]).expect("hexadecimal"), 16).expect("two digits");
    assert_eq!((trace.flags.sampled, trace.flags.random), (flags & 1 == 1, flags & 2 == 2));
    let child = trace.to_child_traceparent();
    assert_eq!(child.as_str()[..36], trace.to_traceparent().as_str()[..36], "the same trace");
}

fn is_traceparent(data: &[u8]) -> bool {
    let text = trim(data);
    let is_hex = |part: &[u8]| part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let parts: Vec<_> = text.splitn(5, |byte| *byte == b'-').collect();
    let [version, trace, span, flags, rest @ ..] = parts.as_slice() else { return false };
    [version.len(), trace.len(), span.len(), flags.len()] == [2, 32, 16, 2]
        && [version, trace, span, flags].iter().all(|part| is_hex(part))
        && *version != b"ff"
        && (*version != b"00" || rest.is_empty())
        && trace.iter().any(|digit| *digit != b'0')
        && span.iter().any(|digit| *digit != b'0')
}

fn trim(mut data: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = data {
        data = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = data {
        data = rest;
    }
    data
}

/// Several headers, one a line.
fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|byte| *byte == b'\n')
}

/// W3C Trace Context, level 2, 3.3.
pub(crate) fn tracestate(data: &[u8]) {
    let Ok(state) = TraceState::parse(lines(data)) else { return };
    let Some(state) = state else {
        assert!(data.iter().all(|byte| b" \t,\n".contains(byte)), "there was something");
        return;
    };
    let again = TraceState::parse([state.as_str().as_bytes()]);
    assert_eq!(again, Ok(Some(state.clone())));
    let members: Vec<_> = state.members().collect();
    assert!((1..=32).contains(&members.len()) && state.as_str().len() <= 4_096);
    for (at, (key, value)) in members.iter().enumerate() {
        assert!((1..=256).contains(&key.len()) && (1..=256).contains(&value.len()));
        assert!(key.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()));
        assert!(
            key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@'))
        );
        assert!(
            value.bytes().all(|b| matches!(b, b' '..=b'~') && b != b',' && b != b'=')
                && !value.ends_with(' ')
        );
        assert!(members[..at].iter().all(|(other, _)| other != key), "each key once");
        assert_eq!(state.get(key), Some(*value));
    }
    let ours = TraceState::with_member_first(Some(&state), "genesis", "1").expect("it has the form of one");
    assert_eq!(ours.members().next(), Some(("genesis", "1")));
    assert!(ours.members().count() <= 32 && ours.as_str().len() <= 4_096);
}

/// W3C Baggage, 3.3.
pub(crate) fn baggage(data: &[u8]) {
    let Some(baggage) = Baggage::parse(lines(data)) else { return };
    assert!((1..=64).contains(&baggage.len()) && baggage.as_str().len() <= 8_192);
    assert!(HeaderValue::from_str(baggage.as_str()).is_ok());
    assert_eq!(Baggage::parse([baggage.as_str().as_bytes()]), Some(baggage.clone()));
    assert_eq!(baggage.filtered(|_| true), Some(baggage.clone()));
    for (key, value, _) in baggage.members() {
        assert!(!key.is_empty() && !key.contains([' ', '\t', ',', ';', '=', '"', '\\']));
        assert!(value.len() <= 3 * 8_192);
        let one = Baggage::new().with(key, &value);
        // What was U+FFFD takes more room than the byte that it stands for.
        if let Ok(one) = one {
            assert_eq!(one.get(key), Some(value));
        }
    }
}

/// RFC 9110, 10.2.3.
pub(crate) fn retry_after(data: &[u8]) {
    let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
    let Some(after) = core_http::parse_retry_after(data, now) else { return };
    let text = std::str::from_utf8(data).expect("it is text").trim();
    assert!(text.len() <= 40);
    if text.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = text.parse::<u128>().unwrap_or(u128::MAX);
        assert_eq!(u128::from(after.as_secs()), seconds.min(DAY.as_secs().into()));
    } else {
        let moment = httpdate::parse_http_date(text).expect("it is a date");
        assert_eq!(after, moment.duration_since(now).unwrap_or_default().min(DAY));
        let again = httpdate::fmt_http_date(moment);
        assert_eq!(core_http::parse_retry_after(again.as_bytes(), now), Some(after), "{again}");
    }
}

/// The protocol of gRPC over HTTP/2, and our own header in milliseconds.
pub(crate) fn grpc_timeout(data: &[u8]) {
    let reference = || {
        let (unit, digits) = data.split_last()?;
        let nanos: u128 = match unit {
            b'H' => 3_600_000_000_000,
            b'M' => 60_000_000_000,
            b'S' => 1_000_000_000,
            b'm' => 1_000_000,
            b'u' => 1_000,
            b'n' => 1,
            _ => return None,
        };
        let is_right = (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
        let count: u128 = std::str::from_utf8(digits).ok().filter(|_| is_right)?.parse().ok()?;
        let nanos = (count * nanos).min(DAY.as_nanos());
        Some(Duration::from_nanos(u64::try_from(nanos).expect("a day")))
    };
    assert_eq!(parse_grpc(data), reference(), "{}", data.escape_ascii());
    if let Some(time) = parse_millis(data) {
        let text = std::str::from_utf8(data).expect("it is text").trim();
        assert!(time <= DAY && text.parse::<u64>().map(Duration::from_millis) == Ok(time));
    }
}

/// RFC 9457, and reports of our own.
pub(crate) fn problem_json(data: &[u8]) {
    for (status, says) in [(503, None), (404, None), (500, Some("false")), (409, Some("true"))] {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/problem+json"));
        if let Some(says) = says {
            headers.insert("x-should-retry", HeaderValue::from_static(says));
        }
        let status = StatusCode::from_u16(status).expect("a status");
        let told = |callee: Callee| callee.read_problem(status, &headers, data).expect("it is a failure");
        let (of_house, of_stranger) = (told(Callee::Trusted), told(Callee::Untrusted));
        assert!(!of_house.category().is_client_fault(), "it is not our own client's");
        assert!(!of_stranger.category().is_client_fault(), "it is not our own client's");
        if says.is_some() {
            assert_eq!(of_house.verdict().is_retriable(), says == Some("true"));
        }
        let by_status = core_http::error_of(status, &HeaderMap::new()).expect("it is a failure");
        assert!(of_stranger.verdict().is_retriable() <= by_status.verdict().is_retriable());
        assert!(of_stranger.idempotent_only() >= by_status.idempotent_only());
    }
    let Ok(remote) = RemoteError::from_json(data) else { return };
    assert!(data.len() <= RemoteError::JSON_MAX);
    let texts =
        [Some(&remote.message), remote.service.as_ref(), remote.code.as_ref(), remote.operation.as_ref()];
    assert!(texts.into_iter().flatten().chain(&remote.causes).all(|text| text.len() <= 2_048));
    assert!(remote.metadata.len() <= 32 && remote.causes.len() <= 32);
    assert!(remote.retry_after.is_none_or(|after| after <= DAY));
    assert!(!format!("{remote} {remote:?}").is_empty());
    let secret = remote.message.clone();
    let error = Error::from(remote);
    assert_ne!(error.category(), Category::Unknown);
    let problem = error.to_problem();
    let shown = format!("{:?} {:?}", problem.detail, problem.metadata);
    assert!(secret.len() < 30 || !shown.contains(&secret), "what another service says is not shown to ours");
    if let Some(id) = error.remote().and_then(|remote| remote.correlation_id.as_deref()) {
        let _ = CorrelationId::parse(id);
    }
}
