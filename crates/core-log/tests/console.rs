//! The line for people.

mod common;

use core_context::{Context, CorrelationId};
use core_errors::Error;
use core_log::{Format, Log, Sink};
use tracing_subscriber::layer::SubscriberExt;

fn line(run: impl FnOnce()) -> String {
    common::logged(Format::Console, |_| run()).remove(0)
}

#[test]
fn a_line_reads_from_time_to_fields() {
    let text = line(|| {
        let span = tracing::info_span!("charge", order = "A-1", amount = 1);
        let _entered = span.enter();
        tracing::warn!(target: "orders", amount = 12, note = "two words", rate = 0.5, "slow \"bank\"");
    });
    let (time, rest) = text.split_at(12);
    assert_eq!((time.len(), &time[2..3], &time[8..9]), (12, ":", "."));
    assert_eq!(rest, r#"  WARN orders: slow "bank" amount=12 note="two words" rate=0.5 order=A-1"#);
}

#[test]
fn the_correlation_id_is_there_to_copy() {
    let id = CorrelationId::generate();
    let context = Context::builder().correlation_id(id.clone()).build();
    let text = line(|| context.sync_scope(|| tracing::info!(target: "t", "m")));
    assert!(text.ends_with(&format!("t: m correlation_id={id}")), "{text}");
}

#[test]
fn an_error_shows_each_cause_on_a_line_of_its_own() {
    let error = Error::network("cannot charge").cause(std::io::Error::other("reset by peer"));
    let text = line(|| tracing::error!(target: "t", error = &error as &dyn std::error::Error, "failed"));
    assert!(
        text.ends_with("t: failed error=cannot charge\n             │ caused by: reset by peer"),
        "{text}"
    );
}

#[test]
fn nothing_that_is_logged_moves_the_cursor() {
    let evil = "\x1b[2J\x07\r\x7f\u{9b}2J\u{85}\u{2028}";
    let context = Context::builder().user(evil).build();
    for format in [Format::Console, Format::Json] {
        let lines = common::logged(format, |_| {
            let _entered = context.enter();
            let span = tracing::info_span!("s", span = evil).entered();
            tracing::info!(target: "t", plain = evil, debug = %evil, "{evil}");
            drop(span);
        });
        let passed = |c: char| c.is_control() || c == '\u{2028}';
        assert!(!lines[0].contains(passed), "{:?}", lines[0]);
    }
}

#[test]
fn what_does_not_fit_is_cut_and_the_line_says_so() {
    let text = line(
        || tracing::info!(target: "t", a = "x y".repeat(20_000), b = ?"z".repeat(20_000), "{:?}", "m".repeat(20_000)),
    );
    assert!(text.len() <= 64 * 1024, "{}", text.len());
    assert!(text.ends_with("… truncated=true"), "{}", &text[text.len() - 100..]);
}

#[test]
fn colour_is_there_when_it_is_asked_for() {
    let (sink, lines) = Sink::memory();
    let log = Log::builder().lookup(|_| None).format(Format::Console).colour(true).sink(sink);
    let (layer, _) = log.layer().expect("it is right");
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || tracing::error!("m"));
    assert!(lines.lines()[0].contains("\x1b[1;31mERROR\x1b[0m"));
}
