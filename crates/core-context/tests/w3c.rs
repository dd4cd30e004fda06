//! The conformance suite of W3C Trace Context, case by case under the names that it gives them, and the properties that no table
//! can hold.
//!
//! As in the suite, a request comes in, and what is looked at are the requests that the service makes for it.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use core_context::Propagation;
use core_context::w3c::{TraceContext, TraceParentError, TraceState, TraceStateError};
use proptest::prelude::*;
use support::{PARENT, Raw, SPAN_ID, TRACE_ID, one, read, written};

/// What the suite sends.
const SENT: &str = "12345678901234567890123456789012";
const SENT_SPAN: &str = "1234567890123456";

/// What a callee gets.
struct Sent {
    trace_id: String,
    parent_id: String,
    flags: u8,
    state: Option<String>,
}

/// The requests that a service makes for one that came with these headers.
fn calls(headers: &[(&'static str, &str)], count: usize) -> Vec<Sent> {
    let propagation = Propagation::trusted();
    let context = read(&propagation, &Raw::of(headers.iter().copied()));
    let call = || {
        let headers = written(&propagation, &context);
        let parent = one(&headers, "traceparent").expect("every call has one");
        // By eye, not with our own parser.
        let parts: Vec<_> = parent.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 32, 16, 2], "{parent}");
        assert!(parent.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-')), "{parent}");
        assert_eq!(parts[0], "00");
        assert!(parts[1..3].iter().all(|id| id.bytes().any(|digit| digit != b'0')), "{parent}");
        Sent {
            trace_id: parts[1].to_owned(),
            parent_id: parts[2].to_owned(),
            flags: u8::from_str_radix(parts[3], 16).unwrap(),
            state: one(&headers, "tracestate").map(str::to_owned),
        }
    };
    (0..count).map(|_| call()).collect()
}

fn call(headers: &[(&'static str, &str)]) -> Sent {
    calls(headers, 1).remove(0)
}

/// The trace goes on, in a span of our own.
#[track_caller]
fn goes_on(parent: &str) {
    let sent = call(&[("traceparent", parent)]);
    assert_eq!(sent.trace_id, SENT, "{parent:?}");
    assert_ne!(sent.parent_id, SENT_SPAN, "{parent:?}");
}

/// A new trace begins, and what was said about the old one is forgotten.
#[track_caller]
fn begins_anew(parent: &str) {
    let sent = call(&[("traceparent", parent), ("tracestate", "foo=1")]);
    assert!(!parent.contains(&sent.trace_id), "{parent:?}");
    assert_ne!(sent.trace_id, SENT, "{parent:?}");
    assert_eq!(sent.state, None, "{parent:?}");
}

/// What goes on of these `tracestate` headers. The trace goes on whatever they are.
#[track_caller]
fn state_of(headers: &[&str]) -> Option<String> {
    let mut all = vec![("traceparent", "00-12345678901234567890123456789012-1234567890123456-00")];
    all.extend(headers.iter().map(|header| ("tracestate", *header)));
    let sent = call(&all);
    assert_eq!(sent.trace_id, SENT, "{headers:?}");
    sent.state
}

mod trace_context {
    use super::{SENT, begins_anew, call, goes_on, state_of};

    #[test]
    fn both_traceparent_and_tracestate_missing() {
        assert_eq!(call(&[]).state, None);
    }

    #[test]
    fn traceparent_included_tracestate_missing() {
        goes_on("00-12345678901234567890123456789012-1234567890123456-01");
    }

    #[test]
    fn traceparent_duplicated() {
        let sent = call(&[
            ("traceparent", "00-12345678901234567890123456789011-1234567890123456-01"),
            ("traceparent", "00-12345678901234567890123456789012-1234567890123456-01"),
        ]);
        assert!(!sent.trace_id.starts_with("1234567890123456789012345678901"));
        let same = "00-12345678901234567890123456789012-1234567890123456-01";
        assert_ne!(call(&[("traceparent", same), ("TraceParent", same)]).trace_id, SENT);
    }

    #[test]
    fn traceparent_header_name() {
        for name in ["trace-parent", "trace.parent"] {
            let sent = call(&[(name, "00-12345678901234567890123456789012-1234567890123456-01")]);
            assert_ne!(sent.trace_id, SENT, "{name}");
        }
    }

    #[test]
    fn traceparent_header_name_valid_casing() {
        for name in ["TraceParent", "TrAcEpArEnT", "TRACEPARENT"] {
            let sent = call(&[(name, "00-12345678901234567890123456789012-1234567890123456-01")]);
            assert_eq!(sent.trace_id, SENT, "{name}");
        }
    }

    #[test]
    fn traceparent_version_0x00() {
        begins_anew("00-12345678901234567890123456789012-1234567890123456-01.");
        begins_anew("00-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like");
    }

    #[test]
    fn traceparent_version_0xcc() {
        goes_on("cc-12345678901234567890123456789012-1234567890123456-01");
        goes_on("cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like");
        begins_anew("cc-12345678901234567890123456789012-1234567890123456-01.what-the-future-will-be-like");
    }

    #[test]
    fn traceparent_version_0xff() {
        begins_anew("ff-12345678901234567890123456789012-1234567890123456-01");
    }

    #[test]
    fn traceparent_version_illegal_characters() {
        begins_anew(".0-12345678901234567890123456789012-1234567890123456-01");
        begins_anew("0.-12345678901234567890123456789012-1234567890123456-01");
    }

    #[test]
    fn traceparent_version_too_long() {
        begins_anew("000-12345678901234567890123456789012-1234567890123456-01");
        begins_anew("0000-12345678901234567890123456789012-1234567890123456-01");
    }

    #[test]
    fn traceparent_version_too_short() {
        begins_anew("0-12345678901234567890123456789012-1234567890123456-01");
    }

    #[test]
    fn traceparent_trace_id_all_zero() {
        begins_anew("00-00000000000000000000000000000000-1234567890123456-01");
    }

    #[test]
    fn traceparent_trace_id_illegal_characters() {
        begins_anew("00-.2345678901234567890123456789012-1234567890123456-01");
        begins_anew("00-1234567890123456789012345678901.-1234567890123456-01");
    }

    #[test]
    fn traceparent_trace_id_too_long() {
        begins_anew("00-123456789012345678901234567890123-1234567890123456-01");
    }

    #[test]
    fn traceparent_trace_id_too_short() {
        begins_anew("00-1234567890123456789012345678901-1234567890123456-01");
    }

    #[test]
    fn traceparent_parent_id_all_zero() {
        begins_anew("00-12345678901234567890123456789012-0000000000000000-01");
    }

    #[test]
    fn traceparent_parent_id_illegal_characters() {
        begins_anew("00-12345678901234567890123456789012-.234567890123456-01");
        begins_anew("00-12345678901234567890123456789012-123456789012345.-01");
    }

    #[test]
    fn traceparent_parent_id_too_long() {
        begins_anew("00-12345678901234567890123456789012-12345678901234567-01");
    }

    #[test]
    fn traceparent_parent_id_too_short() {
        begins_anew("00-12345678901234567890123456789012-123456789012345-01");
    }

    #[test]
    fn traceparent_trace_flags_illegal_characters() {
        begins_anew("00-12345678901234567890123456789012-1234567890123456-.0");
        begins_anew("00-12345678901234567890123456789012-1234567890123456-0.");
    }

    #[test]
    fn traceparent_trace_flags_too_long() {
        begins_anew("00-12345678901234567890123456789012-1234567890123456-001");
    }

    #[test]
    fn traceparent_trace_flags_too_short() {
        begins_anew("00-12345678901234567890123456789012-1234567890123456-1");
    }

    #[test]
    fn traceparent_ows_handling() {
        goes_on(" 00-12345678901234567890123456789012-1234567890123456-01");
        goes_on("\t00-12345678901234567890123456789012-1234567890123456-01");
        goes_on("00-12345678901234567890123456789012-1234567890123456-01 ");
        goes_on("00-12345678901234567890123456789012-1234567890123456-01\t");
        goes_on("\t 00-12345678901234567890123456789012-1234567890123456-01 \t");
    }

    #[test]
    fn tracestate_included_traceparent_missing() {
        assert_eq!(call(&[("tracestate", "foo=1")]).state, None);
        assert_eq!(call(&[("tracestate", "foo=1,bar=2")]).state, None);
    }

    #[test]
    fn tracestate_included_traceparent_included() {
        assert_eq!(state_of(&["foo=1,bar=2"]).unwrap(), "foo=1,bar=2");
    }

    #[test]
    fn tracestate_header_name() {
        let parent = ("traceparent", "00-12345678901234567890123456789012-1234567890123456-00");
        for name in ["trace-state", "trace.state"] {
            assert_eq!(call(&[parent, (name, "foo=1")]).state, None, "{name}");
        }
    }

    #[test]
    fn tracestate_header_name_valid_casing() {
        let parent = ("traceparent", "00-12345678901234567890123456789012-1234567890123456-00");
        for name in ["TraceState", "TrAcEsTaTe", "TRACESTATE"] {
            assert_eq!(call(&[parent, (name, "foo=1")]).state.unwrap(), "foo=1", "{name}");
        }
    }

    #[test]
    fn tracestate_empty_header() {
        assert_eq!(state_of(&[""]), None);
        assert_eq!(state_of(&["foo=1", ""]).unwrap(), "foo=1");
        assert_eq!(state_of(&["", "foo=1"]).unwrap(), "foo=1");
    }

    #[test]
    fn tracestate_multiple_headers_different_keys() {
        let joined = state_of(&["foo=1,bar=2", "rojo=1,congo=2", "baz=3"]).unwrap();
        assert_eq!(joined, "foo=1,bar=2,rojo=1,congo=2,baz=3");
    }

    #[test]
    fn tracestate_duplicated_keys() {
        // The suite leaves it open which one stays; we keep the first, which is the newest.
        for headers in [&["foo=1,foo=1"][..], &["foo=1,foo=2"], &["foo=1", "foo=1"], &["foo=1", "foo=2"]] {
            assert_eq!(state_of(headers).unwrap(), "foo=1", "{headers:?}");
        }
    }

    #[test]
    fn tracestate_all_allowed_characters() {
        let letters: String = ('a'..='z').collect();
        let value: String = (' '..='~').filter(|c| !matches!(c, ',' | '=')).collect();
        for vendor in ["", "@a-z0-9_-*/"] {
            let member = format!("{letters}0123456789_-*/{vendor}={value}");
            assert_eq!(state_of(&[&member]).unwrap(), member);
        }
    }

    #[test]
    fn tracestate_ows_handling() {
        for header in ["foo=1 \t , \t bar=2, \t baz=3", "foo=1\t \t,\t \tbar=2,\t \tbaz=3"] {
            assert_eq!(state_of(&[header]).unwrap(), "foo=1,bar=2,baz=3");
        }
        for header in [" foo=1", "\tfoo=1", "foo=1 ", "foo=1\t", "\t foo=1 \t"] {
            assert_eq!(state_of(&[header]).unwrap(), "foo=1", "{header:?}");
        }
    }

    #[test]
    fn tracestate_key_illegal_characters() {
        for header in ["foo =1", "FOO=1", "foo.bar=1"] {
            assert_eq!(state_of(&[header]), None, "{header}");
        }
    }

    #[test]
    fn tracestate_key_illegal_vendor_format() {
        for header in ["foo@=1,bar=2", "foo@@bar=1,bar=2", "foo@bar@baz=1,bar=2"] {
            assert_eq!(state_of(&[header]).unwrap(), header);
        }
        assert_eq!(state_of(&["@foo=1,bar=2"]), None);
    }

    #[test]
    fn tracestate_member_count_limit() {
        let members: Vec<_> = (1..=33).map(|n| format!("bar{n:02}={n:02}")).collect();
        let headers = |all: &[String]| all.chunks(10).map(|ten| ten.join(",")).collect::<Vec<_>>();
        let (fits, too_many) = (headers(&members[..32]), headers(&members));
        let text = |headers: &[String]| state_of(&headers.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(text(&fits).unwrap(), members[..32].join(","));
        assert_eq!(text(&too_many), None);
    }

    #[test]
    fn tracestate_key_length_limit() {
        let (t, v) = ("t".repeat(242), "v".repeat(15));
        for key in
            ["z".repeat(256), format!("{}@{}", &t[..241], &v[..14]), format!("{t}@v"), format!("t@{v}")]
        {
            let member = format!("{key}=1");
            assert_eq!(state_of(&["foo=1", &member]).unwrap(), format!("foo=1,{member}"));
        }
        assert_eq!(state_of(&["foo=1", &format!("{}=1", "z".repeat(257))]), None);
    }

    #[test]
    fn tracestate_value_illegal_characters() {
        assert_eq!(state_of(&["foo=bar=baz"]), None);
        assert_eq!(state_of(&["foo=,bar=3"]), None);
    }
}

mod advanced {
    use std::collections::HashSet;

    use super::{SENT, calls};

    #[test]
    fn multiple_requests_with_valid_traceparent() {
        let sent = calls(&[("traceparent", "00-12345678901234567890123456789012-1234567890123456-01")], 3);
        assert!(sent.iter().all(|call| call.trace_id == SENT));
        assert_eq!(sent.iter().map(|call| &call.parent_id).collect::<HashSet<_>>().len(), 3);
    }

    #[test]
    fn multiple_requests_without_traceparent() {
        let sent = calls(&[], 3);
        assert_eq!(sent.iter().map(|call| &call.parent_id).collect::<HashSet<_>>().len(), 3);
        assert_eq!(sent.iter().map(|call| &call.trace_id).collect::<HashSet<_>>().len(), 1);
    }

    #[test]
    fn multiple_requests_with_illegal_traceparent() {
        let sent = calls(&[("traceparent", "00-00000000000000000000000000000000-1234567890123456-01")], 3);
        assert!(sent.iter().all(|call| call.trace_id.bytes().any(|digit| digit != b'0')));
        assert_eq!(sent.iter().map(|call| &call.parent_id).collect::<HashSet<_>>().len(), 3);
    }
}

mod level_2 {
    use core_context::Propagation;

    use super::{SENT, SENT_SPAN, call, calls, read};
    use crate::support::{Raw, TRACE_ID};

    #[test]
    fn propagates_random_flag() {
        let sent = call(&[("traceparent", "00-12345678901234567890123456789012-1234567890123456-02")]);
        assert_eq!(sent.trace_id, SENT);
        assert_ne!(sent.parent_id, SENT_SPAN);
        assert_eq!(sent.flags, 2);
    }

    #[test]
    fn unknown_flags_are_zeroed_and_known_ones_kept() {
        for flags in 0..=255_u8 {
            let parent = format!("00-12345678901234567890123456789012-1234567890123456-{flags:02x}");
            assert_eq!(call(&[("traceparent", &parent)]).flags, flags & 3, "{flags:02x}");
        }
    }

    #[test]
    fn a_trace_that_begins_here_says_that_it_is_random() {
        assert!(calls(&[], 2).iter().all(|call| call.flags == 2), "random, and nobody asked to sample it");
    }

    #[test]
    fn a_trace_id_that_somebody_chose_is_not_called_random() {
        let context = read(&Propagation::trusted(), &Raw::of([("x-trace-id", TRACE_ID)]));
        let trace = context.trace().unwrap();
        assert_eq!((trace.trace_id.to_string().as_str(), trace.flags.random), (TRACE_ID, false));
    }
}

#[test]
fn every_version_but_ff_is_read() {
    for version in 0..=255_u8 {
        let header = format!("{version:02x}{}", &PARENT[2..]);
        let parsed = TraceContext::parse(header.as_bytes());
        if version == 0xff {
            assert_eq!(parsed, Err(TraceParentError::Version));
        } else {
            let trace = parsed.unwrap_or_else(|error| panic!("{header}: {error}"));
            assert_eq!(
                (trace.trace_id.to_string(), trace.span_id.to_string()),
                (TRACE_ID.into(), SPAN_ID.into())
            );
            assert_eq!(trace.to_traceparent().as_str(), PARENT, "we write version 00");
        }
    }
}

#[test]
fn the_error_says_what_is_wrong() {
    use TraceParentError::{Dash, Digit, Length, ParentId, TraceId, Version};
    for (header, error) in [
        ("", Length),
        ("00", Length),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", Length),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-", Length),
        ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what", Length),
        ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Version),
        ("+0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Digit),
        ("FF-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Digit),
        ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", Digit),
        ("00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Digit),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01", Digit),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0A", Digit),
        ("00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-011", Dash),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7.01", Dash),
        ("00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Dash),
        ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", TraceId),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", ParentId),
    ] {
        assert_eq!(TraceContext::parse(header.as_bytes()), Err(error), "{header}");
    }
}

fn parse(header: &str) -> TraceState {
    TraceState::parse([header.as_bytes()]).unwrap().unwrap()
}

#[test]
fn of_a_value_only_the_leading_spaces_are_its_own() {
    assert_eq!(parse("foo=  1 ,bar=2").as_str(), "foo=  1,bar=2");
    assert_eq!(parse("foo=  1").get("foo"), Some("  1"));
    assert_eq!(
        TraceState::parse([&b"foo= "[..]]),
        Err(TraceStateError::Value),
        "a blank alone is trimmed away"
    );
}

#[test]
fn our_member_goes_first_and_once() {
    let before = parse("foo=1,bar=2,baz=3");
    let after = TraceState::with_member_first(Some(&before), "bar", "9").unwrap();
    assert_eq!(after.as_str(), "bar=9,foo=1,baz=3");
    assert_eq!(TraceState::with_member_first(None, "bar", "9").unwrap().as_str(), "bar=9");
    for (key, value, error) in [
        ("Bar", "9", TraceStateError::Key),
        ("", "9", TraceStateError::Key),
        ("bar", "", TraceStateError::Value),
        ("bar", "a,b", TraceStateError::Value),
        ("bar", "a ", TraceStateError::Value),
        ("bar", "a\n", TraceStateError::Value),
    ] {
        assert_eq!(TraceState::with_member_first(Some(&before), key, value), Err(error), "{key}={value}");
    }
}

#[test]
fn of_32_members_the_last_makes_room_for_ours() {
    let members: Vec<_> = (0..32).map(|n| format!("k{n}=v")).collect();
    let after = TraceState::with_member_first(Some(&parse(&members.join(","))), "ours", "1").unwrap();
    assert_eq!(after.as_str(), format!("ours=1,{}", members[..31].join(",")));
    let renewed = TraceState::with_member_first(Some(&parse(&members.join(","))), "k31", "1").unwrap();
    assert_eq!(renewed.members().count(), 32, "none has to go where one of the same key does");
}

#[test]
fn what_is_too_long_loses_whole_members_those_over_128_characters_first() {
    let small: Vec<_> = (0..30).map(|n| format!("k{n:02}={}", "v".repeat(124))).collect();
    let large = format!("large={}", "v".repeat(250));
    let header = [&small[..10], &[large], &small[10..]].concat().join(",");
    assert!(header.len() > 4_096);
    let kept = parse(&header);
    assert_eq!(kept.as_str(), small.join(","), "the large one, although it is not the last");

    let larges: Vec<_> = (0..32).map(|n| format!("k{n:02}={}", "v".repeat(250))).collect();
    let kept = parse(&larges.join(","));
    assert_eq!(kept.as_str(), larges[..16].join(","), "from the right");
    assert!(kept.as_str().len() <= 4_096);
}

#[test]
fn our_own_member_is_never_the_one_that_has_to_go() {
    let others: Vec<_> = (0..31).map(|n| format!("k{n:02}={}", "v".repeat(124))).collect();
    let ours = "o".repeat(256);
    let after = TraceState::with_member_first(Some(&parse(&others.join(","))), "ours", &ours).unwrap();
    assert_eq!(after.get("ours"), Some(ours.as_str()));
    assert!(after.as_str().len() <= 4_096);
}

/// A key of the specification's grammar.
fn key() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z0-9_*/@-]{0,40}"
}

/// A value of the specification's grammar.
fn value() -> impl Strategy<Value = String> {
    "[ -+\\--<>-~]{0,150}[!-+\\--<>-~]"
}

proptest! {
    #[test]
    fn parsing_undoes_formatting(trace_id in 1_u128.., span_id in 1_u64.., flags in 0_u8..4) {
        let text = format!("00-{trace_id:032x}-{span_id:016x}-{flags:02x}");
        let trace = TraceContext::parse(text.as_bytes()).unwrap();
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
            let says_so = at == 54 && b"13579bdf".contains(&byte);
            prop_assert_eq!(trace.flags.sampled, says_so);
        }
    }

    #[test]
    fn a_child_is_in_the_same_trace_and_in_another_span(trace_id in 1_u128.., span_id in 1_u64.., flags in 0_u8..4) {
        let text = format!("00-{trace_id:032x}-{span_id:016x}-{flags:02x}");
        let mut parent = TraceContext::parse(text.as_bytes()).unwrap();
        parent.state = Some(parse("foo=1"));
        let child = parent.child();
        prop_assert_eq!(child.parent_id, Some(parent.span_id));
        prop_assert_ne!(child.span_id, parent.span_id);
        prop_assert_eq!((child.trace_id, child.flags, child.state), (parent.trace_id, parent.flags, parent.state));
    }

    #[test]
    fn a_tracestate_that_is_short_enough_goes_on_as_it_came(
        members in prop::collection::btree_map(key(), value(), 1..20),
    ) {
        let text: Vec<_> = members.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let state = parse(&text.join(", ,\t"));
        prop_assert_eq!(state.as_str(), text.join(","));
        prop_assert_eq!(parse(state.as_str()), state.clone());
        for (key, value) in &members {
            prop_assert_eq!(state.get(key), Some(value.as_str()));
        }
    }

    #[test]
    fn whatever_is_accepted_is_within_the_limits_and_reads_the_same_again(
        headers in prop::collection::vec("[a-c=, \t@x]{0,60}", 0..5),
    ) {
        let Ok(Some(state)) = TraceState::parse(headers.iter().map(String::as_bytes)) else { return Ok(()) };
        prop_assert_eq!(parse(state.as_str()), state.clone());
        let keys: Vec<_> = state.members().map(|(key, _)| key).collect();
        prop_assert!((1..=32).contains(&keys.len()) && state.as_str().len() <= 4_096);
        prop_assert!((1..keys.len()).all(|n| !keys[..n].contains(&keys[n])), "each key once: {keys:?}");
        prop_assert!(state.members().all(|(_, value)| !value.is_empty() && !value.ends_with([' ', '\t'])));
    }

    #[test]
    fn a_longer_one_keeps_whole_members_in_order(
        members in prop::collection::btree_map("[a-z]{6}", "[!-+]{100,256}", 20..32),
    ) {
        let all: Vec<_> = members.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let state = parse(&all.join(","));
        let kept: Vec<_> = state.as_str().split(',').map(str::to_owned).collect();
        let mut rest = all.iter();
        prop_assert!(kept.iter().all(|member| rest.any(|known| known == member)), "whole, and in order");
        prop_assert!(state.as_str().len() <= 4_096);
        let small = |list: &[String]| list.iter().filter(|member| member.len() <= 128).cloned().collect::<Vec<_>>();
        if kept.iter().any(|member| member.len() > 128) {
            prop_assert_eq!(small(&kept), small(&all), "no small one goes before the large ones have");
        }
    }

    #[test]
    fn our_member_is_first_whatever_was_there(
        members in prop::collection::btree_map(key(), value(), 0..32), ours in value(),
    ) {
        let text: Vec<_> = members.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let before = TraceState::parse([text.join(",").as_bytes()]).unwrap();
        let after = TraceState::with_member_first(before.as_ref(), "genesis", &ours).unwrap();
        prop_assert_eq!(after.members().next(), Some(("genesis", ours.as_str())));
        prop_assert_eq!(parse(after.as_str()), after.clone());
    }
}
