//! What contexts cost: counted, not timed, so that it is the same on every machine.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use std::future::ready;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context as Task, Poll, Waker};

use allocation_counter::{AllocationInfo, measure};
use core_context::w3c::{TraceContext, TraceState};
use core_context::{Baggage, Context, CorrelationId, Propagation, TraceId};
use core_time::{ManualClock, ms};
use support::PARENT;

/// What a run costs: the second, since the first may set up what lasts for the life of the thread.
fn cost(run: impl Fn()) -> AllocationInfo {
    run();
    measure(run)
}

#[track_caller]
fn allocates_nothing(run: impl Fn()) {
    assert_eq!(cost(run).count_total, 0);
}

fn context() -> Context {
    Context::builder()
        .trace(TraceContext {
            state: TraceState::parse([&b"a=1"[..]]).unwrap(),
            ..TraceContext::generate(true)
        })
        .baggage(Baggage::new().with("tier", "gold").unwrap())
        .deadline_in(ms(1_000), &ManualClock::new().clock())
        .request("GET", "/")
        .build()
}

#[test]
fn the_counter_counts() {
    let info = measure(|| drop(black_box(Box::new(7_u64))));
    assert_eq!(info.count_total, 1, "or all tests here are worth nothing");
}

#[test]
fn a_scope_allocates_nothing_per_poll() {
    let context = context();
    allocates_nothing(|| {
        let mut polls = 0;
        let mut scoped = pin!(context.scope(std::future::poll_fn(|_| {
            polls += 1;
            if polls < 100 { Poll::Pending } else { Poll::Ready(()) }
        })));
        while scoped.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending() {}
    });
}

#[test]
fn neither_does_a_guard_nor_a_closure_in_a_context() {
    let (outer, inner) = (context(), Context::new());
    allocates_nothing(|| {
        let _outer = outer.enter();
        inner.sync_scope(|| black_box(Context::current_trace_id()));
    });
}

#[test]
fn g_27_ten_thousand_reads_allocate_nothing() {
    let context = context();
    context.sync_scope(|| {
        allocates_nothing(|| {
            for _ in 0..10_000 {
                black_box((
                    Context::current_deadline(),
                    Context::current_trace_id(),
                    Context::current_correlation_id(),
                ));
                black_box(Context::current());
            }
        });
    });
    allocates_nothing(|| assert!(Context::current().is_none()));
}

#[test]
fn neither_do_clones_and_the_fragment_for_logs_once_it_is_made() {
    let context = context();
    allocates_nothing(|| {
        let clone = black_box(context.clone());
        black_box((clone.log_fragment(), clone.log_keys(), clone.deadline()));
    });
}

#[test]
fn writing_headers_into_a_sink_allocates_nothing() {
    let (context, time) = (context(), ManualClock::new());
    let (propagation, clock) = (Propagation::trusted().grpc(), time.clock());
    allocates_nothing(|| {
        let mut bytes = 0;
        propagation
            .inject_attempt(&context, Some(2), &clock, |name, value| bytes += name.len() + value.len());
        assert!(black_box(bytes) > 200);
    });
}

#[test]
fn reading_four_headers_allocates_nothing_before_the_context_is_made() {
    let (propagation, clock) = (Propagation::trusted(), ManualClock::new().clock());
    let headers = [
        ("traceparent", PARENT),
        ("x-correlation-id", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        ("x-request-timeout-ms", "1500"),
        ("x-request-attempt", "2"),
    ];
    allocates_nothing(|| {
        let _ = black_box(propagation.extract(&headers, &clock));
    });
}

/// Without the propagation itself, which is made once.
#[test]
fn what_extracting_allocates_is_pinned() {
    let clock = ManualClock::new().clock();
    let (trusted, untrusted) = (Propagation::trusted(), Propagation::untrusted());
    let plain = [
        ("traceparent", PARENT),
        ("x-correlation-id", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        ("x-request-timeout-ms", "1500"),
        ("x-request-attempt", "2"),
    ];
    let of = |propagation: &Propagation, headers: &[(&str, &str)]| {
        cost(|| drop(black_box(propagation.extract(headers, &clock).build()))).count_total
    };
    assert_eq!(of(&trusted, &[]), 1, "the context");
    assert_eq!(of(&trusted, &plain), 1, "the context");
    assert_eq!(of(&untrusted, &plain), 2, "and the caller's trace");
    let long = "x".repeat(128);
    assert_eq!(of(&trusted, &[("x-correlation-id", &long)]), 2, "and an id of more than 38 characters");
}

#[test]
fn what_extracting_vendor_data_allocates_is_pinned() {
    let clock = ManualClock::new().clock();
    let propagation = Propagation::trusted();
    let of = |headers: &[(&str, &str)]| {
        cost(|| drop(black_box(propagation.extract(headers, &clock).build()))).count_total
    };
    let state = of(&[("traceparent", PARENT), ("tracestate", "foo=1,bar=2")]);
    let baggage = of(&[("traceparent", PARENT), ("baggage", "tier=gold,region=eu")]);
    assert_eq!(state, 2, "the context and the text, as it came");
    let to_be_joined = of(&[("traceparent", PARENT), ("tracestate", "foo=1"), ("tracestate", "bar=2")]);
    assert_eq!(to_be_joined, 4, "the context, the members, the text while it is made, the text");
    assert_eq!(baggage, 3, "the context, the text while it is made, the text");
}

#[test]
fn g_27_a_thousand_round_trips_allocate_a_context_each() {
    let (context, time) =
        (Context::builder().trace(TraceContext::generate(true)).build(), ManualClock::new());
    let (propagation, clock) = (Propagation::trusted(), time.clock());
    let info = cost(|| {
        for _ in 0..1_000 {
            propagation.inject(&context, &clock, |name, value| {
                if name == "traceparent" {
                    black_box(propagation.extract(&[(name, value)], &clock).build());
                }
            });
        }
    });
    assert_eq!(info.count_total, 1_000);
}

#[test]
fn g_27_a_hundred_contexts_are_a_hundred_allocations_and_leave_nothing() {
    let info = cost(|| {
        for _ in 0..100 {
            black_box(Context::builder().trace(TraceContext::generate(false)).build());
        }
    });
    assert_eq!((info.count_total, info.count_current, info.bytes_current), (100, 0, 0));
    assert!(info.bytes_total / 100 <= 448, "{} bytes each", info.bytes_total / 100);
}

#[test]
fn derived_contexts_share_what_they_have_in_common() {
    let (base, time) =
        (context().derive(|b| b.user("u-1").tenant("t-1").extension(7_u64)), ManualClock::new());
    let clock = time.clock();
    let info = cost(|| drop(black_box(base.derive(|b| b.deadline_in(ms(5), &clock)))));
    assert_eq!(info.count_total, 1);
    assert_eq!(cost(|| drop(black_box(base.detached()))).count_total, 1, "without the deadline");
    let without = base.detached();
    assert_eq!(cost(|| drop(black_box(without.detached()))).count_total, 0, "there is nothing to leave out");
    let in_call = base.derive(|b| b.call_extension(7_u32));
    assert_eq!(
        cost(|| drop(black_box(in_call.detached()))).count_total,
        3,
        "and the list without the call's"
    );
}

#[test]
fn values_are_as_small_as_was_meant() {
    assert_eq!(size_of::<Context>(), 8);
    assert_eq!(size_of::<Option<Context>>(), 8);
    assert_eq!(size_of::<Option<TraceId>>(), 16);
    assert!(size_of::<CorrelationId>() <= 40);
    let future = ready(());
    let context = context();
    assert!(size_of_val(&context.scope(future.clone())) <= size_of_val(&future) + 16);
}
