//! Headers that somebody made to hurt: they cost bounded work and memory, never a panic, and never a request.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use std::cell::Cell;
use std::hint::black_box;

use allocation_counter::{AllocationInfo, measure};
use core_context::propagation;
use core_context::{Context, Propagation};
use core_time::ManualClock;
use support::{PARENT, Raw, TRACE_ID, read};

/// All that can be asked for.
fn everything() -> Propagation {
    Propagation::trusted().b3().google_cloud().grpc()
}

const NAMES: [&str; 15] = [
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
    "x-b3-sampled",
    "x-b3-flags",
    "x-cloud-trace-context",
];

/// What it costs to make a context of headers, which are made before.
fn cost(headers: &impl propagation::Headers) -> (Context, AllocationInfo) {
    let (propagation, clock) = (everything(), ManualClock::new().clock());
    let mut context = None;
    let info = measure(|| context = Some(black_box(propagation.extract(headers, &clock).build())));
    (context.unwrap(), info)
}

/// Twice the longest baggage, and the members of the longest tracestate.
const BYTES_MAX: u64 = 64 * 1_024;

#[track_caller]
fn costs_little(headers: &impl propagation::Headers) -> Context {
    let (context, info) = cost(headers);
    assert!(info.bytes_total <= BYTES_MAX, "{} bytes in {} allocations", info.bytes_total, info.count_total);
    assert!(info.count_total <= 120, "{} allocations", info.count_total);
    assert!(context.trace().is_some(), "the request goes on");
    assert!((1..=128).contains(&context.correlation_id().as_str().len()));
    context
}

#[test]
fn a_megabyte_in_each_header() {
    for filling in ["a", "0", " ", ",", "=", "a=1,", "%41", "-", ";", "9", "\t", "a=1;b=2,"] {
        let value = filling.repeat(1_000_000 / filling.len());
        for name in NAMES {
            costs_little(&Raw::of([("traceparent", PARENT.as_bytes()), (name, value.as_bytes())]));
            costs_little(&Raw::of([(name, value.as_bytes())]));
        }
        costs_little(&Raw::of(NAMES.map(|name| (name, value.as_bytes()))));
    }
}

#[test]
fn ten_thousand_headers_of_each_name() {
    for name in NAMES {
        let many = (0..10_000).map(|n| (name.to_owned(), format!("k{n}=v").into_bytes()));
        let context = costs_little(&Raw([("traceparent".to_owned(), PARENT.as_bytes().to_vec())]
            .into_iter()
            .chain(many)
            .collect()));
        let is_kept = context.trace().unwrap().trace_id.to_string() == TRACE_ID;
        assert_eq!(is_kept, name != "traceparent", "{name}: one that is there twice is none");
    }
}

#[test]
fn ten_thousand_headers_that_mean_nothing() {
    let (mut headers, mut alone) = (Raw::default(), Raw::default());
    alone.0.push(("traceparent".to_owned(), PARENT.into()));
    headers.0.extend((0..10_000).map(|n| (format!("x-header-{n}"), vec![b'x'; 50])));
    headers.0.extend(alone.0.clone());
    let (context, among_many) = cost(&headers);
    assert_eq!(context.trace().unwrap().trace_id.to_string(), TRACE_ID, "found all the same");
    assert_eq!(among_many.count_total, cost(&alone).1.count_total, "others cost nothing");
}

/// Headers that count how often each is asked for.
struct Counted<'a>(&'a Raw, Cell<usize>);

impl propagation::Headers for Counted<'_> {
    fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        propagation::Headers::entries(self.0).inspect(|_| self.1.set(self.1.get() + 1))
    }
}

#[test]
fn the_headers_are_gone_through_once_and_once_more_for_each_list_that_comes_in_several() {
    let filler = || (0..1_000).map(|n| (format!("x-{n}"), b"x".to_vec()));
    let seen = |lists: &[(&'static str, &str)]| {
        let mut headers = Raw::of(lists.iter().copied());
        headers.0.extend(filler());
        let counted = Counted(&headers, Cell::new(0));
        read(&everything(), &counted);
        counted.1.get() / 1_000
    };
    let parent = ("traceparent", PARENT);
    assert_eq!(seen(&[parent, ("tracestate", "a=1"), ("baggage", "a=1")]), 1);
    let twice =
        [parent, ("tracestate", "a=1"), ("tracestate", "b=1"), ("baggage", "a=1"), ("baggage", "b=1")];
    assert_eq!(seen(&twice), 3);
}

#[test]
fn bytes_that_are_no_text() {
    for bytes in
        [&[0xff, 0xfe, b'=', 0x80][..], &[0], &[0xc3, 0x28], b"a=\xff,b=1", b"\xef\xbb\xbf00-", &[0x80; 55]]
    {
        for name in NAMES {
            let context = costs_little(&Raw::of([("traceparent", PARENT.as_bytes()), (name, bytes)]));
            assert!(context.log_fragment().is_ascii());
        }
    }
}

#[test]
fn control_characters_never_reach_a_log_or_another_header() {
    for evil in ["a\r\nset-cookie: x", "a\0b", "\u{1b}[31m", "a\nb"] {
        for name in NAMES {
            let context = costs_little(&Raw::of([("traceparent", PARENT), (name, evil)]));
            let headers = support::written(&everything(), &context);
            assert!(
                headers.iter().all(|(_, value)| value.bytes().all(|b| (0x20..0x7f).contains(&b))),
                "{headers:?}"
            );
            assert!(!context.log_fragment().contains(char::is_control));
        }
    }
}

#[test]
fn numbers_that_no_machine_holds() {
    for number in
        ["99999999999999999999999999999999999999", "-9223372036854775808", "1e308", "NaN", "٤٢", "0x7fffffff"]
    {
        for name in ["x-request-timeout-ms", "x-request-attempt", "grpc-timeout"] {
            let context = costs_little(&Raw::of([(name, number.as_bytes())]));
            assert_eq!((context.deadline(), context.attempt()), (None, 1), "{name}: {number}");
        }
    }
}

#[test]
fn an_oversized_baggage_goes_on_no_larger_than_is_allowed() {
    let large = (0..2_000).map(|n| format!("key{n}={}", "v".repeat(100))).collect::<Vec<_>>().join(",");
    let context = costs_little(&Raw::of([("baggage", &large), ("baggage", &large)]));
    let baggage = context.baggage().unwrap();
    assert!(baggage.len() <= 64 && baggage.as_str().len() <= 8_192);
    assert!(large.starts_with(baggage.as_str()), "whole members from the left");
}
