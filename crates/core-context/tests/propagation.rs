//! What is believed of a request, and what is said to a callee.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use core_context::propagation::{self, HeaderNames, parse_grpc, parse_millis};
use core_context::w3c::{TraceContext, TraceState};
use core_context::{Baggage, Context, CorrelationId, Propagation, Trust};
use core_errors::Criticality;
use core_time::{ManualClock, ms, secs};
use proptest::prelude::*;
use support::{PARENT, Raw, SPAN_ID, TRACE_ID, one, read, written};

fn trusted(headers: &[(&'static str, &str)]) -> Context {
    read(&Propagation::trusted(), &Raw::of(headers.iter().copied()))
}

fn stranger(headers: &[(&'static str, &str)]) -> Context {
    read(&Propagation::untrusted(), &Raw::of(headers.iter().copied()))
}

fn trace_id(context: &Context) -> String {
    context.trace().unwrap().trace_id.to_string()
}

fn is_new(context: &Context) -> bool {
    trace_id(context) != TRACE_ID
}

// --- Trust.

#[test]
fn a_stranger_decides_neither_trace_nor_sampling_nor_baggage() {
    let headers = [
        ("traceparent", PARENT),
        ("tracestate", "a=1"),
        ("baggage", "tier=gold"),
        ("x-correlation-id", "abc-1"),
    ];
    let context = stranger(&headers);
    let trace = context.trace().unwrap();
    assert!(is_new(&context));
    assert_eq!(
        (trace.flags.sampled, trace.flags.random, &trace.state, trace.parent_id),
        (false, true, &None, None)
    );
    assert_eq!(context.baggage(), None);
    assert_eq!(context.correlation_id().as_str(), "abc-1", "to be quoted to us");
}

#[test]
fn a_stranger_s_trace_is_remembered_as_a_link() {
    let remote = stranger(&[("traceparent", PARENT), ("tracestate", "a=1")]);
    let remote = remote.remote().unwrap();
    assert_eq!((remote.trace_id.to_string(), remote.span_id.to_string()), (TRACE_ID.into(), SPAN_ID.into()));
    assert!(stranger(&[("traceparent", "nonsense")]).remote().is_none());
    assert!(trusted(&[("traceparent", PARENT)]).remote().is_none(), "it is our own trace");
}

#[test]
fn a_stranger_s_link_is_in_the_log_and_in_no_call() {
    let context = stranger(&[("traceparent", PARENT), ("tracestate", "a=1")]);
    assert_eq!(context.log_value("remote_trace_id").unwrap(), TRACE_ID);
    assert!(written(&Propagation::trusted(), &context).iter().all(|(_, value)| !value.contains(TRACE_ID)));
}

#[test]
fn of_a_stranger_s_baggage_what_is_allowed_stays() {
    let propagation = Propagation::untrusted().allow_baggage(["tier", "region"]);
    let headers = Raw::of([("baggage", "tier=gold;p=1,is_admin=true"), ("Baggage", "region=eu,TIER=evil")]);
    assert_eq!(read(&propagation, &headers).baggage().unwrap().as_str(), "tier=gold;p=1,region=eu");
    assert_eq!(read(&propagation, &Raw::of([("baggage", "is_admin=true")])).baggage(), None);
    assert_eq!(read(&Propagation::trusted(), &headers).baggage().unwrap().len(), 4);
}

#[test]
fn a_stranger_s_deadline_holds() {
    let time = ManualClock::new();
    let context = Propagation::untrusted().extract(&[("x-request-timeout-ms", "250")], &time.clock()).build();
    assert_eq!(context.remaining(&time.clock()), Some(ms(250)));
}

#[test]
fn a_stranger_does_not_choose_the_trace_id() {
    assert!(is_new(&stranger(&[("x-trace-id", TRACE_ID)])));
    assert!(!is_new(&trusted(&[("x-trace-id", TRACE_ID)])));
}

#[test]
fn trust_is_what_was_said_last() {
    let headers = Raw::of([("traceparent", PARENT)]);
    assert!(is_new(&read(&Propagation::trusted().trust(Trust::Untrusted), &headers)));
    assert!(!is_new(&read(&Propagation::untrusted().trust(Trust::Trusted), &headers)));
    assert!(is_new(&read(&Propagation::default(), &headers)), "nobody is trusted by default");
}

// --- Ids.

#[test]
fn g_25_the_request_id_stands_in_for_the_correlation_id() {
    assert_eq!(trusted(&[("X-Request-ID", "req-1")]).correlation_id().as_str(), "req-1");
    let both = [("x-request-id", "req-1"), ("x-correlation-id", "cor-1")];
    assert_eq!(trusted(&both).correlation_id().as_str(), "cor-1");
    let malformed = [("x-request-id", "req-1"), ("x-correlation-id", "no good")];
    assert_eq!(trusted(&malformed).correlation_id().as_str(), "req-1", "malformed is as if absent");
    let neither = trusted(&[("traceparent", PARENT)]);
    assert_eq!(neither.correlation_id().as_str(), TRACE_ID, "one id suffices where there is a trace");
}

#[test]
fn g_25_correlation_alone_is_written_under_both_names() {
    let context = Context::builder().correlation_id(CorrelationId::parse("c-1").unwrap()).build();
    let headers = written(&Propagation::trusted(), &context);
    let pair = |name: &str| (name.to_owned(), "c-1".to_owned());
    assert_eq!(headers, [pair("x-correlation-id"), pair("x-request-id")]);
}

#[test]
fn a_callee_learns_our_request_id_beside_the_correlation_id() {
    let context =
        Context::builder().correlation_id(CorrelationId::parse("c-1").unwrap()).request("GET", "/").build();
    let headers = written(&Propagation::trusted(), &context);
    assert_eq!(one(&headers, "x-correlation-id"), Some("c-1"));
    assert_eq!(one(&headers, "x-request-id"), Some(context.request().unwrap().id.as_str()));
    assert_eq!(read(&Propagation::trusted(), &headers).correlation_id().as_str(), "c-1");
}

#[test]
fn where_one_header_is_both_ids_it_holds_the_one_that_goes_through() {
    let names = HeaderNames { correlation_id: "x-request-id".to_owned(), ..HeaderNames::default() };
    let propagation = Propagation::trusted().names(names);
    let context =
        Context::builder().correlation_id(CorrelationId::parse("c-1").unwrap()).request("GET", "/").build();
    let headers = written(&propagation, &context);
    assert_eq!(one(&headers, "x-request-id"), Some("c-1"), "once");
    assert_eq!(read(&propagation, &headers).correlation_id().as_str(), "c-1");
}

#[test]
fn an_id_that_could_forge_a_log_line_is_replaced() {
    for evil in ["abc\nevil: 1", "a b", "a\"b", "a\0", "ä", "", &"x".repeat(129)] {
        let context = stranger(&[("x-correlation-id", evil)]);
        assert_eq!(context.correlation_id().as_str().len(), 32, "{evil:?}: one of our own");
    }
    let longest = "x".repeat(128);
    assert_eq!(stranger(&[("x-correlation-id", &longest)]).correlation_id().as_str(), longest);
}

#[test]
fn duplicates_are_as_good_as_nothing() {
    let twice =
        |name: &'static str, value: &'static str| trusted(&[(name, value), ("x-other", "1"), (name, value)]);
    assert!(is_new(&twice("traceparent", PARENT)));
    assert!(is_new(&twice("x-trace-id", TRACE_ID)));
    assert_eq!(twice("x-correlation-id", "abc").correlation_id().as_str().len(), 32);
    assert_eq!(twice("x-request-timeout-ms", "5").deadline(), None);
    assert_eq!(twice("x-request-attempt", "3").attempt(), 1);
    let map = HashMap::from([("traceparent", PARENT), ("Traceparent", PARENT)]);
    let map: HashMap<String, String> = map.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
    assert!(is_new(&read(&Propagation::trusted(), &map)), "in a map they differ in case");
}

#[test]
fn names_may_be_in_any_case() {
    let headers = [
        ("TRACEPARENT", PARENT),
        ("TraceState", "a=1"),
        ("BAGGAGE", "k=v"),
        ("X-CORRELATION-ID", "abc"),
        ("X-Request-Timeout-MS", "100"),
        ("X-Request-ATTEMPT", "3"),
    ];
    let time = ManualClock::new();
    let context = Propagation::trusted().extract(&headers, &time.clock()).build();
    assert_eq!(trace_id(&context), TRACE_ID);
    assert_eq!(context.trace().unwrap().state.as_ref().unwrap().as_str(), "a=1");
    assert_eq!(context.baggage().unwrap().as_str(), "k=v");
    assert_eq!((context.correlation_id().as_str(), context.attempt()), ("abc", 3));
    assert_eq!(context.remaining(&time.clock()), Some(ms(100)));
}

#[test]
fn header_names_come_from_the_environment_and_are_checked() {
    let lookup = |key: &str| (key == "GENESIS_CORRELATION_ID_HEADER").then(|| "X-Request-Ref".to_owned());
    let names = HeaderNames::from_lookup(lookup).unwrap();
    assert_eq!(names.correlation_id, "x-request-ref");
    let propagation = Propagation::trusted().names(names);
    let context = read(&propagation, &Raw::of([("X-REQUEST-REF", "abc"), ("x-correlation-id", "other")]));
    assert_eq!(context.correlation_id().as_str(), "abc");
    assert_eq!(one(&written(&propagation, &context), "x-request-ref"), Some("abc"));
    for bad in ["no good", "Host", "traceparent", "x-request-attempt", "ä", "a:b", "a\nb", &"x".repeat(65)] {
        let error = HeaderNames::from_lookup(|_| Some(bad.to_owned())).unwrap_err().to_string();
        assert!(error.contains("GENESIS_CORRELATION_ID_HEADER"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
    assert_eq!(HeaderNames::from_lookup(|_| Some(String::new())).unwrap(), HeaderNames::default());
}

// --- B3 and Google Cloud.

fn b3(headers: &[(&'static str, &str)]) -> Context {
    read(&Propagation::trusted().b3(), &Raw::of(headers.iter().copied()))
}

#[test]
fn b3_in_one_header() {
    let span = "e457b5a2e4d86bd1";
    let single = |rest: &str| b3(&[("b3", &format!("{TRACE_ID}-{rest}"))]);
    for (rest, sampled) in [
        (span.to_owned(), false),
        (format!("{span}-0"), false),
        (format!("{span}-1"), true),
        (format!("{span}-d"), true),
        (format!("{span}-1-05e3ac9a4f6e3b90"), true),
    ] {
        let context = single(&rest);
        let trace = context.trace().unwrap();
        assert_eq!((trace_id(&context).as_str(), trace.flags.sampled), (TRACE_ID, sampled), "{rest}");
        assert_eq!(
            (trace.parent_id.unwrap().to_string().as_str(), trace.flags.random),
            (span, false),
            "{rest}"
        );
    }
    for rest in ["", "e457b5a2e4d86bd", "0000000000000000-1", "E457B5A2E4D86BD1-1", "e457b5a2e4d86bd1-2"] {
        assert!(is_new(&single(rest)), "{rest}");
    }
    for rest in ["e457b5a2e4d86bd1-1-05e3", "e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90-1", "e457b5a2e4d86bd1-"] {
        assert!(is_new(&single(rest)), "{rest}");
    }
    assert!(is_new(&b3(&[("b3", "0")])), "do not sample, and no trace");
    let short = b3(&[("B3", "a3ce929d0e0e4736-e457b5a2e4d86bd1-1")]);
    assert_eq!(trace_id(&short), "0000000000000000a3ce929d0e0e4736", "64 bits are the right half");
}

#[test]
fn b3_in_several_headers() {
    let ids = [("X-B3-TraceId", TRACE_ID), ("X-B3-SpanId", "e457b5a2e4d86bd1")];
    let with = |name, value| b3(&[ids[0], ids[1], (name, value)]);
    for (name, value, sampled) in [
        ("x-b3-sampled", "1", true),
        ("X-B3-Sampled", "true", true),
        ("x-b3-sampled", "0", false),
        ("x-b3-sampled", "yes", false),
        ("x-b3-flags", "1", true),
        ("x-b3-flags", "0", false),
        ("x-b3-parentspanid", "05e3ac9a4f6e3b90", false),
    ] {
        let context = with(name, value);
        assert_eq!(
            (trace_id(&context).as_str(), context.trace().unwrap().flags.sampled),
            (TRACE_ID, sampled),
            "{name}: {value}"
        );
    }
    assert!(is_new(&b3(&ids[..1])) && is_new(&b3(&ids[1..])));
    assert!(is_new(&b3(&[ids[0], ids[1], ids[1]])), "twice");
    let single_wins = b3(&[ids[0], ids[1], ("b3", "80f198ee56343ba864fe8b2a57d3eff7-05e3ac9a4f6e3b90")]);
    assert_eq!(trace_id(&single_wins), "80f198ee56343ba864fe8b2a57d3eff7");
}

#[test]
fn b3_is_read_only_where_somebody_asks_and_there_is_no_traceparent() {
    let header = ("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1");
    assert_ne!(trace_id(&trusted(&[header])), "80f198ee56343ba864fe8b2a57d3eff7");
    assert_eq!(trace_id(&b3(&[header, ("traceparent", PARENT)])), TRACE_ID);
    assert_eq!(trace_id(&b3(&[header, ("traceparent", "nonsense")])), "80f198ee56343ba864fe8b2a57d3eff7");
    let context = read(&Propagation::untrusted().b3(), &Raw::of([header]));
    assert_ne!(trace_id(&context), "80f198ee56343ba864fe8b2a57d3eff7");
    assert_eq!(context.remote().unwrap().trace_id.to_string(), "80f198ee56343ba864fe8b2a57d3eff7");
}

#[test]
fn google_cloud_s_header() {
    let propagation = Propagation::trusted().google_cloud();
    let read = |value: &str| read(&propagation, &Raw::of([("X-Cloud-Trace-Context", value)]));
    for (rest, span, sampled) in [
        ("/1;o=1", Some("0000000000000001"), true),
        ("/18446744073709551615;o=1", Some("ffffffffffffffff"), true),
        ("/1;o=0", Some("0000000000000001"), false),
        ("/1;o=2", Some("0000000000000001"), false),
        ("/1;o=3", Some("0000000000000001"), true),
        ("/1", Some("0000000000000001"), false),
        ("", None, false),
        (";o=1", None, true),
        // What a load balancer sends that begins the trace: there is no span yet.
        ("/0;o=1", None, true),
    ] {
        let context = read(&format!("{TRACE_ID}{rest}"));
        let trace = context.trace().unwrap();
        assert_eq!((trace_id(&context).as_str(), trace.flags.sampled), (TRACE_ID, sampled), "{rest}");
        if let Some(span) = span {
            assert_eq!(trace.parent_id.unwrap().to_string(), span, "{rest}");
        }
    }
    for rest in ["/", "/-1", "/+1", "/1;o=x", "/1;o=4", "/1;p=1", "/18446744073709551616", "/1/2", "0"] {
        assert!(is_new(&read(&format!("{TRACE_ID}{rest}"))), "{rest}");
    }
    assert!(is_new(&read("00000000000000000000000000000000/1;o=1")));
    assert!(is_new(&trusted(&[("x-cloud-trace-context", &format!("{TRACE_ID}/1;o=1"))])), "nobody asked");
}

// --- Time.

#[test]
fn milliseconds_are_read_strictly() {
    for (header, time) in
        [("0", ms(0)), ("250", ms(250)), (" 7\t", ms(7)), ("000000000007", ms(7)), ("86400000", secs(86_400))]
    {
        assert_eq!(parse_millis(header.as_bytes()), Some(time), "{header}");
    }
    for header in
        ["", " ", "-1", "+5", "1.5", "1e3", "1 0", "5ms", "0x5", "99999999999999", "abc", "86400001", "٣"]
    {
        assert_eq!(parse_millis(header.as_bytes()), None, "{header}");
        assert_eq!(trusted(&[("x-request-timeout-ms", header)]).deadline(), None, "{header}");
    }
}

#[test]
fn grpc_timeouts_of_every_unit_are_read_strictly() {
    let day = secs(86_400);
    for (header, time) in [
        ("1H", secs(3_600)),
        ("1M", secs(60)),
        ("1S", secs(1)),
        ("1m", ms(1)),
        ("1u", Duration::from_micros(1)),
        ("1n", Duration::from_nanos(1)),
        ("0m", ms(0)),
        ("99999999n", Duration::from_nanos(99_999_999)),
        ("99999999u", Duration::from_micros(99_999_999)),
        ("99999999m", day),
        ("86399999m", ms(86_399_999)),
        ("99999999S", day),
        ("99999999M", day),
        ("99999999H", day),
        ("00000001S", secs(1)),
    ] {
        assert_eq!(parse_grpc(header.as_bytes()), Some(time), "{header}");
    }
    for header in [
        "",
        "H",
        "1",
        "1h",
        "1s",
        "1 S",
        " 1S",
        "1S ",
        "-1S",
        "+1S",
        "1.5S",
        "100000000S",
        "1mS",
        "1ms",
        "1\u{b5}",
    ] {
        assert_eq!(parse_grpc(header.as_bytes()), None, "{header}");
    }
}

#[test]
fn grpc_is_read_and_written_where_somebody_asks() {
    let time = ManualClock::new();
    let clock = time.clock();
    let headers = [("grpc-timeout", "2S"), ("x-request-timeout-ms", "3000")];
    let context = Propagation::trusted().grpc().extract(&headers, &clock).build();
    assert_eq!(context.remaining(&clock), Some(secs(2)), "the shorter of both");
    assert_eq!(Propagation::trusted().extract(&headers, &clock).build().remaining(&clock), Some(secs(3)));
    let sent = |left| {
        let context = Context::builder().deadline_in(left, &clock).build();
        let mut headers = Vec::new();
        let propagation = Propagation::trusted().grpc().margin(ms(0));
        propagation.inject(&context, &clock, |name, value| headers.push((name.to_owned(), value.to_owned())));
        one(&headers, "grpc-timeout").unwrap().to_owned()
    };
    assert_eq!((sent(ms(1_500)).as_str(), sent(ms(0)).as_str()), ("1500m", "0m"));
    assert_eq!(sent(secs(86_399)), "86399000m", "eight digits");
    assert_eq!(sent(secs(1_000_000)), "86400000m", "a day at most");
}

#[test]
fn the_margin_is_five_milliseconds_or_a_tenth_and_can_be_set() {
    let time = ManualClock::new();
    let clock = time.clock();
    let sent = |propagation: &Propagation, left| {
        let context = Context::builder().deadline_in(left, &clock).build();
        let mut headers = Vec::new();
        propagation.inject(&context, &clock, |name, value| headers.push((name.to_owned(), value.to_owned())));
        one(&headers, "x-request-timeout-ms").unwrap().to_owned()
    };
    let usual = Propagation::trusted();
    for (left, want) in
        [(ms(1_000), "995"), (ms(50), "45"), (ms(40), "36"), (ms(10), "9"), (ms(1), "1"), (ms(0), "0")]
    {
        assert_eq!(sent(&usual, left), want, "{left:?}");
    }
    assert_eq!(sent(&usual, secs(200_000)), "86400000", "a day at most: more is not read");
    let wide = Propagation::trusted().margin(ms(100));
    assert_eq!((sent(&wide, ms(1_000)).as_str(), sent(&wide, ms(60)).as_str()), ("900", "1"));
}

#[test]
fn over_five_hops_the_budget_only_ever_shrinks_and_then_is_refused() {
    let time = ManualClock::new();
    let clock = time.clock();
    let propagation = Propagation::trusted();
    let mut context = Context::builder().deadline_in(ms(100), &clock).build();
    let mut budgets = vec![ms(100)];
    for _ in 0..5 {
        time.advance(ms(7));
        let mut headers = Vec::new();
        propagation.inject(&context, &clock, |name, value| headers.push((name.to_owned(), value.to_owned())));
        context = propagation.extract(&headers, &clock).build();
        budgets.push(context.remaining(&clock).unwrap());
    }
    assert!(budgets.windows(2).all(|pair| pair[1] < pair[0]), "{budgets:?}");
    assert!(!context.is_expired(&clock));
    time.advance(*budgets.last().unwrap());
    assert!(context.is_expired(&clock));
    let headers = {
        let mut headers = Vec::new();
        propagation.inject(&context, &clock, |name, value| headers.push((name.to_owned(), value.to_owned())));
        headers
    };
    assert_eq!(one(&headers, "x-request-timeout-ms"), Some("0"));
    assert!(propagation.extract(&headers, &clock).build().is_expired(&clock), "whoever is called so refuses");
}

#[test]
fn a_clock_that_goes_back_gives_nobody_more_than_was_asked_for() {
    let time = ManualClock::new();
    time.advance(secs(10));
    let (clock, start) = (time.clock(), time.now());
    let context = Propagation::trusted().extract(&[("x-request-timeout-ms", "100")], &clock).build();
    time.set(start - ms(30));
    assert!(!context.is_expired(&clock));
    let derived = context.derive(|b| b.deadline_in(ms(500), &clock));
    assert_eq!(derived.deadline(), context.deadline());
    time.set(start + ms(200));
    assert_eq!((context.remaining(&clock), context.is_expired(&clock)), (Some(ms(0)), true));
    let headers = written(&Propagation::trusted(), &context);
    assert!(one(&headers, "x-request-timeout-ms").is_some());
}

// --- Attempts.

#[test]
fn an_attempt_is_a_small_number() {
    for (header, attempt) in [("1", 1), ("2", 2), ("1000", 1_000), ("007", 7)] {
        assert_eq!(trusted(&[("x-request-attempt", header)]).attempt(), attempt, "{header}");
    }
    for header in ["", "0", "-1", "+2", "1001", "99999999999", "2.0", "two"] {
        assert_eq!(trusted(&[("x-request-attempt", header)]).attempt(), 1, "{header}");
    }
    assert_eq!(Context::builder().attempt(0).build().attempt(), 1);
}

#[test]
fn only_our_own_repetition_is_told() {
    let time = ManualClock::new();
    let sent = |context: &Context, attempt| {
        let mut headers = Vec::new();
        let put = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        Propagation::trusted().inject_attempt(context, attempt, &time.clock(), put);
        one(&headers, "x-request-attempt").map(str::to_owned)
    };
    let third = trusted(&[("x-request-attempt", "3")]);
    assert_eq!(sent(&third, None), None, "that of the caller is not ours");
    assert_eq!(sent(&third, Some(1)), None);
    assert_eq!(sent(&third, Some(2)).unwrap(), "2");
    assert_eq!(sent(&third, Some(5_000)).unwrap(), "1000", "more would not be believed");
}

// --- There and back.

fn full() -> Context {
    let trace = TraceContext {
        state: Some(TraceState::with_member_first(None, "foo", "1").unwrap()),
        ..TraceContext::generate(true)
    };
    let time = ManualClock::new();
    Context::builder()
        .correlation_id(CorrelationId::parse("order-7").unwrap())
        .trace(trace)
        .baggage(Baggage::new().with("tier", "gold").unwrap().with("name", "ä, b").unwrap())
        .deadline_in(ms(1_500), &time.clock())
        .build()
}

/// The callee knows all that the caller said.
#[track_caller]
fn arrived(context: &Context, headers: &(impl propagation::Headers + ?Sized)) {
    let callee = read(&Propagation::trusted(), headers);
    let (ours, theirs) = (context.trace().unwrap(), callee.trace().unwrap());
    assert_eq!((theirs.trace_id, theirs.flags, &theirs.state), (ours.trace_id, ours.flags, &ours.state));
    assert_ne!(theirs.span_id, ours.span_id, "a span of its own");
    assert_ne!(theirs.parent_id, Some(ours.span_id), "inside that of the call");
    assert_eq!(callee.correlation_id(), context.correlation_id());
    assert_eq!(callee.baggage(), context.baggage());
    assert!(callee.deadline().is_some());
}

#[test]
fn g_25_what_was_written_is_read_again_whatever_holds_the_headers() {
    let context = full();
    let headers = written(&Propagation::trusted(), &context);
    arrived(&context, &headers);
    arrived(&context, &headers.iter().cloned().collect::<HashMap<_, _>>());
    arrived(&context, &headers.iter().cloned().collect::<BTreeMap<_, _>>());
    let pairs: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    arrived(&context, pairs.as_slice());
    let array: [_; 6] = pairs.try_into().unwrap();
    arrived(&context, &array);
}

#[test]
fn all_that_may_be_written_is_listed() {
    let propagation = Propagation::trusted().grpc();
    let (time, mut seen) = (ManualClock::new(), Vec::new());
    let full = full().derive(|context| context.criticality(Criticality::Sheddable));
    propagation.inject_attempt(&full, Some(2), &time.clock(), |name, _| seen.push(name.to_owned()));
    let mut listed: Vec<_> = propagation.written().map(str::to_owned).collect();
    seen.sort();
    listed.sort();
    assert_eq!(seen, listed);
}

#[test]
fn g_25_an_empty_context_says_no_more_than_its_id() {
    let headers = written(&Propagation::trusted(), &Context::new());
    assert_eq!(
        headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["x-correlation-id", "x-request-id"]
    );
}

#[test]
fn what_is_ours_alone_leaves_in_no_header() {
    struct Secret;
    let context = full().derive(|b| {
        b.user_in_session("user-secret", "session-secret").tenant("tenant-secret").extension(Secret)
    });
    let headers = written(&Propagation::trusted().grpc(), &context);
    assert!(headers.iter().all(|(_, value)| !value.contains("secret")), "{headers:?}");
}

proptest! {
    #[test]
    fn what_is_written_can_be_a_header(
        id in "[A-Za-z0-9._:-]{1,128}", key in "[a-z]{1,9}", value in ".{0,60}", millis in 0_u64..100_000_000, attempt: u32,
    ) {
        let time = ManualClock::new();
        let clock = time.clock();
        let context = Context::builder()
            .correlation_id(CorrelationId::parse(&id).unwrap())
            .trace(TraceContext::generate(true))
            .baggage(Baggage::new().with(&key, &value).unwrap())
            .deadline_in(ms(millis), &clock)
            .build();
        let mut headers = Vec::new();
        Propagation::trusted().grpc().inject_attempt(&context, Some(attempt), &clock, |name, value| {
            headers.push((name.to_owned(), value.to_owned()));
        });
        for (name, value) in &headers {
            prop_assert!(value.bytes().all(|b| (0x20..=0x7e).contains(&b)), "{}: {:?}", name, value);
        }
        let callee = Propagation::trusted().grpc().extract(&headers, &clock).build();
        prop_assert_eq!(callee.correlation_id(), context.correlation_id());
        prop_assert_eq!(callee.baggage(), context.baggage());
        prop_assert!(callee.remaining(&clock).unwrap() <= ms(millis));
        prop_assert_eq!(callee.attempt(), attempt.clamp(1, 1_000));
    }

    #[test]
    fn no_headers_panic_and_there_is_always_a_trace_and_an_id(
        headers in prop::collection::vec((any_name(), prop::collection::vec(any::<u8>(), 0..120)), 0..12),
    ) {
        for trust in [Trust::Trusted, Trust::Untrusted] {
            let propagation = Propagation::default().trust(trust).b3().google_cloud().grpc().allow_baggage(["a"]);
            let context = read(&propagation, &Raw(headers.clone()));
            prop_assert!(context.trace().is_some());
            prop_assert!((1..=128).contains(&context.correlation_id().as_str().len()));
            prop_assert!((1..=1_000).contains(&context.attempt()));
        }
    }
}

fn any_name() -> impl Strategy<Value = String> {
    const KNOWN: [&str; 13] = [
        "traceparent",
        "tracestate",
        "baggage",
        "x-correlation-id",
        "x-request-id",
        "x-trace-id",
        "x-request-timeout-ms",
        "x-request-attempt",
        "grpc-timeout",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-cloud-trace-context",
    ];
    prop_oneof![prop::sample::select(&KNOWN[..]).prop_map(str::to_owned), ".{0,25}"]
}
