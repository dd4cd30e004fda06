//! The forms for machines, beside the files in `golden` that show them. `GENESIS_GOLDEN=write` writes the files anew.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::error::Error as StdError;
use std::path::Path;

use common::{Object, logged, parse};
use core_context::w3c::TraceContext;
use core_context::{Context, CorrelationId};
use core_errors::{Code, Error};
use core_log::{Format, Log, Logger, Sink, WideEvent};
use proptest::prelude::*;
use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt;

const FORMATS: [Format; 5] = [Format::Json, Format::Gcp, Format::StreamBus, Format::Ecs, Format::Otel];

fn context() -> Context {
    let trace = TraceContext::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
    let id = CorrelationId::parse("c-1").unwrap();
    Context::builder().correlation_id(id).trace(trace).user("u-7").build()
}

/// One of each: a plain line, one in spans and a context, an error, and levels that tracing does not have.
fn examples() {
    tracing::info!(target: "orders", amount = 12, rate = 0.5, paid = true, "charged \"A-1\"");
    let entered = context().enter();
    let outer = tracing::info_span!("charge", order = "A-1", component = "payments").entered();
    let inner = tracing::info_span!("call", host = "bank", order = "inner wins").entered();
    tracing::warn!(target: "orders::pay", operation = "pay", host = "event wins", "slow");
    let error = Error::network("payments cannot be reached")
        .with_code(const { Code::new("PAYMENTS_LOST") })
        .op("orders.charge")
        .cause(std::io::Error::other("reset"));
    tracing::error!(target: "orders", error = &error as &dyn StdError, "failed");
    drop((inner, outer, entered));
    tracing::info!(target: "orders", severity = "NOTICE", "started");
    tracing::error!(target: "orders", severity = "FATAL", "cannot go on");
    tracing::error!(target: "orders", severity = "ALERT", level = "FAKE", time = 1, timestamp = 2, user = "x", "act now");
}

/// What differs from run to run, and from edit to edit.
fn steady(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("202") {
        let is_time = after.as_bytes().get(1) == Some(&b'-') && after.as_bytes().get(7) == Some(&b'T');
        out += before;
        out += if is_time { "<time>" } else { "202" };
        rest = if is_time { &after[24..] } else { after };
    }
    out += rest;
    for key in [
        "\"line\":\"",
        "\"line\":",
        "\"lineNumber\":",
        "\"log.origin.file.line\":",
        "schemas.rs:",
        "\"timeUnixNano\":\"",
        "\"code.line.number\",\"value\":{\"intValue\":\"",
        "insertId\":\"",
    ] {
        let mut at = 0;
        while let Some(found) = out[at..].find(key) {
            at += found + key.len();
            let digits = out[at..].bytes().take_while(u8::is_ascii_hexdigit).count();
            if digits > 0 {
                out.replace_range(at..at + digits, "0");
            }
        }
    }
    out
}

#[test]
fn each_schema_is_as_its_golden_file_shows() {
    for format in FORMATS {
        let lines = logged(format, |_| examples());
        let text: String = lines.iter().map(|line| steady(line) + "\n").collect();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{format}.jsonl"));
        if std::env::var_os("GENESIS_GOLDEN").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(&file).unwrap(), "{format}");
    }
}

fn all(format: Format) -> Vec<Object> {
    logged(format, |_| examples()).iter().map(|line| parse(line)).collect()
}

#[test]
fn cloud_logging_finds_everything_where_it_looks_for_it() {
    let lines = all(Format::Gcp);
    let severities: Vec<&str> = lines.iter().map(|line| line.text("severity")).collect();
    assert_eq!(severities, ["INFO", "WARNING", "ERROR", "NOTICE", "CRITICAL", "ALERT"]);
    assert_eq!(
        lines[1].text("logging.googleapis.com/trace"),
        "projects/shop-1/traces/0af7651916cd43dd8448eb211c80319c"
    );
    assert_eq!(lines[1].text("logging.googleapis.com/spanId"), "b7ad6b7169203331");
    assert_eq!(lines[1].0["logging.googleapis.com/trace_sampled"], json!(true));
    for line in &lines {
        let labels = line.0["logging.googleapis.com/labels"].as_object().unwrap();
        assert!(labels.values().all(Value::is_string), "one that is no text costs all: {labels:?}");
        let source = &line.0["logging.googleapis.com/sourceLocation"];
        assert!(source["line"].as_str().is_some_and(|line| line.parse::<u32>().is_ok()), "{source}");
        assert!(line.0.get("timestamp").is_none_or(Value::is_null), "it would win over the time");
    }
}

#[test]
fn an_error_is_reported_with_the_place_where_it_was_made_and_nothing_below_an_error_is() {
    let lines = all(Format::Gcp);
    for line in &lines {
        let is_error = !["INFO", "NOTICE", "WARNING"].contains(&line.text("severity"));
        assert_eq!(line.0.contains_key("@type"), is_error);
        assert_eq!(line.0.contains_key("serviceContext"), is_error);
        assert_eq!(line.0.contains_key("context"), is_error);
    }
    let at = &lines[2].0["context"]["reportLocation"];
    let logged_at = &lines[2].0["logging.googleapis.com/sourceLocation"]["line"];
    assert!(
        at["lineNumber"].as_u64() < logged_at.as_str().unwrap().parse().ok(),
        "{at}, logged at {logged_at}"
    );
}

#[test]
fn the_lines_of_one_run_of_a_stage_are_an_operation_of_cloud_logging() {
    const OPERATION: &str = "logging.googleapis.com/operation";
    let lines = logged(Format::Gcp, |_| {
        for _ in 0..2 {
            let outer = core_log::stage!("2.0_CACHE_LOOKUP", cache_key = "k");
            outer.in_scope(|| {
                tracing::info!("one");
                core_log::stage!("2.1_L1_CACHE_LOOKUP").fail();
                tracing::info!(operation = "mine", "two");
            });
        }
        tracing::info!("outside");
    });
    let lines: Vec<Object> = lines.iter().map(|line| parse(line)).collect();
    let marks: Vec<_> = lines.iter().map(|line| line.0.get(OPERATION).cloned().unwrap_or_default()).collect();
    let flags: Vec<_> =
        marks.iter().map(|mark| (mark.get("first").is_some(), mark.get("last").is_some())).collect();
    let run = [(true, false), (true, true), (false, false), (false, true)];
    assert_eq!(flags, [&run[..], &run, &[(false, false)]].concat());
    let ids: Vec<_> = marks.iter().map(|mark| mark["id"].as_str()).collect();
    assert!(ids[0].is_some() && ids[0] == ids[2] && ids[0] == ids[3] && ids[0] != ids[1], "{ids:?}");
    assert!(ids[0] != ids[4] && ids[1] != ids[5] && ids[8].is_none(), "each run is one of its own: {ids:?}");
    assert_eq!(marks[0]["producer"], "orders");
    assert_eq!([lines[1].text("stage"), lines[1].text("severity")], ["2.1_L1_CACHE_LOOKUP", "WARNING"]);
    assert_eq!([lines[2].text("operation"), lines[3].text("stage")], ["mine", "2.0_CACHE_LOOKUP"]);
    let plain = logged(Format::Json, |_| drop(core_log::stage!("1.0_ONE")));
    assert!(!plain[0].contains("googleapis"), "{plain:?}");
}

#[test]
fn a_line_that_is_all_of_an_operation_is_the_first_and_the_last_of_it() {
    const OPERATION: &str = "logging.googleapis.com/operation";
    let log = || {
        let id = core_context::OneLine::new("order-\"17\" of jo@example.com");
        tracing::info!(execution_id = &id as &(dyn std::error::Error + 'static), "done");
    };
    let line = parse(&logged(Format::Gcp, |_| log())[0]);
    let operation = &line.0[OPERATION];
    assert_eq!(operation["id"], "order-\"17\" of [EMAIL]");
    assert_eq!(
        (&operation["producer"], &operation["first"], &operation["last"]),
        (&"orders".into(), &true.into(), &true.into())
    );
    assert_eq!(line.text("execution_id"), "order-\"17\" of [EMAIL]");
    let inside = logged(Format::Gcp, |_| core_log::stage!("1.0_ONE").in_scope(log));
    let ids: Vec<_> = inside.iter().map(|line| parse(line).0[OPERATION]["id"].clone()).collect();
    assert!(
        ids[0] == "order-\"17\" of [EMAIL]" && ids[1] != ids[0],
        "its own, and not that of the stage around: {ids:?}"
    );
    let plain = logged(Format::Json, |_| log());
    assert_eq!(parse(&plain[0]).text("execution_id"), "order-\"17\" of [EMAIL]");
    assert!(!plain[0].contains("googleapis"), "{plain:?}");
}

#[test]
fn a_stage_that_failed_says_which_also_where_its_span_is_not_wanted() {
    let lines = logged(Format::Json, |handle| {
        handle.set_levels("warn".parse().unwrap());
        core_log::stage!("1.0_ONE").fail();
    });
    assert_eq!(parse(&lines[0]).text("stage"), "1.0_ONE");
}

#[test]
fn streambus_has_component_operation_and_error_beside_the_fields() {
    let lines = all(Format::StreamBus);
    assert_eq!([lines[1].text("component"), lines[1].text("operation")], ["payments", "pay"]);
    assert_eq!(lines[1].0["fields"]["order"], json!("inner wins"));
    assert_eq!(lines[1].0["fields"]["correlation_id"], json!("c-1"));
    assert_eq!(lines[2].text("error"), "payments cannot be reached: reset");
    assert_eq!(lines[4].text("level"), "FATAL");
}

#[test]
fn ecs_has_no_plain_value_where_its_objects_stand() {
    let lines = all(Format::Ecs);
    assert_eq!(lines[5].text("field_user"), "x");
    assert_eq!([lines[2].text("error.code"), lines[2].text("error.type")], ["PAYMENTS_LOST", "network"]);
    assert_eq!(lines[2].text("trace.id"), "0af7651916cd43dd8448eb211c80319c");
}

#[test]
fn cloud_logging_without_a_project_is_refused_with_a_way_out() {
    let log = || Log::builder().lookup(|_| None).format(Format::Gcp);
    let error = log().layer().unwrap_err().to_string();
    assert!(error.contains("GENESIS_LOG_PROJECT"), "{error}");
    assert!(log().project("a/b\"c").layer().is_err());
    let env = |name: &str| (name == "GOOGLE_CLOUD_PROJECT").then(|| "shop-2".to_owned());
    let (sink, lines) = Sink::memory();
    let (layer, _) = Log::builder().lookup(env).format(Format::Gcp).sink(sink).layer().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        context().sync_scope(|| tracing::info!("m"));
    });
    assert!(lines.lines()[0].contains("projects/shop-2/traces/"));
}

#[test]
fn the_source_is_left_out_where_it_is_not_wanted() {
    for (said, has) in [("false", false), ("yes", true)] {
        for format in FORMATS {
            let (sink, lines) = Sink::memory();
            let env = if has {
                |_: &str| None
            } else {
                |name: &str| (name == "GENESIS_LOG_SOURCE").then(|| "false".to_owned())
            };
            let (layer, _) =
                Log::builder().lookup(env).project("p").format(format).sink(sink).layer().unwrap();
            tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
                tracing::info!("m");
            });
            assert_eq!(lines.lines()[0].contains("schemas.rs"), has, "{said} {format}");
        }
    }
    let env = |name: &str| (name == "GENESIS_LOG_SOURCE").then(|| "perhaps".to_owned());
    assert!(
        Log::builder().lookup(env).format(Format::Json).layer().unwrap_err().to_string().contains("perhaps")
    );
}

/// All keys of a line, also those of the objects in it.
fn keys(value: &Value, into: &mut Vec<&'static str>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        into.push(Box::leak(key.clone().into_boxed_str()));
        into.push(Box::leak(format!("field_{key}").into_boxed_str()));
        keys(value, into);
    }
}

#[test]
fn no_key_of_a_line_is_there_twice_whatever_field_takes_its_name() {
    for format in FORMATS {
        let mut names = vec!["suppressed", "truncated", "logging.googleapis.com/operation", "seq"];
        for line in logged(format, |_| {
            examples();
            context().sync_scope(|| drop(core_log::stage!("1.0_ONE")));
        }) {
            keys(&serde_json::from_str(&line).unwrap(), &mut names);
        }
        for name in names {
            let logger = Logger::component("c").with(name, "FAKE");
            let wide = WideEvent::new();
            wide.set(name, "FAKE");
            let lines = logged(format, |_| {
                let _entered = context().enter();
                let error = Error::network("n");
                core_log::error!(logger: logger, error = &error as &dyn StdError, long = "x".repeat(20_000), "m");
                core_log::stage!("1.0_ONE")
                    .in_scope(|| core_log::info!(logger: wide.finish(), component = 1, "m"));
            });
            for line in lines {
                parse(&line);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_field_set_has_no_key_twice_in_any_schema(
        texts in proptest::array::uniform6(any::<String>()),
        number in any::<u64>(),
        late in any::<bool>(),
    ) {
        let [a, b, c, d, e, f] = &texts;
        let error = Error::network(a.clone()).cause(std::io::Error::other(b.clone()));
        let user = Context::builder().user(f.clone()).build();
        for format in FORMATS {
            let lines = logged(format, |_| {
                let _entered = user.enter();
                let outer = tracing::info_span!("s", component = %a, message = %b, severity = "ALERT", labels = 1, "odd \" \u{1} name" = %c).entered();
                let span = tracing::info_span!(
                    "t", error = &error as &dyn StdError, user_id = %d, field_level = 1, level = 2, service = %e, line = number, fields = 1,
                    "labels.x" = 1, trace = 1, late = tracing::field::Empty, component = 2
                );
                if late {
                    span.record("late", a.as_str());
                    span.record("late", b.as_str());
                    span.record("error", c.as_str());
                }
                let _span = span.enter();
                tracing::info!(
                    error = %f, a = %a, a = %b, severity = %c, target = 1, operation = number, operation = %d, truncated = 1,
                    "error.message" = 1, "logging.googleapis.com/labels" = 1, field_message = %e, "{a}{b}"
                );
                tracing::error!(error = &error as &dyn StdError, file = %a, suppressed = 1);
                drop(outer);
            });
            prop_assert_eq!(lines.len(), 2);
            for line in &lines {
                let line = parse(line);
                let nested = line.0.values().filter_map(Value::as_object).count();
                prop_assert!(nested <= 6);
            }
        }
    }
}

#[test]
fn names_too_long_for_a_line_are_left_out_of_loggers_too_and_none_is_there_twice() {
    let name = |end: &str| -> &'static str { Box::leak((("n\u{1}".repeat(600)) + end).into_boxed_str()) };
    let logger = Logger::empty().with(name("a"), 1).with(name("b"), 2).with("c", 3);
    for format in [Format::Json, Format::Gcp, Format::StreamBus, Format::Ecs, Format::Otel] {
        let line = logged(format, |_| core_log::info!(logger: logger, "m")).remove(0);
        let read = if format == Format::Otel { common::record(&line) } else { parse(&line) };
        assert!(
            line.contains("\"truncated\"") && !line.contains("nn") && line.contains("\"c\""),
            "{format}: {read:?}"
        );
        assert!(!line.contains("n\\u0001"), "{format}: {line}");
    }
}
