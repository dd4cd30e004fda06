//! How often something was taken out, and where: by number, by place, and never what.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use common::parse;
use core_context::Context;
use core_log::{Action, Format, Kind, Lines, Log, LogHandle, Logger, Queue, Redacted, Redaction, Sink};
use tracing_subscriber::layer::SubscriberExt;

const FORMATS: [Format; 6] =
    [Format::Json, Format::Gcp, Format::StreamBus, Format::Ecs, Format::Otel, Format::Console];

fn logged(format: Format, redaction: Redaction, run: impl FnOnce(&LogHandle)) -> (Lines, LogHandle) {
    let (sink, lines) = Sink::memory();
    let log = Log::builder().lookup(|_| None).project("p").format(format).sink(sink).redaction(redaction);
    let (layer, handle) = log.layer().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || run(&handle));
    (lines, handle)
}

/// Two e-mails, three names, a card, a secret and a phone, in all the places where they can be.
fn leaks() {
    let log = Logger::component("c").with("client_secret", "hidden");
    let span = tracing::info_span!("s", note = "ann@example.com", password = "hidden");
    span.in_scope(|| {
        core_log::info!(logger: log, token = 7, card = 4_111_111_111_111_111_u64, "call 123-456-7890, password=hidden");
    });
    Context::builder().user("ann@example.com").build().sync_scope(|| tracing::info!(fine = true, "m"));
}

#[test]
fn what_is_taken_out_is_counted_by_kind_also_where_nothing_is_left_of_it() {
    for format in FORMATS {
        for action in [Action::Mask, Action::Drop] {
            let (_, handle) = logged(format, Redaction::new().all(action), |_| leaks());
            let counts = Kind::ALL.map(|kind| (kind.as_str(), handle.redactions(kind)));
            // The form for people shows no user.
            let emails = if format == Format::Console { 1 } else { 2 };
            let want = [("key", 3), ("email", emails), ("phone", 1), ("card", 1), ("secret", 1)];
            assert_eq!(counts, want, "{format} {action:?}");
            assert!(handle.redacted().is_empty(), "nobody asked where");
        }
    }
    let (_, handle) = logged(Format::Json, Redaction::off(), |_| leaks());
    assert!(Kind::ALL.into_iter().all(|kind| handle.redactions(kind) == 0));
}

#[test]
fn two_logs_of_one_redaction_count_for_themselves() {
    let redaction = Redaction::new();
    let (_, one) = logged(Format::Json, redaction.clone(), |_| leaks());
    let (_, other) = logged(Format::Json, redaction, |_| ());
    assert_eq!((one.redactions(Kind::Key), other.redactions(Kind::Key)), (3, 0));
}

#[test]
fn verifying_says_where_once_in_the_log_and_in_a_list_and_never_what() {
    for format in FORMATS {
        let (lines, handle) = logged(format, Redaction::new().verify(), |_| (0..3).for_each(|_| leaks()));
        let found: Vec<(&str, &str)> =
            handle.redacted().iter().map(|place| (place.kind.as_str(), place.key)).collect();
        let mut want = vec![
            ("email", "note"),
            ("key", "password"),
            ("key", "token"),
            ("card", "card"),
            ("phone", "message"),
            ("secret", "message"),
            ("key", "client_secret"),
            ("email", "user_id"),
        ];
        if format == Format::Console {
            want.pop();
        }
        let sorted = |mut list: Vec<(&'static str, &'static str)>| {
            list.sort_unstable();
            list
        };
        assert_eq!(sorted(found), sorted(want.clone()), "{format}");
        let told: Vec<String> =
            lines.lines().into_iter().filter(|line| line.contains("was taken out")).collect();
        assert_eq!(told.len(), want.len(), "{format}: once for each place");
        let all = lines.lines().join("\n") + &format!("{:?}", handle.redacted());
        for secret in ["ann@", "hidden", "4111", "456-7890"] {
            assert!(!all.contains(secret), "{format}: {secret}");
        }
        assert!(told.iter().all(|line| line.contains("tests/verify.rs:")), "{told:?}");
    }
}

#[test]
fn a_place_reads_in_a_line() {
    let (lines, handle) =
        logged(Format::Json, Redaction::new().verify(), |_| tracing::info!(target: "t", pin = 1, "m"));
    let Redacted { line, .. } = handle.redacted()[0];
    assert_eq!(
        handle.redacted()[0].to_string(),
        format!("key in pin at crates/core-log/tests/verify.rs:{line} (t)")
    );
    let told = parse(&lines.lines()[1]);
    assert_eq!(
        [told.text("level"), told.text("kind"), told.text("field"), told.text("of")],
        ["WARN", "key", "pin", "t"]
    );
}

#[test]
fn verifying_holds_for_a_queue_too() {
    let (sink, lines) = Sink::memory();
    let log =
        Log::builder().lookup(|_| None).format(Format::Json).sink(sink).redaction(Redaction::new().verify());
    let (layer, handle) = log.queue(Queue::new()).layer().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), leaks);
    assert!(handle.flush(std::time::Duration::from_secs(30)));
    assert_eq!(lines.lines().iter().filter(|line| line.contains("was taken out")).count(), 8);
}

#[cfg(feature = "serde")]
#[test]
fn a_sensitive_value_is_written_hidden_and_read_as_it_is() {
    use core_log::Sensitive;

    let read: Sensitive<String> = serde_json::from_str("\"hunter2\"").unwrap();
    assert_eq!(read.expose(), "hunter2");
    assert_eq!(serde_json::to_string(&vec![read]).unwrap(), "[\"[REDACTED]\"]");
    assert_eq!(serde_json::to_string(&Sensitive::new(7_u8)).unwrap(), "\"[REDACTED]\"");
}
