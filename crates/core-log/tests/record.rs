//! Spans that several threads record into, and that others log in meanwhile.

mod common;

use std::fmt;
use std::sync::Barrier;
use std::thread;

use common::{memory, parse};
use core_log::Format;
use serde_json::json;
use tracing::field::{Empty, debug};

/// Its `Debug` waits in the middle, for as long as the test likes.
struct Slow<'a> {
    begun: &'a Barrier,
    go_on: &'a Barrier,
}

impl fmt::Debug for Slow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.begun.wait();
        self.go_on.wait();
        f.write_str("slow")
    }
}

#[test]
fn an_event_has_the_fields_of_its_span_while_another_thread_records() {
    for format in [Format::Json, Format::Console] {
        let (lines, _, subscriber) = memory(format);
        let dispatch = tracing::Dispatch::new(subscriber);
        let (begun, go_on) = (Barrier::new(2), Barrier::new(2));
        tracing::dispatcher::with_default(&dispatch, || {
            let span = tracing::info_span!("charge", order = "A-1", a = Empty, b = Empty);
            thread::scope(|scope| {
                let (dispatch, span, slow) = (&dispatch, &span, Slow { begun: &begun, go_on: &go_on });
                scope.spawn(move || {
                    tracing::dispatcher::with_default(dispatch, || span.record("a", debug(slow)));
                });
                begun.wait();
                span.in_scope(|| tracing::info!("meanwhile"));
                span.record("b", 2);
                go_on.wait();
            });
            span.in_scope(|| tracing::info!("after"));
        });
        let lines = lines.lines();
        assert!(lines[0].contains("A-1"), "{lines:?}");
        if format == Format::Json {
            let after = parse(&lines[1]);
            assert_eq!(
                [&after.0["order"], &after.0["a"], &after.0["b"]],
                [&json!("A-1"), &json!("slow"), &json!(2)]
            );
        }
    }
}

#[test]
fn nothing_that_threads_record_at_once_is_lost() {
    const THREADS: usize = 4;
    const ROUNDS: u64 = 500;
    let (lines, _, subscriber) = memory(Format::Json);
    let dispatch = tracing::Dispatch::new(subscriber);
    tracing::dispatcher::with_default(&dispatch, || {
        for round in 0..ROUNDS {
            let span = tracing::info_span!("s", a = Empty, b = Empty, c = Empty, d = Empty);
            let start = Barrier::new(THREADS);
            thread::scope(|scope| {
                for key in ["a", "b", "c", "d"] {
                    let (dispatch, span, start) = (&dispatch, &span, &start);
                    scope.spawn(move || {
                        tracing::dispatcher::with_default(dispatch, || {
                            start.wait();
                            span.record(key, round);
                        });
                    });
                }
            });
            span.in_scope(|| tracing::info!("done"));
        }
    });
    for (round, line) in lines.lines().iter().enumerate() {
        let line = parse(line);
        let seen = ["a", "b", "c", "d"].map(|key| line.0.get(key).cloned());
        assert_eq!(seen, [(); THREADS].map(|()| Some(json!(round))), "round {round}");
    }
}
