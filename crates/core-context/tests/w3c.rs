//! The table of W3C Trace Context, level 2, and its properties.

use core_context::propagation::{HeaderNames, Headers};
use core_context::w3c::{TraceContext, TraceParentError, TraceState};
use core_context::{Context, CorrelationId, Propagation, Trust};
use core_time::{ManualClock, ms};
use proptest::prelude::*;

const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct List(Vec<(String, Vec<u8>)>);

impl Headers for List {
    fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_slice()))
    }
}

fn list(headers: &[(&str, &str)]) -> List {
    List(headers.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect())
}

fn read(headers: &List, trust: Trust) -> Context {
    Propagation::default().trust(trust).extract(headers, &ManualClock::new().clock()).build()
}

fn trace_of(headers: &[(&str, &str)]) -> TraceContext {
    read(&list(headers), Trust::Trusted).trace().expect("every request has one").clone()
}

#[test]
fn what_the_specification_accepts_is_accepted() {
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    for (header, sampled, random) in [
        (GOOD.to_owned(), true, false),
        (format!(" \t{GOOD}\t "), true, false),
        (format!("00-{id}-00f067aa0ba902b7-00"), false, false),
        (format!("00-{id}-00f067aa0ba902b7-02"), false, true),
        (format!("00-{id}-00f067aa0ba902b7-03"), true, true),
        (format!("00-{id}-00f067aa0ba902b7-ff"), true, true),
        (format!("01-{id}-00f067aa0ba902b7-01"), true, false),
        (format!("cc-{id}-00f067aa0ba902b7-01-what-the-future-will-be-like"), true, false),
        (format!("cc-{id}-00f067aa0ba902b7-01-"), true, false),
    ] {
        let trace =
            TraceContext::parse(header.as_bytes()).unwrap_or_else(|error| panic!("{header}: {error}"));
        assert_eq!((trace.flags.sampled, trace.flags.random), (sampled, random), "{header}");
        assert_eq!(trace.trace_id.to_string(), id);
        assert_eq!(trace.span_id.to_string(), "00f067aa0ba902b7");
    }
}

#[test]
fn what_the_specification_forbids_is_refused() {
    use TraceParentError::{Dash, Digit, Length, ParentId, TraceId, Version};
    for (header, error) in [
        ("", Length),
        ("00", Length),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", Length),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-", Length),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what", Length),
        ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what", Length),
        ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Version),
        ("+0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Digit),
        ("0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011", Digit),
        ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", Digit),
        ("00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Digit),
        ("00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-011", Dash),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b-701", Dash),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7.01", Dash),
        ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", TraceId),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", ParentId),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-.0", Digit),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0A", Digit),
    ] {
        assert_eq!(TraceContext::parse(header.as_bytes()), Err(error), "{header}");
        let trace = trace_of(&[("traceparent", header), ("tracestate", "a=1")]);
        assert_ne!(trace.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736", "a new trace");
        assert_eq!(trace.state, None, "never read when traceparent failed");
    }
}

#[test]
fn two_traceparents_are_none() {
    let trace = trace_of(&[("traceparent", GOOD), ("traceparent", GOOD)]);
    assert_ne!(trace.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[test]
fn a_tracestate_is_checked_joined_and_never_hurts_the_trace() {
    let many = (0..32).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
    let long_key = "k".repeat(257);
    for (state, kept) in [
        (vec!["foo=1,bar=2"], Some("foo=1,bar=2")),
        (vec!["foo=1", "bar=2"], Some("foo=1,bar=2")),
        (vec!["foo=1 ,\t bar=2,,"], Some("foo=1,bar=2")),
        (vec!["0a@b/c*d-e_f=x y"], Some("0a@b/c*d-e_f=x y")),
        (vec![many.as_str()], Some(many.as_str())),
        (vec![many.as_str(), "one=more"], None),
        (vec!["foo="], None),
        (vec!["foo=bar=baz"], None),
        (vec!["Foo=1"], None),
        (vec!["foo=1,foo=2"], Some("foo=1")),
        (vec!["foo=1", "bar=2,foo=3"], Some("foo=1,bar=2")),
        (vec!["foo= 1"], Some("foo= 1")),
        (vec!["foo"], None),
        (vec![long_key.as_str()], None),
        (vec![""], None),
    ] {
        let mut headers = vec![("traceparent", GOOD)];
        headers.extend(state.iter().map(|state| ("tracestate", *state)));
        let trace = trace_of(&headers);
        assert_eq!(trace.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(trace.state.as_ref().map(TraceState::as_str), kept, "{state:?}");
    }
}

#[test]
fn an_untrusted_caller_decides_nothing_but_its_correlation_id() {
    let headers = list(&[("traceparent", GOOD), ("tracestate", "a=1"), ("x-correlation-id", "abc-1")]);
    let context = read(&headers, Trust::Untrusted);
    let trace = context.trace().expect("a new one");
    assert_ne!(trace.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((trace.flags.sampled, trace.flags.random, &trace.state), (false, true, &None));
    assert_eq!(context.correlation_id().as_str(), "abc-1");
    let evil = read(&list(&[("x-correlation-id", "abc\nevil: 1")]), Trust::Untrusted);
    assert_eq!(evil.correlation_id().as_str().len(), 32, "one of our own");
}

#[test]
fn what_was_injected_is_extracted() {
    let time = ManualClock::new();
    let clock = time.clock();
    let state = TraceState::with_member_first(None, "foo", "1").expect("it is valid");
    let trace = TraceContext { state: Some(state), ..TraceContext::generate(true) };
    let context = Context::builder().trace(trace.clone()).deadline_in(ms(1_500), &clock).build();
    let mut headers = Vec::new();
    time.advance(ms(200));
    Propagation::trusted().inject(&context, &clock, |key, value| {
        headers.push((key.to_owned(), value.as_bytes().to_vec()));
    });
    let callee = Propagation::trusted().extract(&List(headers), &clock).build();
    let got = callee.trace().expect("it was sent");
    assert_eq!((got.trace_id, got.flags, &got.state), (trace.trace_id, trace.flags, &trace.state));
    assert_ne!(got.span_id, trace.span_id, "a span of its own");
    assert_eq!(callee.correlation_id(), context.correlation_id());
    assert_eq!(callee.remaining(&clock), Some(ms(1_295)), "5 ms are for the way back");
}

#[test]
fn a_bad_timeout_is_none() {
    for header in ["", "-1", "+5", "1.5", "99999999999999", "abc", "86400001"] {
        let context = read(&list(&[("x-request-timeout-ms", header)]), Trust::Trusted);
        assert_eq!(context.deadline(), None, "{header}");
    }
}

#[test]
fn header_bombs_cost_bounded_time_and_never_panic() {
    let megabyte = vec![b'a'; 1_000_000];
    let names = ["traceparent", "tracestate", "x-correlation-id", "x-trace-id", "x-request-timeout-ms"];
    let mut headers: Vec<_> = names.iter().map(|name| ((*name).to_owned(), megabyte.clone())).collect();
    read(&List(headers.clone()), Trust::Trusted);
    headers.extend((0..10_000).map(|n| (format!("tracestate{n}"), b"x".to_vec())));
    headers.extend((0..10_000).map(|n| ("tracestate".to_owned(), format!("k{n}=v").into_bytes())));
    read(&List(headers), Trust::Trusted);
    let invalid = names.iter().map(|name| ((*name).to_owned(), vec![0xff, 0xfe, b'=', 0x80])).collect();
    read(&List(invalid), Trust::Trusted);
}

#[test]
fn header_names_come_from_the_environment_and_are_checked() {
    let lookup = |key: &str| (key == "GENESIS_CORRELATION_ID_HEADER").then(|| "X-Request-Ref".to_owned());
    assert_eq!(
        HeaderNames::from_lookup(lookup).map(|names| names.correlation_id),
        Ok("x-request-ref".to_owned())
    );
    let error = HeaderNames::from_lookup(|_| Some("no good".to_owned())).unwrap_err().to_string();
    assert!(error.contains("GENESIS_CORRELATION_ID_HEADER") && error.contains("no good"), "{error}");
}

proptest! {
    #[test]
    fn parsing_undoes_formatting(trace_id in 1_u128.., span_id in 1_u64.., sampled: bool, random: bool) {
        let text = format!("00-{trace_id:032x}-{span_id:016x}-{:02x}", u8::from(sampled) + 2 * u8::from(random));
        let trace = TraceContext::parse(text.as_bytes()).expect("it is valid");
        prop_assert_eq!(trace.to_traceparent().to_string(), text);
    }

    #[test]
    fn no_bytes_panic_and_what_is_accepted_is_canonical(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(trace) = TraceContext::parse(&bytes) {
            let text = trace.to_traceparent();
            prop_assert_eq!(TraceContext::parse(text.as_str().as_bytes()), Ok(trace));
        }
    }

    #[test]
    fn one_wrong_character_never_makes_it_sampled(at in 0_usize..55, byte: u8) {
        let unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        let mut header = unsampled.as_bytes().to_vec();
        header[at] = byte;
        if let Ok(trace) = TraceContext::parse(&header) {
            prop_assert_eq!(trace.flags.sampled, at == 54 && matches!(byte, b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f'));
        }
    }

    #[test]
    fn correlation_ids_are_harmless_or_refused(text in ".{0,200}") {
        if let Ok(id) = CorrelationId::parse(&text) {
            prop_assert!(id.as_str().bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\'));
        }
    }
}
