//! Only what is named is shown.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::error::Error as StdError;

use common::{Object, parse};
use core_context::{Context, OneLine};
use core_errors::Error;
use core_log::{Action, Format, Kind, Log, LogHandle, Logger, Redaction, Sink, WideEvent};
use tracing_subscriber::layer::SubscriberExt;

const FORMATS: [Format; 6] =
    [Format::Json, Format::Gcp, Format::StreamBus, Format::Ecs, Format::Otel, Format::Console];

fn logged(format: Format, redaction: Redaction, run: impl FnOnce()) -> (Vec<String>, LogHandle) {
    let (sink, lines) = Sink::memory();
    let log = Log::builder().lookup(|_| None).project("p").format(format).sink(sink).redaction(redaction);
    let (layer, handle) = log.layer().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), run);
    (lines.lines(), handle)
}

fn line(redaction: Redaction, run: impl FnOnce()) -> Object {
    parse(&logged(Format::Json, redaction, run).0[0])
}

#[test]
fn all_that_is_not_named_is_hidden_in_events_spans_loggers_and_wide_events_of_every_schema() {
    for format in FORMATS {
        let logger = Logger::component("payments").with("region", "hidden1").with("order", "shown1");
        let wide = WideEvent::new();
        wide.set("rows", "hidden2");
        let error = Error::network("hidden3").cause(std::io::Error::other("hidden4"));
        let (lines, handle) = logged(format, Redaction::new().only(["order", "Amount-Due"]), || {
            let span = tracing::info_span!(
                "s",
                city = "hidden5",
                amount_due = "shown2",
                late = tracing::field::Empty
            );
            span.record("late", "hidden6");
            let _span = span.enter();
            core_log::error!(
                logger: logger, size = 77_777_777, tall = true, name = ?"hidden7", error = &error as &dyn StdError, "said"
            );
            core_log::info!(logger: wide.finish(), "wide");
        });
        let all = lines.join("\n");
        for shown in ["shown1", "shown2", "said", "payments"] {
            assert!(all.contains(shown), "{format}: {shown} in {all}");
        }
        for hidden in ["hidden", "77777777", "tall=true", "tall\":true"] {
            assert!(!all.contains(hidden), "{format}: {hidden} in {all}");
        }
        assert!(handle.redactions(Kind::Key) >= 8);
    }
}

#[test]
fn what_the_schema_and_this_crate_bring_is_shown_as_ever() {
    let context = Context::builder().request("GET", "/").user("u-7").build();
    let lines = logged(Format::Json, Redaction::new().only(["x"]), || {
        context.sync_scope(|| {
            drop(core_log::timer!("charge"));
            drop(core_log::stage!("1.0_ONE"));
            tracing::info!(severity = "NOTICE", x = 1, "m");
        });
    });
    let lines: Vec<Object> = lines.0.iter().map(|line| parse(line)).collect();
    assert!(lines.iter().all(|line| !format!("{line:?}").contains("REDACTED")), "{lines:?}");
    let last = lines.last().unwrap();
    assert_eq!([last.text("level"), last.text("user_id")], ["NOTICE", "u-7"]);
    assert_eq!(last.0["x"], 1);
}

#[test]
fn the_message_of_a_span_or_a_logger_is_a_field() {
    for format in FORMATS {
        let run = || {
            let _span = tracing::info_span!("s", message = "hidden1").entered();
            tracing::info!("said1");
            core_log::info!(logger: Logger::empty().with("message", "hidden2"), "said2");
        };
        let hidden = logged(format, Redaction::new().only(["x"]), run).0.join("\n");
        assert!(hidden.contains("said1") && hidden.contains("said2"), "{format}: {hidden}");
        assert!(!hidden.contains("hidden"), "{format}: {hidden}");
        let named = logged(format, Redaction::new().only(["message"]), run).0.join("\n");
        assert!(named.contains("hidden1") || format == Format::Console, "{format}: {named}");
    }
}

#[test]
fn what_is_hidden_is_treated_as_a_secret_by_name_is() {
    let dropped =
        line(Redaction::new().only(["a"]).on(Kind::Key, Action::Drop), || tracing::info!(a = 1, b = 2, "m"));
    assert!(dropped.0["a"] == 1 && !dropped.0.contains_key("b"));
    let partial = Redaction::new().only(["a"]).on(Kind::Key, Action::Partial);
    let partial = line(partial, || tracing::info!(a = 1, b = "a long text of it", "m"));
    assert_eq!(partial.text("b"), "[REDACTED …f it]");
}

#[test]
fn what_is_shown_is_looked_through_for_secrets_still() {
    let line = line(Redaction::new().only(["note"]), || {
        tracing::info!(note = "to ann@example.com", "call 123-456-7890");
    });
    assert_eq!([line.text("note"), line.text("message")], ["to [EMAIL]", "call [PHONE]"]);
}

#[test]
fn a_secret_that_is_allowed_too_is_shown_and_lists_add_up() {
    let redaction = Redaction::new().only(["a"]).only(["token"]).allow("token");
    let line = line(redaction, || tracing::info!(a = 1, token = 2, password = 3, "m"));
    assert_eq!([&line.0["a"], &line.0["token"]], [1, 2]);
    assert_eq!(line.text("password"), "[REDACTED]");
}

#[test]
fn verifying_tells_which_fields_are_not_named_yet() {
    let (_, handle) =
        logged(Format::Json, Redaction::new().only(["a"]).verify(), || tracing::info!(a = 1, b = 2, "m"));
    assert_eq!(handle.redacted().iter().map(|place| place.key).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_list_that_makes_no_sense_is_refused_and_why_is_said() {
    let refused = |redaction: Redaction| {
        let log = Log::builder().lookup(|_| None).format(Format::Json).redaction(redaction);
        log.layer().map(|_| ()).unwrap_err().to_string()
    };
    let none: [&str; 0] = [];
    let wrong = [
        (Redaction::new().only(none), "names no field"),
        (Redaction::new().only(["a", " _"]), "\" _\" is no name"),
        (Redaction::new().only(["password"]), "`Redaction::allow` too"),
        (Redaction::new().only(["shoe_size"]).key("size"), "`Redaction::key` as well"),
        (Redaction::off().only(["a"]), "nothing is taken out"),
        (Redaction::new().only(["a"]).on(Kind::Key, Action::Keep), "nothing is taken out"),
    ];
    for (redaction, why) in wrong {
        let said = refused(redaction);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn an_operation_whose_id_is_hidden_is_none_and_is_counted_once() {
    let of = |redaction: Redaction| {
        let (lines, handle) = logged(Format::Gcp, redaction, || {
            tracing::info!(execution_id = &OneLine::new("e-1") as &dyn StdError, "m");
        });
        let line = parse(&lines[0]);
        (line.0.contains_key("logging.googleapis.com/operation"), handle.redactions(Kind::Key))
    };
    assert_eq!(of(Redaction::new().only(["execution_id"])), (true, 0));
    assert_eq!(of(Redaction::new().only(["x"])), (false, 1));
    assert_eq!(of(Redaction::new().only(["x"]).on(Kind::Key, Action::Drop)), (false, 1));
}
