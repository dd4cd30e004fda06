//! What is written while the service runs: for a while, for one request, by sampling, over HTTP; and one line for all of it.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::time::Duration;

use common::{Object, parse};
use core_context::Context;
use core_log::{Format, Level, Lines, Log, LogHandle, RequestLevel, Sampling, Sink, WideEvent, info};
use core_time::{ManualClock, secs};
use serde_json::{Value, json};
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;

fn log(clock: &ManualClock, sampling: Option<Sampling>) -> (Dispatch, LogHandle, Lines) {
    let (sink, lines) = Sink::memory();
    let mut log =
        Log::builder().lookup(|_| None).levels("info").format(Format::Json).sink(sink).clock(clock.clock());
    if let Some(sampling) = sampling {
        log = log.sampling(sampling);
    }
    let (layer, handle) = log.layer().unwrap();
    (Dispatch::new(tracing_subscriber::registry().with(layer)), handle, lines)
}

fn messages(lines: &Lines) -> Vec<String> {
    lines.lines().iter().map(|line| parse(line).text("message").to_owned()).collect()
}

#[test]
fn levels_for_a_while_end_by_themselves_and_what_was_there_holds_again() {
    let clock = ManualClock::new();
    let (dispatch, handle, lines) = log(&clock, None);
    tracing::dispatcher::with_default(&dispatch, || {
        let say = |when: &str| {
            tracing::debug!(target: "orders::pay", "pay {when}");
            tracing::debug!(target: "hyper", "hyper {when}");
        };
        say("before");
        handle.set_levels_for("orders=debug".parse().unwrap(), secs(600)).unwrap();
        clock.advance(Duration::from_millis(599_999));
        say("while");
        clock.advance(Duration::from_millis(1));
        say("after");
        assert!(handle.overrides().is_empty());
    });
    assert_eq!(messages(&lines), ["pay while"]);
    assert_eq!(handle.levels().as_str(), "info");
}

#[test]
fn a_change_of_the_levels_meanwhile_stays_and_overrides_are_bounded() {
    let clock = ManualClock::new();
    let (dispatch, handle, lines) = log(&clock, None);
    tracing::dispatcher::with_default(&dispatch, || {
        handle.set_levels_for("debug".parse().unwrap(), secs(10)).unwrap();
        handle.set_levels("warn".parse().unwrap());
        tracing::debug!("debug for a while");
        clock.advance(secs(10));
        tracing::info!("no more");
        tracing::warn!("still");
    });
    assert_eq!(messages(&lines), ["debug for a while", "still"]);
    for n in 0..16 {
        handle.set_levels_for(format!("t{n}=debug").parse().unwrap(), secs(60)).unwrap();
    }
    assert!(
        handle.set_levels_for("t16=debug".parse().unwrap(), secs(60)).unwrap_err().to_string().contains("16")
    );
    handle.set_levels_for("t3=debug".parse().unwrap(), secs(60)).unwrap();
    handle.revert();
    assert!(handle.overrides().is_empty());
    assert!(handle.set_levels_for("debug".parse().unwrap(), Duration::ZERO).is_err());
}

#[test]
fn the_handler_says_sets_and_ends() {
    let clock = ManualClock::new();
    let (_dispatch, handle, _) = log(&clock, None);
    let ask = |method: &str, body: &str| {
        let (status, body) = handle.handle(method, body);
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    assert_eq!(ask("GET", ""), (200, json!({"levels": "info", "overrides": [], "lost": 0})));
    assert_eq!(
        ask("PUT", "orders=debug for 10m\n"),
        (
            200,
            json!({"levels": "info", "overrides": [{"levels": "orders=debug", "seconds_left": 600}], "lost": 0})
        )
    );
    assert_eq!(ask("PUT", "warn,hyper=off").1["levels"], "warn,hyper=off");
    assert_eq!(ask("DELETE", "").1["overrides"], json!([]));
    for (method, body, status) in [
        ("PUT", "\"loud\"", 400),
        ("PUT", "debug for ever", 400),
        ("PUT", "debug for 999999h", 400),
        ("PUT", "", 400),
        ("POST", "debug", 405),
    ] {
        let (said, body) = ask(method, body);
        assert!(said == status && body["error"].is_string(), "{said} {body}");
    }
}

#[test]
fn one_request_is_logged_in_detail_and_no_other() {
    let clock = ManualClock::new();
    let (dispatch, _, lines) = log(&clock, None);
    tracing::dispatcher::with_default(&dispatch, || {
        let say = |who: &str| {
            tracing::debug!("debug of {who}");
            tracing::trace!("trace of {who}");
        };
        say("nobody");
        let asked = Context::builder().extension(RequestLevel::new(Level::Debug)).build();
        asked.sync_scope(|| say("the request"));
        Context::new().sync_scope(|| say("another"));
        drop(asked);
        say("nobody");
    });
    assert_eq!(messages(&lines), ["debug of the request"]);
}

#[test]
fn a_storm_is_sampled_by_place_and_says_what_was_left_out() {
    let clock = ManualClock::new();
    let (dispatch, _, lines) = log(&clock, Some(Sampling { first: 3, then_every: 10 }));
    tracing::dispatcher::with_default(&dispatch, || {
        for second in 0..2 {
            for n in 0..30 {
                tracing::info!(second, n, "storm");
                tracing::error!("always");
                tracing::info!(severity = "CRITICAL", "always");
            }
            clock.advance(secs(1));
        }
        tracing::info!("calm");
    });
    let lines: Vec<Object> = lines.lines().iter().map(|line| parse(line)).collect();
    let storm: Vec<(u64, u64, Option<u64>)> = lines
        .iter()
        .filter(|line| line.text("message") == "storm")
        .map(|line| {
            (
                line.0["second"].as_u64().unwrap(),
                line.0["n"].as_u64().unwrap(),
                line.0.get("suppressed").and_then(Value::as_u64),
            )
        })
        .collect();
    let first = [(0, 0, None), (0, 1, None), (0, 2, None), (0, 12, Some(9)), (0, 22, Some(9))];
    let second = [(1, 0, Some(7)), (1, 1, None), (1, 2, None), (1, 12, Some(9)), (1, 22, Some(9))];
    assert_eq!(storm, [first, second].concat());
    assert_eq!(lines.iter().filter(|line| line.text("message") == "always").count(), 120);
    assert_eq!(lines.last().map(|line| line.text("message")), Some("calm"));
    assert!(Log::builder().sampling(Sampling { first: 0, then_every: 1 }).layer().is_err());
}

#[test]
fn a_wide_event_is_one_line_with_all_that_was_added_and_the_last_value_of_each() {
    let clock = ManualClock::new();
    let (dispatch, _, lines) = log(&clock, None);
    tracing::dispatcher::with_default(&dispatch, || {
        let wide = WideEvent::new();
        let context = Context::builder().extension(wide.clone()).build();
        context.sync_scope(|| {
            assert!(WideEvent::add("rows", 1));
            std::thread::scope(|scope| {
                scope.spawn(|| context.sync_scope(|| WideEvent::add("cache", "hit")));
            });
            WideEvent::add("rows", 12);
            WideEvent::add("status", 500);
        });
        assert!(!WideEvent::add("nobody", true));
        info!(logger: wide.finish(), status = 200, "request");
    });
    let line = parse(&lines.lines()[0]);
    assert_eq!(
        [&line.0["rows"], &line.0["cache"], &line.0["status"]],
        [&json!(12), &json!("hit"), &json!(200)]
    );
}
