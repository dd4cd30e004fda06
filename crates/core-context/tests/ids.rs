//! Ids: their form, and that they never meet (G23).
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::HashSet;
use std::hint::black_box;
use std::thread;

use core_context::w3c::TraceContext;
use core_context::{Context, CorrelationId, SpanId, TraceId};
use proptest::prelude::*;

/// What eight threads make at once.
fn by_eight_threads<T: Send>(each: usize, make: impl Fn() -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| (0..each).map(|_| make()).collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn g_23_a_hundred_thousand_ids_of_eight_threads_are_all_different() {
    let different = |ids: &[String]| ids.iter().collect::<HashSet<_>>().len();
    for make in [
        || CorrelationId::generate().to_string(),
        || TraceId::generate().to_string(),
        || SpanId::generate().to_string(),
        || CorrelationId::generate_uuid(1_700_000_000_000).to_string(),
    ] {
        let ids = by_eight_threads(12_500, make);
        assert_eq!((ids.len(), different(&ids)), (100_000, 100_000), "like {}", ids[0]);
    }
}

#[test]
fn g_23_ids_are_lower_case_hexadecimal_digits_of_fixed_length() {
    let is_hex =
        |id: &str, len| id.len() == len && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    for _ in 0..1_000 {
        assert!(is_hex(&TraceId::generate().to_string(), 32));
        assert!(is_hex(&SpanId::generate().to_string(), 16));
        assert!(is_hex(CorrelationId::generate().as_str(), 32));
    }
    assert_eq!(TraceId::from_u128(0x1f).unwrap().to_string(), "0000000000000000000000000000001f");
    assert_eq!((TraceId::from_u128(0), SpanId::from_u64(0)), (None, None), "zero is no id");
}

/// Each bit of a random id is set about every second time: none is stuck, as those of a clock or a counter would be.
#[test]
fn every_bit_of_a_trace_id_is_random() {
    const IDS: u32 = 4_096;
    let ids: Vec<_> = (0..IDS).map(|_| TraceId::generate().as_u128()).collect();
    for bit in 0..128 {
        let set = ids.iter().filter(|id| *id >> bit & 1 == 1).count();
        // Seven standard deviations around the half.
        assert!((1_824..=2_272).contains(&set), "bit {bit} was set {set} times of {IDS}");
    }
}

#[test]
fn g_23_a_uuid_has_the_shape_of_version_7() {
    for millis in [0, 1, 1_700_000_000_000, (1 << 48) - 1, u64::MAX] {
        let id = CorrelationId::generate_uuid(millis).to_string();
        let parts: Vec<_> = id.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{id}");
        assert!(parts[2].starts_with('7'), "the version: {id}");
        assert!(parts[3].starts_with(['8', '9', 'a', 'b']), "the variant: {id}");
        let time = u64::from_str_radix(&format!("{}{}", parts[0], parts[1]), 16).unwrap();
        assert_eq!(time, millis & 0xFFFF_FFFF_FFFF, "{id}");
    }
}

#[test]
fn g_23_uuids_sort_by_the_time_at_which_they_were_made() {
    let ids: Vec<_> =
        (1_700_000_000_000..).step_by(1).take(1_000).map(CorrelationId::generate_uuid).collect();
    assert!(ids.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
}

#[test]
fn g_23_a_child_span_is_in_the_same_trace_with_its_parent_set_and_everything_else_copied() {
    let parent = TraceContext::generate(true);
    let child = parent.child();
    assert_ne!(child.span_id, parent.span_id);
    assert_eq!(child, TraceContext { span_id: child.span_id, parent_id: Some(parent.span_id), ..parent });
}

#[test]
fn generated_ids_allocate_nothing() {
    let make = || {
        let id = black_box(CorrelationId::generate());
        let uuid = black_box(CorrelationId::generate_uuid(1_700_000_000_000));
        let again = black_box((id.clone(), uuid.clone()));
        assert!(again.0 == id && again.1 != id);
        black_box((
            TraceId::generate(),
            SpanId::generate(),
            TraceContext::generate(true).child().to_traceparent(),
        ));
        assert_eq!(CorrelationId::parse(uuid.as_str()).as_ref(), Ok(&uuid));
    };
    make();
    assert_eq!(allocation_counter::measure(make).count_total, 0);
}

/// G27 had 0.1 s for 3000 ids: bars that a slow day breaks. Counted instead: none of them asks the heap for anything.
#[test]
fn g_27_three_thousand_ids_cost_no_allocation() {
    let make = || {
        for _ in 0..1_000 {
            black_box((CorrelationId::generate(), TraceId::generate(), SpanId::generate()));
        }
    };
    make();
    assert_eq!(allocation_counter::measure(make).count_total, 0);
}

#[test]
fn a_refusal_does_not_repeat_the_text() {
    for bad in ["secret\u{7}", "se cret", "", &"secret".repeat(30)] {
        let error = CorrelationId::parse(bad).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    assert!(CorrelationId::from_bytes(&[b'a', 0xff]).is_err());
}

#[test]
fn short_and_long_ids_compare_by_their_text() {
    for len in [1, 37, 38, 39, 128] {
        let text = "x".repeat(len);
        let id = CorrelationId::parse(&text).unwrap();
        assert_eq!(
            (id.as_str(), id.to_string(), format!("{id:?}")),
            (text.as_str(), text.clone(), text.clone())
        );
        assert_eq!(id, CorrelationId::from_bytes(text.as_bytes()).unwrap());
        assert_ne!(id, CorrelationId::parse("y").unwrap());
        assert!(HashSet::from([id.clone()]).contains(&id));
    }
}

#[test]
fn an_id_of_ours_is_as_long_in_a_context_as_in_its_trace() {
    let context = Context::builder().trace(TraceContext::generate(false)).build();
    assert_eq!(context.correlation_id().as_str(), context.trace().unwrap().trace_id.to_string());
}

proptest! {
    #[test]
    fn correlation_ids_are_harmless_or_refused(text in ".{0,200}") {
        if let Ok(id) = CorrelationId::parse(&text) {
            prop_assert_eq!(id.as_str(), &text);
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b)));
        }
    }

    #[test]
    fn what_the_form_allows_is_accepted(text in "[A-Za-z0-9._:-]{1,128}") {
        let id = CorrelationId::parse(&text).unwrap();
        prop_assert_eq!(id.as_str(), text);
    }
}
