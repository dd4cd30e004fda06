//! Loggers with fields of their own, timers, stages, and all levels.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{json, logged, parse};
use core_log::{Format, Logger, StageId};
use core_time::{ManualClock, ms};
use serde_json::json as value;

#[test]
fn every_level_has_a_macro_and_its_name_in_the_line() {
    let lines = json(|_| {
        core_log::debug!(a = 1, "m {}", 2);
        core_log::info!("m");
        core_log::notice!(target: "t", "m");
        core_log::warn!("m");
        core_log::error!("m");
        core_log::critical!(reason = "r", "m");
        core_log::alert!("m");
    });
    let levels: Vec<&str> = lines.iter().map(|line| line.text("level")).collect();
    assert_eq!(levels, ["DEBUG", "INFO", "NOTICE", "WARN", "ERROR", "CRITICAL", "ALERT"]);
    assert_eq!(
        [lines[0].text("message"), lines[2].text("target"), lines[5].text("reason")],
        ["m 2", "t", "r"]
    );
}

#[test]
fn file_and_line_are_the_caller_s_whatever_macro_it_was() {
    let clock = ManualClock::new();
    let log = Logger::component("raft");
    let start = line!();
    let lines = json(|_| {
        core_log::info!("m");
        core_log::critical!(logger: log, "m");
        drop(core_log::timer!(clock: clock.clock(), "t"));
    });
    let at: Vec<u64> =
        lines.iter().map(|line| line.0["line"].as_u64().unwrap_or(0) - u64::from(start)).collect();
    assert_eq!(at, [2, 3, 4, 4], "also where a timer ends");
    assert!(lines.iter().all(|line| line.text("file").ends_with("tests/loggers.rs")));
}

#[test]
fn a_child_has_the_fields_of_its_parent_and_the_event_wins_over_both() {
    let log = Logger::component("raft").with("node", 7).with("region", "eu");
    let child = log.op("append").with("node", 8);
    for format in [Format::Json, Format::Gcp, Format::Ecs, Format::Otel] {
        let lines = logged(format, |_| {
            let _span = tracing::info_span!("s", component = "span", region = "span", zone = "a").entered();
            core_log::info!(logger: log, term = 3, "elected");
            core_log::warn!(logger: child, target: "t", operation = "mine", "slow");
        });
        let parse = |line: &String| if format == Format::Otel { common::record(line) } else { parse(line) };
        let lines: Vec<_> = lines.iter().map(parse).collect();
        let value = |n: i32| if format == Format::Otel { value!(n.to_string()) } else { value!(n) };
        assert_eq!(
            [lines[0].text("component"), lines[0].text("region"), lines[0].text("zone")],
            ["raft", "eu", "a"]
        );
        assert_eq!((&lines[0].0["node"], &lines[0].0["term"]), (&value(7), &value(3)));
        assert_eq!((&lines[1].0["node"], lines[1].text("operation")), (&value(8), "mine"));
        assert!(!lines[0].0.contains_key("operation") && !lines[0].0.contains_key("logger"));
    }
    let streambus = parse(&logged(Format::StreamBus, |_| core_log::info!(logger: child, "m"))[0]);
    assert_eq!([streambus.text("component"), streambus.text("operation")], ["raft", "append"]);
    assert_eq!(streambus.0["fields"]["node"], value!(8));
    let console = &logged(Format::Console, |_| core_log::info!(logger: child, rows = 1, "m"))[0];
    assert!(console.ends_with("m rows=1 component=raft node=8 region=eu operation=append"), "{console}");
}

#[test]
fn a_logger_cannot_take_the_place_of_the_schema_and_is_bounded() {
    let mut log = Logger::empty().with("level", "FAKE").with("message", "not the message");
    for name in (0..100).map(|n| &*Box::leak(format!("f{n}").into_boxed_str())) {
        log = log.with(name, true);
    }
    let line = json(|_| core_log::info!(logger: log, "real")).remove(0);
    assert_eq!(
        [line.text("level"), line.text("message"), line.text("field_message")],
        ["INFO", "real", "not the message"]
    );
    assert!(line.0.contains_key("f61") && !line.0.contains_key("f62"), "64 with the two");
    assert_eq!(line.0["truncated"], value!(true));
}

#[test]
fn a_timer_says_that_it_starts_and_how_long_it_took() {
    let clock = ManualClock::new();
    let lines = json(|_| {
        let timer = core_log::timer!(clock: clock.clock(), "database_query", table = "orders");
        clock.advance(std::time::Duration::from_micros(1_234_567));
        timer.in_scope(|| core_log::info!("inside"));
        drop(timer);
    });
    let said: Vec<(&str, &str)> =
        lines.iter().map(|line| (line.text("level"), line.text("message"))).collect();
    assert_eq!(
        said,
        [("DEBUG", "Starting database_query"), ("INFO", "inside"), ("INFO", "Completed database_query")]
    );
    assert_eq!(lines[2].0["duration_ms"], value!(1234.57));
    assert!(lines.iter().all(|line| line.text("table") == "orders"));
}

#[test]
fn a_timer_that_ends_in_an_error_or_a_panic_failed() {
    let clock = ManualClock::new();
    let lines = json(|_| {
        let result = core_log::timer!(clock: clock.clock(), "a").finish(Err::<(), _>("no"));
        assert_eq!(result, Err("no"));
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _timer = core_log::timer!(clock: clock.clock(), "b");
            panic!("on purpose");
        }));
        assert!(unwound.is_err());
        let mut timer = core_log::timer!(clock: clock.clock(), "c");
        timer.fail();
    });
    let ends: Vec<&str> = lines.iter().skip(1).step_by(2).map(|line| line.text("message")).collect();
    assert_eq!(ends, ["Failed a", "Failed b", "Failed c"]);
    assert!(lines.iter().skip(1).step_by(2).all(|line| line.text("level") == "WARN"));
}

#[test]
fn a_stage_is_one_line_with_its_id_outcome_and_time() {
    let clock = ManualClock::new();
    let lines = json(|_| {
        let stage = core_log::stage!(clock: clock.clock(), "2.1_L1_CACHE_LOOKUP", cache_key = "k");
        clock.advance(ms(7));
        stage.in_scope(|| tracing::info!("hit"));
        assert!(stage.finish(Ok::<_, ()>(1)).is_ok());
    });
    assert_eq!(lines.len(), 2);
    assert_eq!([lines[0].text("stage"), lines[0].text("cache_key")], ["2.1_L1_CACHE_LOOKUP", "k"]);
    assert_eq!(
        [lines[1].text("outcome"), lines[1].text("message")],
        ["ok", "Stage 2.1_L1_CACHE_LOOKUP done"]
    );
    assert_eq!(lines[1].0["duration_ms"], value!(7.0));
}

#[test]
fn f_41_the_ids_of_the_document_are_ids_and_others_are_not() {
    for id in [
        "0.0_INITIALIZATION",
        "1.0_REQUEST_VALIDATION",
        "2.0_CACHE_LOOKUP",
        "2.1_L1_CACHE_LOOKUP",
        "2.2_L2_CACHE_LOOKUP",
        "REDIS.1_CLIENT_INITIALIZATION",
        "REDIS.2_CONNECTION_ESTABLISHMENT",
        "REDIS.GET_OPERATION",
        "ET.1_TRACKER_INITIALIZATION",
        "ET.2_STAGE_TRACKING",
    ] {
        let parsed = StageId::parse(id).map(|id| format!("{}_{}", id.sequence(), id.name()));
        assert_eq!(parsed.as_deref(), Some(id));
    }
    for text in
        ["", "_", "1_", "_NAME", "1.0", "1._NAME", ".1_NAME", "1..2_NAME", "1.0_name", "1 0_NAME", "1.0_NÄME"]
    {
        assert_eq!(StageId::parse(text), None, "{text}");
    }
}

#[test]
fn what_is_disabled_is_not_evaluated() {
    let lines = json(|handle| {
        handle.set_levels("error".parse().unwrap_or_default());
        let log = Logger::component("c");
        core_log::info!(logger: log, never = { panic!("evaluated"); #[expect(unreachable_code, reason = "a value is wanted")] 1 }, "m");
    });
    assert!(lines.is_empty());
}
