//! One line in the log for each execution.

mod support;

use core_context::Context;
use core_errors::{Code, Error};
use core_log::{Format, Log, Sink};
use core_time::{ManualClock, ms};
use core_track::{Builder, CanonicalLine, Outcome, Tracker};
use support::Seen;
use tracing::subscriber::with_default;
use tracing::{Dispatch, Level};
use tracing_subscriber::layer::SubscriberExt;

const DECLINED: Code = Code::new("CARD_DECLINED");

/// A tracker that samples this share, on a clock of its own.
fn tracker(rate: f64, change: impl FnOnce(Builder) -> Builder) -> (Tracker, ManualClock) {
    let clock = ManualClock::new();
    let builder = Tracker::builder().sample_rate(rate).clock(clock.clock());
    (change(builder).build().expect("a tracker"), clock)
}

/// An execution with a stage inside a stage.
fn run(tracker: &Tracker, clock: &ManualClock, id: &str) {
    let execution = tracker.start("checkout", id);
    let load = execution.stage("load");
    clock.advance(ms(5));
    let cache = load.stage("cache");
    clock.advance(ms(7));
    drop(cache);
    drop(load);
    let charge = execution.stage("charge");
    clock.advance(ms(3));
    drop(charge);
    execution.note("tier", "premium");
    execution.finish();
}

#[test]
fn there_is_one_of_each_execution_unless_somebody_says_otherwise() {
    assert_eq!(CanonicalLine::default(), CanonicalLine::All);
    let cases = [
        (None, 0.0, 3),
        (Some(CanonicalLine::All), 0.0, 3),
        (Some(CanonicalLine::All), 1.0, 3),
        (Some(CanonicalLine::Kept), 0.0, 0),
        (Some(CanonicalLine::Kept), 1.0, 3),
        (Some(CanonicalLine::None), 1.0, 0),
    ];
    for (line, rate, lines) in cases {
        let (tracker, clock) =
            tracker(rate, |builder| line.into_iter().fold(builder, Builder::canonical_line));
        let seen = Seen::down_to(Level::INFO);
        with_default(seen.clone(), || ["a", "b", "c"].into_iter().for_each(|id| run(&tracker, &clock, id)));
        let told = seen.take();
        assert_eq!(told.len(), lines, "{line:?} at {rate}: {told:?}");
    }
}

#[test]
fn of_one_that_is_not_kept_it_has_the_outermost_stages_and_of_others_all() {
    let told = |rate| {
        let (tracker, clock) = tracker(rate, |builder| builder);
        let seen = Seen::down_to(Level::INFO);
        with_default(seen.clone(), || run(&tracker, &clock, "order-17"));
        let line = seen.take().remove(0);
        line.split_once(" message").unwrap().1.to_owned()
    };
    let common = "=execution succeeded operation=\"checkout\" execution_id=order-17 outcome=\"succeeded\"";
    let counts = "duration_ms=15.0 stage_count=3 omitted=0 metadata=\"tier=premium\"";
    assert_eq!(told(0.0), format!("{common} {counts} stages=\"1_LOAD=12.00 2_CHARGE=3.00\""));
    let all = "stages=\"1_LOAD=12.00 1.1_CACHE=7.00 2_CHARGE=3.00\"";
    assert_eq!(told(1.0), format!("{common} kept=\"sampled\" {counts} {all}"));
}

#[test]
fn what_failed_is_a_warning_with_the_code_of_its_error_and_the_stages_that_failed() {
    let (tracker, _) = tracker(0.0, |builder| builder);
    let seen = Seen::down_to(Level::WARN);
    with_default(seen.clone(), || {
        let failed = tracker.run("checkout", "order-17", || {
            let outer = core_track::stage("load");
            let _ = outer.judge(Err::<(), _>(Error::timeout("the store is slow")));
            let charge = core_track::stage("charge");
            charge.run(|| Err::<(), _>(Error::validation("the card was declined").with_code(DECLINED)))
        });
        failed.unwrap_err();
        tracker.run("checkout", "well", || Ok::<_, Error>(())).unwrap();
    });
    let lines = seen.take();
    assert_eq!(lines.len(), 1, "what went well is below the level: {lines:?}");
    for part in [
        "WARN of=",
        "outcome=\"failed\" kept=\"failed\"",
        "failed_stages=\"1_LOAD:timeout 2_CHARGE:CARD_DECLINED\"",
        "error=\"the card was declined\" error_type=\"core_errors::error::Error\"",
        "error_category=\"validation\" error_code=\"CARD_DECLINED\"",
        "!\"",
    ] {
        assert!(lines[0].contains(part), "{part} is missing: {}", lines[0]);
    }
}

#[test]
fn a_stage_that_failed_makes_it_a_warning_also_where_the_execution_went_on() {
    let (tracker, _) = tracker(0.0, |builder| builder);
    let seen = Seen::down_to(Level::WARN);
    with_default(seen.clone(), || {
        let execution = tracker.start("checkout", "order-17");
        execution.stage("cache").fail_text("it is down");
        execution.finish();
    });
    let line = seen.take().remove(0);
    assert!(line.contains("outcome=\"succeeded\"") && line.contains("failed_stages=\"1_CACHE\""), "{line}");
}

#[test]
fn marks_tell_what_failed_what_was_cancelled_and_what_still_runs() {
    for rate in [0.0, 1.0] {
        let (tracker, _) = tracker(rate, |builder| builder);
        let seen = Seen::down_to(Level::INFO);
        with_default(seen.clone(), || {
            let execution = tracker.start("op", "any");
            drop(execution.stage("call").call(std::future::pending::<Result<(), Error>>()));
            std::mem::forget(execution.stage("leaked"));
            execution.finish();
        });
        let line = seen.take().remove(0);
        assert!(line.contains("stages=\"1_CALL=0.00~ 2_LEAKED=0.00…\""), "{line}");
    }
}

#[test]
fn one_that_was_cancelled_says_so_and_is_no_warning() {
    let (tracker, _) = tracker(0.0, |builder| builder);
    let seen = Seen::down_to(Level::INFO);
    with_default(seen.clone(), || {
        drop(tracker.start("op", "dropped"));
        tracker.start("op", "given up").fail(&Error::cancelled("the client went away"));
    });
    let lines = seen.take();
    assert!(lines.iter().all(|line| line.starts_with("INFO") && line.contains("outcome=\"cancelled\"")));
    assert!(
        lines[1].contains("error=\"the client went away\"")
            && lines[1].contains("error_category=\"cancelled\"")
    );
    assert_eq!(tracker.stats()[0].total.cancelled, 2);
    assert_eq!((tracker.kept_total(), Outcome::Cancelled.as_str()), (0, "cancelled"));
}

#[test]
fn it_is_written_in_the_context_in_which_the_execution_started() {
    for rate in [0.0, 1.0] {
        let (tracker, _) = tracker(rate, |builder| builder);
        let seen = Seen::down_to(Level::INFO);
        let context = Context::new();
        let execution = context.sync_scope(|| tracker.start("op", "elsewhere"));
        with_default(seen.clone(), || Context::new().sync_scope(|| execution.finish()));
        let line = seen.take().remove(0);
        assert!(line.starts_with(&format!("INFO of={} ", context.correlation_id())), "{line}");
    }
}

#[test]
fn it_has_a_bound() {
    for rate in [0.0, 1.0] {
        let (tracker, _) = tracker(rate, |builder| builder);
        let seen = Seen::down_to(Level::INFO);
        with_default(seen.clone(), || {
            let execution = tracker.start("op", "any");
            (0..300).for_each(|_| drop(execution.stage("of a name that is rather long")));
            execution.finish();
        });
        let line = seen.take().remove(0);
        assert!(line.len() < 2500 && line.ends_with(" …\""), "{}: {line}", line.len());
        assert!(line.contains("stage_count=256 omitted=44"), "{line}");
    }
}

/// Panics where it is asked to.
struct Panics {
    if_enabled: bool,
}

impl tracing::Subscriber for Panics {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        assert!(!self.if_enabled, "a subscriber of somebody");
        true
    }

    fn event(&self, _: &tracing::Event<'_>) {
        panic!("a subscriber of somebody");
    }

    fn register_callsite(&self, _: &'static tracing::Metadata<'static>) -> tracing::subscriber::Interest {
        tracing::subscriber::Interest::sometimes()
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn a_log_that_panics_costs_nothing_but_the_line_also_while_a_panic_unwinds() {
    for (if_enabled, rate) in [(true, 0.0), (false, 0.0), (true, 1.0), (false, 1.0)] {
        let (tracker, _) = tracker(rate, |builder| builder);
        let ended = std::panic::AssertUnwindSafe(|| {
            with_default(Panics { if_enabled }, || {
                tracker.start("op", "any").finish();
                let _execution = tracker.start("op", "panics");
                panic!("in the execution");
            });
        });
        assert!(std::panic::catch_unwind(ended).is_err());
        let total = &tracker.stats()[0].total;
        assert_eq!((tracker.sink_panics(), total.count, tracker.in_progress()), (2, 2, 0));
    }
}

#[test]
fn an_id_that_is_not_fit_for_a_log_makes_no_line_of_its_own() {
    let (tracker, _) = tracker(0.0, |builder| builder);
    let seen = Seen::down_to(Level::INFO);
    with_default(seen.clone(), || tracker.start("op", "a\nINFO of=somebody else \u{1b}[31m").finish());
    let line = seen.take().remove(0);
    assert!(line.contains(r"execution_id=a\nINFO of=somebody else \u{1b}[31m"), "{line}");
}

#[test]
fn whatever_fails_and_is_noted_the_line_has_a_bound() {
    let (tracker, _) = tracker(0.0, |builder| builder);
    let seen = Seen::down_to(Level::INFO);
    let keys: Vec<&'static str> = (0..64).map(|n| &*format!("key-{n}").leak()).collect();
    for fails in [true, false] {
        with_default(seen.clone(), || {
            let execution = tracker.start("op", &"i".repeat(1000));
            for key in &keys {
                execution.note(key, &"v".repeat(1000));
            }
            for _ in 0..256 {
                let mut stage = execution.stage("of a name that is rather long");
                if fails {
                    stage.fail(&Error::validation("the card was declined").with_code(DECLINED));
                }
            }
            execution.fail_text(&"m".repeat(1000));
        });
        let line = seen.take().remove(0);
        assert!(line.len() < 8 * 1024, "{}", line.len());
        let ends = if fails { 3 } else { 2 };
        assert_eq!(line.matches(" …\"").count(), ends, "what was cut says so: {line}");
    }
}

#[test]
fn what_is_noted_cannot_be_taken_for_another_note() {
    for rate in [0.0, 1.0] {
        let (tracker, _) = tracker(rate, |builder| builder);
        let seen = Seen::down_to(Level::INFO);
        with_default(seen.clone(), || {
            let execution = tracker.start("op", "any");
            execution.note("user", "mallory role=admin");
            execution.note("quoted", "\"");
            execution.note("empty", "");
            execution.note("plain", "a-b/c:1.5");
            execution.finish();
        });
        let line = seen.take().remove(0);
        // As `Seen` shows a text, which is quoted once more.
        let expected = format!("{:?}", r#"empty="" plain=a-b/c:1.5 quoted="\"" user="mallory role=admin""#);
        assert!(line.contains(&format!("metadata={expected}")), "{line}");
    }
}

#[test]
fn secrets_in_it_are_taken_out_by_the_log() {
    let (sink, lines) = Sink::memory();
    let log = Log::builder().lookup(|_| None).format(Format::Json).sink(sink);
    let (layer, _) = log.layer().unwrap();
    let log = Dispatch::new(tracing_subscriber::registry().with(layer));
    let jwt = format!(
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{}",
        "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6Ik".repeat(20)
    );
    for rate in [0.0, 1.0] {
        let (tracker, _) = tracker(rate, |builder| builder);
        tracing::dispatcher::with_default(&log, || {
            let execution = tracker.start("op", "of ada@example.org");
            execution.note("password", "correct horse battery staple");
            execution.note("api_key", "0123456789");
            execution.note(
                "begins",
                &format!("-----BEGIN RSA PRIVATE KEY-----\n{}", "MIIEpAIBAAKCAQEA7bq".repeat(90)),
            );
            execution.note("claims", &format!("{jwt}.c2lnbmVkYnlub2JvZHk"));
            execution.stage("stage").fail_text("password=hunter2");
            execution.fail_text(&format!("password=hunter2 {}", "x".repeat(1000)));
        });
    }
    let lines = lines.lines();
    assert_eq!(lines.len(), 2);
    for secret in ["hunter2", "correct", "horse", "staple", "0123456789", "ada@", "MIIEpAIBAAKC", "eyJzdWIi"]
    {
        assert!(!lines.iter().any(|line| line.contains(secret)), "{secret}: {lines:?}");
    }
}
