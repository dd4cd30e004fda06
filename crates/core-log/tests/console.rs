//! The line for people.

mod common;

use std::error::Error as StdError;
use std::path::Path;

use core_context::{Context, CorrelationId};
use core_errors::{Code, Error};
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
    assert_eq!(rest, r#"  WARN orders:          slow "bank" amount=12 note="two words" rate=0.5 order=A-1"#);
}

#[test]
fn of_the_correlation_id_there_is_as_much_as_one_searches_for() {
    let id = CorrelationId::parse("0af7651916cd43dd8448eb211c80319c").expect("valid");
    let context = Context::builder().correlation_id(id).build();
    let text = line(|| context.sync_scope(|| tracing::info!(target: "t", "m")));
    assert!(text.ends_with(" m #0af76519"), "{text}");
}

/// A day of a service, in some lines.
fn examples() {
    let id = CorrelationId::parse("0af7651916cd43dd8448eb211c80319c").expect("valid");
    let context = Context::builder().correlation_id(id).user("u-7").build();
    let clock = core_time::ManualClock::new();
    core_log::notice!(target: "orders", port = 8080, "listening");
    let entered = context.enter();
    let span = tracing::info_span!(target: "orders", "charge", order = "A-1", waited_ms = 0.25).entered();
    tracing::debug!(target: "orders::pay", card = "4111 1111 1111 1111", token = "x", "asking the bank");
    tracing::warn!(target: "orders::pay::a_rather_long_name", took_ms = 1_234, note = "two words", empty = "", "slow \"bank\"");
    let error = Error::network("payments cannot be reached")
        .with_code(const { Code::new("PAYMENTS_LOST") })
        .cause(std::io::Error::other("reset by peer\n(of a proxy)"));
    tracing::error!(target: "orders", error = &error as &dyn StdError, tries = 3, "not charged");
    let stage = core_log::stage!(clock: clock.clock(), "2.1_L1_CACHE_LOOKUP", key = "k");
    clock.advance(core_time::ms(73_000));
    stage.in_scope(|| tracing::trace!(target: "orders", rows = ?Some([1, 2]), "looking\nagain"));
    drop(stage);
    drop((span, entered));
    core_log::critical!(target: "orders", reason = "drill", "stopped");
    core_log::alert!(target: "orders", disk = "/var", "full");
    tracing::error!(target: "orders", severity = "EMERGENCY", "gone");
    for ms in [
        0.0,
        0.01,
        9.994,
        10.0,
        99.94,
        999.4,
        999.6,
        59_994.0,
        59_996.0,
        119_600.0,
        3_599_499.0,
        3_600_000.0,
        1e12,
        f64::NAN,
    ] {
        tracing::info!(target: "orders", took_ms = ms, "took");
    }
}

#[test]
fn lines_read_as_the_golden_files_show() {
    for colour in [false, true] {
        let (sink, lines) = Sink::memory();
        let log =
            Log::builder().lookup(|_| None).levels("trace").format(Format::Console).colour(colour).sink(sink);
        let (layer, _) = log.layer().expect("it is right");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), examples);
        let time = if colour { 4..16 } else { 0..12 };
        let text: String = lines
            .lines()
            .into_iter()
            .map(|mut line| {
                line.replace_range(time.clone(), "07:10:28.123");
                line + "\n"
            })
            .collect();
        let name = if colour { "console_colour.txt" } else { "console.txt" };
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        if std::env::var_os("GENESIS_GOLDEN").is_some() {
            std::fs::write(&file, &text).expect("it can be written");
        }
        assert_eq!(text, std::fs::read_to_string(&file).expect("it is there"), "{name}");
    }
}

#[test]
fn no_colour_is_there_where_the_user_does_not_want_it() {
    for (env, format) in [("NO_COLOR", Format::Console), ("", Format::Console), ("", Format::Json)] {
        let lookup: fn(&str) -> Option<String> =
            if env.is_empty() { |_| None } else { |name| (name == "NO_COLOR").then(|| "1".to_owned()) };
        let (sink, lines) = Sink::memory();
        let (layer, _) =
            Log::builder().lookup(lookup).format(format).sink(sink).layer().expect("it is right");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), examples);
        assert!(lines.lines().iter().all(|line| !line.contains('\x1b')), "a sink is no terminal");
    }
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
