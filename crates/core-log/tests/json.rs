//! The line for machines.

mod common;

use std::error::Error as StdError;
use std::fmt;

use common::{Object, json, logged, memory, parse};
use core_context::Context;
use core_errors::{Code, Error};
use core_log::Format;
use serde_json::{Value, json as value};

fn one(run: impl FnOnce()) -> Object {
    let mut lines = json(|_| run());
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

#[test]
fn a_line_is_one_object_with_the_keys_of_the_schema() {
    let mut at = 0;
    let line = logged(Format::Json, |_| {
        at = line!() + 1;
        tracing::info!(target: "orders::pay", amount = 12, "charged");
    })
    .remove(0);
    let stamp = &line[14..41];
    assert!(stamp.starts_with("20") && stamp.ends_with('Z'), "{stamp}");
    let rest = line.replace(stamp, "<time>").replace(&format!(r#""line":{at}"#), r#""line":0"#);
    assert_eq!(
        rest,
        r#"{"timestamp":"<time>","level":"INFO","target":"orders::pay","message":"charged","amount":12,"file":"crates/core-log/tests/json.rs","line":0,"service":"orders","environment":"development","version":"0.0.0"}"#
    );
}

#[test]
fn values_keep_their_kind() {
    let line = one(|| {
        tracing::info!(
            int = -3,
            big = u64::MAX,
            huge = u128::MAX,
            float = 2.5,
            nan = f64::NAN,
            infinite = f64::INFINITY,
            yes = true,
            text = "a \"b\" \\ \n \u{1} é",
            shown = %"x y",
            debug = ?Some("z"),
            bytes = &[0xde_u8, 0xad][..]
        );
    });
    let want = [
        ("int", value!(-3)),
        ("big", value!(u64::MAX)),
        ("huge", value!(u128::MAX.to_string())),
        ("float", value!(2.5)),
        ("nan", Value::Null),
        ("infinite", Value::Null),
        ("yes", value!(true)),
        ("text", value!("a \"b\" \\ \n \u{1} é")),
        ("shown", value!("x y")),
        ("debug", value!("Some(\"z\")")),
        ("bytes", value!("dead")),
    ];
    for (key, value) in want {
        assert_eq!(line.0.get(key), Some(&value), "{key}");
    }
}

#[test]
fn the_event_wins_over_the_inner_span_and_that_over_the_outer_and_the_context() {
    let context = Context::builder().user("u-7").build();
    let line = one(|| {
        let _entered = context.enter();
        let outer = tracing::info_span!("outer", a = "outer", b = "outer", c = "outer", user_id = "span");
        let _outer = outer.enter();
        let inner = tracing::info_span!("inner", a = "inner", b = "inner");
        let _inner = inner.enter();
        tracing::info!(a = "event", correlation_id = "mine");
    });
    assert_eq!([line.text("a"), line.text("b"), line.text("c")], ["event", "inner", "outer"]);
    assert_eq!(
        [line.text("user_id"), line.text("correlation_id"), line.text("span")],
        ["span", "mine", "inner"]
    );
}

#[test]
fn the_ids_of_the_context_are_in_every_line_and_only_inside_of_it() {
    let context = Context::builder().request("POST", "/orders").user("u\"7").build();
    let lines = json(|_| {
        context.sync_scope(|| tracing::info!("in"));
        tracing::info!("out");
    });
    assert_eq!(lines[0].text("correlation_id"), context.correlation_id().as_str());
    assert_eq!(lines[0].text("user_id"), "u\"7");
    assert_eq!(
        lines[0].text("request_id"),
        context.request().map(|request| request.id.as_str()).unwrap_or_default()
    );
    assert!(!lines[1].0.contains_key("correlation_id"));
}

#[test]
fn a_field_cannot_pass_for_one_of_the_schema() {
    let line = one(|| {
        tracing::info!(
            level = "FAKE",
            service = "FAKE",
            field_level = "honest",
            timestamp = 1,
            truncated = false,
            "real"
        );
    });
    assert_eq!(line.text("level"), "INFO");
    assert_eq!(line.text("service"), "orders");
    assert_eq!(line.text("field_level"), "FAKE", "the first of the two that want this key");
    assert_eq!(line.0["field_timestamp"], value!(1));
    assert_eq!(line.0["field_truncated"], value!(false));
}

#[test]
fn a_message_in_a_span_is_a_field() {
    let line = one(|| {
        let span = tracing::info_span!("s", message = "of the span");
        let _entered = span.enter();
        tracing::info!("of the event");
    });
    assert_eq!(line.text("message"), "of the event");
    assert_eq!(line.text("field_message"), "of the span");
}

#[test]
fn what_is_recorded_later_replaces_what_was_there_also_for_spans_inside() {
    let line = one(|| {
        let outer = tracing::info_span!("outer", status = "open", late = tracing::field::Empty);
        let _outer = outer.enter();
        let inner = tracing::info_span!("inner");
        let _inner = inner.enter();
        outer.record("status", "closed");
        outer.record("late", 3);
        tracing::info!("done");
    });
    assert_eq!(line.text("status"), "closed");
    assert_eq!(line.0["late"], value!(3));
}

#[test]
fn a_span_that_is_recorded_into_for_ever_keeps_its_size_and_its_last_value() {
    let line = one(|| {
        let span = tracing::info_span!("s", progress = "");
        for step in 0..2_000 {
            span.record("progress", format!("{step:0>200}"));
        }
        span.in_scope(|| tracing::info!("done"));
    });
    assert!(line.text("progress").ends_with("1999"), "{}", line.text("progress"));
    assert!(!line.0.contains_key("truncated"));
}

#[derive(Debug)]
struct Outer(std::io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot \"charge\"")
    }
}

impl StdError for Outer {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn an_error_is_an_object_with_its_chain() {
    let error = Outer(std::io::Error::other("no route"));
    let line = one(|| tracing::error!(error = &error as &dyn StdError, "failed"));
    assert_eq!(line.0["error"], value!({"message": "cannot \"charge\"", "causes": ["no route"]}));
}

#[test]
fn one_of_ours_brings_its_class_and_not_its_internal_text() {
    const LOST: Code = Code::new("PAYMENTS_LOST");
    let error = Error::network("payments cannot be reached")
        .with_code(LOST)
        .with_internal("host 10.0.0.7, password hunter2")
        .op("orders.charge")
        .cause(std::io::Error::other("reset"));
    let line = one(|| tracing::error!(error = &error as &dyn StdError, "failed"));
    assert_eq!(
        line.0["error"],
        value!({"message": "payments cannot be reached", "code": "PAYMENTS_LOST", "category": "network",
            "recovery": "transient", "operation": "orders.charge", "causes": ["reset"]})
    );
}

struct Ring;

impl fmt::Display for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ring")
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ring")
    }
}

impl StdError for Ring {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self)
    }
}

#[test]
fn an_error_that_is_its_own_cause_ends() {
    let line = one(|| tracing::error!(error = &Ring as &dyn StdError));
    assert_eq!(line.0["error"]["causes"].as_array().map(Vec::len), Some(16));
}

#[test]
fn severity_says_more_than_the_five_levels() {
    let lines = json(|_| {
        tracing::error!(severity = "critical", "a");
        tracing::error!(severity = "FATAL", "b");
        tracing::info!(severity = "NOTICE", "c");
        tracing::info!(severity = "whatever", "d");
        tracing::info!(severity = 7, "e");
    });
    let levels: Vec<&str> = lines.iter().map(|line| line.text("level")).collect();
    assert_eq!(levels, ["CRITICAL", "CRITICAL", "NOTICE", "INFO", "INFO"]);
    assert_eq!(lines[3].text("severity"), "whatever", "what says nothing of the level is a field");
    assert_eq!(lines[4].0["severity"], value!(7));
    assert!(!lines[0].0.contains_key("severity"), "what does has done its work");
}

#[test]
fn lines_of_many_threads_do_not_mix_and_none_is_lost() {
    let (lines, _, subscriber) = memory(Format::Json);
    let dispatch = tracing::Dispatch::new(subscriber);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let dispatch = &dispatch;
            scope.spawn(move || {
                tracing::dispatcher::with_default(dispatch, || {
                    for n in 0..1_000 {
                        tracing::info!(thread, n, "line");
                    }
                });
            });
        }
    });
    let mut seen: Vec<(u64, u64)> = lines
        .lines()
        .iter()
        .map(|line| parse(line))
        .map(|line| (line.0["thread"].as_u64().unwrap_or(9), line.0["n"].as_u64().unwrap_or(9_999)))
        .collect();
    seen.sort_unstable();
    let want: Vec<(u64, u64)> = (0..4).flat_map(|thread| (0..1_000).map(move |n| (thread, n))).collect();
    assert_eq!(seen, want);
}

mod any_fields {
    use super::*;
    use core_log::{Log, Redaction, Sink};
    use proptest::prelude::*;
    use tracing_subscriber::layer::SubscriberExt;

    proptest! {
        #[test]
        fn parse_and_come_back_as_they_were(text in any::<String>(), message in any::<String>(), number in any::<i64>(), float in any::<f64>(), user in any::<String>()) {
            let context = Context::builder().user(user.clone()).build();
            // Random text may have the shape of an e-mail address.
            let (sink, lines) = Sink::memory();
            let log = Log::builder().lookup(|_| None).format(Format::Json).sink(sink).redaction(Redaction::off());
            let subscriber = tracing_subscriber::registry().with(log.layer().expect("it is right").0);
            tracing::subscriber::with_default(subscriber, || {
                let _entered = context.enter();
                let span = tracing::info_span!("s", text = "shadowed", user_id = tracing::field::Empty, level = %message);
                let _span = span.enter();
                tracing::info!(text = text.as_str(), number, float, "{message}");
            });
            let lines: Vec<Object> = lines.lines().iter().map(|line| parse(line)).collect();
            prop_assert_eq!(lines[0].text("text"), text.as_str());
            prop_assert_eq!(lines[0].text("message"), message.as_str());
            prop_assert_eq!(&lines[0].0["number"], &value!(number));
            prop_assert_eq!(lines[0].0["float"].as_f64(), Some(float).filter(|float| float.is_finite()));
            prop_assert_eq!(lines[0].text("user_id"), user.as_str());
        }
    }
}
