//! Which events are written, and who says so.

mod common;

use core_log::{Format, Level, Levels, Log, Sink};
use tracing_subscriber::layer::SubscriberExt;

fn written(levels: &str) -> Vec<String> {
    let levels: Levels = levels.parse().expect("levels");
    let lines = common::json(|handle| {
        handle.set_levels(levels);
        tracing::trace!(target: "orders", "trace");
        tracing::debug!(target: "orders", "debug");
        tracing::info!(target: "orders", "info");
        tracing::warn!(target: "orders", "warn");
        tracing::error!(target: "orders", "error");
        tracing::debug!(target: "hyper::proto", "hyper debug");
        tracing::warn!(target: "hyper::proto", "hyper warn");
    });
    lines.iter().map(|line| line.text("message").to_owned()).collect()
}

#[test]
fn one_level_is_for_all() {
    assert_eq!(written("warn"), ["warn", "error", "hyper warn"]);
    assert_eq!(written("OFF"), [""; 0]);
}

#[test]
fn the_longest_target_decides() {
    assert_eq!(written("error, orders=DEBUG, hyper=off"), ["debug", "info", "warn", "error"]);
    assert_eq!(written("off,hyper=warn,hyper::proto=debug"), ["hyper debug", "hyper warn"]);
}

#[test]
fn all_usual_spellings_are_understood() {
    for (text, same) in [
        ("Warning", "warn"),
        ("CRITICAL", "error"),
        ("fatal", "error"),
        ("Notice", "info"),
        ("err", "error"),
        ("crit", "error"),
        ("Emerg", "error"),
        ("panic", "error"),
        ("NONE", "off"),
    ] {
        assert_eq!(written(text), written(same), "{text}");
        assert!(same == "off" || text.parse::<Level>().is_ok(), "{text}");
    }
    assert!("x=debug,".repeat(10_000).parse::<Levels>().is_err(), "it is bounded");
}

#[test]
fn what_is_not_understood_is_refused_with_what_would_be_right() {
    for text in ["loud", "", " , ", "info,hyper=verbose", "info,=debug", "info,a b=debug"] {
        let error = text.parse::<Levels>().expect_err(text).to_string();
        assert!(error.contains("`info,hyper=warn`"), "{error}");
    }
    let error = "xml".parse::<Format>().expect_err("xml").to_string();
    assert_eq!(
        error,
        "log format \"xml\" is not known: it is `json`, `gcp`, `streambus`, `ecs`, `otel` or `console`"
    );
}

#[test]
fn a_change_while_the_service_runs_holds_at_once() {
    let lines = common::json(|handle| {
        for levels in ["error", "debug", "error"] {
            handle.set_levels(levels.parse().expect("levels"));
            tracing::debug!("seen while debug");
        }
        assert_eq!(handle.levels().as_str(), "error");
    });
    assert_eq!(lines.len(), 1);
}

#[test]
fn the_environment_decides_unless_the_code_does() {
    fn env(key: &str) -> Option<String> {
        let value = match key {
            "GENESIS_LOG_LEVEL" => "debug",
            "GENESIS_LOG_FORMAT" => "json",
            "GENESIS_SERVICE" => "billing",
            "GENESIS_ENV" => "production",
            _ => return None,
        };
        Some(value.to_owned())
    }
    let (sink, lines) = Sink::memory();
    let (layer, handle) = Log::builder().lookup(env).sink(sink).layer().expect("it is right");
    assert_eq!(handle.levels().as_str(), "debug");
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || tracing::debug!("m"));
    let line = common::parse(&lines.lines()[0]);
    assert_eq!([line.text("service"), line.text("environment")], ["billing", "production"]);

    let (_, handle) = Log::builder().lookup(env).levels("warn").layer().expect("it is right");
    assert_eq!(handle.levels().as_str(), "warn");
}

#[test]
fn a_bad_environment_is_an_error_and_not_a_guess() {
    let bad_level = |key: &str| (key == "GENESIS_LOG_LEVEL").then(|| "blue".to_owned());
    assert!(Log::builder().lookup(bad_level).layer().is_err());
    let bad_format = |key: &str| (key == "GENESIS_LOG_FORMAT").then(|| "xml".to_owned());
    assert!(Log::builder().lookup(bad_format).layer().is_err());
}
